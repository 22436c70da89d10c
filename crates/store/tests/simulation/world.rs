//! Clients, a desk on a store that may fail, and a model beside it.

mod restart; // the process ends, as it should or not, and is started again

use std::sync::Arc;

use detente_core::Key;
use detente_store::{Desk, Order, Reader, Reply, Store, StoreError};

use crate::answer::Answer;
use crate::client::{Board, Client, LookUp, Surroundings};
use crate::clock::Clock;
use crate::collection::{forgetful_key, keys};
use crate::dice::Dice;
use crate::entries::{Entries, Expected};
use crate::fault::{Fault, Faults, Trouble};
use crate::follower::Follower;
use crate::ground::Ground;
use crate::laws::Laws;
use crate::model::{Model, same};
use crate::tally::Tally;
use crate::trace::{Trace, describe, describe_answer};

/// One run in so many is about one document alone, and so much longer: its history grows until the
/// oldest of it may go.
const NARROW: u64 = 16;
const NARROW_LENGTH: usize = 8;

type Replies = Vec<Result<Reply, StoreError>>;

pub(crate) struct World<G: Ground> {
    ground: G,
    /// `None`: the process is down.
    desk: Option<Desk<G::Store>>,
    clients: Vec<Client>,
    board: Board,
    /// The documents that this run is about.
    keys: &'static [Key],
    followers: Vec<Follower>,
    model: Model,
    laws: Laws,
    entries: Entries,
    dice: Dice,
    clock: Clock,
    faults: Arc<Faults>,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
}

impl<G: Ground> World<G> {
    pub(crate) fn new(
        mut ground: G,
        (clock, faults): (Clock, Arc<Faults>),
        seed: u64,
        is_traced: bool,
    ) -> Self {
        let mut dice = Dice::new(seed);
        let keys = match dice.one_in(NARROW) {
            true => forgetful_key(&mut dice),
            false => keys(),
        };
        Self {
            desk: Some(Desk::new(ground.open())),
            ground,
            clients: ["ann", "bob", "eve", "joe"].map(Client::new).into(),
            board: Board::default(),
            keys,
            followers: Follower::all(&keys[0]),
            model: Model::default(),
            laws: Laws::default(),
            entries: Entries::default(),
            dice,
            clock,
            faults,
            tally: Tally::default(),
            trace: Trace::new(is_traced),
        }
    }

    /// Lets clients ask until so many orders were answered, or were not.
    ///
    /// # Errors
    ///
    /// What went otherwise than it must.
    pub(crate) fn run(&mut self, orders: usize) -> Result<(), String> {
        let mut asked = 0;
        let orders = match self.keys.len() {
            1 => orders * NARROW_LENGTH,
            _ => orders,
        };
        while asked < orders {
            asked += self.turn()?;
            if self.dice.one_in(40) {
                self.stop()?;
            }
        }
        self.stop()?;
        let reader = self.desk().store().reader();
        if reader.pruned().is_ok_and(|count| count > 0) {
            self.tally.count("history is cut");
        }
        Ok(())
    }

    fn desk(&mut self) -> &mut Desk<G::Store> {
        self.desk.as_mut().expect("the process is up between turns")
    }

    /// One batch, from what clients ask to what they learn.
    fn turn(&mut self) -> Result<usize, String> {
        self.clock.pass_by_chance(&mut self.dice);
        let (askers, orders) = self.orders();
        self.check_look_ups()?;
        let fault = Fault::draw(&mut self.dice).filter(|_| self.ground.has_faults());
        self.faults.arm(fault);
        let now = self.clock.now();
        self.trace
            .note(|| format!("{now}, {} orders", orders.len()));
        let result = self.desk().serve(&orders, now);
        let struck = self.faults.disarm();
        if let Some(fault) = &struck {
            self.tally.count(fault.name());
            self.trace.note(|| format!("  {fault:?}"));
        }
        for order in &orders {
            self.tally.count_order(order);
            if let Order::Log(conflict) = order {
                self.entries.hand_over(conflict);
            }
        }
        self.model.begin(&orders, now);
        let is_down =
            |reply: &Result<Reply, StoreError>| matches!(reply, Err(StoreError::Unknown(_)));
        let mut expected = Expected::Waiting;
        match result {
            Ok(replies) if !replies.iter().any(is_down) => {
                let mut answered = orders.iter().zip(&replies);
                if answered.any(|it| matches!(it, (Order::Flush, Ok(_)))) {
                    expected = Expected::All;
                }
                self.answer(&askers, &orders, &replies, struck)?;
            }
            Ok(_) | Err(StoreError::Unknown(_)) => {
                self.crash(&orders)?;
                self.learn_nothing(&askers, &orders);
            }
            Err(error) => {
                self.trace.note(|| format!("  all fail: {error}"));
                self.must_be_planned(&error, struck)?;
                self.learn_nothing(&askers, &orders);
            }
        }
        self.check(&orders, expected)?;
        Ok(orders.len())
    }

    /// Whoever looks for the version that an edit began from finds it, unless it is gone.
    fn check_look_ups(&mut self) -> Result<(), String> {
        for LookUp { seq, found } in self.board.looked_up.drain(..) {
            let is_gone = self.model.let_go(seq);
            same(
                "a base",
                &found.map(|it| it.seq),
                &Some(seq).filter(|_| !is_gone),
            )?;
            self.tally.count(match is_gone {
                true => "base gone",
                false => "base found",
            });
        }
        Ok(())
    }

    /// What is asked next, and by whom.
    fn orders(&mut self) -> (Vec<usize>, Vec<Order>) {
        let size = self.dice.weigh(&[(30, 1), (40, 4), (20, 8), (3, 24)]);
        let reader = self.desk().store().reader();
        let mut around = Surroundings {
            dice: &mut self.dice,
            reader,
            now: self.clock.now(),
            board: &mut self.board,
            keys: self.keys,
        };
        let count = 1 + around.dice.index(size);
        let ask = |_| {
            let asker = around.dice.index(self.clients.len());
            (asker, self.clients[asker].ask(&mut around))
        };
        (0..count).map(ask).unzip()
    }

    /// Holds replies against the model, and hands them out unless the process ends before.
    fn answer(
        &mut self,
        askers: &[usize],
        orders: &[Order],
        replies: &Replies,
        struck: Option<Fault>,
    ) -> Result<(), String> {
        for (order, reply) in orders.iter().zip(replies) {
            self.trace.note(|| format!("  {}", describe(order)));
            match reply {
                Ok(reply) => {
                    let answer = Answer::from(reply);
                    self.trace
                        .note(|| format!("    {}", describe_answer(&answer)));
                    self.tally.count_answer(order, &answer);
                    let expected = self.model.perform(order);
                    same("an answer", &answer, &expected)?;
                    self.laws.heed(order, &answer, self.model.now)?;
                }
                Err(error) => {
                    self.trace.note(|| format!("    fails: {error}"));
                    self.must_be_planned(error, struck)?;
                }
            }
        }
        if self.dice.one_in(40) {
            self.tally.count("answers are lost");
            self.trace.note(|| "  the answers are lost".into());
            self.learn_nothing(askers, orders);
            return self.restart(Expected::Some);
        }
        for ((asker, order), reply) in askers.iter().zip(orders).zip(replies) {
            self.learn(*asker, order, reply.as_ref().ok());
        }
        Ok(())
    }

    fn learn(&mut self, asker: usize, order: &Order, reply: Option<&Reply>) {
        let reader = match &self.desk {
            Some(desk) => desk.store().reader(),
            None => return,
        };
        let mut around = Surroundings {
            dice: &mut self.dice,
            reader,
            now: self.clock.now(),
            board: &mut self.board,
            keys: self.keys,
        };
        self.clients[asker].learn(&mut around, order, reply);
    }

    fn learn_nothing(&mut self, askers: &[usize], orders: &[Order]) {
        for (asker, order) in askers.iter().zip(orders) {
            self.learn(*asker, order, None);
        }
    }

    /// A failure must be one that was planned, and nothing was done for it.
    fn must_be_planned(&self, error: &StoreError, struck: Option<Fault>) -> Result<(), String> {
        let is_planned = match struck.map(|fault| fault.what) {
            Some(Trouble::Full) => matches!(error, StoreError::Full),
            Some(Trouble::Fails) => matches!(error, StoreError::Failed(_)),
            _ => false,
        };
        match is_planned {
            true => Ok(()),
            false => Err(format!("failed for no reason: {error}")),
        }
    }

    /// Compares what this turn changed.
    fn check(&mut self, orders: &[Order], expected: Expected) -> Result<(), String> {
        let desk = self.desk.as_ref().expect("it was started again");
        self.model.compare(desk.store())?;
        let reader = desk.store().reader();
        let follower = self.dice.index(2 * self.followers.len());
        if let Some(follower) = self.followers.get_mut(follower) {
            follower.follow(&reader, &self.model, &mut self.dice)?;
        }
        let touches_log = |order: &Order| match order {
            Order::Log(_) | Order::Flush => true,
            Order::Write(asked) => asked.settles.is_some(),
            Order::Lock(_) => false,
        };
        if !orders.iter().any(touches_log) {
            return Ok(());
        }
        let (reader, waiting) = (desk.store().reader(), desk.load().waiting_conflicts());
        self.entries
            .compare(&reader, &mut self.model, expected, waiting)
    }
}
