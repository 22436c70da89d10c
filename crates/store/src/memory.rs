//! A store in memory whose disk outlives it.
//!
//! The disk holds records in the order in which they were written. A commit is one record after the
//! other and a mark behind the last; what no mark follows is torn, and never was. All that is read
//! comes from tables that are made of the records when the store is opened, and kept up to date.

mod reader; // what is asked of the tables
mod tables; // what the records come to

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::{Commit, LoggedConflict, Pruning, Settled, Settlement, Store, StoreError};
use detente_core::rules::Claim;
use detente_core::{Applied, Head, Key, Lock, Moment, Receipt, Seq, Stored};

pub use reader::MemoryReader;
use tables::Tables;

/// A point in the work of a store at which something may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Begin,
    Read,
    /// Before a record of a commit is written.
    Record,
    /// All records are written; the mark that makes them count is not.
    Mark,
    /// The commit is durable.
    Marked,
    Close,
}

/// What goes wrong, if anything.
pub trait Weather: Debug + Send + Sync {
    /// Called before each step.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unknown`] ends the process where it stands; every other error is told to
    /// whoever asked. After [`Step::Marked`] only the former may come.
    fn meet(&self, step: Step) -> Result<(), StoreError>;
}

/// What is left when the process is gone.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Vec<Record>>>);

#[derive(Clone, Debug)]
enum Record {
    Version(Box<Applied>),
    Lock(Key, Option<Arc<Lock>>),
    Receipt(Receipt),
    Pruning(Pruning),
    Conflict(Arc<LoggedConflict>),
    Settlement(Settlement),
    /// All up to here is one commit, of this time.
    Mark(Moment),
}

/// A store in memory.
#[derive(Debug)]
pub struct Memory {
    disk: Disk,
    tables: Arc<Mutex<Tables>>,
    weather: Arc<dyn Weather>,
}

impl Disk {
    fn records(&self) -> MutexGuard<'_, Vec<Record>> {
        self.0.lock().expect("nothing panics while it is held")
    }

    /// Cuts off what no mark follows.
    fn cut(&self) {
        let mut records = self.records();
        let is_mark = |record: &Record| matches!(record, Record::Mark(_));
        let end = records.iter().rposition(is_mark).map_or(0, |at| at + 1);
        records.truncate(end);
    }

    /// Takes back the newest commit, as a disk does that was never told to keep it.
    pub fn lose_last_commit(&self) {
        self.cut();
        self.records().pop();
        self.cut();
    }
}

/// Nothing goes wrong.
#[derive(Debug)]
struct Calm;

impl Weather for Calm {
    fn meet(&self, _: Step) -> Result<(), StoreError> {
        Ok(())
    }
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

    pub fn open(disk: &Disk, weather: Arc<dyn Weather>) -> Self {
        disk.cut();
        let mut tables = Tables::default();
        for record in disk.records().iter() {
            tables.take_in(record);
        }
        Self {
            disk: disk.clone(),
            tables: Arc::new(Mutex::new(tables)),
            weather,
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().expect("nothing panics while it is held")
    }

    /// The tables, for the writer: whoever asks may be told that they cannot be read.
    fn read(&self) -> Result<MutexGuard<'_, Tables>, StoreError> {
        self.weather.meet(Step::Read)?;
        Ok(self.tables())
    }

    fn write(&self, records: &[Record], now: Moment) -> Result<(), StoreError> {
        for record in records {
            self.weather.meet(Step::Record)?;
            self.disk.records().push(record.clone());
        }
        self.weather.meet(Step::Mark)?;
        self.disk.records().push(Record::Mark(now));
        Ok(())
    }
}

fn records(commit: &Commit) -> Vec<Record> {
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
        .chain(settlements.iter().cloned().map(Record::Settlement))
        .collect()
}

impl Store for Memory {
    type Reader = MemoryReader;

    fn reader(&self) -> MemoryReader {
        MemoryReader::new(Arc::clone(&self.tables))
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.weather.meet(Step::Begin)
    }

    fn head(&self, key: &Key) -> Result<Option<Head>, StoreError> {
        Ok(self.read()?.head(key))
    }

    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, StoreError> {
        Ok(self.read()?.version(seq))
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, StoreError> {
        Ok(self.read()?.holder(key, claim))
    }

    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, StoreError> {
        Ok(self.read()?.locks.get(key).cloned())
    }

    fn last_fencing(&self) -> u64 {
        self.tables().fencing
    }

    fn receipt(&self, scope: &[u8; 32]) -> Result<Option<Receipt>, StoreError> {
        Ok(self.read()?.receipts.get(scope).cloned())
    }

    fn settled(&self, id: &str) -> Result<Option<Option<Settled>>, StoreError> {
        Ok(self.read()?.settled(id))
    }

    fn append(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let records = records(commit);
        if let Err(error) = self.write(&records, commit.now) {
            // Whoever is told of a failure has written nothing; whoever crashes leaves what is there.
            if !matches!(error, StoreError::Unknown(_)) {
                self.disk.cut();
            }
            return Err(error);
        }
        let mut tables = self.tables();
        for record in records.iter().chain([&Record::Mark(commit.now)]) {
            tables.take_in(record);
        }
        drop(tables);
        self.weather.meet(Step::Marked)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.weather.meet(Step::Close)
    }
}
