//! One bucket: the instant at which it will be full. What lies in the past is full.

use std::time::Duration;

use super::{Class, Exceeded, Rate, Standing};

/// What may be asked for now, and how long until one more may; `is_allowed` of whatever was asked.
pub(super) struct Look {
    is_allowed: bool,
    remaining: u32,
    next_ns: u64,
}

/// Takes one allowance, if there is one.
pub(super) fn take(full_at: &mut u64, rate: Rate, now: u64) -> Look {
    let before = look(*full_at, rate, now);
    if !before.is_allowed {
        return before;
    }
    *full_at = (*full_at).max(now).saturating_add(rate.interval);
    Look {
        is_allowed: true,
        ..look(*full_at, rate, now)
    }
}

/// Takes one allowance even if there is none, but goes no further than empty.
pub(super) fn charge(full_at: &mut u64, rate: Rate, now: u64) {
    let charged = (*full_at).max(now).saturating_add(rate.interval);
    let empty = now.saturating_add(rate.depth());
    *full_at = charged.min(empty).max(*full_at);
}

/// Takes nothing.
pub(super) fn look(full_at: u64, rate: Rate, now: u64) -> Look {
    let missing = full_at.saturating_sub(now);
    let there = rate.depth().saturating_sub(missing);
    let remaining = there / rate.interval;
    // A clock that goes back makes more missing than there can be.
    let beyond = missing.saturating_sub(rate.depth());
    Look {
        is_allowed: remaining > 0,
        // At most the burst.
        remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
        next_ns: match missing {
            0 => 0,
            _ => (rate.interval - there % rate.interval).saturating_add(beyond),
        },
    }
}

impl Look {
    pub(super) fn told(self, class: Class, rate: Rate) -> Result<Standing, Exceeded> {
        let standing = Standing {
            class,
            quota: rate.burst,
            window_s: rate.depth().div_ceil(1_000_000_000),
            remaining: self.remaining,
            next: Duration::from_nanos(self.next_ns),
        };
        match self.is_allowed {
            true => Ok(standing),
            false => Err(Exceeded(standing)),
        }
    }
}
