use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use detente_core::json::Value;
use detente_core::rules::{Claim, Patience};
use detente_core::{
    Applied, CollectionRules, Decision, Head, Keep, Key, Kind, Lock, LockCommand, LockDecision,
    Moment, Once, Prepared, Receipt, Seq, State, Stored, Written, decide, decide_lock,
};

use crate::cpu_time::CpuTime;
use crate::holders::{Before, Holders};
use crate::{
    Cache, Commit, Damage, Facts, Ground, Lack, Map, Pruning, SettledAs, SettledConflict,
    Settlement, StoreError, UniqueKey,
};

/// Writes that are all performed or all not.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    pub writes: Vec<(Prepared, Arc<CollectionRules>)>,
    /// If it is to be performed only once, however often it comes.
    pub once: Option<Once>,
    /// The conflicts in the log that it settles, all of them or none.
    pub settles: Vec<SettleConflict>,
    /// Whether somebody only wants to be told what would become of it.
    pub is_rehearsal: bool,
}

impl Transaction {
    /// The space of its documents. `None`: there are none, and it changes nothing but its receipt.
    pub fn space(&self) -> Option<&str> {
        let written = self.writes.first().map(|(it, _)| it.command.key.space());
        written.or_else(|| self.settles.first().map(|it| &*it.space))
    }
}

/// Settles a conflict of the log, with the transaction or not at all.
#[derive(Clone, Debug)]
pub struct SettleConflict {
    /// The space of its document.
    pub space: Arc<str>,
    pub id: String,
    pub by: Arc<str>,
    pub outcome: SettledAs,
    pub reason: Option<Arc<str>>,
}

/// What became of a transaction.
#[derive(Clone, Debug)]
pub enum Transacted {
    /// All of it was performed.
    Applied(Vec<Applied>),
    /// Nothing was: at least one of the decisions, which are told for each write as if those
    /// before it that could be performed had been, is a refusal.
    Refused(Vec<Decision>),
    /// Nothing was, as was asked for. This would have been decided.
    Rehearsed(Vec<Decision>),
    /// It was performed before.
    Replayed(Receipt),
    /// Something else was performed before under the same key.
    KeyReused,
    /// A conflict that it settles is settled already, or gone from the log.
    NotOpen(Option<Settlement>),
}

/// Orders that are decided together and written together. Each is decided on the store and on what
/// this batch has decided before it, so a race within a batch has one winner.
pub(crate) struct Batch<'a, F> {
    facts: &'a F,
    /// The number of the log that it is about.
    log: u32,
    trees: &'a RefCell<Trees>,
    /// Conflicts that are not in the store yet. They go with this commit if one of them is settled.
    waiting: &'a dyn Fn(&str) -> bool,
    first_seq: Seq,
    fencing: u64,
    commit: Commit,
    /// The newest write of this batch for each document, by its place in the commit.
    heads: Map<Key, usize>,
    holders: Holders,
    uniqueness: Uniqueness,
    locks: Map<Key, Option<Arc<Lock>>>,
    /// How long the rules of one write may take.
    patience: CpuTime,
    /// How to take back what a transaction did so far, the last step at the end.
    undo: Option<Vec<Undo>>,
}

/// Documents that were looked into lately, by the number of a log and their place in it.
pub(crate) type Trees = Cache<(u32, Seq), Arc<Value>>;

/// How unique keys are judged.
enum Uniqueness {
    /// By each write.
    Now,
    /// After the last write of a transaction.
    Later,
    /// As was found after the last write.
    Found(Rivals),
}

/// The documents that may not have a key, because of this one that has it.
type Rivals = HashMap<(Key, UniqueKey), String>;

enum Undo {
    Pruning,
    Head(Key, Option<usize>),
    Holders(Before),
    Lock(Key, Option<Option<Arc<Lock>>>),
}

impl<'a, F: Facts> Batch<'a, F> {
    pub(crate) fn new(
        facts: &'a F,
        log: u32,
        trees: &'a RefCell<Trees>,
        waiting: &'a dyn Fn(&str) -> bool,
        ground: Ground,
    ) -> Self {
        let commit = Commit {
            time: ground.time,
            ..Commit::default()
        };
        Self {
            facts,
            log,
            trees,
            waiting,
            first_seq: ground.next_seq,
            fencing: ground.fencing,
            commit,
            heads: Map::default(),
            holders: Holders::default(),
            uniqueness: Uniqueness::Now,
            locks: Map::default(),
            patience: CpuTime::default(),
            undo: None,
        }
    }

    pub(crate) fn into_commit(self) -> Commit {
        Commit {
            keys: self.holders.into_keys(),
            ..self.commit
        }
    }

    /// Decides the writes of a transaction in their order, each in sight of those before it, and
    /// keeps all of them or none.
    pub(crate) fn transact(&mut self, asked: &Transaction) -> Result<Transacted, Lack> {
        if let Some(once) = &asked.once
            && let Some(receipt) = self.receipt(&once.scope)?
        {
            return Ok(if receipt.once.payload == once.payload {
                Transacted::Replayed(receipt)
            } else {
                Transacted::KeyReused
            });
        }
        for settles in &asked.settles {
            if let Err(settled) = self.must_be_open(&settles.id)? {
                return Ok(Transacted::NotOpen(settled));
            }
        }
        let first = self.commit.versions.len();
        self.patience.begin_transaction();
        // A write alone that is refused has done nothing that would have to be taken back.
        self.undo = (asked.writes.len() > 1 || asked.is_rehearsal).then(Vec::new);
        let decided = match asked.writes.len() {
            0 | 1 => self.decide_all(&asked.writes),
            _ => self.decide_together(&asked.writes),
        };
        let is_refused = decided.as_ref().map_or(true, |decisions| {
            decisions.iter().any(|it| !matches!(it, Decision::Apply(_)))
        });
        if is_refused || asked.is_rehearsal {
            self.take_back(first);
            return decided.map(if asked.is_rehearsal {
                Transacted::Rehearsed
            } else {
                Transacted::Refused
            });
        }
        self.undo = None;
        let applied = self.commit.versions[first..].to_vec();
        self.close(asked, &applied);
        Ok(Transacted::Applied(applied))
    }

    /// Unique keys are judged by what the last write leaves: documents may swap them, and one may
    /// take what another gives up later. If two would have one key, whoever had it first keeps it,
    /// and the writes of the other are refused.
    fn decide_together(
        &mut self,
        writes: &[(Prepared, Arc<CollectionRules>)],
    ) -> Result<Vec<Decision>, Lack> {
        let first = self.commit.versions.len();
        self.uniqueness = Uniqueness::Later;
        let mut decided = self.decide_all(writes);
        let rivals = self.rivals(first);
        if decided.is_ok() && !rivals.is_empty() {
            self.take_back(first);
            self.undo = Some(Vec::new());
            self.uniqueness = Uniqueness::Found(rivals);
            decided = self.decide_all(writes);
        }
        self.uniqueness = Uniqueness::Now;
        decided
    }

    /// The documents that have a key which another had first, after the writes from `first` on.
    fn rivals(&self, first: usize) -> Rivals {
        let mut rivals = Rivals::new();
        for applied in &self.commit.versions[first..] {
            for claim in &applied.claimed {
                let unique = UniqueKey::new(&applied.stored.key, claim);
                if let [holder, others @ ..] = self.holders.all(&unique) {
                    let rival =
                        |id: &String| Key::from_parts(&unique.space, &unique.collection, id);
                    let others = others.iter().filter(|id| *id != holder);
                    let others = others.map(|id| ((rival(id), unique.clone()), holder.clone()));
                    rivals.extend(others);
                }
            }
        }
        rivals
    }

    fn decide_all(
        &mut self,
        writes: &[(Prepared, Arc<CollectionRules>)],
    ) -> Result<Vec<Decision>, Lack> {
        let mut decisions = Vec::with_capacity(writes.len());
        for (prepared, rules) in writes {
            let (seq, time) = (self.next_seq(), self.commit.time);
            self.patience.begin();
            let decision = decide(self, rules, prepared, seq, time.now)?;
            if let Decision::Apply(applied) = &decision {
                self.add((**applied).clone())?;
                let pruning = rules
                    .history
                    .and_then(|keep| pruning(keep, &applied.stored, time.aged()));
                if let Some(pruning) = pruning {
                    self.commit.prunings.push(pruning);
                    self.note(Undo::Pruning);
                }
            }
            decisions.push(decision);
        }
        Ok(decisions)
    }

    /// What a transaction that is performed leaves beside its versions.
    fn close(&mut self, asked: &Transaction, applied: &[Applied]) {
        let at = self.commit.time.now;
        if let Some(once) = asked.once {
            let written = |applied: &Applied| Written {
                seq: applied.stored.seq,
                created: applied.created,
            };
            let writes = applied.iter().map(written).collect();
            self.commit.receipts.push(Receipt { once, at, writes });
        }
        for settles in asked.settles.clone() {
            let settled = Settlement {
                outcome: settles.outcome,
                at,
                by: settles.by,
                version: applied.last().map(|applied| applied.stored.version),
                reason: settles.reason,
            };
            self.commit.settlements.push(SettledConflict {
                id: settles.id,
                settled,
            });
        }
    }

    pub(crate) fn change_lock(&mut self, command: &LockCommand) -> Result<LockDecision, Lack> {
        let decision = decide_lock(self, command, self.commit.time.now, self.fencing + 1)?;
        let lock = match &decision {
            LockDecision::Held { lock, .. } => Some(Arc::clone(lock)),
            LockDecision::Freed { rest, .. } => rest.clone(),
            LockDecision::Refused(_) => return Ok(decision),
        };
        if let Some(lock) = &lock {
            self.fencing = self.fencing.max(lock.largest_fencing());
        }
        self.set_lock(&command.key, lock);
        Ok(decision)
    }

    /// The place in the log of the next write.
    fn next_seq(&self) -> Seq {
        self.first_seq + self.commit.versions.len() as Seq
    }

    fn add(&mut self, applied: Applied) -> Result<(), Lack> {
        let key = applied.stored.key.clone();
        // First: where this fails, nothing may have been given away.
        let lock = self.lock(&key)?;
        let looked_up = match self.uniqueness {
            Uniqueness::Now => Vec::new(),
            _ => self.holders.look_up(&applied, self.facts)?,
        };
        for before in self.holders.apply(&applied, looked_up) {
            self.note(Undo::Holders(before));
        }
        // What is not there cannot be held (RFC 4918, section 9.6). And whoever let the time pass has
        // lost the lock for good once somebody else wrote: a clock that is set back while the process
        // is down must not bring it back.
        let is_deleted = applied.stored.kind == Kind::Tombstone;
        if lock.is_some_and(|lock| is_deleted || !lock.is_held(self.commit.time.now)) {
            self.set_lock(&key, None);
        }
        let index = self.commit.versions.len();
        self.commit.versions.push(applied);
        let before = self.heads.insert(key.clone(), index);
        self.note(Undo::Head(key, before));
        Ok(())
    }

    fn note(&mut self, step: Undo) {
        if let Some(undo) = &mut self.undo {
            undo.push(step);
        }
    }

    fn set_lock(&mut self, key: &Key, lock: Option<Arc<Lock>>) {
        let before = self.locks.insert(key.clone(), lock.clone());
        self.commit.locks.push((key.clone(), lock));
        self.note(Undo::Lock(key.clone(), before));
    }

    /// Takes back all that was done since `undo` was begun; the version at `first` is the first.
    fn take_back(&mut self, first: usize) {
        self.commit.versions.truncate(first);
        for step in self.undo.take().into_iter().flatten().rev() {
            match step {
                Undo::Head(key, before) => restore(&mut self.heads, key, before),
                Undo::Holders(before) => self.holders.restore(before),
                Undo::Pruning => drop(self.commit.prunings.pop()),
                Undo::Lock(key, before) => {
                    restore(&mut self.locks, key, before);
                    self.commit.locks.pop();
                }
            }
        }
    }

    fn receipt(&self, scope: &[u8; 32]) -> Result<Option<Receipt>, Lack> {
        let mut receipts = self.commit.receipts.iter();
        let found = match receipts.find(|receipt| receipt.once.scope == *scope) {
            Some(receipt) => Some(receipt.clone()),
            None => self.facts.receipt(scope)?,
        };
        Ok(found.filter(|receipt| receipt.is_kept(self.commit.time.aged())))
    }

    fn must_be_open(&self, id: &str) -> Result<Result<(), Option<Settlement>>, Lack> {
        let mut settlements = self.commit.settlements.iter();
        if let Some(settlement) = settlements.find(|it| it.id == id) {
            return Ok(Err(Some(settlement.settled.clone())));
        }
        if (self.waiting)(id) {
            return Ok(Ok(()));
        }
        Ok(match self.facts.settled(id)? {
            Some(None) => Ok(()),
            Some(settled) => Err(settled),
            None => Err(None),
        })
    }
}

/// History is looked through once in so many versions of a document.
const PRUNED_EVERY: u64 = 64;

/// What may go now that a document has its newest version.
fn pruning(keep: Keep, newest: &Stored, aged: Moment) -> Option<Pruning> {
    let is_due = newest.version.is_multiple_of(PRUNED_EVERY);
    let below = newest.version.checked_sub(keep.versions)? + 1;
    is_due.then(|| Pruning {
        key: newest.key.clone(),
        below: below.min(newest.version),
        before: Moment(aged.0.saturating_sub(keep.age_ms)),
    })
}

fn restore<K: std::hash::Hash + Eq, V>(map: &mut Map<K, V>, key: K, before: Option<V>) {
    match before {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

impl<F: Facts> Batch<'_, F> {
    /// A write of this batch.
    fn own(&self, seq: Seq) -> Option<&Applied> {
        let index = usize::try_from(seq.checked_sub(self.first_seq)?).ok()?;
        self.commit.versions.get(index)
    }
}

impl<F: Facts> State for Batch<'_, F> {
    type Error = Lack;

    fn head(&self, key: &Key) -> Result<Option<Head>, Lack> {
        match self.heads.get(key) {
            Some(index) => Ok(Some(self.commit.versions[*index].head)),
            None => self.facts.head(key),
        }
    }

    fn stored(&self, seq: Seq) -> Result<Arc<Stored>, Lack> {
        if let Some(applied) = self.own(seq) {
            return Ok(Arc::clone(&applied.stored));
        }
        let missing = || Lack::Fault(StoreError::Damaged(Damage::at(seq)));
        self.facts.version(seq)?.ok_or_else(missing)
    }

    fn document(&self, seq: Seq) -> Result<Arc<Value>, Lack> {
        if let Some(tree) = self.own(seq).and_then(|applied| applied.tree.as_ref()) {
            return Ok(Arc::clone(tree));
        }
        if let Some(tree) = self.trees.borrow_mut().get(&(self.log, seq)) {
            return Ok(tree);
        }
        let stored = self.stored(seq)?;
        let unreadable = || Lack::Fault(StoreError::Damaged(Damage::at(seq)));
        stored.document().map(Arc::new).ok_or_else(unreadable)
    }

    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, Lack> {
        match self.locks.get(key) {
            Some(lock) => Ok(lock.clone()),
            None => self.facts.lock(key),
        }
    }

    fn locks_below(&self, folder: &Key) -> Result<Vec<Arc<Lock>>, Lack> {
        let stored = self.facts.locks_below(folder)?.into_iter();
        let stored = stored.filter(|(key, _)| !self.locks.contains_key(key));
        let own = self.locks.iter().filter(|(key, _)| key.is_below(folder));
        let own = own.filter_map(|(_, lock)| lock.clone());
        Ok(stored.map(|(_, lock)| lock).chain(own).collect())
    }

    fn patience(&self) -> &dyn Patience {
        &self.patience
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, Lack> {
        match &self.uniqueness {
            Uniqueness::Now => match self.holders.other(key, claim) {
                Some(other) => Ok(other),
                None => self.facts.holder(key, claim),
            },
            Uniqueness::Later => Ok(None),
            Uniqueness::Found(rivals) => {
                let rival = (key.clone(), UniqueKey::new(key, claim));
                Ok(rivals.get(&rival).cloned())
            }
        }
    }
}
