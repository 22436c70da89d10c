use std::collections::BTreeMap;
use std::sync::Arc;

use detente_core::rules::Claim;
use detente_core::{Applied, Key, Lock, Moment, Receipt};

use crate::{LoggedConflict, SettledConflict, Time};

/// All that is written in one step: durable together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// In the order of their seqs, which follow the newest one without a gap.
    pub versions: Vec<Applied>,
    /// Who holds each unique key that the versions move: the id of a document; `None`: nobody.
    pub keys: Vec<(UniqueKey, Option<String>)>,
    /// The locks of documents, as they are from now on; `None`: there is none.
    pub locks: Vec<(Key, Option<Arc<Lock>>)>,
    pub receipts: Vec<Receipt>,
    /// The documents whose oldest versions may go.
    pub prunings: Vec<Pruning>,
    /// What is new in the conflict log.
    pub conflicts: Vec<Arc<LoggedConflict>>,
    /// What became of conflicts in the log, those above among them.
    pub settlements: Vec<SettledConflict>,
    /// When it was decided. What has outlived its time by then may go.
    pub time: Time,
}

/// A unique key of one collection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UniqueKey {
    pub space: Box<str>,
    pub collection: Box<str>,
    /// The name of the constraint.
    pub constraint: String,
    /// As [`Claim::value`].
    pub value: String,
}

impl UniqueKey {
    /// The key that a document of the collection of `key` claims.
    pub fn new(key: &Key, claim: &Claim) -> Self {
        Self {
            space: key.space().into(),
            collection: key.collection().into(),
            constraint: claim.constraint.clone(),
            value: claim.value.clone(),
        }
    }
}

/// Versions of one document that may go. The newest never does, whatever this says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruning {
    pub key: Key,
    /// Only versions with a smaller number may go.
    pub below: u64,
    /// Only versions that another followed before this moment may go.
    pub before: Moment,
}

impl Commit {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.conflicts.is_empty() && self.decides_nothing()
    }

    /// Whether it writes to the conflict log, and nothing else.
    pub fn is_log_alone(&self) -> bool {
        !self.conflicts.is_empty() && self.decides_nothing()
    }

    /// The largest fencing number among its locks; 0 if there are none.
    pub fn largest_fencing(&self) -> u64 {
        let locks = self.locks.iter().filter_map(|(_, lock)| lock.as_ref());
        let fencings = locks.map(|lock| lock.largest_fencing());
        fencings.max().unwrap_or(0)
    }

    fn decides_nothing(&self) -> bool {
        let Self {
            versions,
            locks,
            receipts,
            settlements,
            keys: _,
            conflicts: _,
            prunings: _,
            time: _,
        } = self;
        versions.is_empty() && locks.is_empty() && receipts.is_empty() && settlements.is_empty()
    }

    /// How often edits were merged, by space, collection and the beginning of the hour.
    pub fn merges(&self) -> BTreeMap<(&str, &str, u64), u64> {
        const HOUR_MS: u64 = 60 * 60 * 1000;
        let mut counts = BTreeMap::new();
        let stored = self.versions.iter().map(|applied| &*applied.stored);
        for stored in stored.filter(|stored| stored.base.is_some()) {
            let hour = stored.at.0 / HOUR_MS * HOUR_MS;
            let place = (stored.key.space(), stored.key.collection(), hour);
            *counts.entry(place).or_insert(0) += 1;
        }
        counts
    }
}
