use std::collections::BTreeMap;
use std::sync::Arc;

use detente_core::{Applied, Key, Lock, Receipt};

use crate::{BatchToken, Commit, LoggedConflict, Pruning, SettledConflict, Time, UniqueKey};

#[derive(Clone, Debug)]
pub(super) enum Record {
    Version(Box<Applied>),
    Lock(Key, Option<Arc<Lock>>),
    Receipt(Receipt),
    Pruning(Pruning),
    Conflict(Arc<LoggedConflict>),
    SettledConflict(SettledConflict),
    Key(UniqueKey, Option<String>),
    Keys(Keys),
    /// All up to here is one commit, of this time.
    Mark(BatchToken, Time),
}

/// The unique keys that documents hold, and the constraints that they were built for.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    /// By collection and name.
    pub(super) definitions: BTreeMap<(String, String), String>,
    pub(super) holders: BTreeMap<UniqueKey, String>,
}

pub(super) fn records(commit: &Commit) -> Vec<Record> {
    let Commit {
        versions,
        keys,
        locks,
        receipts,
        prunings,
        conflicts,
        settlements,
        time: _,
    } = commit;
    let versions = versions.iter().cloned().map(Box::new).map(Record::Version);
    let keys = keys.iter().cloned();
    let locks = locks.iter().cloned();
    let conflicts = conflicts.iter().cloned();
    versions
        .chain(keys.map(|(key, holder)| Record::Key(key, holder)))
        .chain(locks.map(|(key, lock)| Record::Lock(key, lock)))
        .chain(receipts.iter().cloned().map(Record::Receipt))
        .chain(prunings.iter().cloned().map(Record::Pruning))
        .chain(conflicts.map(Record::Conflict))
        .chain(settlements.iter().cloned().map(Record::SettledConflict))
        .collect()
}
