use std::sync::Arc;

use detente_sqlite::{Sqlite, SqliteOptions};
use detente_store::Store;
use detente_store::memory::{Disk, Memory};
use tempfile::TempDir;

use crate::clock::Clock;
use crate::fault::Faults;

/// Where a store stands: what is left of it when the process is gone.
pub(crate) trait Ground {
    type Store: Store;

    fn open(&mut self) -> Self::Store;

    /// Whether faults strike in the midst of what the store does.
    fn has_faults(&self) -> bool {
        true
    }
}

/// A disk in memory.
pub(crate) struct InMemory {
    disk: Disk,
    faults: Arc<Faults>,
}

impl InMemory {
    pub(crate) fn new(faults: &Arc<Faults>) -> Self {
        Self {
            disk: Disk::default(),
            faults: Arc::clone(faults),
        }
    }
}

impl Ground for InMemory {
    type Store = Memory;

    fn open(&mut self) -> Memory {
        Memory::open(&self.disk, Arc::clone(&self.faults) as _)
    }
}

/// A folder with the embedded store. It is left without a word, but never torn.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a folder can be made"))
    }
}

impl Ground for Folder {
    type Store = Sqlite;

    fn open(&mut self) -> Sqlite {
        let options = SqliteOptions {
            cache_bytes: 10_000,
            dirty_limit: 3,
            ..SqliteOptions::default()
        };
        Sqlite::open(self.0.path(), options).expect("what was left is sound")
    }

    fn has_faults(&self) -> bool {
        false
    }
}

/// The parts of a run that a ground and the world share.
pub(crate) fn weather() -> (Clock, Arc<Faults>) {
    let clock = Clock::new();
    let faults = Arc::new(Faults::new(clock.clone()));
    (clock, faults)
}
