use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use detente_core::{LockCommand, LockDecision, Moment, Seq};

use crate::batch::{Batch, Trees};
use crate::{Cache, Commit, LoggedConflict, Outcome, Reader, Store, StoreError, Transaction};

/// How much of the conflict log may wait for a commit that is made anyway: entries, and bytes.
const WAITING_CONFLICTS: usize = 1024;
const WAITING_BYTES: usize = 4 * 1024 * 1024;

/// How many entries of the conflict log go along with a commit, so that they do not hold it up.
const RIDING_CONFLICTS: usize = 64;

/// How many documents are kept as trees, and how large they may be, in bytes of text. A tree takes
/// several times that.
const TREES: usize = 256;
const TREE_BYTES: usize = 8 * 1024;

/// What is asked of the desk.
#[derive(Clone, Debug)]
pub enum Order {
    Write(Transaction),
    Lock(LockCommand),
    /// To be written into the conflict log, by and by.
    Log(Arc<LoggedConflict>),
    /// Writes what waits for the conflict log.
    Flush,
}

/// What became of an order.
#[derive(Clone, Debug)]
pub enum Reply {
    Write(Outcome),
    Lock(LockDecision),
    Noted,
}

/// Where orders are decided and written: one commit for as many as come together. It has no thread
/// and no clock, so whoever runs it decides when what happens.
#[derive(Debug)]
pub struct Desk<S> {
    store: S,
    last_seq: Seq,
    fencing: u64,
    /// Clocks may be set back; time here is not.
    now: Moment,
    waiting: Vec<Arc<LoggedConflict>>,
    waiting_bytes: usize,
    trees: RefCell<Trees>,
    load: Arc<Load>,
}

/// What a desk has done so far.
#[derive(Debug, Default)]
pub struct Load {
    batches: AtomicU64,
    versions: AtomicU64,
    refusals: AtomicU64,
    waiting_conflicts: AtomicU64,
}

impl Load {
    /// Commits that held at least one write.
    pub fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    pub fn versions(&self) -> u64 {
        self.versions.load(Ordering::Relaxed)
    }

    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Entries of the conflict log that a crash would lose.
    pub fn waiting_conflicts(&self) -> u64 {
        self.waiting_conflicts.load(Ordering::Relaxed)
    }
}

impl<S: Store> Desk<S> {
    pub fn new(store: S) -> Self {
        Self {
            last_seq: store.reader().last_seq(),
            fencing: store.last_fencing(),
            store,
            now: Moment(0),
            waiting: Vec::new(),
            waiting_bytes: 0,
            trees: RefCell::new(Cache::new(TREES, |_| 1)),
            load: Arc::default(),
        }
    }

    pub fn store(&self) -> &S {
        &self.store
    }

    pub fn load(&self) -> Arc<Load> {
        Arc::clone(&self.load)
    }

    pub fn last_seq(&self) -> Seq {
        self.last_seq
    }

    /// Decides the orders, writes what they come to in one commit, and only then has replies: what
    /// they say, and all that it rests on, is durable.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the commit failed: nothing was done, unless it is [`StoreError::Unknown`].
    /// A refusal may rest on a write of the same commit, so it falls with it.
    pub fn serve(
        &mut self,
        orders: &[Order],
        now: Moment,
    ) -> Result<Vec<Result<Reply, StoreError>>, StoreError> {
        self.now = self.now.max(now);
        self.take_notes(orders);
        let is_settling = |order: &Order| matches!(order, Order::Write(it) if it.settles.is_some());
        if orders.iter().any(is_settling) {
            // Whether a conflict is open is asked of the store.
            self.flush()?;
        }
        self.store.begin()?;
        let mut batch = Batch::new(
            &self.store,
            &self.trees,
            self.last_seq,
            self.fencing,
            self.now,
        );
        let mut replies: Vec<_> = orders
            .iter()
            .map(|order| match order {
                Order::Write(transaction) => batch.transact(transaction).map(Reply::Write),
                Order::Lock(command) => batch.change_lock(command).map(Reply::Lock),
                Order::Log(_) | Order::Flush => Ok(Reply::Noted),
            })
            .collect();
        let mut commit = batch.into_commit();
        let riding = self.riding(&commit, orders);
        let log_alone = commit.is_empty();
        commit.conflicts = self.waiting[..riding].to_vec();
        match self.store.append(&commit) {
            Ok(()) => {}
            // No room for the log must not turn refusals into failures; who asked for it is told.
            Err(StoreError::Full) if log_alone && riding > 0 => {
                for (_, reply) in orders.iter().zip(&mut replies).filter(|it| is_flush(it.0)) {
                    *reply = Err(StoreError::Full);
                }
                if self.are_many_waiting() {
                    tracing::warn!(lost = riding, "no space left for the conflict log");
                } else {
                    commit.conflicts.clear();
                }
            }
            Err(error) => return Err(error),
        }
        self.wrote(&commit);
        self.count(&replies);
        Ok(replies)
    }

    /// Writes what waits, and closes the store.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was acknowledged is safe.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.store.close()
    }

    fn take_notes(&mut self, orders: &[Order]) {
        for order in orders {
            if let Order::Log(conflict) = order {
                self.waiting_bytes += conflict.weight();
                self.waiting.push(Arc::clone(conflict));
            }
        }
        self.note_waiting();
    }

    fn note_waiting(&self) {
        let waiting = self.waiting.len() as u64;
        self.load
            .waiting_conflicts
            .store(waiting, Ordering::Relaxed);
    }

    /// How many entries of the conflict log are written with this commit: some if it is made
    /// anyway; all if somebody asks for it, or too many are waiting.
    fn riding(&self, commit: &Commit, orders: &[Order]) -> usize {
        if orders.iter().any(is_flush) || self.are_many_waiting() {
            self.waiting.len()
        } else if commit.is_empty() {
            0
        } else {
            self.waiting.len().min(RIDING_CONFLICTS)
        }
    }

    fn are_many_waiting(&self) -> bool {
        self.waiting.len() >= WAITING_CONFLICTS || self.waiting_bytes >= WAITING_BYTES
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let commit = Commit {
            conflicts: self.waiting.clone(),
            now: self.now,
            ..Commit::default()
        };
        self.store.append(&commit)?;
        self.wrote(&commit);
        Ok(())
    }

    /// Takes in what is durable now.
    fn wrote(&mut self, commit: &Commit) {
        for conflict in self.waiting.drain(..commit.conflicts.len()) {
            self.waiting_bytes -= conflict.weight();
        }
        self.note_waiting();
        let fencing = commit.locks.iter().filter_map(|(_, lock)| lock.as_ref());
        let fencing = fencing.map(|lock| lock.fencing).max();
        self.fencing = fencing.map_or(self.fencing, |it| it.max(self.fencing));
        let Some(last) = commit.versions.last() else {
            return;
        };
        self.last_seq = last.stored.seq;
        let mut trees = self.trees.borrow_mut();
        for applied in &commit.versions {
            if let Some(tree) = &applied.tree
                && applied.stored.body.len() <= TREE_BYTES
            {
                trees.insert(applied.stored.seq, Arc::clone(tree));
            }
        }
        let load = &self.load;
        load.batches.fetch_add(1, Ordering::Relaxed);
        load.versions
            .fetch_add(commit.versions.len() as u64, Ordering::Relaxed);
    }

    fn count(&self, replies: &[Result<Reply, StoreError>]) {
        let is_refused = |reply: &&Result<Reply, StoreError>| {
            matches!(reply, Ok(Reply::Write(Outcome::Refused(_))))
        };
        let refused = replies.iter().filter(is_refused).count() as u64;
        self.load.refusals.fetch_add(refused, Ordering::Relaxed);
    }
}

fn is_flush(order: &Order) -> bool {
    matches!(order, Order::Flush)
}
