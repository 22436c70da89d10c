use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_store::StoreError;

use crate::clock::Clock;
use crate::dice::Dice;
use detente_store::memory::{Step, Weather};

/// What goes wrong with a store while it serves one batch, at most one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: Step,
    /// How often the step is met before.
    pub(crate) skips: u64,
    pub(crate) what: Trouble,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Fails,
    Full,
    /// The process ends here.
    Crash,
    /// It takes this long, in milliseconds.
    Stall(u64),
}

/// Faults as they come.
#[derive(Debug)]
pub(crate) struct Faults {
    clock: Clock,
    armed: Mutex<Option<Fault>>,
    struck: Mutex<Option<Fault>>,
    is_down: AtomicBool,
}

impl Fault {
    /// None, mostly.
    pub(crate) fn draw(dice: &mut Dice) -> Option<Self> {
        if !dice.one_in(4) {
            return None;
        }
        let (at, skips) = match dice.below(10) {
            0 => (Step::Begin, 0),
            1..=3 => (Step::Read, dice.below(30)),
            4..=6 => (Step::Record, dice.below(8)),
            7 => (Step::Mark, 0),
            _ => (Step::Marked, 0),
        };
        let what = match (at, dice.below(10)) {
            (_, 0..=2) => Trouble::Stall(dice.below(60_000)),
            (Step::Marked, _) | (_, 3..=5) => Trouble::Crash,
            (Step::Record | Step::Mark, 6..=7) => Trouble::Full,
            _ => Trouble::Fails,
        };
        Some(Self { at, skips, what })
    }

    /// For the statistics.
    pub(crate) fn name(&self) -> &'static str {
        match (self.what, self.at) {
            (Trouble::Stall(_), _) => "stall",
            (Trouble::Full, _) => "full",
            (Trouble::Fails, Step::Begin) => "fails to begin",
            (Trouble::Fails, Step::Read) => "fails to read",
            (Trouble::Fails, Step::Close) => "fails to close",
            (Trouble::Fails, _) => "fails to append",
            (Trouble::Crash, Step::Marked) => "crash after the commit",
            (Trouble::Crash, Step::Record | Step::Mark) => "crash within the commit",
            (Trouble::Crash, _) => "crash before the commit",
        }
    }
}

impl Faults {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            armed: Mutex::new(None),
            struck: Mutex::new(None),
            is_down: AtomicBool::new(false),
        }
    }

    pub(crate) fn arm(&self, fault: Option<Fault>) {
        *self.armed.lock().expect("nothing panics while it is held") = fault;
    }

    /// What happened, if it did; what did not is called off.
    pub(crate) fn disarm(&self) -> Option<Fault> {
        self.arm(None);
        self.struck
            .lock()
            .expect("nothing panics while it is held")
            .take()
    }

    /// The process is started again.
    pub(crate) fn restart(&self) {
        self.is_down.store(false, Ordering::Relaxed);
    }
}

impl Weather for Faults {
    fn meet(&self, step: Step) -> Result<(), StoreError> {
        let down = || Err(StoreError::Unknown("the process is down".into()));
        if self.is_down.load(Ordering::Relaxed) {
            return down();
        }
        let mut armed = self.armed.lock().expect("nothing panics while it is held");
        let Some(fault) = armed.as_mut().filter(|fault| fault.at == step) else {
            return Ok(());
        };
        if let Some(left) = fault.skips.checked_sub(1) {
            fault.skips = left;
            return Ok(());
        }
        let fault = *fault;
        *armed = None;
        *self.struck.lock().expect("nothing panics while it is held") = Some(fault);
        match fault.what {
            Trouble::Fails => Err(StoreError::Failed("as planned".into())),
            Trouble::Full => Err(StoreError::Full),
            Trouble::Stall(ms) => {
                self.clock.pass(ms);
                Ok(())
            }
            Trouble::Crash => {
                self.is_down.store(true, Ordering::Relaxed);
                down()
            }
        }
    }
}
