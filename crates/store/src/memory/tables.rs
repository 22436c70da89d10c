use std::collections::BTreeMap;
use std::sync::Arc;

use detente_core::rules::{Claim, Rules, Unique};
use detente_core::{CollectionKey, Head, Key, Lock, Receipt, Seq, Stored};

use super::record::{Keys, Record};
use crate::{ConstraintConflict, LoggedConflict, Pruning, Settlement, UniqueKey};

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
    keys: Keys,
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
                self.count_merge(stored);
                self.heads.insert(stored.key.clone(), applied.head);
                self.last_seq = stored.seq;
                self.log.insert(stored.seq, Arc::clone(stored));
            }
            Record::Lock(key, Some(lock)) => {
                self.fencing = self.fencing.max(lock.largest_fencing());
                self.locks.insert(key.clone(), Arc::clone(lock));
            }
            Record::Lock(key, None) => drop(self.locks.remove(key)),
            Record::Receipt(receipt) => {
                self.receipts.insert(receipt.once.scope, receipt.clone());
            }
            Record::Pruning(pruning) => self.prune(pruning),
            Record::Conflict(conflict) => self.conflicts.push((**conflict).clone()),
            Record::SettledConflict(settlement) => {
                let mut conflicts = self.conflicts.iter_mut();
                if let Some(conflict) = conflicts.find(|it| it.id == settlement.id) {
                    conflict.settlement = Some(settlement.settled.clone());
                }
            }
            Record::Key(key, Some(holder)) => {
                self.keys.holders.insert(key.clone(), holder.clone());
            }
            Record::Key(key, None) => drop(self.keys.holders.remove(key)),
            Record::Keys(keys) => self.keys = keys.clone(),
            // What has outlived its time may go, and need not.
            Record::Mark(_, time) if time.now.0.is_multiple_of(2) => {
                self.locks.retain(|_, lock| lock.is_held(time.now));
                let aged = time.aged();
                self.receipts.retain(|_, receipt| receipt.is_kept(aged));
            }
            Record::Mark(..) => {}
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
        self.keys.holders.get(&UniqueKey::new(key, claim)).cloned()
    }

    pub(super) fn has_keys(&self, collection: &str, rules: &Rules) -> bool {
        let is_built = |unique: &Unique| {
            let name = (collection.to_owned(), unique.name.clone());
            self.keys.definitions.get(&name) == Some(&unique.definition())
        };
        rules.unique.iter().all(is_built)
    }

    /// The keys as these rules want them, and the documents that collide.
    pub(super) fn built(&self, rules: &[(&str, &Rules)]) -> (Keys, Vec<ConstraintConflict>) {
        let mut keys = Keys::default();
        let mut conflicts = Vec::new();
        let documents = self.heads.values().filter(|head| head.is_document());
        let documents: Vec<_> = documents.filter_map(|it| self.log.get(&it.seq)).collect();
        for (collection, rules) in rules {
            for (index, unique) in rules.unique.iter().enumerate() {
                let name = ((*collection).to_owned(), unique.name.clone());
                keys.definitions.insert(name, unique.definition());
                let own = documents
                    .iter()
                    .filter(|it| it.key.collection() == *collection);
                for stored in own {
                    let document = stored.document();
                    if let Some(claim) = document.and_then(|it| unique.claim(index, &it)) {
                        conflicts.extend(keys.claim(&stored.key, &claim));
                    }
                }
            }
        }
        (keys, conflicts)
    }

    pub(super) fn settled(&self, id: &str) -> Option<Option<Settlement>> {
        let conflict = self.conflicts.iter().find(|it| it.id == id)?;
        Some(conflict.settlement.clone())
    }
}

impl Keys {
    fn claim(&mut self, key: &Key, claim: &Claim) -> Option<ConstraintConflict> {
        let place = UniqueKey::new(key, claim);
        let Some(holder) = self.holders.get(&place) else {
            self.holders.insert(place, key.id().to_owned());
            return None;
        };
        Some(ConstraintConflict {
            collection: CollectionKey {
                space: key.space().into(),
                collection: key.collection().into(),
            },
            constraint: claim.constraint.clone(),
            holder: holder.clone(),
            other: key.id().to_owned(),
        })
    }
}
