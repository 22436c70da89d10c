mod curl; // a request as a command
mod html; // a page
mod redact; // secrets, by their names

pub use html::html;

use std::time::Duration;

use crate::exchange::{Exchange, Protocol};
use crate::severity::{Grade, Severity};

/// What a run found: of a resource's probes, of an API's, of a suite of scenarios.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was examined: a URL, a description, a scenario's file.
    pub target: String,
    pub grade: Grade,
    /// Runs the same again, with `--seed`.
    pub seed: u64,
    pub protocols: Vec<Protocol>,
    /// How far apart requests that were released together left; `None` if none were.
    pub spread: Option<Spread>,
    /// In the order in which they ran.
    pub probes: Vec<ProbeReport>,
    /// By number of writers.
    pub lost_updates: Vec<LostUpdates>,
    /// Every exchange of the run that was kept, in the order of `begun`.
    pub exchanges: Vec<Exchange>,
    pub took: Duration,
}

/// What came of one probe, or of one scenario.
#[derive(Clone, Debug)]
pub struct ProbeReport {
    /// `D1`; a scenario's name.
    pub id: String,
    /// The resource it was run on, where a run has several.
    pub subject: String,
    /// What is asked, as one line.
    pub title: String,
    /// How bad a failure is; of one that failed, how bad this failure is.
    pub severity: Severity,
    pub verdict: Verdict,
    /// What was seen, or why it could not be judged. One sentence or two.
    pub reason: String,
    /// Why it matters, and by which text: `RFC 9110, section 13.1.1: …`.
    pub why: String,
    pub trials: u32,
    /// How many of the trials provably overlapped; 0 where nothing races.
    pub overlapping: u32,
    /// The few exchanges that show it, in order.
    pub evidence: Vec<Evidence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Pass,
    Fail,
    /// It was tried, and what was seen allows no verdict.
    Inconclusive,
    /// It does not apply here, or was not asked for.
    Skipped,
}

/// An exchange, and what it shows.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// `accepted, with a tag that was stale`.
    pub note: String,
    pub exchange: Exchange,
}

/// What came of so many writers with one tag.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LostUpdates {
    pub writers: u32,
    pub rounds: u32,
    pub overlapping: u32,
    /// Rounds in which more than one write was accepted.
    pub rounds_with_loss: u32,
    /// Accepted writes that are gone, in all rounds.
    pub lost: u32,
}

/// How far apart requests left that were released together: from the first last byte to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    pub volleys: u32,
    pub median: Duration,
    /// 99th percentile.
    pub p99: Duration,
}
