use std::sync::Arc;

use crate::rules::{Forbidden, Patience, Rules};
use crate::{Command, Merging, Proposal, Seq, Stored};

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

/// What an edit comes to, worked out before it is decided.
#[derive(Clone, Debug)]
pub struct Ahead {
    /// The version that it rests on; 0: there is no document. Where the head has moved since, it counts
    /// for nothing.
    pub seq: Seq,
    /// `None`: nothing is left.
    pub outcome: Option<Proposal>,
    /// What the rules say of it; `None`: they were not asked, for the decision is quick to ask them.
    pub verdict: Option<Result<(), Forbidden>>,
}

impl Ahead {
    /// An outcome on `stored`, and what the rules of its collection say of it, where they may need long
    /// for that. `is_restored` as for [`Rules::judge`].
    pub fn judged(
        rules: &Rules,
        command: &Command,
        stored: Option<&Stored>,
        outcome: Option<Proposal>,
        is_restored: bool,
        patience: &dyn Patience,
    ) -> Self {
        let sizes = (
            stored.map_or(0, |stored| stored.body.len()),
            outcome.as_ref().map_or(0, |outcome| outcome.body.len()),
        );
        let is_long = rules.evaluate_conditions() && sizes.0.max(sizes.1) > LARGE;
        let verdict = is_long.then(|| {
            let old = stored.and_then(Stored::document);
            let new = outcome.as_ref().map(Proposal::document);
            let (id, is_restored) = (command.key.id(), is_restored && old.is_none());
            let (old, caller) = (old.as_ref(), command.caller.as_deref());
            rules.judge(id, old, new.as_deref(), is_restored, caller, patience)
        });
        Self {
            seq: stored.map_or(0, |stored| stored.seq),
            outcome,
            verdict,
        }
    }
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
