use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::batch::{Batch, Trees};
use crate::waiting::Waiting;
use crate::{
    BatchToken, Cache, Commit, DeskCounters, Facts, Fate, Ground, Lack, Order, Reply, StoreError,
    Transacted, Want,
};

/// How many documents are kept as trees, and how large they may be, in bytes of text. A tree takes
/// several times that.
const TREES: usize = 256;
const TREE_BYTES: usize = 8 * 1024;

/// Where orders are decided: one commit for as many as come together. It reads and writes nothing
/// itself, and has no thread: it says what it wants to know and what is to be written, and is told
/// what became of that. It decides by no clock, and only measures how long that takes.
#[derive(Debug)]
pub struct Desk {
    waiting: Waiting,
    /// How many of them are counted as waiting.
    noted: u64,
    /// The last commit found no room for the conflict log: the next is made without it.
    is_log_full: bool,
    trees: RefCell<Trees>,
    logs: Logs,
    counters: Arc<DeskCounters>,
}

/// The reply to each order, in their order.
pub type Replies = Vec<Result<Reply, StoreError>>;

/// What orders come to, if it is written.
#[derive(Debug)]
pub struct Proposed {
    commit: Commit,
    /// What they say, and all that it rests on, holds once the commit is written.
    replies: Replies,
}

/// What is to be done about orders, now that the fate of their commit is known, or not.
#[derive(Debug)]
pub enum Next {
    Reply(Replies),
    /// Nothing was done for any of them, for this reason.
    Fail(StoreError),
    /// They are to be decided again, on new ground.
    DecideAgain,
    /// The store is to be asked what became of the commit. Until then, nobody is told anything.
    AskStore(BatchToken, Proposed),
}

/// Numbers of logs. `None`: all spaces have one.
type Logs = Option<RefCell<HashMap<Box<str>, u32>>>;

/// How many logs have numbers at a time.
const LOGS: usize = 4096;

impl Default for Desk {
    fn default() -> Self {
        Self {
            waiting: Waiting::default(),
            noted: 0,
            is_log_full: false,
            trees: RefCell::new(trees()),
            logs: Logs::default(),
            counters: Arc::default(),
        }
    }
}

fn trees() -> Trees {
    Cache::new(TREES, |_| 1)
}

impl Proposed {
    /// What is to be written.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }
}

impl Desk {
    /// A desk that counts with others. If spaces have logs of their own, the orders that are decided
    /// together are about one of them.
    pub fn new(has_one_log: bool, counters: Arc<DeskCounters>) -> Self {
        Self {
            logs: (!has_one_log).then(RefCell::default),
            counters,
            ..Self::default()
        }
    }

    /// The number of the log that orders are about.
    fn log(&self, orders: &[Order]) -> u32 {
        let Some(logs) = &self.logs else {
            return 0;
        };
        let space = orders.iter().find_map(Order::space).unwrap_or_default();
        let mut logs = logs.borrow_mut();
        if let Some(number) = logs.get(space) {
            return *number;
        }
        if logs.len() >= LOGS {
            logs.clear();
            *self.trees.borrow_mut() = trees();
        }
        let number = logs.len() as u32;
        logs.insert(space.into(), number);
        number
    }

    /// What the desk has done so far.
    pub fn counters(&self) -> Arc<DeskCounters> {
        Arc::clone(&self.counters)
    }

    /// Decides orders, each on the facts and on what was decided before it. Changes nothing, so the
    /// same orders may be decided again.
    ///
    /// # Errors
    ///
    /// The facts that must be fetched first: all that show by now.
    pub fn propose<F: Facts>(
        &self,
        orders: &[Order],
        ground: Ground,
        facts: &F,
    ) -> Result<Proposed, Vec<Want>> {
        let line = self.waiting.with(orders);
        let is_waiting = |id: &str| line.has(id);
        let log = self.log(orders);
        let mut batch = Batch::new(facts, log, &self.trees, &is_waiting, ground);
        let mut replies = Vec::with_capacity(orders.len());
        let mut wants = Vec::new();
        let mut begun = Instant::now();
        for order in orders {
            let decided = match order {
                Order::Write(transaction) => batch.transact(transaction).map(Reply::Write),
                Order::Lock(command) => batch.change_lock(command).map(Reply::Lock),
                Order::Flush if self.is_log_full => Err(Lack::Fault(StoreError::Full)),
                Order::Log(_) | Order::Flush => Ok(Reply::Noted),
            };
            let ended = Instant::now();
            self.counters.held(ended.duration_since(begun));
            begun = ended;
            match decided {
                Ok(reply) => replies.push(Ok(reply)),
                Err(Lack::Fault(error)) => replies.push(Err(error)),
                Err(Lack::Wanted(want)) => wants.push(*want),
            }
        }
        if !wants.is_empty() {
            return Err(wants);
        }
        let mut commit = batch.into_commit();
        let settles = !commit.settlements.is_empty();
        if settles || !self.is_log_full {
            commit.conflicts = line.riding(!commit.is_empty(), settles);
        }
        Ok(Proposed { commit, replies })
    }

    /// Takes in what became of a commit. A refusal may rest on a write of the same commit, so it
    /// falls with it.
    pub fn settle(&mut self, orders: &[Order], proposed: Proposed, fate: Fate) -> Next {
        match fate {
            Fate::Committed => {
                self.wrote(orders, &proposed.commit);
                self.count(&proposed.replies);
                Next::Reply(proposed.replies)
            }
            Fate::Lost => {
                self.counters.lost.fetch_add(1, Ordering::Relaxed);
                Next::DecideAgain
            }
            Fate::Unknown(batch) => Next::AskStore(batch, proposed),
            // No room for the log must not turn refusals into failures; who asked for it is told.
            Fate::Full if proposed.commit.is_log_alone() => {
                self.is_log_full = true;
                Next::DecideAgain
            }
            Fate::Full => self.fail(orders, StoreError::Full),
            Fate::Away => self.fail(orders, StoreError::Away),
            Fate::Failed(error) => self.fail(orders, error),
        }
    }

    fn fail(&mut self, orders: &[Order], error: StoreError) -> Next {
        self.put_off(orders);
        Next::Fail(error)
    }

    /// Nothing was done for orders. What they want logged waits.
    pub fn put_off(&mut self, orders: &[Order]) {
        self.is_log_full = false;
        self.waiting.take(orders);
        self.note_waiting();
    }

    fn note_waiting(&mut self) {
        let waiting = self.waiting.len() as u64;
        let counted = &self.counters.waiting_conflicts;
        counted.fetch_add(waiting.wrapping_sub(self.noted), Ordering::Relaxed);
        self.noted = waiting;
    }

    /// Whether something waits to be written into the conflict log.
    pub fn is_waiting(&self) -> bool {
        self.waiting.len() > 0
    }

    fn wrote(&mut self, orders: &[Order], commit: &Commit) {
        self.waiting.take(orders);
        self.waiting.let_go(commit.conflicts.len());
        if std::mem::take(&mut self.is_log_full) && self.waiting.are_many() {
            let lost = self.waiting.len();
            tracing::warn!(lost, "no space left for the conflict log");
            self.waiting.let_go(lost);
        }
        self.note_waiting();
        if !commit.versions.is_empty() {
            self.keep_trees(self.log(orders), commit);
            let counters = &self.counters;
            counters.batches.fetch_add(1, Ordering::Relaxed);
            counters
                .versions
                .fetch_add(commit.versions.len() as u64, Ordering::Relaxed);
        }
    }

    fn keep_trees(&self, log: u32, commit: &Commit) {
        let mut trees = self.trees.borrow_mut();
        for applied in &commit.versions {
            if let Some(tree) = &applied.tree
                && applied.stored.body.len() <= TREE_BYTES
            {
                trees.insert((log, applied.stored.seq), Arc::clone(tree));
            }
        }
    }

    fn count(&self, replies: &Replies) {
        let is_refused = |reply: &&Result<Reply, StoreError>| {
            matches!(reply, Ok(Reply::Write(Transacted::Refused(_))))
        };
        let refused = replies.iter().filter(is_refused).count() as u64;
        self.counters.refusals.fetch_add(refused, Ordering::Relaxed);
    }
}
