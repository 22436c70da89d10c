use std::sync::Arc;

use crate::{LoggedConflict, Order};

/// How much of the conflict log may wait for a commit that is made anyway: entries, and bytes.
const MANY: usize = 1024;
const MANY_BYTES: usize = 4 * 1024 * 1024;

/// How many entries go along with a commit, so that they do not hold it up.
const RIDING: usize = 64;

/// Refused writes that are to be logged, the oldest first. They ride along with commits.
///
/// They are this node's alone: until an entry is written, no other node knows of it, and a crash of
/// this one loses it.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    conflicts: Vec<Arc<LoggedConflict>>,
    bytes: usize,
}

/// Those that wait, and behind them those that come with orders.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    waiting: &'a Waiting,
    orders: &'a [Order],
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.conflicts.len()
    }

    pub(crate) fn with<'a>(&'a self, orders: &'a [Order]) -> Line<'a> {
        let waiting = self;
        Line { waiting, orders }
    }

    /// Takes in the entries that come with orders.
    pub(crate) fn take(&mut self, orders: &[Order]) {
        for conflict in logged(orders) {
            self.bytes += conflict.weight();
            self.conflicts.push(Arc::clone(conflict));
        }
    }

    /// The first so many are written, or given up.
    pub(crate) fn let_go(&mut self, count: usize) {
        for conflict in self.conflicts.drain(..count) {
            self.bytes -= conflict.weight();
        }
    }

    pub(crate) fn are_many(&self) -> bool {
        self.conflicts.len() >= MANY || self.bytes >= MANY_BYTES
    }
}

impl Line<'_> {
    fn len(self) -> usize {
        self.waiting.len() + logged(self.orders).count()
    }

    fn are_many(self) -> bool {
        let come: usize = logged(self.orders).map(|it| it.weight()).sum();
        self.len() >= MANY || self.waiting.bytes + come >= MANY_BYTES
    }

    pub(crate) fn has(self, id: &str) -> bool {
        self.iter().any(|conflict| conflict.id == id)
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<LoggedConflict>> {
        self.waiting.conflicts.iter().chain(logged(self.orders))
    }

    /// Those that are written with a commit: some if it is made anyway; all if somebody asks for it,
    /// if too many are waiting, or if one of them may be settled by it.
    pub(crate) fn riding(self, is_made_anyway: bool, settles: bool) -> Vec<Arc<LoggedConflict>> {
        let is_flushed = self.orders.iter().any(Order::is_flush);
        let count = if is_flushed || settles || self.are_many() {
            usize::MAX
        } else if is_made_anyway {
            RIDING
        } else {
            0
        };
        self.iter().take(count).cloned().collect()
    }
}

fn logged(orders: &[Order]) -> impl Iterator<Item = &Arc<LoggedConflict>> {
    orders.iter().filter_map(|order| match order {
        Order::Log(conflict) => Some(conflict),
        _ => None,
    })
}
