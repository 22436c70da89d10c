use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_core::rules::{Claim, Rules};
use detente_core::{Head, Key, Lock, Moment, Receipt, Seq, Stored};
use detente_store::memory::{Disk, Memory, MemoryReader};
use detente_store::{
    BatchToken, Commit, ConstraintConflict, Facts, Fate, Ground as Standing, Lack, Order,
    Settlement, Store, StoreError, Time, Want,
};

use crate::fault::Faults;
use crate::ground::Ground;

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
    /// Writes whatever was decided, whoever was first.
    IgnoresOthers,
    /// Refuses on what others have changed since.
    RefusesOnOldGround,
    /// What is lost is logged all the same.
    LogsWhatIsLost,
    KeepsOldFencing,
    LeavesGaps,
    TurnsTimeBack,
    TakesUnknownForLost,
    TakesUnknownForWritten,
    /// What is said to be lost may be written yet.
    LeavesUnknownUnderWay,
}

impl Defect {
    pub(crate) const ALL: [Self; 25] = [
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
        Self::IgnoresOthers,
        Self::RefusesOnOldGround,
        Self::LogsWhatIsLost,
        Self::KeepsOldFencing,
        Self::LeavesGaps,
        Self::TurnsTimeBack,
        Self::TakesUnknownForLost,
        Self::TakesUnknownForWritten,
        Self::LeavesUnknownUnderWay,
    ];
}

/// A disk in memory under a store with a defect.
pub(crate) struct BrokenGround {
    disk: Disk,
    defect: Defect,
    was_closed: Arc<AtomicBool>,
}

impl BrokenGround {
    pub(crate) fn new(defect: Defect) -> Self {
        Self {
            disk: Disk::default(),
            defect,
            was_closed: Arc::default(),
        }
    }
}

impl Ground for BrokenGround {
    type Store = Broken;

    fn open(&mut self, faults: &Arc<Faults>, _: bool) -> Broken {
        let was_closed = self.was_closed.swap(false, Ordering::Relaxed);
        if self.defect == Defect::AcknowledgesEarly && !was_closed {
            self.disk.lose_last_commit();
        }
        Broken {
            inner: Memory::open(&self.disk, Arc::clone(faults) as _),
            disk: self.disk.clone(),
            defect: self.defect,
            was_closed: Arc::clone(&self.was_closed),
            commits: 0,
            fencing: None,
            heads: RefCell::default(),
        }
    }

    fn land(&self) {
        self.disk.land();
    }

    fn has(&self, batch: BatchToken) -> bool {
        self.disk.has(batch)
    }

    fn forget_the_time(&self) {
        self.disk.forget_the_time();
    }
}

pub(crate) struct Broken {
    inner: Memory,
    disk: Disk,
    defect: Defect,
    was_closed: Arc<AtomicBool>,
    commits: u64,
    fencing: Option<u64>,
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
                    pruning.before = commit.time.now;
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

impl Facts for Broken {
    fn head(&self, key: &Key) -> Result<Option<Head>, Lack> {
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

    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, Lack> {
        self.inner.version(seq)
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, Lack> {
        let holder = self.inner.holder(key, claim)?;
        Ok(holder.filter(|_| !self.has(Defect::ForgetsHolders)))
    }

    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, Lack> {
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

    fn locks_below(&self, folder: &Key) -> Result<Vec<(Key, Arc<Lock>)>, Lack> {
        self.inner.locks_below(folder)
    }

    fn receipt(&self, scope: &[u8; 32]) -> Result<Option<Receipt>, Lack> {
        self.inner.receipt(scope)
    }

    fn settled(&self, id: &str) -> Result<Option<Option<Settlement>>, Lack> {
        self.inner.settled(id)
    }
}

/// Where what was written in several steps failed in one of them, what that came to.
fn append_all(store: &mut Memory, commits: &[Commit]) -> Fate {
    for commit in commits {
        match store.append(commit) {
            Fate::Committed => {}
            fate => return fate,
        }
    }
    Fate::Committed
}

impl Store for Broken {
    type Reader = MemoryReader;

    const IS_EXCLUSIVE: bool = false;

    fn reader(&self) -> MemoryReader {
        self.inner.reader()
    }

    fn begin(&mut self, orders: &[Order], clock: Time) -> Result<Standing, StoreError> {
        let mut standing = self.inner.begin(orders, clock)?;
        match self.defect {
            Defect::ForgetsFencing => standing.fencing = 0,
            Defect::KeepsOldFencing => {
                standing.fencing = *self.fencing.get_or_insert(standing.fencing);
            }
            Defect::LeavesGaps => standing.next_seq += self.commits / 40 % 2,
            Defect::TurnsTimeBack if clock.now > Moment(0) => standing.time = clock,
            _ => {}
        }
        Ok(standing)
    }

    fn fetch(&mut self, wants: &[Want]) -> Result<(), StoreError> {
        self.inner.fetch(wants)
    }

    fn append(&mut self, commit: &Commit) -> Fate {
        let mut commit = commit.clone();
        self.break_commit(&mut commit);
        self.commits += 1;
        if self.commits.is_multiple_of(3) {
            self.heads.borrow_mut().clear();
            self.fencing = None;
        }
        let is_old_ground = match self.defect {
            Defect::IgnoresOthers => true,
            Defect::RefusesOnOldGround => commit.is_empty(),
            _ => false,
        };
        if is_old_ground && let Err(error) = self.inner.begin(&[], Time::default()) {
            return Fate::Failed(error);
        }
        let mut steps = Vec::new();
        if self.has(Defect::WritesInTwoSteps) {
            steps.push(Commit {
                versions: std::mem::take(&mut commit.versions),
                time: commit.time,
                ..Commit::default()
            });
        }
        let later = Commit {
            prunings: match self.has(Defect::PrunesInTwoSteps) {
                true => std::mem::take(&mut commit.prunings),
                false => Vec::new(),
            },
            time: commit.time,
            ..Commit::default()
        };
        let logged = Commit {
            conflicts: commit.conflicts.clone(),
            time: commit.time,
            ..Commit::default()
        };
        steps.push(commit);
        if !later.prunings.is_empty() {
            steps.push(later);
        }
        let fate = append_all(&mut self.inner, &steps);
        if self.has(Defect::LogsWhatIsLost) && matches!(fate, Fate::Lost) {
            let begun = self.inner.begin(&[], Time::default());
            let logged = begun.map(|_| self.inner.append(&logged));
            return logged.map_or_else(Fate::unwritten, |_| Fate::Lost);
        }
        if self.has(Defect::FailsAfterWriting) && self.commits.is_multiple_of(20) {
            return Fate::Failed(StoreError::Failed("so it says".into()));
        }
        fate
    }

    fn fate(&mut self, batch: BatchToken) -> Fate {
        match self.defect {
            Defect::TakesUnknownForLost => Fate::Lost,
            Defect::TakesUnknownForWritten => Fate::Committed,
            Defect::LeavesUnknownUnderWay if !self.disk.has(batch) => Fate::Lost,
            _ => self.inner.fate(batch),
        }
    }

    fn constrain(
        &mut self,
        rules: &[(&str, &Rules)],
    ) -> Result<Vec<ConstraintConflict>, StoreError> {
        self.inner.constrain(rules)
    }

    fn has_keys(&self, collection: &str, rules: &Rules) -> Result<bool, StoreError> {
        self.inner.has_keys(collection, rules)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.inner.close()?;
        self.was_closed.store(true, Ordering::Relaxed);
        Ok(())
    }
}
