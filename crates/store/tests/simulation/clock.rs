use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use detente_core::{Moment, Receipt};

use crate::dice::Dice;

/// Time as the simulation has it: it passes when somebody says so, and may be set back.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<AtomicU64>);

#[derive(Clone, Copy)]
enum Passing {
    Nothing,
    Moments,
    Seconds,
    Minutes,
    Day,
    SetBack,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_700_000_000_000)))
    }

    pub(crate) fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// Mostly a moment, sometimes a day, and now and then the other way.
    pub(crate) fn pass_by_chance(&self, dice: &mut Dice) {
        let passing = dice.weigh(&[
            (20, Passing::Nothing),
            (50, Passing::Moments),
            (20, Passing::Seconds),
            (5, Passing::Minutes),
            (1, Passing::Day),
            (4, Passing::SetBack),
        ]);
        match passing {
            Passing::Nothing => {}
            Passing::Moments => self.pass(dice.below(500)),
            Passing::Seconds => self.pass(dice.below(10_000)),
            Passing::Minutes => self.pass(dice.below(300_000)),
            Passing::Day => self.pass(Receipt::LIFE_MS - 1 + dice.below(3)),
            Passing::SetBack => {
                self.0.fetch_sub(dice.below(60_000), Ordering::Relaxed);
            }
        }
    }
}
