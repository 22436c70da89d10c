use std::sync::Arc;

use detente_core::{Applied, Key, Lock, Moment, Receipt};

use crate::{LoggedConflict, Settlement};

/// All that is written in one step: durable together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// In the order of their seqs, which follow the newest one without a gap.
    pub versions: Vec<Applied>,
    /// The locks of documents, as they are from now on; `None`: there is none.
    pub locks: Vec<(Key, Option<Arc<Lock>>)>,
    pub receipts: Vec<Receipt>,
    /// What is new in the conflict log.
    pub conflicts: Vec<LoggedConflict>,
    /// What became of conflicts in the log, those above among them.
    pub settlements: Vec<Settlement>,
    /// When it was decided. What has outlived its time by then may go.
    pub now: Moment,
}

impl Commit {
    pub fn is_empty(&self) -> bool {
        let Self {
            versions,
            locks,
            receipts,
            conflicts,
            settlements,
            now: _,
        } = self;
        versions.is_empty()
            && locks.is_empty()
            && receipts.is_empty()
            && conflicts.is_empty()
            && settlements.is_empty()
    }
}
