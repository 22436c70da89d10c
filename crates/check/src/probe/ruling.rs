use detente_judge::history::History;

use crate::lab::Halt;
use crate::model::{Evidence, Exchange, LostUpdates, Severity, Verdict};

/// What a probe concludes, and from what.
#[derive(Clone, Debug)]
pub(crate) struct Ruling {
    pub verdict: Verdict,
    /// Of a failure; `None`: as bad as the catalogue says.
    pub severity: Option<Severity>,
    pub reason: String,
    pub trials: u32,
    pub overlapping: u32,
    pub evidence: Vec<Evidence>,
    pub lost_updates: Vec<LostUpdates>,
    /// What was judged as a whole.
    pub history: Option<History>,
}

impl Ruling {
    pub(crate) fn pass(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, None, reason)
    }

    pub(crate) fn fail(severity: Severity, reason: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, Some(severity), reason)
    }

    pub(crate) fn inconclusive(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Inconclusive, None, reason)
    }

    pub(crate) fn skipped(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Skipped, None, reason)
    }

    fn new(verdict: Verdict, severity: Option<Severity>, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            severity,
            reason: reason.into(),
            trials: 1,
            overlapping: 0,
            evidence: Vec::new(),
            lost_updates: Vec::new(),
            history: None,
        }
    }

    /// An exchange that shows it, and what it shows.
    #[must_use]
    pub(crate) fn showing(mut self, note: impl Into<String>, exchange: &Exchange) -> Self {
        self.evidence.push(Evidence {
            note: note.into(),
            exchange: exchange.clone(),
        });
        self
    }

    /// Exchanges that all show the same.
    #[must_use]
    pub(crate) fn showing_each<'a>(
        self,
        note: &str,
        exchanges: impl IntoIterator<Item = &'a Exchange>,
    ) -> Self {
        exchanges
            .into_iter()
            .fold(self, |ruling, exchange| ruling.showing(note, exchange))
    }

    #[must_use]
    pub(crate) fn after(mut self, trials: u32, overlapping: u32) -> Self {
        self.trials = trials;
        self.overlapping = overlapping;
        self
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.verdict == Verdict::Fail
    }

    /// The worse of two: a failure before what is unclear, that before what passed.
    #[must_use]
    pub(crate) fn or_worse(self, other: Self) -> Self {
        if other.rank() < self.rank() {
            other
        } else {
            self
        }
    }

    fn rank(&self) -> (u8, Option<Severity>) {
        match self.verdict {
            Verdict::Fail => (0, self.severity),
            Verdict::Inconclusive => (1, None),
            Verdict::Pass => (2, None),
            Verdict::Skipped => (3, None),
        }
    }
}

impl From<Halt> for Ruling {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Ended(stop) => Self::inconclusive(stop.to_string()),
            Halt::Cannot(reason) => Self::inconclusive(reason),
        }
    }
}
