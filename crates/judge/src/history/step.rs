use crate::history::names::Name;
use crate::history::operation::{Kind, Outcome};

/// The end of what never ended.
pub(crate) const NEVER: u64 = u64::MAX;

/// An operation by its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) begun: u64,
    /// When it was answered, [`NEVER`] if it was not.
    pub(crate) ended: u64,
    pub(crate) actor: Name,
    pub(crate) key: Name,
    pub(crate) base: Option<Name>,
    pub(crate) expected: Option<Name>,
    pub(crate) value: Option<Name>,
    pub(crate) tag: Option<Name>,
    pub(crate) kind: Kind,
    pub(crate) outcome: Outcome,
    pub(crate) absent: bool,
}

impl Step {
    pub(crate) fn is_read(&self) -> bool {
        self.kind == Kind::Read
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// Whether it may have changed something: a write, a deletion, that was not refused.
    pub(crate) fn may_change(&self) -> bool {
        !self.is_read() && self.outcome != Outcome::Refused
    }

    /// Whether it may have left a version of its own.
    pub(crate) fn may_write(&self) -> bool {
        self.may_change() && self.kind != Kind::Delete
    }

    /// When it has had its effect at the latest. What is unknown may happen long after its answer: a gateway gives up
    /// before the server behind it does.
    pub(crate) fn settled(&self) -> u64 {
        match self.outcome {
            Outcome::Unknown => NEVER,
            _ => self.ended,
        }
    }
}
