//! What was found, and how it is told.

mod again; // how a finding is seen again
mod curl; // a request as a command to send it again
mod form; // the forms of a report
mod har; // for browsers' network tools
mod html; // for people, in a browser
mod json; // for programs
mod junit; // for CI
mod redact; // what nobody is to see
mod shell; // words of a shell
mod style; // colours, where there is a terminal
mod tap; // for CI
mod terminal; // for people

pub use form::Form;
pub use html::html;
pub use redact::{hides, is_secret, placeholder};
pub use style::Style;
pub use terminal::terminal;

use std::time::Duration;

use detente_judge::history::{self, History};

use crate::exchange::{Exchange, Protocol};
use crate::severity::{Grade, Severity};

/// What a run found: of a resource's probes, of an API's, of a suite of scenarios.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was examined: a URL, a description, a scenario's file.
    pub target: String,
    /// What `detente check` was told, to tell it again: without logins; empty where no command asked for the run.
    pub arguments: Vec<String>,
    /// `None` for scenarios: they ask what their author wanted to know, an API's grade asks more.
    pub grade: Option<Grade>,
    /// Runs the same again, with `--seed`.
    pub seed: u64,
    pub protocols: Vec<Protocol>,
    /// How far apart requests that were released together left; `None` if none were.
    pub spread: Option<Spread>,
    /// In the order in which they ran.
    pub probes: Vec<ProbeReport>,
    /// By number of writers.
    pub lost_updates: Vec<LostUpdates>,
    /// What random clients did, as it was judged (D16); `None` if that was not asked.
    pub history: Option<History>,
    /// Every exchange of the run that was kept, in the order of `begun`.
    pub exchanges: Vec<Exchange>,
    pub took: Duration,
}

/// Stands in place of a probe's id where something could not be put back.
pub const RESTORATION: &str = "restore";

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
    /// Whether its requests show it again when they are sent again one by one: nothing races, and no body says which
    /// version it began from.
    pub is_resendable: bool,
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

impl ProbeReport {
    /// Its id and what it asks; a scenario's name says both.
    fn name(&self) -> String {
        if self.id == self.title {
            return self.id.clone();
        }
        format!("{} {}", self.id, self.title)
    }
}

impl Report {
    /// Failures, the worst first; of those alike, in the order in which they ran.
    pub fn findings(&self) -> Vec<&ProbeReport> {
        let mut findings = self.of(Verdict::Fail);
        findings.sort_by_key(|probe| probe.severity);
        findings
    }

    /// Probes that came to a verdict, in the order in which they ran.
    pub fn of(&self, verdict: Verdict) -> Vec<&ProbeReport> {
        self.probes
            .iter()
            .filter(|probe| probe.verdict == verdict)
            .collect()
    }
}

/// The grade, where there is one.
fn grade(report: &Report) -> String {
    report
        .grade
        .map_or_else(|| "none".into(), |grade| grade.to_string())
}

/// What random clients did, one operation a line; nothing where none did.
fn history_lines(report: &Report) -> String {
    let mut lines = Vec::new();
    for operation in report.history.iter().flat_map(History::iter) {
        history::write(&operation, &mut lines).expect("memory takes what is written");
    }
    String::from_utf8_lossy(&lines).into_owned()
}
