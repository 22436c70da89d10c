use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use detente_core::rules::Rules;
use detente_core::{Moment, Seq};
use tokio::sync::watch;

use super::record::{Record, records};
use super::tables::Tables;
use super::weather::{Landing, Mishap, Step, Weather};
use crate::{BatchToken, Commit, ConstraintConflict, Epoch, Fate, StoreError, Time};

/// What is left when a process is gone, and what those that are there have in common.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Shared>>);

#[derive(Debug)]
pub(super) struct Shared {
    records: Vec<Record>,
    epoch: Epoch,
    pub(super) tables: Tables,
    /// Moves with each commit, and whenever one is prevented.
    guard: u64,
    /// The time of the newest commit.
    floor: Moment,
    batches: u128,
    committed: BTreeSet<BatchToken>,
    under_way: Option<UnderWay>,
    watch: watch::Sender<Seq>,
}

/// A commit that may still be written.
#[derive(Debug)]
struct UnderWay {
    batch: BatchToken,
    guard: u64,
    records: Vec<Record>,
    time: Time,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            epoch: Epoch::new(),
            tables: Tables::default(),
            guard: 0,
            floor: Moment(0),
            batches: 0,
            committed: BTreeSet::new(),
            under_way: None,
            watch: watch::Sender::new(0),
        }
    }
}

impl Disk {
    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().expect("nothing panics while it is held")
    }

    /// What was under way arrives, if anything was: it is written, unless something came between.
    pub fn land(&self) {
        self.shared().land();
    }

    /// Whether a commit was written.
    pub fn has(&self, batch: BatchToken) -> bool {
        self.shared().committed.contains(&batch)
    }

    /// The time is forgotten, as a process that is alone on its disk forgets it when it ends.
    pub fn forget_the_time(&self) {
        self.shared().floor = Moment(0);
    }

    /// Takes back the newest commit, as a disk does that was never told to keep it.
    pub fn lose_last_commit(&self) {
        let mut shared = self.shared();
        shared.cut();
        shared.records.pop();
        shared.epoch = Epoch::new();
        shared.recover();
    }
}

impl Shared {
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn guard(&self) -> u64 {
        self.guard
    }

    pub(super) fn floor(&self) -> Moment {
        self.floor
    }

    pub(super) fn watch(&self) -> watch::Receiver<Seq> {
        self.watch.subscribe()
    }

    /// Cuts off what no mark follows.
    fn cut(&mut self) {
        let is_mark = |record: &Record| matches!(record, Record::Mark(..));
        let end = self.records.iter().rposition(is_mark);
        self.records.truncate(end.map_or(0, |at| at + 1));
    }

    /// Makes the tables anew, of what is on the disk.
    pub(super) fn recover(&mut self) -> u64 {
        self.cut();
        self.tables = Tables::default();
        self.committed.clear();
        for record in &self.records {
            self.tables.take_in(record);
            if let Record::Mark(batch, _) = record {
                self.committed.insert(*batch);
            }
        }
        self.guard
    }

    /// Writes a commit, if none was written since its guard was taken.
    pub(super) fn append(&mut self, commit: &Commit, guard: u64, weather: &dyn Weather) -> Fate {
        // What somebody left who is gone.
        self.cut();
        if guard != self.guard {
            return Fate::Lost;
        }
        self.batches += 1;
        let batch = BatchToken(self.batches);
        let under_way = UnderWay {
            batch,
            guard,
            records: records(commit),
            time: commit.time,
        };
        for record in &under_way.records {
            if let Err(mishap) = weather.meet(Step::Record) {
                return self.give_up(mishap, under_way);
            }
            self.records.push(record.clone());
        }
        if let Err(mishap) = weather.meet(Step::Mark) {
            return self.give_up(mishap, under_way);
        }
        self.write(under_way);
        match weather.meet(Step::Marked) {
            Ok(()) => Fate::Committed,
            Err(_) => Fate::Unknown(batch),
        }
    }

    fn give_up(&mut self, mishap: Mishap, under_way: UnderWay) -> Fate {
        let batch = under_way.batch;
        // Whoever is told of a failure has written nothing; whoever crashes leaves what is there.
        if mishap == Mishap::Down {
            return Fate::Unknown(batch);
        }
        self.cut();
        match mishap {
            Mishap::Silence(landing) => {
                match landing {
                    Landing::AtOnce => self.write(under_way),
                    Landing::Late => self.under_way = Some(under_way),
                    Landing::Never => {}
                }
                Fate::Unknown(batch)
            }
            mishap => Fate::unwritten(mishap.told()),
        }
    }

    fn write(&mut self, under_way: UnderWay) {
        let UnderWay {
            batch,
            records,
            time,
            ..
        } = under_way;
        self.cut();
        self.put(records, batch, time);
    }

    fn put(&mut self, records: Vec<Record>, batch: BatchToken, time: Time) {
        // Where nothing is written, what others decided meanwhile stands.
        if records.is_empty() {
            return;
        }
        let last_seq = self.tables.last_seq;
        let mark = Record::Mark(batch, time);
        self.guard += 1;
        self.floor = self.floor.max(time.now);
        for record in records.into_iter().chain([mark]) {
            self.tables.take_in(&record);
            self.records.push(record);
        }
        self.committed.insert(batch);
        if self.tables.last_seq > last_seq {
            self.watch.send_replace(self.tables.last_seq);
        }
    }

    fn land(&mut self) {
        if let Some(under_way) = self.under_way.take()
            && under_way.guard == self.guard
        {
            self.write(under_way);
        }
    }

    /// Whether a commit was written; if not, it never will be.
    pub(super) fn fate(&mut self, batch: BatchToken) -> Fate {
        if self.committed.contains(&batch) {
            return Fate::Committed;
        }
        self.guard += 1;
        Fate::Lost
    }

    pub(super) fn constrain(
        &mut self,
        rules: &[(&str, &Rules)],
    ) -> Result<Vec<ConstraintConflict>, StoreError> {
        let (keys, conflicts) = self.tables.built(rules);
        if conflicts.is_empty() {
            self.batches += 1;
            let batch = BatchToken(self.batches);
            self.cut();
            self.put(vec![Record::Keys(keys)], batch, self.floor.into());
        }
        Ok(conflicts)
    }
}
