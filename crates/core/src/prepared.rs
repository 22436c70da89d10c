use std::sync::Arc;

use crate::{Command, Merging, Proposal, Seq};

/// Where a document is larger than this, in bytes, working on it would hold up others.
pub const LARGE: usize = 64 * 1024;

/// A command that is to be decided, and how far it was worked out before that: where many are
/// decided one after the other, none may take long. Sharing it is cheap.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub command: Arc<Command>,
    /// How to join the edit with what is stored, where If-Match is stale; `None`: refuse.
    pub fallback: Option<Arc<Merging>>,
    pub ahead: Option<Arc<Ahead>>,
    /// Whether the decision works out whatever was not worked out ahead, however large it is.
    pub must_decide: bool,
}

/// What a patch or a merge comes to, worked out before it is decided.
#[derive(Clone, Debug)]
pub struct Ahead {
    /// The version that it rests on. Where the head has moved since, it counts for nothing.
    pub seq: Seq,
    /// `None`: nothing is left.
    pub outcome: Option<Proposal>,
}

impl<C: Into<Arc<Command>>> From<C> for Prepared {
    /// Nothing is worked out ahead.
    fn from(command: C) -> Self {
        Self {
            command: command.into(),
            fallback: None,
            ahead: None,
            must_decide: false,
        }
    }
}
