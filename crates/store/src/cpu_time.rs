use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use detente_core::rules::Patience;
use rustix::time::{ClockId, clock_gettime};

/// How long the rules of one write may take, in nanoseconds of this thread: all others wait
/// meanwhile. It is the time that they compute, so a busy machine does not make rules fail.
const LIMIT: u64 = 15_000_000;

/// The same for all writes of a transaction together.
const TOGETHER: u64 = 100_000_000;

/// The patience that the writer has with rules, and whoever asks them ahead of it: the time that this
/// thread computes, from the first question on.
#[derive(Debug, Default)]
pub struct CpuTime {
    /// When it began; 0: nobody asked yet.
    begun: AtomicU64,
    /// The same, of the transaction.
    transaction: AtomicU64,
    last: Mutex<Option<Look>>,
}

/// A look at the clock of the thread, which takes longer than one at that of the machine.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    is_over: bool,
}

/// What was found so lately still holds: no thread computes more than the time that passes.
const LATELY: Duration = Duration::from_micros(500);

impl CpuTime {
    /// Another transaction begins.
    pub(crate) fn begin_transaction(&self) {
        self.transaction.store(0, Ordering::Relaxed);
    }

    /// Another write begins: the next question is its first. Whoever has no rules never looks at the clock.
    pub(crate) fn begin(&self) {
        self.begun.store(0, Ordering::Relaxed);
        *self.last() = None;
    }

    // A std mutex, that one thread alone takes.
    fn last(&self) -> MutexGuard<'_, Option<Look>> {
        self.last.lock().expect("nothing panics while it is held")
    }

    fn look(&self) -> bool {
        let now = computed();
        let is_past = |begun: &AtomicU64, limit| match begun.load(Ordering::Relaxed) {
            0 => {
                begun.store(now, Ordering::Relaxed);
                false
            }
            begun => now.saturating_sub(begun) > limit,
        };
        let is_over = is_past(&self.begun, LIMIT);
        is_past(&self.transaction, TOGETHER) || is_over
    }
}

impl Patience for CpuTime {
    fn is_over(&self) -> bool {
        let at = Instant::now();
        let mut last = self.last();
        match *last {
            Some(look) if at.duration_since(look.at) < LATELY => look.is_over,
            _ => {
                let is_over = self.look();
                *last = Some(Look { at, is_over });
                is_over
            }
        }
    }
}

fn computed() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
