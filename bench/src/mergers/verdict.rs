//! What a merge came to.

use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// The document that has both sides' edits.
    Merged,
    /// The number of places that somebody has to decide.
    Conflicts(usize),
    /// No conflict, but not the document that has both sides' edits.
    Wrong,
}

impl Verdict {
    /// `is_merged` counts only where there is no conflict.
    pub(super) fn of(conflicts: usize, is_merged: bool) -> Verdict {
        match conflicts {
            0 if is_merged => Verdict::Merged,
            0 => Verdict::Wrong,
            conflicts => Verdict::Conflicts(conflicts),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Merged => f.write_str("merged"),
            Verdict::Conflicts(1) => f.write_str("1 conflict"),
            Verdict::Conflicts(conflicts) => write!(f, "{conflicts} conflicts"),
            Verdict::Wrong => f.write_str("wrong"),
        }
    }
}
