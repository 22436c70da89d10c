use detente_core::Moment;
use detente_store::memory::{Mishap, Step};
use detente_store::{BatchToken, Clerk, Store, Time};

use super::World;
use super::seat::Turn;
use crate::entries::Expected;
use crate::fault::{Fault, Trouble};
use crate::ground::Ground;
use crate::trace::{describe, describe_answer};

impl<G: Ground> World<G> {
    /// The process ended before anybody was answered: all of the batch is there, or nothing. `commit`
    /// is its commit, and the time of that, if it got that far.
    pub(super) fn crash(
        &mut self,
        turn: Turn,
        commit: Option<(Moment, BatchToken)>,
    ) -> Result<(), String> {
        self.open(turn.seat);
        for order in &turn.orders {
            self.trace.note(|| format!("  {}", describe(order)));
        }
        match commit.filter(|(_, batch)| self.ground.has(*batch)) {
            Some((now, _)) => self.perform_unheard(&turn, now)?,
            None => {
                self.trace.note(|| "  nothing of it is there".into());
                self.tally.count("nothing is there after a crash");
            }
        }
        self.check_all(turn.seat, Expected::Some)
            .map_err(|fault| format!("after a crash: {fault}"))?;
        self.learn_nothing(&turn);
        Ok(())
    }

    /// Performs orders whose commit was written when the process ended.
    fn perform_unheard(&mut self, turn: &Turn, now: Moment) -> Result<(), String> {
        self.trace.note(|| "  all of it is there".into());
        self.tally.count("all is there after a crash");
        self.passed(!self.is_alone(), now);
        let reader = self.seats[turn.seat].reader();
        self.model.begin(now, turn.seat, &reader);
        for order in &turn.orders {
            let answer = self.model.perform(order);
            self.trace
                .note(|| format!("    unanswered: {}", describe_answer(&answer)));
            self.laws.heed(order, &answer, now)?;
        }
        Ok(())
    }

    /// Ends a process as it should end, or nearly, and starts it again.
    pub(super) fn stop(&mut self, seat: usize) -> Result<(), String> {
        if let Some(open) = self.seats[seat].open.take() {
            self.trace.note(|| format!("writer {seat} never hears"));
            self.tally.count("never heard of");
            self.learn_nothing(&open.turn);
            if open.written.is_none() {
                self.orphans.push(open);
            }
            return self.restart(seat, Expected::Some);
        }
        let at = *self.dice.pick(&[Step::Close, Step::Record, Step::Mark]);
        let mishaps = [Mishap::Fails, Mishap::Full, Mishap::Down];
        let what = Trouble::Goes(*self.dice.pick(&mishaps));
        let fault = self.dice.one_in(3).then_some(Fault { at, skips: 0, what });
        let faults = &self.seats[seat].faults;
        faults.arm(fault.filter(|_| self.ground.has_faults()));
        let closed = self.seats[seat].clerk.take().map(Clerk::close);
        self.trace
            .note(|| format!("writer {seat} stops: {closed:?}"));
        self.disarm(seat);
        match closed {
            Some(Ok(())) => {
                self.tally.count("clean stop");
                self.restart(seat, Expected::All)
            }
            _ => self.restart(seat, Expected::Some),
        }
    }

    pub(super) fn open(&mut self, seat: usize) {
        self.set_the_clock_back();
        let Self { seats, ground, .. } = self;
        let seat = &mut seats[seat];
        // First: a process that is gone holds nothing.
        seat.clerk = None;
        seat.faults.restart();
        seat.now = Moment(0);
        let mut store = ground.open(&seat.faults, seat.is_far);
        // What it wrote when it ended has its time as well.
        if let Ok(standing) = store.begin(&[], Time::default()) {
            self.floor = self.floor.max(standing.time.now);
        }
        seat.clerk = Some(Clerk::new(store));
    }

    pub(super) fn restart(&mut self, seat: usize, expected: Expected) -> Result<(), String> {
        self.trace.note(|| format!("  writer {seat} starts again"));
        self.open(seat);
        self.check_all(seat, expected)
    }

    /// Who is alone may believe, when it starts again, that it is earlier than it was.
    fn set_the_clock_back(&mut self) {
        if self.is_alone() {
            self.ground.forget_the_time();
            self.floor = Moment(0);
        }
    }

    fn is_alone(&self) -> bool {
        self.seats.len() == 1
    }

    /// Compares all that there is with what a process finds that was just started.
    fn check_all(&mut self, seat: usize, expected: Expected) -> Result<(), String> {
        let store = self.seats[seat].clerk().store_mut();
        self.model.restart(store)?;
        self.check_entries(seat, expected)?;
        let fencing = self.fencing(seat)?;
        let reader = self.seats[seat].reader();
        self.model.compare(&reader, fencing)?;
        self.model.compare_history(&reader)?;
        self.laws.survey(&reader)
    }
}
