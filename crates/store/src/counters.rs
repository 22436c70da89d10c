use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a desk has done so far.
#[derive(Debug, Default)]
pub struct DeskCounters {
    pub(crate) batches: AtomicU64,
    pub(crate) versions: AtomicU64,
    pub(crate) refusals: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) waiting_conflicts: AtomicU64,
    /// In nanoseconds.
    longest_hold: AtomicU64,
}

impl DeskCounters {
    /// Commits that held at least one write.
    pub fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    /// Versions that were written.
    pub fn versions(&self) -> u64 {
        self.versions.load(Ordering::Relaxed)
    }

    /// Transactions that were refused.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Commits that were decided again, because another writer was first.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// The longest that one order took to be decided: all others waited meanwhile.
    pub fn longest_hold(&self) -> Duration {
        Duration::from_nanos(self.longest_hold.load(Ordering::Relaxed))
    }

    pub(crate) fn held(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        if nanos > self.longest_hold.load(Ordering::Relaxed) {
            self.longest_hold.fetch_max(nanos, Ordering::Relaxed);
        }
    }

    /// Entries of the conflict log that came to a desk and that a crash would lose.
    pub fn waiting_conflicts(&self) -> u64 {
        self.waiting_conflicts.load(Ordering::Relaxed)
    }
}
