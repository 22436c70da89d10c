//! What must hold whatever the model says: told from orders, answers and the store alone.

mod access; // nobody writes what they may not
mod base; // no edit is joined but with what it began from
mod kept; // what must stay of the history
mod merged; // what a joined version owes to both sides

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use detente_core::json::{Value, parse};
use detente_core::{CollectionKey, Key, Kind, LockAction, Moment, Once, Receipt, Seq, Stored};
use detente_store::{
    Changes, Follow, Order, PageLimit, Reader, StoreError, Transaction, audit, each_document,
};

use crate::answer::{Answer, Told, Version, own_token};
use crate::collection::{keys, rules_of, slot};
use merged::Ledgers;
use pollster::FutureExt;

#[derive(Default)]
pub(crate) struct Laws {
    /// All that was ever told to be written.
    written: BTreeMap<Seq, (Key, Version)>,
    /// The largest that was ever told.
    fencing: u64,
    /// The locks that were held, by their tokens, and when their time is over.
    ends: BTreeMap<Arc<str>, (Key, Moment)>,
    now: Moment,
    /// The latest that it ever was.
    latest: Moment,
    performed: BTreeMap<[u8; 32], (Once, Moment, Vec<Seq>)>,
    settled: BTreeSet<String>,
    ledgers: Ledgers,
}

impl Laws {
    /// An order was answered at this time.
    pub(crate) fn heed(
        &mut self,
        order: &Order,
        answer: &Answer,
        now: Moment,
    ) -> Result<(), String> {
        self.now = now;
        self.reach(now);
        match (order, answer) {
            (Order::Write(asked), Answer::Applied(all)) => {
                if all.len() != asked.writes.len() {
                    return Err("a part of a transaction was performed".into());
                }
                self.heed_once(asked, all)?;
                self.heed_settlement(asked)?;
                for ((prepared, rules), told) in asked.writes.iter().zip(all) {
                    let command = &*prepared.command;
                    let Told::Applied(version) = told else {
                        return Err("a part of a transaction was performed".into());
                    };
                    self.heed_holder(&command.key, own_token(command), now)?;
                    let before = version.prev.and_then(|prev| self.written.get(&prev));
                    let theirs = before.and_then(|(_, before)| before.body.as_ref());
                    base::heed(prepared, version, &self.written)?;
                    self.ledgers.heed(prepared, rules, version, theirs)?;
                    self.write(&command.key, version)?;
                }
                Ok(())
            }
            (Order::Write(asked), Answer::Replayed(writes)) => self.heed_replay(asked, writes, now),
            (Order::Lock(command), Answer::Held(lock)) => {
                if matches!(command.action, LockAction::Take { .. }) {
                    if lock.fencing <= self.fencing {
                        return Err(format!("fencing {} after {}", lock.fencing, self.fencing));
                    }
                    self.fencing = lock.fencing;
                }
                let held = (command.key.clone(), lock.expires_at);
                self.ends.insert(Arc::clone(&lock.token), held);
                Ok(())
            }
            (Order::Lock(_), Answer::Freed(lock)) => {
                self.ends.remove(&lock.token);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn reach(&mut self, now: Moment) {
        self.latest = self.latest.max(now);
    }

    fn write(&mut self, key: &Key, version: &Version) -> Result<(), String> {
        let written = (key.clone(), version.clone());
        match self.written.insert(version.seq, written) {
            Some(_) => Err(format!("two writes at {}", version.seq)),
            None => Ok(()),
        }
    }

    fn heed_once(&mut self, asked: &Transaction, all: &[Told]) -> Result<(), String> {
        let Some(once) = asked.once else {
            return Ok(());
        };
        if let Some((_, at, _)) = self.performed.get(&once.scope)
            && self.latest.0 < at.0 + Receipt::LIFE_MS
        {
            return Err("performed twice under one key".into());
        }
        let seqs = all.iter().filter_map(|told| match told {
            Told::Applied(version) => Some(version.seq),
            _ => None,
        });
        let performed = (once, self.now, seqs.collect());
        self.performed.insert(once.scope, performed);
        Ok(())
    }

    fn heed_replay(
        &self,
        asked: &Transaction,
        writes: &[(Seq, bool)],
        now: Moment,
    ) -> Result<(), String> {
        let once = asked.once.ok_or("replayed without a key")?;
        let (first, at, seqs) = self.performed.get(&once.scope).ok_or("nothing to replay")?;
        let replayed: Vec<_> = writes.iter().map(|(seq, _)| *seq).collect();
        let is_kept = now.0 < at.0 + Receipt::LIFE_MS;
        match first.payload == once.payload && is_kept && replayed == *seqs {
            true => Ok(()),
            false => Err(format!("a replay of {seqs:?} names {replayed:?}")),
        }
    }

    fn heed_settlement(&mut self, asked: &Transaction) -> Result<(), String> {
        let mut ids = asked.settles.iter().map(|settles| settles.id.clone());
        match ids.all(|id| self.settled.insert(id)) {
            true => Ok(()),
            false => Err("a conflict was settled twice".into()),
        }
    }

    /// A holder whose time has passed does not write, and never will once somebody else wrote.
    fn heed_holder(
        &mut self,
        key: &Key,
        token: Option<&Arc<str>>,
        now: Moment,
    ) -> Result<(), String> {
        let ends = token.and_then(|token| self.ends.get(token));
        if token.is_some() && ends.is_none_or(|(_, ends)| *ends <= now) {
            return Err("a holder whose time has passed wrote".into());
        }
        self.ends
            .retain(|_, (held, ends)| held != key || *ends > now);
        Ok(())
    }

    /// Looks through the whole store.
    pub(crate) fn survey(&self, reader: &impl Reader) -> Result<(), String> {
        let told = |error| format!("the store cannot be read: {error}");
        let rules = keys().iter().map(|key| (key.collection(), rules_of(key)));
        let rules: BTreeMap<_, _> = rules.collect();
        let found = audit(reader, |name| rules.get(name).map(|it| &it.rules))
            .block_on()
            .map_err(told)?;
        if let Some(fault) = found.faults.into_iter().next() {
            return Err(fault);
        }
        let log = log(reader)?;
        let mut numbers: BTreeMap<&Key, u64> = BTreeMap::new();
        for stored in &log {
            let number = numbers.entry(&stored.key).or_insert(stored.version - 1);
            *number += 1;
            if stored.version != *number {
                return Err(format!("a gap before version {number} of {:?}", stored.key));
            }
        }
        let found: BTreeMap<Seq, _> = log.iter().map(|stored| (stored.seq, stored)).collect();
        for (seq, (key, version)) in &self.written {
            let is_there = found.get(seq).is_some_and(|stored| {
                let body = (stored.kind == Kind::Document).then_some(&stored.body);
                stored.key == *key && body == version.body.as_ref()
            });
            if !is_there && found.contains_key(seq) {
                return Err(format!("the write at {seq} is lost"));
            }
        }
        if let Some(seq) =
            kept::must_stay(&self.written, self.latest).find(|it| !found.contains_key(it))
        {
            return Err(format!("the write at {seq} must be kept, and is not"));
        }
        no_slot_twice(reader)
    }

    /// Looks through the whole log, for those who wrote it.
    pub(crate) fn survey_writers(&self, reader: &impl Reader) -> Result<(), String> {
        access::check(&log(reader)?, &self.written)
    }
}

fn log(reader: &impl Reader) -> Result<Vec<Arc<Stored>>, String> {
    let asked = Changes {
        space: "default".into(),
        collection: None,
        since: 0,
        follow: Follow::Versions,
        limit: PageLimit::rows(usize::MAX),
    };
    let found = reader.changes(&asked).block_on();
    let found = found.map_err(|error| format!("the store cannot be read: {error}"))?;
    Ok(found.items)
}

fn no_slot_twice(reader: &impl Reader) -> Result<(), String> {
    let collection = CollectionKey::new("default", "orders").expect("a name");
    let mut slots: Vec<Value> = Vec::new();
    let mut is_twice = false;
    let visit = |stored: Arc<Stored>| {
        let document = parse(&stored.body).unwrap_or(Value::Null);
        if let Some(slot) = slot(&stored.key, &document) {
            is_twice |= slots.contains(slot);
            slots.push(slot.clone());
        }
        Ok::<_, StoreError>(())
    };
    let visited = each_document(reader, &collection, visit).block_on();
    match (visited, is_twice) {
        (Ok(()), false) => Ok(()),
        (Ok(()), true) => Err("two documents have one unique key".into()),
        (Err(error), _) => Err(format!("the store cannot be read: {error}")),
    }
}
