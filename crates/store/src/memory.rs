//! A store in memory whose disk outlives it, with as many writers as open it.
//!
//! The disk holds records in the order in which they were written. A commit is one record after the
//! other and a mark behind the last; what no mark follows is torn, and never was. All that is read
//! comes from tables that are made of the records, and kept up to date.

mod disk; // what outlives the process, and what its writers share
mod reader; // what is asked of the tables
mod record; // what is on the disk
mod tables; // what the records come to
mod weather; // what may go wrong, and where

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard};

use detente_core::rules::{Claim, Rules};
use detente_core::{Head, Key, Lock, Moment, Receipt, Seq, Stored};

use crate::{
    BatchToken, Commit, ConstraintConflict, Facts, Fate, Ground, Lack, Order, Settlement, Store,
    StoreError, Time, Want, locks_below,
};

pub use disk::Disk;
pub use reader::MemoryReader;
pub use weather::{Landing, Mishap, Step, Weather};

use disk::Shared;
use weather::Calm;

/// A store in memory, as one of its writers has it.
#[derive(Debug)]
pub struct Memory {
    disk: Disk,
    weather: Arc<dyn Weather>,
    /// The guard of the commits that were there when the turn began: the next must be the first
    /// since.
    guard: u64,
    /// The latest time of a turn so far. It does not outlive the process, unlike that of the disk.
    now: Moment,
    /// What was fetched in this turn, if facts must be.
    at_hand: Option<BTreeSet<Want>>,
}

impl Default for Memory {
    /// An empty store, on a disk of its own.
    fn default() -> Self {
        Self::on(&Disk::default())
    }
}

impl Memory {
    /// What is on a disk, with nothing that goes wrong.
    pub fn on(disk: &Disk) -> Self {
        Self::open(disk, Arc::new(Calm))
    }

    /// Opens what a disk holds, in this weather.
    pub fn open(disk: &Disk, weather: Arc<dyn Weather>) -> Self {
        let guard = disk.shared().recover();
        Self {
            disk: disk.clone(),
            weather,
            guard,
            now: Moment(0),
            at_hand: None,
        }
    }

    /// As if it were far away: facts are at hand only once they were fetched.
    #[must_use]
    pub fn far_away(self) -> Self {
        let at_hand = Some(BTreeSet::new());
        Self { at_hand, ..self }
    }

    /// The tables, unless a fact must be fetched first, or cannot be read.
    fn look(&self, want: impl FnOnce() -> Want) -> Result<MutexGuard<'_, Shared>, Lack> {
        if let Some(at_hand) = &self.at_hand {
            let want = want();
            if !at_hand.contains(&want) {
                return Err(Lack::Wanted(Box::new(want)));
            }
        }
        self.weather.meet(Step::Read).map_err(Mishap::told)?;
        Ok(self.disk.shared())
    }
}

impl Facts for Memory {
    fn head(&self, key: &Key) -> Result<Option<Head>, Lack> {
        let shared = self.look(|| Want::Head(key.clone()))?;
        Ok(shared.tables.head(key))
    }

    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, Lack> {
        let shared = self.look(|| Want::Version(seq))?;
        Ok(shared.tables.version(seq))
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, Lack> {
        let shared = self.look(|| Want::holder(key, claim))?;
        Ok(shared.tables.holder(key, claim))
    }

    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, Lack> {
        let shared = self.look(|| Want::Lock(key.clone()))?;
        Ok(shared.tables.locks.get(key).cloned())
    }

    fn locks_below(&self, folder: &Key) -> Result<Vec<(Key, Arc<Lock>)>, Lack> {
        let shared = self.look(|| Want::Lock(folder.clone()))?;
        Ok(locks_below(shared.tables.locks.iter(), folder))
    }

    fn receipt(&self, scope: &[u8; 32]) -> Result<Option<Receipt>, Lack> {
        let shared = self.look(|| Want::Receipt(*scope))?;
        Ok(shared.tables.receipts.get(scope).cloned())
    }

    fn settled(&self, id: &str) -> Result<Option<Option<Settlement>>, Lack> {
        let shared = self.look(|| Want::Settled(id.to_owned()))?;
        Ok(shared.tables.settled(id))
    }
}

impl Store for Memory {
    type Reader = MemoryReader;

    const IS_EXCLUSIVE: bool = false;

    fn reader(&self) -> MemoryReader {
        MemoryReader::new(self.disk.clone())
    }

    fn begin(&mut self, orders: &[Order], clock: Time) -> Result<Ground, StoreError> {
        self.weather.meet(Step::Begin).map_err(Mishap::told)?;
        if let Some(at_hand) = &mut self.at_hand {
            *at_hand = Want::of(orders).into_iter().collect();
        }
        let shared = self.disk.shared();
        self.guard = shared.guard();
        self.now = self.now.max(clock.now).max(shared.floor());
        Ok(Ground {
            next_seq: shared.tables.last_seq + 1,
            fencing: shared.tables.fencing,
            time: Time {
                now: self.now,
                ..clock
            },
        })
    }

    fn fetch(&mut self, wants: &[Want]) -> Result<(), StoreError> {
        self.weather.meet(Step::Read).map_err(Mishap::told)?;
        if let Some(at_hand) = &mut self.at_hand {
            at_hand.extend(wants.iter().cloned());
        }
        Ok(())
    }

    fn append(&mut self, commit: &Commit) -> Fate {
        let fate = (self.disk.shared()).append(commit, self.guard, &*self.weather);
        if matches!(fate, Fate::Committed) {
            self.guard = self.disk.shared().guard();
        }
        fate
    }

    fn fate(&mut self, batch: BatchToken) -> Fate {
        match self.weather.meet(Step::Ask) {
            Ok(()) => self.disk.shared().fate(batch),
            Err(_) => Fate::Unknown(batch),
        }
    }

    fn constrain(
        &mut self,
        rules: &[(&str, &Rules)],
    ) -> Result<Vec<ConstraintConflict>, StoreError> {
        self.disk.shared().constrain(rules)
    }

    fn has_keys(&self, collection: &str, rules: &Rules) -> Result<bool, StoreError> {
        Ok(self.disk.shared().tables.has_keys(collection, rules))
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.weather.meet(Step::Close).map_err(Mishap::told)
    }
}
