use std::sync::Arc;

use detente_sqlite::{Sqlite, SqliteOptions};
use detente_store::memory::{Disk, Memory};
use detente_store::{BatchToken, Store};
use tempfile::TempDir;

use crate::fault::Faults;

/// Where a store stands: what is left of it when the process is gone.
pub(crate) trait Ground {
    type Store: Store;

    /// Opens the store for a writer with these faults. One that `is_far` fetches facts first.
    fn open(&mut self, faults: &Arc<Faults>, is_far: bool) -> Self::Store;

    /// Whether faults strike in the midst of what the store does, and another writer may be first.
    fn has_faults(&self) -> bool {
        true
    }

    /// What is under way arrives, if anything is.
    fn land(&self) {}

    /// Whether a commit was written of which nobody heard.
    fn has(&self, _: BatchToken) -> bool {
        false
    }

    /// All processes have ended: the clock may be set back.
    fn forget_the_time(&self) {}
}

/// A disk in memory.
#[derive(Default)]
pub(crate) struct InMemory(Disk);

impl Ground for InMemory {
    type Store = Memory;

    fn open(&mut self, faults: &Arc<Faults>, is_far: bool) -> Memory {
        let store = Memory::open(&self.0, Arc::clone(faults) as _);
        match is_far {
            true => store.far_away(),
            false => store,
        }
    }

    fn land(&self) {
        self.0.land();
    }

    fn has(&self, batch: BatchToken) -> bool {
        self.0.has(batch)
    }

    fn forget_the_time(&self) {
        self.0.forget_the_time();
    }
}

/// A folder with the embedded store. It is left without a word, but never torn.
pub(crate) struct Folder(TempDir);

impl Default for Folder {
    fn default() -> Self {
        Self(TempDir::new().expect("a folder can be made"))
    }
}

impl Ground for Folder {
    type Store = Sqlite;

    fn open(&mut self, _: &Arc<Faults>, _: bool) -> Sqlite {
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
