//! Scenarios against a server.

mod group; // requests that are judged together: one, or those of a race
mod judge; // what came of them, held against what was expected
mod kept; // that nobody overwrites what they have not seen
mod retry; // read again, apply the edit again, send again
mod sum; // amounts in several resources, and what they come to
mod tally; // what the rounds come to
mod teardown; // what was made is taken away again

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::expectation::Sum;
use super::fill::{self, Fields, Unfit};
use super::memory::{Fresh, Memory, Scope, TESTER};
use super::plan::{Plan, Round};
use super::race::Race;
use super::reading::Reading;
use super::step::{Sending, Step};
use super::suite::Scenario;
use super::template::Unfilled;
use crate::client::{Actor, Client};
use crate::model::{Effect, Evidence, Exchange, ProbeReport, Request, RunError, Severity};
use group::Contestant;
use kept::Kept;
use tally::Tally;

/// How scenarios are run, whatever they say themselves.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Rounds for each row and order, in place of `repeat`.
    pub repeat: Option<u32>,
    /// Nonces and UUIDs come of it: the same seed draws the same names, so a server that has kept
    /// what an earlier run made needs another.
    pub seed: u64,
}

/// A scenario that was run.
#[derive(Debug)]
pub struct Ran {
    pub report: ProbeReport,
    /// Why it ended before all rounds were over; `None` if it did not.
    pub stop: Option<RunError>,
    /// That the server stopped answering, if that is why.
    pub outage: Option<ProbeReport>,
}

/// Runs a scenario to its end: all rounds, whatever comes of each.
///
/// A failure is judged by the first round that fails; its exchanges are the evidence.
pub async fn run(scenario: &Scenario, client: &Client, settings: &Settings) -> Ran {
    let plan = Plan::new(scenario, settings.repeat);
    let mut tally = Tally::new(scenario, &plan);
    let mut runner = Runner::new(scenario, client, &plan, settings.seed);
    if let Err(halt) = runner.log_in().await {
        tally.could_not_begin(halt);
        tally.add_outage(client.outage().await);
        return tally.end(&runner.memory);
    }
    let mut pause = Duration::ZERO;
    for round in plan.rounds() {
        tokio::time::sleep(pause).await;
        let end = runner.round(round).await;
        pause = match &end {
            Err(Halt::Busy) => (pause * 2).clamp(Duration::from_millis(50), Duration::from_secs(2)),
            _ => Duration::ZERO,
        };
        let is_over = matches!(end, Err(Halt::Stopped(_)));
        tally.add(round, end, runner.overlapped);
        tally.add_left(round, runner.left.take());
        let outage = client.outage().await;
        let has_outage = outage.is_some();
        tally.add_outage(outage);
        if is_over || has_outage {
            break;
        }
    }
    tally.end(&runner.memory)
}

/// The report of a scenario that was not run.
pub fn not_run(scenario: &Scenario, reason: &str) -> ProbeReport {
    let plan = Plan::new(scenario, None);
    let mut tally = Tally::new(scenario, &plan);
    tally.could_not_begin(Halt::Unjudged(reason.to_owned()));
    tally.report(&Memory::default())
}

/// Why a round did not go on.
#[derive(Debug)]
enum Halt {
    Failed(Box<Failure>),
    /// Something was missing that the scenario needs.
    Unjudged(String),
    /// Too much at once: this round says nothing.
    Busy,
    /// The whole run is over.
    Stopped(RunError),
}

/// What is wrong, how bad it is, and why it matters.
#[derive(Debug)]
struct Failure {
    reason: String,
    severity: Severity,
    why: &'static str,
    /// What shows it: nothing until the round ends with it.
    evidence: Vec<Evidence>,
}

const LOST: &str = "An accepted write must stay until somebody who has seen it changes it; otherwise it is a lost update (RFC 9110, section 13.1.1).";
const EXPECTED: &str = "The scenario expects it.";

impl Failure {
    fn critical(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            severity: Severity::Critical,
            why: LOST,
            evidence: Vec::new(),
        }
    }

    fn high(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            severity: Severity::High,
            why: EXPECTED,
            evidence: Vec::new(),
        }
    }
}

impl From<Unfit> for Halt {
    fn from(unfit: Unfit) -> Self {
        Self::Unjudged(unfit.to_string())
    }
}

impl From<Unfilled> for Halt {
    fn from(unfilled: Unfilled) -> Self {
        Self::Unjudged(unfilled.to_string())
    }
}

impl From<RunError> for Halt {
    fn from(error: RunError) -> Self {
        Self::Stopped(error)
    }
}

/// Which part of a round it is, and so what a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Has to come about, or there is nothing to judge.
    Setup,
    Steps,
    /// Whatever came of the steps; what is gone already need not be deleted.
    Teardown,
}

struct Runner<'a> {
    scenario: &'a Scenario,
    client: &'a Client,
    plan: &'a Plan<'a>,
    sessions: BTreeMap<String, Actor>,
    random: fastrand::Rng,
    /// As it was when everybody had logged in.
    first: Memory,
    memory: Memory,
    phase: Phase,
    /// What was seen in this round since its setup.
    log: Vec<Evidence>,
    /// The requests of the steps that write, for what is expected of the whole round.
    writes: Vec<Contestant<'a>>,
    /// What each actor last read or wrote, by URL: what its edits begin from.
    bases: BTreeMap<(String, Url), Value>,
    kept: Kept,
    /// Whether the races of this round overlapped; `None` if there were none.
    overlapped: Option<bool>,
    /// What of this round could not be torn down.
    left: Option<Box<Failure>>,
}

impl<'a> Runner<'a> {
    fn new(scenario: &'a Scenario, client: &'a Client, plan: &'a Plan<'a>, seed: u64) -> Self {
        Self {
            scenario,
            client,
            plan,
            sessions: BTreeMap::new(),
            random: fastrand::Rng::with_seed(seed_of(scenario, seed)),
            first: Memory::default(),
            memory: Memory::default(),
            phase: Phase::Setup,
            log: Vec::new(),
            writes: Vec::new(),
            bases: BTreeMap::new(),
            kept: Kept::default(),
            overlapped: None,
            left: None,
        }
    }

    fn session(&mut self, actor: Option<&str>) -> Actor {
        let name = actor.unwrap_or(TESTER);
        let client = self.client;
        let session = self.sessions.entry(name.to_owned());
        session.or_insert_with(|| client.actor(name)).clone()
    }

    /// What goes with every request of an actor.
    fn common(&self, actor: Option<&str>) -> Vec<&'a Fields> {
        let scenario = self.scenario;
        let own = scenario
            .cast
            .iter()
            .find(|it| Some(it.name.as_str()) == actor);
        let own = own.map(|it| it.headers.as_slice());
        std::iter::once(scenario.headers.as_slice())
            .chain(own)
            .collect()
    }

    /// Once, before the first round. Without the fields that may need what a login gives.
    async fn log_in(&mut self) -> Result<(), Halt> {
        let first = Round {
            number: 1,
            row: 0,
            order: 0,
        };
        let fresh = Fresh::draw(&mut self.random);
        self.memory = Memory::begin(self.scenario, first, &fresh)?;
        let scenario = self.scenario;
        for cast in &scenario.cast {
            let actor = Some(cast.name.as_str());
            for step in &cast.login {
                let Step::Send(send) = step else { continue };
                let fresh = Fresh::draw(&mut self.random);
                let scope = self.memory.scope(actor, &fresh);
                let request = send.fill(&[scenario.headers.as_slice()], &scope)?;
                let exchange = self.session(actor).send(request).await?;
                let of = |reason| format!("{} could not log in: {reason}", cast.name);
                if !exchange.is_accepted() {
                    return Err(Halt::Unjudged(of(group::answered(&exchange))));
                }
                self.capture(actor, send, &exchange)
                    .map_err(|reason| Halt::Unjudged(of(reason)))?;
            }
        }
        self.first = self.memory.clone();
        Ok(())
    }

    async fn round(&mut self, round: Round) -> Result<(), Halt> {
        self.log.clear();
        self.writes.clear();
        self.bases.clear();
        self.kept = Kept::default();
        self.overlapped = None;
        let fresh = Fresh::draw(&mut self.random);
        self.memory = self.first.enter(self.scenario, round, &fresh)?;
        let end = self.set_up_and_judge(round).await;
        let was_set_up = self.phase == Phase::Steps;
        let torn_down = self.tear_down().await;
        // What cannot be torn down was mostly never set up.
        match was_set_up {
            true => self.with_teardown(end, torn_down),
            false => end,
        }
    }

    async fn set_up_and_judge(&mut self, round: Round) -> Result<(), Halt> {
        self.phase = Phase::Setup;
        let scenario = self.scenario;
        for step in &scenario.setup {
            self.step(step).await.map_err(|halt| match halt {
                Halt::Failed(failure) => {
                    Halt::Unjudged(format!("the setup failed: {}", failure.reason))
                }
                other => other,
            })?;
        }
        self.phase = Phase::Steps;
        let invariant = match &scenario.invariant {
            Some(sum) => Some((sum, self.sum_before(sum).await?)),
            None => None,
        };
        let before = match &scenario.expect {
            Some(expect) => Some((expect, self.before_steps(expect).await?)),
            None => None,
        };
        for step in self.plan.steps(round) {
            self.step(step).await?;
            if let Some((sum, before)) = invariant {
                let failure = self.sum_failure(sum, before, None).await?;
                self.fail_if(failure)?;
            }
        }
        if let Some((expect, before)) = before {
            let writes = std::mem::take(&mut self.writes);
            self.judge(&writes, expect, &before, None).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &'a Step) -> Result<(), Halt> {
        // What was begun is cleared away; nothing else is.
        if self.phase != Phase::Teardown && self.client.is_interrupted() {
            return Err(RunError::Interrupted.into());
        }
        match step {
            Step::Wait(time) => tokio::select! {
                () = tokio::time::sleep(*time) => Ok(()),
                () = self.client.interrupted(), if self.phase != Phase::Teardown => {
                    Err(RunError::Interrupted.into())
                }
            },
            Step::Send(send) => {
                let actor = send.actor.as_ref().map(|(name, _)| name.as_str());
                self.single(actor, send).await
            }
            Step::Race(race) => self.race(race).await,
        }
    }

    /// Takes the variables of an answer; says why if one is missing.
    fn capture(
        &mut self,
        actor: Option<&str>,
        send: &Sending,
        exchange: &Exchange,
    ) -> Result<(), String> {
        for capture in &send.capture {
            let response = exchange.response().ok_or("there is no answer")?;
            let value = capture.take(response);
            let value = value.map_err(|reason| {
                format!(
                    "{}: {} cannot be captured: {reason}",
                    send.title(),
                    capture.name
                )
            })?;
            self.memory.keep(actor, &capture.name, value);
        }
        Ok(())
    }

    fn note(&mut self, note: impl Into<String>, exchange: &Exchange) {
        if self.phase != Phase::Setup {
            self.log.push(Evidence {
                note: note.into(),
                exchange: exchange.clone(),
            });
        }
    }

    fn fail_if(&self, failure: Option<Failure>) -> Result<(), Halt> {
        match failure {
            None => Ok(()),
            Some(failure) => Err(self.failed(failure)),
        }
    }

    fn failed(&self, failure: Failure) -> Halt {
        Halt::Failed(Box::new(Failure {
            evidence: shown(&self.log),
            ..failure
        }))
    }

    /// Reads a resource, past every cache, as an actor would; the second of two readings counts.
    async fn read(&mut self, url: &Url, actor: Option<&str>) -> Result<(Reading, Exchange), Halt> {
        let fresh = Fresh::default();
        let request = {
            let common = self.common(actor);
            let scope = self.memory.scope(actor, &fresh);
            let mut request = Request::get(url.clone());
            request.headers = fill::fields(&common, &scope)?;
            request.headers.insert(
                http::header::CACHE_CONTROL,
                http::HeaderValue::from_static("no-cache"),
            );
            request
        };
        let session = self.session(actor);
        session.send(request.clone()).await?;
        let exchange = session.send(request).await?;
        match (exchange.effect(), exchange.response()) {
            (Effect::Busy, _) => Err(Halt::Busy),
            (_, Some(response)) => Ok((Reading::of(response), exchange)),
            (_, None) => Err(Halt::Unjudged(format!(
                "reading {url} again failed: {}",
                group::answered(&exchange)
            ))),
        }
    }

    fn url(&self, template: &super::template::Template, scope: &Scope<'_>) -> Result<Url, Halt> {
        Ok(fill::url(template, scope)?)
    }
}

/// Scenarios that are run with one seed do not draw the same names. FNV-1a: the same everywhere.
fn seed_of(scenario: &Scenario, seed: u64) -> u64 {
    let bytes = scenario.name.bytes().chain(seed.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Enough of a round to show what went wrong: all of it, or what was accepted and what came last.
fn shown(log: &[Evidence]) -> Vec<Evidence> {
    const MAX: usize = 12;
    if log.len() <= MAX {
        return log.to_vec();
    }
    let last = log.len() - 4;
    let is_shown = |(at, it): &(usize, &Evidence)| *at >= last || it.exchange.is_accepted();
    let shown: Vec<_> = log.iter().enumerate().filter(is_shown).collect();
    let skipped = shown.len().saturating_sub(MAX);
    shown
        .into_iter()
        .skip(skipped)
        .map(|(_, it)| it.clone())
        .collect()
}
