use super::{Exchange, Severity};

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

/// What a probe came to.
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

impl ProbeReport {
    /// Its id and what it asks; a scenario's name says both.
    pub(crate) fn name(&self) -> String {
        if self.id == self.title {
            return self.id.clone();
        }
        format!("{} {}", self.id, self.title)
    }
}
