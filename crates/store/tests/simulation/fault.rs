use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use detente_store::memory::{Landing, Mishap, Step, Weather};

use crate::clock::Clock;
use crate::dice::Dice;

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
    Goes(Mishap),
    /// It takes this long, in milliseconds.
    Stall(u64),
}

/// Faults as they come to one writer.
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
            4..=5 => (Step::Record, dice.below(8)),
            6..=7 => (Step::Mark, 0),
            _ => (Step::Marked, 0),
        };
        let mishap = match (at, dice.below(14)) {
            (_, 0..=2) => return Some(Self::stall(dice, at, skips)),
            (Step::Marked, _) | (_, 3..=5) => Mishap::Down,
            (Step::Record | Step::Mark, 6..=7) => Mishap::Full,
            (Step::Mark, 8..=10) => Mishap::Silence(landing(dice)),
            (_, 11..=12) => Mishap::Away,
            _ => Mishap::Fails,
        };
        let what = Trouble::Goes(mishap);
        Some(Self { at, skips, what })
    }

    fn stall(dice: &mut Dice, at: Step, skips: u64) -> Self {
        let what = Trouble::Stall(dice.below(60_000));
        Self { at, skips, what }
    }

    /// Whether it may strike while it is written what was decided.
    pub(crate) fn is_late(&self) -> bool {
        matches!(self.at, Step::Record | Step::Mark | Step::Marked)
    }

    pub(crate) fn is(&self, mishap: Mishap) -> bool {
        self.what == Trouble::Goes(mishap)
    }

    /// For the statistics.
    pub(crate) fn name(&self) -> &'static str {
        let mishap = match self.what {
            Trouble::Goes(mishap) => mishap,
            Trouble::Stall(_) => return "stall",
        };
        match (mishap, self.at) {
            (Mishap::Full, _) => "full",
            (Mishap::Away, Step::Ask) => "away when asked",
            (Mishap::Away, _) => "away",
            (Mishap::Silence(Landing::AtOnce), _) => "silence, and written",
            (Mishap::Silence(Landing::Late), _) => "silence, and perhaps later",
            (Mishap::Silence(Landing::Never), _) => "silence, and nothing",
            (Mishap::Fails, Step::Begin) => "fails to begin",
            (Mishap::Fails, Step::Read) => "fails to read",
            (Mishap::Fails, Step::Close) => "fails to close",
            (Mishap::Fails, _) => "fails to append",
            (Mishap::Down, Step::Marked) => "crash after the commit",
            (Mishap::Down, Step::Record | Step::Mark) => "crash within the commit",
            (Mishap::Down, _) => "crash before the commit",
        }
    }
}

fn landing(dice: &mut Dice) -> Landing {
    *dice.pick(&[
        Landing::AtOnce,
        Landing::Late,
        Landing::Late,
        Landing::Never,
    ])
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

    /// Whether the process has ended where it stood.
    pub(crate) fn are_fatal(&self) -> bool {
        self.is_down.load(Ordering::Relaxed)
    }

    /// The process is started again.
    pub(crate) fn restart(&self) {
        self.is_down.store(false, Ordering::Relaxed);
    }
}

impl Weather for Faults {
    fn meet(&self, step: Step) -> Result<(), Mishap> {
        if self.are_fatal() {
            return Err(Mishap::Down);
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
            Trouble::Goes(mishap) => {
                let is_down = mishap == Mishap::Down;
                self.is_down.fetch_or(is_down, Ordering::Relaxed);
                Err(mishap)
            }
            Trouble::Stall(ms) => {
                self.clock.pass(ms);
                Ok(())
            }
        }
    }
}
