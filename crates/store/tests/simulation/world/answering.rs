use detente_core::Moment;
use detente_store::memory::Mishap;
use detente_store::{Order, Replies, Reply, Store, StoreError};

use super::World;
use super::seat::Turn;
use crate::answer::Answer;
use crate::client::Surroundings;
use crate::entries::Expected;
use crate::fault::{Fault, Trouble};
use crate::ground::Ground;
use crate::model::same;
use crate::trace::{describe, describe_answer};

impl<G: Ground> World<G> {
    /// Holds replies against the model, and hands them out unless the process ends before.
    pub(super) fn answer(
        &mut self,
        turn: Turn,
        now: Moment,
        replies: &Replies,
        struck: Option<Fault>,
    ) -> Result<(), String> {
        let reader = self.seats[turn.seat].reader();
        self.model.begin(now, turn.seat, &reader);
        for (order, reply) in turn.orders.iter().zip(replies) {
            self.trace.note(|| format!("  {}", describe(order)));
            match reply {
                Ok(reply) => {
                    let answer = self.note_answer(order, reply);
                    let expected = self.model.perform(order);
                    same("an answer", &answer, &expected)?;
                    self.laws.heed(order, &answer, now)?;
                }
                Err(error) => {
                    self.trace.note(|| format!("    fails: {error}"));
                    self.must_be_planned(error, struck)?;
                }
            }
        }
        self.hand_out(turn, replies)
    }

    /// Holds replies against what was to be answered when the commit was written.
    pub(super) fn hear(
        &mut self,
        turn: Turn,
        replies: &Replies,
        written: &[Answer],
    ) -> Result<(), String> {
        for ((order, reply), expected) in turn.orders.iter().zip(replies).zip(written) {
            if let Ok(reply) = reply {
                let answer = self.note_answer(order, reply);
                same("an answer", &answer, expected)?;
            }
        }
        self.hand_out(turn, replies)
    }

    fn note_answer(&mut self, order: &Order, reply: &Reply) -> Answer {
        let answer = Answer::from(reply);
        self.trace
            .note(|| format!("    {}", describe_answer(&answer)));
        self.tally.count_answer(order, &answer);
        answer
    }

    fn hand_out(&mut self, turn: Turn, replies: &Replies) -> Result<(), String> {
        if self.dice.one_in(40) {
            self.tally.count("answers are lost");
            self.trace.note(|| "  the answers are lost".into());
            self.learn_nothing(&turn);
            return self.restart(turn.seat, Expected::Some);
        }
        for ((asker, order), reply) in turn.askers.iter().zip(&turn.orders).zip(replies) {
            self.learn(turn.seat, *asker, order, reply.as_ref().ok());
        }
        let mut answered = turn.orders.iter().zip(replies);
        let is_flushed = answered.any(|it| matches!(it, (Order::Flush, Ok(_))));
        let expected = match is_flushed {
            true => Expected::All,
            false => Expected::Waiting,
        };
        self.check(turn.seat, &turn.orders, expected)
    }

    /// Nothing was done for any order, as it must be planned.
    pub(super) fn fail(
        &mut self,
        turn: &Turn,
        error: &StoreError,
        struck: Option<Fault>,
    ) -> Result<(), String> {
        self.trace.note(|| format!("  all fail: {error}"));
        self.must_be_planned(error, struck)?;
        self.learn_nothing(turn);
        self.check(turn.seat, &turn.orders, Expected::Waiting)
    }

    fn learn(&mut self, seat: usize, asker: usize, order: &Order, reply: Option<&Reply>) {
        let Some(clerk) = &self.seats[seat].clerk else {
            return;
        };
        let mut around = Surroundings {
            dice: &mut self.dice,
            reader: clerk.store().reader(),
            now: self.clock.now(),
            board: &mut self.board,
            keys: self.keys,
        };
        self.clients[asker].learn(&mut around, order, reply);
    }

    pub(super) fn learn_nothing(&mut self, turn: &Turn) {
        for (asker, order) in turn.askers.iter().zip(&turn.orders) {
            self.learn(turn.seat, *asker, order, None);
        }
    }

    /// A failure must be one that was planned, and nothing was done for it.
    fn must_be_planned(&self, error: &StoreError, struck: Option<Fault>) -> Result<(), String> {
        let is_planned = match struck.map(|fault| fault.what) {
            Some(Trouble::Goes(Mishap::Full)) => matches!(error, StoreError::Full),
            Some(Trouble::Goes(Mishap::Away)) => matches!(error, StoreError::Away),
            Some(Trouble::Goes(Mishap::Fails)) => matches!(error, StoreError::Failed(_)),
            // Its log found no room before, and the orders were decided once more.
            _ => matches!(error, StoreError::Full) && self.ground.has_faults(),
        };
        match is_planned {
            true => Ok(()),
            false => Err(format!("failed for no reason: {error}")),
        }
    }
}
