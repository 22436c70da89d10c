use crate::rules::Rules;

/// What the writes of a collection are decided by.
#[derive(Debug, Default)]
pub struct CollectionRules {
    pub rules: Rules,
    pub unconditional: Unconditional,
    /// How much history is kept; `None`: all of it.
    pub history: Option<Keep>,
}

/// Whether a write that names no version may replace a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unconditional {
    #[default]
    Reject,
    Allow,
}

/// How much of a document's history is kept. What either asks for is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// At least so many of the newest versions.
    pub versions: u64,
    /// Every version that was current within this time, in milliseconds.
    pub age_ms: u64,
}
