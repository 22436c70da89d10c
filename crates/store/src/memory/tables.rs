use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{LoggedConflict, Pruning, Settled};
use detente_core::rules::Claim;
use detente_core::{Head, Key, Lock, Receipt, Seq, Stored};

use super::Record;

/// History is cut where the number of a version is a multiple of this.
const CUT: u64 = 64;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// What the records of a disk come to.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Those versions that are kept.
    pub(super) log: BTreeMap<Seq, Arc<Stored>>,
    pub(super) last_seq: Seq,
    pub(super) pruned: u64,
    pub(super) heads: BTreeMap<Key, Head>,
    /// By space, collection, constraint and value.
    holders: BTreeMap<[String; 4], String>,
    pub(super) locks: BTreeMap<Key, Arc<Lock>>,
    pub(super) fencing: u64,
    pub(super) receipts: BTreeMap<[u8; 32], Receipt>,
    /// The oldest first.
    pub(super) conflicts: Vec<LoggedConflict>,
    /// By space, hour and collection.
    pub(super) merges: BTreeMap<(String, u64, String), u64>,
}

impl Tables {
    pub(super) fn take_in(&mut self, record: &Record) {
        match record {
            Record::Version(applied) => {
                let stored = &applied.stored;
                let expected = self.last_seq + 1;
                assert_eq!(stored.seq, expected, "seqs follow without a gap");
                for claim in &applied.released {
                    self.holders.remove(&place(&stored.key, claim));
                }
                for claim in &applied.claimed {
                    let holder = stored.key.id().to_owned();
                    self.holders.insert(place(&stored.key, claim), holder);
                }
                self.count_merge(stored);
                self.heads.insert(stored.key.clone(), applied.head);
                self.last_seq = stored.seq;
                self.log.insert(stored.seq, Arc::clone(stored));
            }
            Record::Lock(key, Some(lock)) => {
                self.fencing = self.fencing.max(lock.fencing);
                self.locks.insert(key.clone(), Arc::clone(lock));
            }
            Record::Lock(key, None) => drop(self.locks.remove(key)),
            Record::Receipt(receipt) => {
                self.receipts.insert(receipt.once.scope, receipt.clone());
            }
            Record::Pruning(pruning) => self.prune(pruning),
            Record::Conflict(conflict) => self.conflicts.push((**conflict).clone()),
            Record::Settlement(settlement) => {
                let mut conflicts = self.conflicts.iter_mut();
                if let Some(conflict) = conflicts.find(|it| it.id == settlement.id) {
                    conflict.settlement = Some(settlement.settled.clone());
                }
            }
            // What has outlived its time may go, and need not.
            Record::Mark(now) if now.0.is_multiple_of(2) => {
                self.locks.retain(|_, lock| lock.is_held(*now));
                self.receipts.retain(|_, receipt| receipt.is_kept(*now));
            }
            Record::Mark(_) => {}
        }
    }

    fn prune(&mut self, pruning: &Pruning) {
        let own = |stored: &&Arc<Stored>| stored.key == pruning.key;
        let may_begin = |stored: &&Arc<Stored>| {
            stored.version.is_multiple_of(CUT)
                && stored.version <= pruning.below
                && stored.at < pruning.before
        };
        let kept = self.log.values().filter(own).rfind(may_begin);
        let Some(oldest_kept) = kept.map(|stored| stored.version) else {
            return;
        };
        let before = self.log.len();
        self.log
            .retain(|_, it| it.key != pruning.key || it.version >= oldest_kept);
        self.pruned += (before - self.log.len()) as u64;
    }

    fn count_merge(&mut self, stored: &Stored) {
        if stored.base.is_some() {
            let hour = stored.at.0 / HOUR_MS * HOUR_MS;
            let (space, collection) = (stored.key.space(), stored.key.collection());
            let place = (space.to_owned(), hour, collection.to_owned());
            *self.merges.entry(place).or_default() += 1;
        }
    }

    pub(super) fn head(&self, key: &Key) -> Option<Head> {
        self.heads.get(key).copied()
    }

    pub(super) fn version(&self, seq: Seq) -> Option<Arc<Stored>> {
        self.log.get(&seq).cloned()
    }

    pub(super) fn holder(&self, key: &Key, claim: &Claim) -> Option<String> {
        self.holders.get(&place(key, claim)).cloned()
    }

    pub(super) fn settled(&self, id: &str) -> Option<Option<Settled>> {
        let conflict = self.conflicts.iter().find(|it| it.id == id)?;
        Some(conflict.settlement.clone())
    }
}

fn place(key: &Key, claim: &Claim) -> [String; 4] {
    [
        key.space().to_owned(),
        key.collection().to_owned(),
        claim.constraint.clone(),
        claim.value.clone(),
    ]
}
