/// How often one may ask in the long run, and at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Between two allowances, in nanoseconds.
    pub(super) interval: u64,
    pub(super) burst: u32,
}

/// Why numbers are not a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a rate must be above 0 and at most 1000000 per second, with a burst of at least 1 that is there \
     again within 30 days"
)]
pub struct NotARate;

const LONGEST_NS: u64 = 30 * 24 * 3600 * 1_000_000_000;

impl Rate {
    /// So many per second in the long run, and `burst` at once after some silence.
    ///
    /// # Errors
    ///
    /// [`NotARate`].
    pub fn new(per_second: f64, burst: u32) -> Result<Self, NotARate> {
        if !(per_second > 0.0 && per_second <= 1e6 && burst > 0) {
            return Err(NotARate);
        }
        // Up: never more often than was said. What is too long for a u64 becomes its maximum.
        let interval = (1e9 / per_second).ceil() as u64;
        match interval.checked_mul(burst.into()) {
            Some(..=LONGEST_NS) => Ok(Self { interval, burst }),
            _ => Err(NotARate),
        }
    }

    /// How long an empty bucket takes to fill, in nanoseconds.
    pub(super) fn depth(self) -> u64 {
        self.interval * u64::from(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_one_that_can_be_kept() {
        let cases = [
            (1.0, 1, Some(1_000_000_000)),
            (3.0, 10, Some(333_333_334)),
            (1.0 / 60.0, 5, Some(60_000_000_000)),
            (1e6, u32::MAX, Some(1000)),
            (1e6 + 1.0, 1, None),
            (0.0, 1, None),
            (-1.0, 1, None),
            (f64::NAN, 1, None),
            (f64::INFINITY, 1, None),
            (f64::MIN_POSITIVE, 1, None),
            (1.0, 0, None),
            (1.0, 30 * 24 * 3600 + 1, None),
        ];
        for (per_second, burst, interval) in cases {
            let rate = Rate::new(per_second, burst).ok().map(|it| it.interval);
            assert_eq!(rate, interval, "{per_second} {burst}");
        }
    }
}
