use super::*;
use crate::examine::stopped_answering;
use crate::model::{Outage, Verdict};

/// What the rounds come to, all together.
pub(super) struct Tally<'a> {
    scenario: &'a Scenario,
    plan: &'a Plan<'a>,
    rounds: u32,
    passed: u32,
    overlapping: u32,
    races: bool,
    failed: u32,
    /// The first that failed.
    failure: Option<(Round, Box<Failure>)>,
    busy: u32,
    unjudged: u32,
    /// Why the first of them could not be judged.
    obstacle: Option<String>,
    /// Why there were no more rounds.
    stopped: Option<String>,
    stop: Option<RunError>,
    outage: Option<Outage>,
    /// Rounds whose teardown did not come about, and the first of them.
    left: u32,
    left_first: Option<(Round, Box<Failure>)>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(scenario: &'a Scenario, plan: &'a Plan<'a>) -> Self {
        Self {
            scenario,
            plan,
            rounds: 0,
            passed: 0,
            overlapping: 0,
            races: false,
            failed: 0,
            failure: None,
            busy: 0,
            unjudged: 0,
            obstacle: None,
            stopped: None,
            stop: None,
            outage: None,
            left: 0,
            left_first: None,
        }
    }

    pub(super) fn could_not_begin(&mut self, halt: Halt) {
        self.stopped = Some(match halt {
            Halt::Failed(failure) => failure.reason,
            Halt::Unjudged(reason) => reason,
            Halt::Busy => "the server was too busy".to_owned(),
            Halt::Stopped(stop) => self.stop.insert(stop).to_string(),
        });
    }

    pub(super) fn add(&mut self, round: Round, end: Result<(), Halt>, overlapped: Option<bool>) {
        self.rounds += 1;
        self.races |= overlapped.is_some();
        self.overlapping += u32::from(overlapped == Some(true));
        match end {
            Ok(()) => self.passed += 1,
            Err(Halt::Failed(failure)) => {
                self.failed += 1;
                self.failure.get_or_insert((round, failure));
            }
            Err(Halt::Unjudged(reason)) => {
                self.unjudged += 1;
                self.obstacle.get_or_insert(reason);
            }
            Err(Halt::Busy) => self.busy += 1,
            Err(Halt::Stopped(stop)) => {
                self.rounds -= 1;
                self.stopped = Some(stop.to_string());
                self.stop = Some(stop);
            }
        }
    }

    /// What could not be torn down after a round, if anything.
    pub(super) fn add_left(&mut self, round: Round, left: Option<Box<Failure>>) {
        if let Some(failure) = left {
            self.left += 1;
            self.left_first.get_or_insert((round, failure));
        }
    }

    /// That the server stopped answering, if it did. One that never answered is told by why it could not be reached.
    pub(super) fn add_outage(&mut self, outage: Option<Outage>) {
        let Some(outage) = outage else { return };
        if outage.answered.is_some() {
            self.stopped = Some("the server stopped answering".to_owned());
            self.outage = Some(outage);
        } else if self.stop.is_none() {
            let outage = Box::new(outage);
            let stop = RunError::Gone { outage };
            self.stopped = Some(stop.to_string());
            self.stop = Some(stop);
        }
    }

    pub(super) fn end(mut self, memory: &Memory) -> Ran {
        let stop = self.stop.take();
        let outage = self.outage.take();
        let report = self.report(memory);
        let when = format!("during the scenario `{}`", report.id);
        Ran {
            outage: outage.map(|it| stopped_answering(&it, &when, &report.subject)),
            report,
            stop,
        }
    }

    pub(super) fn report(self, memory: &Memory) -> ProbeReport {
        let (verdict, reason) = self.told_of_left(self.verdict());
        let failure = self.failure.or(self.left_first).map(|(_, failure)| failure);
        let severity = failure
            .as_ref()
            .map_or(Severity::Critical, |it| it.severity);
        let title = self.scenario.description.as_deref();
        ProbeReport {
            id: self.scenario.name.clone(),
            subject: memory.base().to_owned(),
            title: title.unwrap_or(&self.scenario.name).trim().to_owned(),
            severity: self.scenario.severity.unwrap_or(severity),
            verdict,
            reason,
            why: failure.as_ref().map_or(EXPECTED, |it| it.why).to_owned(),
            trials: self.rounds,
            overlapping: self.overlapping,
            evidence: failure.map(|it| it.evidence).unwrap_or_default(),
            is_resendable: false,
        }
    }

    fn verdict(&self) -> (Verdict, String) {
        if let Some((round, failure)) = &self.failure {
            return (Verdict::Fail, self.told_of_failure(*round, failure));
        }
        if let Some(reason) = &self.stopped {
            let rounds = self.rounds;
            let reason = match rounds {
                0 => reason.clone(),
                _ => format!("it ended after {rounds} rounds: {reason}"),
            };
            return (Verdict::Inconclusive, reason);
        }
        let set_aside = self.unjudged + self.busy;
        let is_thin = set_aside * 2 > self.rounds || self.passed == 0;
        if is_thin || (set_aside > 0 && self.scenario.interleave.is_some()) {
            return (Verdict::Inconclusive, self.told_of_obstacle());
        }
        if self.races && self.overlapping == 0 {
            let reason = "in no round did requests provably overlap, so nothing raced";
            return (Verdict::Inconclusive, reason.to_owned());
        }
        let note = match set_aside {
            0 => String::new(),
            _ => format!(" Set aside: {}.", self.told_of_obstacle()),
        };
        (Verdict::Pass, self.told_of_success() + &note)
    }

    /// A scenario whose teardown does not come about leaves something behind: that fails it, though not as what it asks.
    fn told_of_left(&self, (verdict, reason): (Verdict, String)) -> (Verdict, String) {
        let Some((round, failure)) = &self.left_first else {
            return (verdict, reason);
        };
        let (failed, run, first) = (self.left, self.rounds, round.number);
        let told = &failure.reason;
        let left = format!(
            "the teardown failed: {told} (in {failed} of {run} rounds, first in round {first})"
        );
        match verdict {
            Verdict::Fail => (verdict, format!("{reason}; besides, {left}")),
            _ => (Verdict::Fail, format!("{left}. Otherwise: {reason}")),
        }
    }

    fn told_of_failure(&self, round: Round, failure: &Failure) -> String {
        let mut told = failure.reason.clone();
        if self.scenario.rows.len() > 1 {
            told = format!("with row {} of the table, {told}", round.row + 1);
        }
        if self.scenario.interleave.is_some() {
            let steps = self.plan.words(round);
            let steps = (1..)
                .zip(steps)
                .map(|(number, step)| format!("{number}. {step}"));
            let steps: Vec<_> = steps.collect();
            let (failed, run) = (self.failed, self.rounds);
            let orders = self.told_of_orders();
            return format!(
                "{told}. It fails in {failed} of {run} runs of {orders}; the first failure: {}",
                steps.join(", ")
            );
        }
        if self.rounds > 1 {
            let (failed, run, first) = (self.failed, self.rounds, round.number);
            told = format!("{told} (in {failed} of {run} rounds, first in round {first})");
        }
        told
    }

    fn told_of_obstacle(&self) -> String {
        let rounds = self.rounds;
        match (&self.obstacle, self.busy) {
            (Some(reason), _) => {
                let unjudged = self.unjudged;
                format!("{unjudged} of {rounds} rounds could not be judged: {reason}")
            }
            (None, busy) => {
                format!("in {busy} of {rounds} rounds the server was too busy (429 or 503)")
            }
        }
    }

    fn told_of_orders(&self) -> String {
        let (run, all) = (self.plan.orders() as u128, self.plan.all_orders);
        match run == all {
            true => format!("all {all} orders"),
            false => format!("{run} orders out of {all}, evenly chosen (max_orders)"),
        }
    }

    fn told_of_success(&self) -> String {
        let rounds = self.rounds;
        let rounds_told = match rounds {
            1 => "in one round".to_owned(),
            _ => format!("in {rounds} rounds"),
        };
        if self.scenario.interleave.is_some() {
            return format!("As expected in {}, {rounds_told}.", self.told_of_orders());
        }
        if !self.races {
            return format!("As expected {rounds_told}.");
        }
        let overlapping = self.overlapping;
        // No failure in n trials: the rate is below 3/n, at 95 %.
        let bound = 300.0 / f64::from(overlapping.max(1));
        let bound = match overlapping {
            0..=3 => "too few to bound the rate of failures".to_owned(),
            _ => format!("the rate of failures is below {bound:.1} % at 95 % confidence"),
        };
        format!("As expected {rounds_told}, of which {overlapping} provably overlapped: {bound}.")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::suite::{Inputs, parse};
    use super::*;

    #[test]
    fn a_verdict_takes_enough_rounds_that_say_something() {
        let text = "scenario: x\nbase: http://a\nrepeat: 4\nsteps: [GET: /]";
        let suite = parse(Path::new("x.yaml"), text, &Inputs::default()).unwrap();
        let scenario = &suite.scenarios[0];
        let plan = Plan::new(scenario, None);
        let unjudged = || Err(Halt::Unjudged("no tag".to_owned()));
        let cases = [
            // (rounds: how each ended and whether it overlapped, verdict, reason)
            (
                vec![(Ok(()), None), (Ok(()), None)],
                Verdict::Pass,
                "As expected in 2 rounds.",
            ),
            (
                vec![(Ok(()), Some(false)), (Ok(()), Some(false))],
                Verdict::Inconclusive,
                "nothing raced",
            ),
            (
                vec![(Ok(()), Some(false)), (Ok(()), Some(true))],
                Verdict::Pass,
                "in 2 rounds, of which 1 provably overlapped: too few",
            ),
            (
                vec![(Ok(()), None), (Ok(()), None), (unjudged(), None)],
                Verdict::Pass,
                "Set aside: 1 of 3 rounds could not be judged: no tag.",
            ),
            (
                vec![(Ok(()), None), (unjudged(), None), (unjudged(), None)],
                Verdict::Inconclusive,
                "2 of 3 rounds could not be judged: no tag",
            ),
            (
                vec![(Err(Halt::Busy), None)],
                Verdict::Inconclusive,
                "too busy (429 or 503)",
            ),
            (
                vec![
                    (Ok(()), None),
                    (Err(Halt::Stopped(RunError::BudgetSpent)), None),
                ],
                Verdict::Inconclusive,
                "it ended after 1 rounds: the budget of requests is spent",
            ),
        ];
        for (rounds, verdict, reason) in cases {
            let told = format!("{rounds:?}");
            let mut tally = Tally::new(scenario, &plan);
            for (round, (end, overlapped)) in plan.rounds().zip(rounds) {
                tally.add(round, end, overlapped);
            }
            let report = tally.report(&Memory::default());
            assert_eq!(report.verdict, verdict, "{told}: {}", report.reason);
            assert!(report.reason.contains(reason), "{told}: {}", report.reason);
        }
    }
}
