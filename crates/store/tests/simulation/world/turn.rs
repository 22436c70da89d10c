use detente_core::Moment;
use detente_store::memory::{Mishap, Step};
use detente_store::{Next, Order, Proposed};

use super::World;
use super::seat::{Open, Turn};
use crate::fault::{Fault, Trouble};
use crate::ground::Ground;

impl<G: Ground> World<G> {
    /// What a writer does next: it takes orders, or asks what became of those that it has. Returns
    /// how many it took.
    pub(super) fn go_on(&mut self, seat: usize) -> Result<usize, String> {
        self.clock.pass_by_chance(&mut self.dice);
        if self.dice.one_in(3) {
            self.land()?;
        }
        match self.seats[seat].open.take() {
            Some(open) => self.ask(open).map(|()| 0),
            None => self.take_orders(seat),
        }
    }

    fn take_orders(&mut self, seat: usize) -> Result<usize, String> {
        let (askers, orders) = self.orders(seat);
        self.check_look_ups()?;
        let count = orders.len();
        self.trace
            .note(|| format!("writer {seat} takes {count} orders"));
        for order in &orders {
            self.tally.count_order(order);
            if let Order::Log(conflict) = order {
                self.entries.hand_over(conflict, seat);
                self.model.hand_over(&conflict.id, seat);
            }
        }
        self.decide(Turn {
            seat,
            askers,
            orders,
        })?;
        Ok(count)
    }

    /// From the beginning of a turn until somebody is answered, or nobody knows what to answer.
    fn decide(&mut self, turn: Turn) -> Result<(), String> {
        let seat = turn.seat;
        let fault = Fault::draw(&mut self.dice).filter(|_| self.ground.has_faults());
        let faults = &self.seats[seat].faults;
        faults.arm(fault.filter(|fault| !fault.is_late()));
        let clock = self.clock.now();
        let proposed = self.seats[seat].clerk().propose(&turn.orders, clock);
        let struck = self.disarm(seat);
        if self.seats[seat].faults.are_fatal() {
            return self.crash(turn, None);
        }
        let proposed = match proposed {
            Ok(proposed) => proposed,
            Err(error) => {
                // Where facts could not be fetched, the turn had begun, and with it its time.
                if struck.is_some_and(|fault| fault.at == Step::Read) {
                    let now = self.seats[seat].now.max(clock).max(self.floor);
                    self.reach(seat, now);
                }
                return self.fail(&turn, &error, struck);
            }
        };
        self.check_time(seat, clock, proposed.commit().time.now)?;
        let may_be_lost = self.let_others_go_first(seat)?;
        let faults = &self.seats[seat].faults;
        faults.arm(fault.filter(Fault::is_late));
        self.commit(turn, proposed, struck, may_be_lost)
    }

    /// The time of a turn is that of the clock, unless it was later before.
    fn check_time(&mut self, seat: usize, clock: Moment, now: Moment) -> Result<(), String> {
        let latest = clock.max(self.floor).max(self.seats[seat].now);
        self.reach(seat, now);
        match now == latest {
            true => Ok(()),
            false => Err(format!("a turn is at {now}, not at {latest}")),
        }
    }

    /// A turn has a time, whatever comes of it. What outlived it by then may go.
    fn reach(&mut self, seat: usize, now: Moment) {
        self.seats[seat].now = now;
        self.model.reach(now);
        self.laws.reach(now);
    }

    /// Between what a writer decides and what it writes, another may have its turn, and what was
    /// under way may arrive. Whether either happened.
    fn let_others_go_first(&mut self, seat: usize) -> Result<bool, String> {
        let mut have_gone = self.dice.one_in(4);
        if have_gone {
            self.land()?;
        }
        for other in 0..self.seats.len() {
            if other != seat && !self.seats[other].is_busy && self.dice.one_in(3) {
                have_gone = true;
                self.trace.note(|| format!("  writer {other} goes first"));
                self.seats[seat].is_busy = true;
                self.go_on(other)?;
                self.seats[seat].is_busy = false;
            }
        }
        Ok(have_gone)
    }

    fn commit(
        &mut self,
        turn: Turn,
        proposed: Proposed,
        struck_before: Option<Fault>,
        may_be_lost: bool,
    ) -> Result<(), String> {
        let (seat, now) = (turn.seat, proposed.commit().time.now);
        let writes = !proposed.commit().is_empty();
        let next = self.seats[seat].clerk().commit(&turn.orders, proposed);
        let struck = self.disarm(seat);
        if self.seats[seat].faults.are_fatal() {
            let commit = match next {
                Next::AskStore(batch, _) => Some((now, batch)),
                _ => None,
            };
            return self.crash(turn, commit);
        }
        match next {
            Next::Reply(replies) => {
                self.passed(writes, now);
                self.answer(turn, now, &replies, struck_before.or(struck))
            }
            Next::Fail(error) => self.fail(&turn, &error, struck),
            Next::DecideAgain => {
                let is_full = struck.is_some_and(|fault| fault.is(Mishap::Full));
                if !may_be_lost && !is_full {
                    return Err("a turn is lost, and nobody was first".into());
                }
                self.tally.count("decided again");
                self.trace.note(|| "  decided again".into());
                self.decide(turn)
            }
            Next::AskStore(batch, proposed) => {
                self.trace
                    .note(|| "  nobody hears what became of it".into());
                let mut open = Open {
                    batch,
                    turn,
                    proposed,
                    written: None,
                };
                self.see(&mut open)?;
                self.seats[seat].open = Some(open);
                Ok(())
            }
        }
    }

    pub(super) fn passed(&mut self, writes: bool, now: Moment) {
        if writes {
            self.floor = self.floor.max(now);
        }
    }

    pub(super) fn disarm(&mut self, seat: usize) -> Option<Fault> {
        let struck = self.seats[seat].faults.disarm();
        if let Some(fault) = &struck {
            self.tally.count(fault.name());
            self.trace.note(|| format!("  {fault:?}"));
        }
        struck
    }

    /// Asks what became of a commit.
    fn ask(&mut self, open: Open) -> Result<(), String> {
        let Open {
            batch,
            turn,
            proposed,
            written,
        } = open;
        let (seat, now) = (turn.seat, proposed.commit().time.now);
        let away = Fault {
            at: Step::Ask,
            skips: 0,
            what: Trouble::Goes(Mishap::Away),
        };
        let is_away = self.dice.one_in(4);
        self.seats[seat].faults.arm(is_away.then_some(away));
        let next = self.seats[seat].clerk().ask(&turn.orders, batch, proposed);
        self.disarm(seat);
        match (next, written) {
            (Next::AskStore(batch, proposed), written) => {
                self.seats[seat].open = Some(Open {
                    batch,
                    turn,
                    proposed,
                    written,
                });
                Ok(())
            }
            (Next::DecideAgain, None) => {
                self.trace
                    .note(|| format!("writer {seat}: {batch:?} is lost"));
                self.tally.count("found to be lost");
                self.lost.insert(batch);
                self.land()?;
                self.decide(turn)
            }
            (Next::DecideAgain, Some(_)) => Err("what was written is decided again".into()),
            (Next::Reply(replies), Some(written)) => {
                self.trace
                    .note(|| format!("writer {seat}: {batch:?} is written"));
                self.tally.count("found to be written");
                self.hear(turn, &replies, &written)
            }
            (Next::Reply(replies), None) => self.answer(turn, now, &replies, None),
            (Next::Fail(error), _) => Err(format!("what is known to be lost fails: {error}")),
        }
    }

    /// What is under way arrives.
    pub(super) fn land(&mut self) -> Result<(), String> {
        self.ground.land();
        for seat in 0..self.seats.len() {
            if let Some(mut open) = self.seats[seat].open.take() {
                self.see(&mut open)?;
                self.seats[seat].open = Some(open);
            }
        }
        for mut open in std::mem::take(&mut self.orphans) {
            self.see(&mut open)?;
            if open.written.is_none() {
                self.orphans.push(open);
            }
        }
        match self.lost.iter().any(|batch| self.ground.has(*batch)) {
            true => Err("what was said to be lost is written".into()),
            false => Ok(()),
        }
    }

    /// Performs orders in the model as soon as their commit is written, whoever knows of it.
    pub(super) fn see(&mut self, open: &mut Open) -> Result<(), String> {
        if open.written.is_some() || !self.ground.has(open.batch) {
            return Ok(());
        }
        self.trace.note(|| format!("  {:?} is written", open.batch));
        let commit = open.proposed.commit();
        for conflict in &commit.conflicts {
            self.entries.hand_over(conflict, open.turn.seat);
            self.model.conflicts.entry(conflict.id.clone()).or_default();
        }
        self.floor = self.floor.max(commit.time.now);
        let reader = self.seats[open.turn.seat].reader();
        self.model.begin(commit.time.now, open.turn.seat, &reader);
        let mut answers = Vec::new();
        for order in &open.turn.orders {
            let answer = self.model.perform(order);
            self.laws.heed(order, &answer, commit.time.now)?;
            answers.push(answer);
        }
        open.written = Some(answers);
        Ok(())
    }
}
