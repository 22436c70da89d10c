//! The write path as it would be if orders came one at a time, nothing failed and nobody crashed.

mod history; // what is kept of it
mod slots; // who has a unique key, and since when
mod write; // what becomes of one write

use std::collections::BTreeMap;
use std::sync::Arc;

use detente_core::json::Value;
use detente_core::{Key, Lock, LockAction, LockCommand, Moment, Receipt, Seq};
use detente_store::{Order, Reader, Settlement, Store, StoreError, Transaction};

use crate::answer::{Answer, Refused, Told, Version, Why};
use crate::collection::{keys, slot};
use pollster::FutureExt;
use slots::Slots;

#[derive(Default)]
pub(crate) struct Model {
    /// Goes back only while the process is down.
    pub(crate) now: Moment,
    /// The latest that it ever was.
    latest: Moment,
    log: Vec<Arc<Entry>>,
    /// The newest version of each document, tombstones included.
    newest: BTreeMap<Key, Arc<Entry>>,
    /// The number of the oldest version that is kept, where the history was cut.
    first_kept: BTreeMap<Key, u64>,
    locks: BTreeMap<Key, Lock>,
    fencing: u64,
    receipts: BTreeMap<[u8; 32], Receipt>,
    /// Those conflicts that may be settled, and what became of them.
    pub(crate) conflicts: BTreeMap<String, Option<Settlement>>,
    /// Those that only one writer knows of, and which.
    waiting: BTreeMap<String, usize>,
    /// The writer that performs.
    writer: usize,
    /// Within a transaction of several writes: the documents that may not have a slot, because of
    /// one that had it first.
    rivals: Option<Vec<(Key, Value, String)>>,
    /// Up to here the log was compared with the store's.
    compared: usize,
}

/// One version, and the one before it.
struct Entry {
    key: Key,
    version: Version,
    document: Option<Arc<Value>>,
    before: Option<Arc<Entry>>,
}

impl Model {
    /// A batch of a writer begins, at its time. Of the conflicts that wait to be logged, each writer
    /// knows its own.
    pub(crate) fn begin(&mut self, now: Moment, writer: usize, reader: &impl Reader) {
        self.now = now;
        self.reach(now);
        self.writer = writer;
        self.waiting.retain(|id, _| {
            let found = reader.conflict("default", id).block_on();
            !found.is_ok_and(|found| found.is_some())
        });
    }

    pub(crate) fn reach(&mut self, now: Moment) {
        self.latest = self.latest.max(now);
    }

    /// A writer is to log a conflict.
    pub(crate) fn hand_over(&mut self, id: &str, writer: usize) {
        self.conflicts.insert(id.to_owned(), None);
        self.waiting.insert(id.to_owned(), writer);
    }

    /// It was lost before it was logged.
    pub(crate) fn forget_conflict(&mut self, id: &str) {
        self.conflicts.remove(id);
        self.waiting.remove(id);
    }

    /// The process was started anew, perhaps after the clock was set back. What has outlived its
    /// time before may be gone from the store, or be there again.
    pub(crate) fn restart<S: Store>(&mut self, store: &mut S) -> Result<(), String> {
        self.now = Moment(0);
        let latest = self.latest;
        let reader = store.reader();
        let is_there = |key: &Key| reader.lock(key).is_some();
        self.locks
            .retain(|key, lock| latest < lock.expires_at || is_there(key));
        for (id, expected) in &self.conflicts {
            // One that is open may be lost, as all that waited are.
            let found = store.know(|it| it.settled(id)).map_err(unreadable)?;
            same("a conflict", &found.unwrap_or_default(), expected)?;
        }
        for (scope, receipt) in std::mem::take(&mut self.receipts) {
            let found = store.know(|it| it.receipt(&scope)).map_err(unreadable)?;
            if receipt.is_kept(latest) || found.is_some() {
                same("a receipt", &found.as_ref(), &Some(&receipt))?;
                self.receipts.insert(scope, receipt);
            }
        }
        Ok(())
    }

    /// Performs an order, or does not; says what is to be answered.
    pub(crate) fn perform(&mut self, order: &Order) -> Answer {
        match order {
            Order::Write(transaction) => self.transact(transaction),
            Order::Lock(command) => self.change_lock(command),
            Order::Log(_) | Order::Flush => Answer::Noted,
        }
    }

    fn transact(&mut self, asked: &Transaction) -> Answer {
        let receipt = asked.once.and_then(|once| self.receipts.get(&once.scope));
        if let Some(receipt) = receipt.filter(|receipt| receipt.is_kept(self.now)) {
            let writes = receipt.writes.iter().map(|it| (it.seq, it.created));
            return match asked.once.map(|once| once.payload) == Some(receipt.once.payload) {
                true => Answer::Replayed(writes.collect()),
                false => Answer::KeyReused,
            };
        }
        for settles in &asked.settles {
            let waits_elsewhere =
                (self.waiting.get(&settles.id)).is_some_and(|writer| *writer != self.writer);
            match self.conflicts.get(&settles.id) {
                _ if waits_elsewhere => return Answer::NotOpen(None),
                Some(None) => {}
                Some(settled) => return Answer::NotOpen(settled.clone()),
                None => return Answer::NotOpen(None),
            }
        }
        let (log_len, locks) = (self.log.len(), self.locks.clone());
        let first_kept = self.first_kept.clone();
        self.rivals = None;
        let mut slots = self.slots();
        let mut told = self.write_all(asked, &mut slots);
        if asked.writes.len() > 1 {
            let rivals = slots.rivals();
            if !rivals.is_empty() {
                self.take_back(log_len);
                self.locks.clone_from(&locks);
                self.first_kept.clone_from(&first_kept);
                self.rivals = Some(rivals);
                slots = self.slots();
                told = self.write_all(asked, &mut slots);
            }
        }
        let is_refused = told.iter().any(|it| !matches!(it, Told::Applied(_)));
        if is_refused || asked.is_rehearsal {
            self.take_back(log_len);
            self.locks = locks;
            self.first_kept = first_kept;
            return match asked.is_rehearsal {
                true => Answer::Rehearsed(told),
                false => Answer::Refused(told),
            };
        }
        self.close(asked, &told);
        Answer::Applied(told)
    }

    /// Unique keys are judged by what the last write leaves.
    fn write_all(&mut self, asked: &Transaction, slots: &mut Slots) -> Vec<Told> {
        if asked.writes.len() > 1 && self.rivals.is_none() {
            self.rivals = Some(Vec::new());
        }
        let mut told = Vec::new();
        for (prepared, rules) in &asked.writes {
            told.push(self.write(prepared, rules));
            let key = &prepared.command.key;
            let newest = self.newest.get(key).and_then(|it| it.document.as_deref());
            slots.move_to(key, newest.and_then(|it| slot(key, it)));
        }
        self.rivals = None;
        told
    }

    fn slots(&self) -> Slots {
        let mut slots = Slots::default();
        for (key, entry) in &self.newest {
            let document = entry.document.as_deref();
            slots.move_to(key, document.and_then(|it| slot(key, it)));
        }
        slots
    }

    fn take_back(&mut self, log_len: usize) {
        while self.log.len() > log_len {
            let entry = self.log.pop().expect("it is longer than that");
            match &entry.before {
                Some(before) => self.newest.insert(entry.key.clone(), Arc::clone(before)),
                None => self.newest.remove(&entry.key),
            };
        }
    }

    fn close(&mut self, asked: &Transaction, told: &[Told]) {
        let versions = told.iter().filter_map(|told| match told {
            Told::Applied(version) => Some(version),
            _ => None,
        });
        if let Some(once) = asked.once {
            let written = |version: &Version| detente_core::Written {
                seq: version.seq,
                created: version.created,
            };
            let receipt = Receipt {
                once,
                at: self.now,
                writes: versions.clone().map(written).collect(),
            };
            self.receipts.insert(once.scope, receipt);
        }
        for settles in &asked.settles {
            let settled = Settlement {
                outcome: settles.outcome,
                at: self.now,
                by: Arc::clone(&settles.by),
                version: versions.clone().last().map(|version| version.version),
                reason: settles.reason.clone(),
            };
            self.conflicts.insert(settles.id.clone(), Some(settled));
        }
    }

    fn held(&self, key: &Key) -> Option<&Lock> {
        self.locks
            .get(key)
            .filter(|lock| self.now < lock.expires_at)
    }

    fn change_lock(&mut self, command: &LockCommand) -> Answer {
        let key = &command.key;
        let held = self.held(key).cloned();
        let refuse = Answer::LockRefused;
        let until = |life_ms: u64| Moment(self.now.0 + life_ms);
        let owned = |token: &Arc<str>| match &held {
            Some(lock) if lock.token == *token => Ok(lock.clone()),
            Some(lock) => Err(Refused::new(Why::Locked).by_lock(lock)),
            None => Err(Refused::new(Why::LockLost)),
        };
        match &command.action {
            LockAction::Take {
                token,
                owner,
                life_ms,
                ..
            } => {
                match self.newest.get(key) {
                    None => return refuse(Refused::new(Why::Missing)),
                    Some(it) if it.document.is_none() => {
                        return refuse(Refused::new(Why::Deleted).at(Some(it.version.seq)));
                    }
                    Some(_) => {}
                }
                if let Some(lock) = held {
                    return refuse(Refused::new(Why::Locked).by_lock(&lock));
                }
                let lock = Lock {
                    token: Arc::clone(token),
                    fencing: self.fencing + 1,
                    owner: owner.clone(),
                    by: Arc::clone(&command.by),
                    expires_at: until(*life_ms),
                    is_deep: false,
                    sharers: None,
                };
                self.fencing = lock.fencing;
                self.locks.insert(key.clone(), lock.clone());
                Answer::Held(lock)
            }
            LockAction::Renew { token, life_ms } => match owned(token) {
                Ok(lock) => {
                    let expires_at = until(*life_ms);
                    let lock = Lock { expires_at, ..lock };
                    self.locks.insert(key.clone(), lock.clone());
                    Answer::Held(lock)
                }
                Err(refused) => refuse(refused),
            },
            LockAction::Release { token } => match owned(token) {
                Ok(lock) => {
                    self.locks.remove(key);
                    Answer::Freed(lock)
                }
                Err(refused) => refuse(refused),
            },
            LockAction::Break => match held {
                Some(lock) => {
                    self.locks.remove(key);
                    Answer::Freed(lock)
                }
                None => refuse(Refused::new(Why::LockFree)),
            },
        }
    }

    /// Compares all that the model knows with a store; versions only once.
    pub(crate) fn compare(&mut self, reader: &impl Reader, fencing: u64) -> Result<(), String> {
        let last_seq = self.log.len() as Seq;
        same("the end of the log", &reader.last_seq("default"), &last_seq)?;
        for entry in &self.log[self.compared..] {
            let seq = entry.version.seq;
            let stored = reader
                .version("default", seq)
                .block_on()
                .map_err(unreadable)?;
            let stored = stored.ok_or_else(|| format!("version {seq} is lost"))?;
            same("the key", &stored.key, &entry.key)?;
            let document = Some(stored.body.clone()).filter(|_| stored.head().is_document());
            same("the body", &document, &entry.version.body)?;
            let found = (stored.version, stored.prev, stored.base, stored.at);
            let Version {
                version,
                prev,
                base,
                at,
                ..
            } = &entry.version;
            same("a version", &found, &(*version, *prev, *base, *at))?;
        }
        for key in keys() {
            let head = reader.head(key).block_on().map_err(unreadable)?;
            let expected = self.newest.get(key).map(|it| it.version.seq);
            same("a head", &head.map(|it| it.seq), &expected)?;
            let lock = reader.lock(key).filter(|lock| lock.is_held(self.now));
            same("a lock", &lock.as_deref(), &self.held(key))?;
        }
        let pruned = reader.pruned("default").block_on().map_err(unreadable)?;
        same("how many versions are gone", &pruned, &self.gone())?;
        same("the fencing number", &fencing, &self.fencing)?;
        self.compared = self.log.len();
        Ok(())
    }
}

fn unreadable(error: StoreError) -> String {
    format!("the store cannot be read: {error}")
}

/// Complains where `found` is not what the model says.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &T,
    expected: &T,
) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!(
            "{what}: found {found:?}, the model says {expected:?}"
        )),
    }
}
