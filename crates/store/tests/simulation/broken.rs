use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_core::rules::Claim;
use detente_core::{Head, Key, Lock, Moment, Receipt, Seq, Stored};
use detente_store::{Commit, Settled, Store, StoreError};

use crate::fault::Faults;
use crate::ground::Ground;
use detente_store::memory::{Disk, Memory, MemoryReader};

/// What is wrong with a store, so that the simulation has something to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// The newest commit is durable only with the one after it.
    AcknowledgesEarly,
    WritesInTwoSteps,
    FailsAfterWriting,
    KeepsOldHeads,
    LosesReceipts,
    LosesConflicts,
    LosesSettlements,
    LosesBases,
    ForgetsLocks,
    ForgetsFencing,
    HoldsLocksTooLong,
    ForgetsHolders,
    IgnoresCounts,
    IgnoresAges,
    PrunesNothing,
    /// What a commit lets go, it lets go in a commit of its own.
    PrunesInTwoSteps,
}

impl Defect {
    pub(crate) const ALL: [Self; 16] = [
        Self::AcknowledgesEarly,
        Self::WritesInTwoSteps,
        Self::FailsAfterWriting,
        Self::KeepsOldHeads,
        Self::LosesReceipts,
        Self::LosesConflicts,
        Self::LosesSettlements,
        Self::LosesBases,
        Self::ForgetsLocks,
        Self::ForgetsFencing,
        Self::HoldsLocksTooLong,
        Self::ForgetsHolders,
        Self::IgnoresCounts,
        Self::IgnoresAges,
        Self::PrunesNothing,
        Self::PrunesInTwoSteps,
    ];
}

/// A disk in memory under a store with a defect.
pub(crate) struct BrokenGround {
    disk: Disk,
    faults: Arc<Faults>,
    defect: Defect,
    was_closed: Arc<AtomicBool>,
}

impl BrokenGround {
    pub(crate) fn new(faults: &Arc<Faults>, defect: Defect) -> Self {
        Self {
            disk: Disk::default(),
            faults: Arc::clone(faults),
            defect,
            was_closed: Arc::default(),
        }
    }
}

impl Ground for BrokenGround {
    type Store = Broken;

    fn open(&mut self) -> Broken {
        let was_closed = self.was_closed.swap(false, Ordering::Relaxed);
        if self.defect == Defect::AcknowledgesEarly && !was_closed {
            self.disk.lose_last_commit();
        }
        Broken {
            inner: Memory::open(&self.disk, Arc::clone(&self.faults) as _),
            defect: self.defect,
            was_closed: Arc::clone(&self.was_closed),
            commits: 0,
            heads: RefCell::default(),
        }
    }
}

pub(crate) struct Broken {
    inner: Memory,
    defect: Defect,
    was_closed: Arc<AtomicBool>,
    commits: u64,
    heads: RefCell<BTreeMap<Key, Option<Head>>>,
}

impl Broken {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn break_commit(&self, commit: &mut Commit) {
        match self.defect {
            Defect::LosesReceipts => commit.receipts.clear(),
            Defect::LosesConflicts => commit.conflicts.clear(),
            Defect::LosesSettlements => commit.settlements.clear(),
            Defect::PrunesNothing => commit.prunings.clear(),
            Defect::IgnoresCounts => {
                for pruning in &mut commit.prunings {
                    pruning.below = u64::MAX;
                }
            }
            Defect::IgnoresAges => {
                for pruning in &mut commit.prunings {
                    pruning.before = commit.now;
                }
            }
            Defect::LosesBases => {
                for applied in &mut commit.versions {
                    Arc::make_mut(&mut applied.stored).base = None;
                }
            }
            _ => {}
        }
    }
}

impl Store for Broken {
    type Reader = MemoryReader;

    fn reader(&self) -> MemoryReader {
        self.inner.reader()
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.inner.begin()
    }

    fn head(&self, key: &Key) -> Result<Option<Head>, StoreError> {
        if !self.has(Defect::KeepsOldHeads) {
            return self.inner.head(key);
        }
        if let Some(head) = self.heads.borrow().get(key) {
            return Ok(*head);
        }
        let head = self.inner.head(key)?;
        self.heads.borrow_mut().insert(key.clone(), head);
        Ok(head)
    }

    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, StoreError> {
        self.inner.version(seq)
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, StoreError> {
        let holder = self.inner.holder(key, claim)?;
        Ok(holder.filter(|_| !self.has(Defect::ForgetsHolders)))
    }

    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, StoreError> {
        let lock = self.inner.lock(key)?;
        Ok(match self.defect {
            Defect::ForgetsLocks => None,
            Defect::HoldsLocksTooLong => lock.map(|lock| {
                let expires_at = Moment(lock.expires_at.0 + 1000);
                Arc::new(Lock {
                    expires_at,
                    ..(*lock).clone()
                })
            }),
            _ => lock,
        })
    }

    fn last_fencing(&self) -> u64 {
        match self.defect {
            Defect::ForgetsFencing => 0,
            _ => self.inner.last_fencing(),
        }
    }

    fn receipt(&self, scope: &[u8; 32]) -> Result<Option<Receipt>, StoreError> {
        self.inner.receipt(scope)
    }

    fn settled(&self, id: &str) -> Result<Option<Option<Settled>>, StoreError> {
        self.inner.settled(id)
    }

    fn append(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let mut commit = commit.clone();
        self.break_commit(&mut commit);
        self.commits += 1;
        if self.commits.is_multiple_of(3) {
            self.heads.borrow_mut().clear();
        }
        if self.has(Defect::WritesInTwoSteps) {
            let first = Commit {
                versions: std::mem::take(&mut commit.versions),
                now: commit.now,
                ..Commit::default()
            };
            self.inner.append(&first)?;
        }
        let later = Commit {
            prunings: match self.has(Defect::PrunesInTwoSteps) {
                true => std::mem::take(&mut commit.prunings),
                false => Vec::new(),
            },
            now: commit.now,
            ..Commit::default()
        };
        self.inner.append(&commit)?;
        if !later.prunings.is_empty() {
            self.inner.append(&later)?;
        }
        if self.has(Defect::FailsAfterWriting) && self.commits.is_multiple_of(20) {
            return Err(StoreError::Failed("so it says".into()));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.inner.close()?;
        self.was_closed.store(true, Ordering::Relaxed);
        Ok(())
    }
}
