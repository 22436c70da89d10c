use std::collections::BTreeMap;
use std::sync::Arc;

use detente_core::{Applied, Key, Lock, Moment, Receipt};

use crate::{BatchToken, Commit, LoggedConflict, Pruning, SettledConflict};

#[derive(Clone, Debug)]
pub(super) enum Record {
    Version(Box<Applied>),
    Lock(Key, Option<Arc<Lock>>),
    Receipt(Receipt),
    Pruning(Pruning),
    Conflict(Arc<LoggedConflict>),
    SettledConflict(SettledConflict),
    Keys(Keys),
    /// All up to here is one commit, of this time.
    Mark(BatchToken, Moment),
}

/// The unique keys that documents hold, and the constraints that they were built for.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    /// By collection and name.
    pub(super) definitions: BTreeMap<(String, String), String>,
    /// By space, collection, constraint and value.
    pub(super) holders: BTreeMap<[String; 4], String>,
}

pub(super) fn records(commit: &Commit) -> Vec<Record> {
    let Commit {
        versions,
        locks,
        receipts,
        prunings,
        conflicts,
        settlements,
        now: _,
    } = commit;
    let versions = versions.iter().cloned().map(Box::new).map(Record::Version);
    let locks = locks.iter().cloned();
    let conflicts = conflicts.iter().cloned();
    versions
        .chain(locks.map(|(key, lock)| Record::Lock(key, lock)))
        .chain(receipts.iter().cloned().map(Record::Receipt))
        .chain(prunings.iter().cloned().map(Record::Pruning))
        .chain(conflicts.map(Record::Conflict))
        .chain(settlements.iter().cloned().map(Record::SettledConflict))
        .collect()
}
