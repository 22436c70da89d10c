use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::resource::{UsageWho, getrusage};

/// A read that waited weighs as much as so many that did not: to wait for a disk costs more than to ask another
/// thread.
const WEIGHT: u32 = 16;

/// From this weight on, reads have to wait.
const SLOW: u32 = 16 * WEIGHT;
const SLOWEST: u32 = 2 * SLOW;

/// One in so many reads is a test of whether they still have to.
const TEST: u32 = 16;

/// Whether reads have to wait for the disk of late. Where they need not, one row is read sooner than another thread
/// could be asked for it.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    weight: AtomicU32,
    reads: AtomicU32,
}

impl Disk {
    /// Whether one row may be read where others wait for the thread.
    pub(crate) fn is_quick(&self) -> bool {
        self.weight.load(Ordering::Relaxed) < SLOW
            || self
                .reads
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(TEST)
    }

    /// Reads one row there, and notes whether that had to wait.
    pub(crate) fn watch<T>(&self, read: impl FnOnce() -> T) -> T {
        let before = waits();
        let found = read();
        self.note(waits() != before);
        found
    }

    // Two threads may note at once, and one of them count for nothing: it is a guess anyway.
    fn note(&self, has_waited: bool) {
        let weight = self.weight.load(Ordering::Relaxed);
        if has_waited {
            self.weight
                .store((weight + WEIGHT).min(SLOWEST), Ordering::Relaxed);
        } else if weight > 0 {
            self.weight.store(weight - 1, Ordering::Relaxed);
        }
    }
}

/// How often this thread has given up the processor since it had to wait. Whether it lost the processor to another
/// does not count, so a busy machine is no slow disk.
fn waits() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.voluntary_context_switches())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a thousand reads, how many were made where others wait.
    fn made_there(disk: &Disk, has_waited: impl Fn(u32) -> bool) -> u32 {
        let mut count = 0;
        for read in 0..1000 {
            if disk.is_quick() {
                count += 1;
                disk.note(has_waited(read));
            }
        }
        count
    }

    #[test]
    fn reads_that_wait_are_made_elsewhere_until_they_need_not_wait() {
        let disk = Disk::default();
        assert_eq!(made_there(&disk, |_| false), 1000);
        // Now and then one is not in memory.
        assert_eq!(made_there(&disk, |read| read % 100 == 50), 1000);
        let waited = made_there(&disk, |_| true);
        assert!((60..80).contains(&waited), "{waited}");
        let times = (0..20).find(|_| made_there(&disk, |_| false) == 1000);
        assert!(times.is_some_and(|times| times > 2), "{times:?}");
    }
}
