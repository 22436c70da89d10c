use std::time::Duration;

use detente_judge::history::History;

use super::{Exchange, Grade, ProbeReport, Protocol, Verdict};

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

/// Stands in place of a probe's id where something could not be put back.
pub const RESTORATION: &str = "restore";
/// Stands in place of a probe's id where a resource could not be examined at all.
pub const UNEXAMINED: &str = "E0";
/// Stands in place of a probe's id where the server stopped answering, after the probe during which it did.
pub const OUTAGE: &str = "outage";

impl Report {
    /// Failures, the worst first; of those alike, in the order in which they ran.
    pub fn findings(&self) -> Vec<&ProbeReport> {
        let mut findings = self.of(Verdict::Fail);
        findings.sort_by_key(|probe| probe.severity);
        findings
    }

    /// That the server stopped answering, if it did.
    pub fn outage(&self) -> Option<&ProbeReport> {
        self.probes.iter().find(|probe| probe.id == OUTAGE)
    }

    /// The probe or scenario during which the server stopped answering; `None` if it was before the first one.
    pub fn cut_short(&self) -> Option<&ProbeReport> {
        let at = self.probes.iter().position(|probe| probe.id == OUTAGE)?;
        let before = self.probes[..at].last()?;
        (before.subject == self.probes[at].subject).then_some(before)
    }

    /// Probes that came to a verdict, in the order in which they ran.
    pub fn of(&self, verdict: Verdict) -> Vec<&ProbeReport> {
        self.probes
            .iter()
            .filter(|probe| probe.verdict == verdict)
            .collect()
    }
}
