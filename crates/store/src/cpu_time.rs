use std::sync::atomic::{AtomicU64, Ordering};

use detente_core::rules::Patience;
use rustix::time::{ClockId, clock_gettime};

/// How long the rules of one write may take, in nanoseconds of this thread: all others wait
/// meanwhile. It is the time that they compute, so a busy machine does not make rules fail.
const LIMIT: u64 = 20_000_000;

/// The time that this thread computes, from a moment on.
#[derive(Debug, Default)]
pub(crate) struct CpuTime {
    /// When it began; 0: nobody asked yet.
    begun: AtomicU64,
}

impl CpuTime {
    /// The next question begins anew. Whoever has no rules never looks at the clock.
    pub(crate) fn begin(&self) {
        self.begun.store(0, Ordering::Relaxed);
    }
}

impl Patience for CpuTime {
    fn is_over(&self) -> bool {
        let now = computed();
        match self.begun.load(Ordering::Relaxed) {
            0 => {
                self.begun.store(now, Ordering::Relaxed);
                false
            }
            begun => now.saturating_sub(begun) > LIMIT,
        }
    }
}

fn computed() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
