use crate::violation::Violation;

/// What a history came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// How the verdict was come to; the most laborious of all resources', or that of the one with the violation.
    pub method: Method,
    pub operations: usize,
    /// How many resources.
    pub keys: usize,
}

/// Whether a history could have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It could have been.
    Linearizable,
    /// It could not. Of several resources', the one that comes first in the history.
    Violation(Violation),
    /// Not found out.
    Unknown {
        /// Which resource, and what was exhausted.
        reason: String,
    },
}

/// From easy to laborious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Every write says which version it replaced.
    Chain,
    /// Every write writes what no other does.
    Register,
    /// All orders.
    Search,
}

impl Method {
    /// The name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Register => "register",
            Self::Search => "search",
        }
    }
}
