use detente_store::{Desk, Order, Store};

use super::World;
use crate::entries::Expected;
use crate::fault::{Fault, Trouble};
use crate::ground::Ground;
use crate::trace::{describe, describe_answer};
use detente_store::memory::Step;

impl<G: Ground> World<G> {
    /// The process ended before anybody was answered: all of the batch is there, or nothing.
    pub(super) fn crash(&mut self, orders: &[Order]) -> Result<(), String> {
        let mut after = self.model.clone();
        let now = after.now;
        let answers: Vec<_> = orders.iter().map(|order| after.perform(order)).collect();
        for (order, answer) in orders.iter().zip(&answers) {
            self.trace.note(|| format!("  {}", describe(order)));
            self.trace
                .note(|| format!("    unanswered, perhaps {}", describe_answer(answer)));
        }
        self.open();
        let store = self.desk.as_ref().expect("it was opened").store();
        let as_after = after.restart(store).and_then(|()| after.compare(store));
        let as_before = (self.model.restart(store)).and_then(|()| self.model.compare(store));
        match (as_after, as_before) {
            (Ok(()), _) => {
                self.trace.note(|| "  all of it is there".into());
                self.tally.count("all is there after a crash");
                self.model = after;
                for (order, answer) in orders.iter().zip(&answers) {
                    self.laws.heed(order, answer, now)?;
                }
            }
            (Err(_), Ok(())) => {
                self.trace.note(|| "  nothing of it is there".into());
                self.tally.count("nothing is there after a crash");
            }
            (Err(after), Err(before)) => {
                return Err(format!(
                    "a crash left a part: not all ({after}), not none ({before})"
                ));
            }
        }
        self.check_all(Expected::Some)
    }

    /// Ends the process as it should end, or nearly, and starts it again.
    pub(super) fn stop(&mut self) -> Result<(), String> {
        let at = *self.dice.pick(&[Step::Close, Step::Record, Step::Mark]);
        let what = *self
            .dice
            .pick(&[Trouble::Fails, Trouble::Full, Trouble::Crash]);
        let fault = self.dice.one_in(3).then_some(Fault { at, skips: 0, what });
        self.faults.arm(fault.filter(|_| self.ground.has_faults()));
        let closed = self.desk.take().map(Desk::close);
        self.trace.note(|| format!("stop: {closed:?}"));
        if let Some(fault) = self.faults.disarm() {
            self.tally.count(fault.name());
        }
        match closed {
            Some(Ok(())) => {
                self.tally.count("clean stop");
                self.restart(Expected::All)
            }
            _ => self.restart(Expected::Some),
        }
    }

    fn open(&mut self) {
        // First: a process that is gone holds nothing.
        self.desk = None;
        self.faults.restart();
        self.desk = Some(Desk::new(self.ground.open()));
    }

    pub(super) fn restart(&mut self, expected: Expected) -> Result<(), String> {
        self.trace.note(|| "  restart".into());
        self.open();
        let store = self.desk.as_ref().expect("it was opened").store();
        self.model.restart(store)?;
        self.check_all(expected)
    }

    fn check_all(&mut self, expected: Expected) -> Result<(), String> {
        let desk = self.desk.as_ref().expect("it was started again");
        let reader = desk.store().reader();
        self.entries
            .compare(&reader, &mut self.model, expected, 0)?;
        self.model.compare(desk.store())?;
        self.model.compare_history(&reader)?;
        self.laws.survey(desk.store())
    }
}
