use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// How often, how long and how slowly an operation is retried.
///
/// ```
/// use std::time::Duration;
/// use detente_client::Retry;
///
/// let patient = Retry { budget: Duration::from_secs(60), ..Retry::default() };
/// assert_eq!(patient.attempts, 10);
/// ```
#[derive(Clone, Debug)]
pub struct Retry {
    /// How often a write may be made again on a new version, and how often one request may be sent.
    pub attempts: u32,
    /// How long one operation may take, including all its requests and pauses.
    pub budget: Duration,
    /// The longest first pause. For each further pause the limit is twice as long.
    pub base_delay: Duration,
    /// The longest of all pauses.
    pub max_delay: Duration,
    /// Chooses each pause, between zero and its limit.
    pub jitter: Jitter,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 10,
            budget: Duration::from_secs(15),
            base_delay: Duration::from_millis(20),
            max_delay: Duration::from_secs(2),
            jitter: Jitter::random(),
        }
    }
}

impl Retry {
    /// Full jitter: anything from 0 to min(`max_delay`, `base_delay` · 2ⁿ).
    pub(crate) fn delay(&self, n: u32) -> Duration {
        self.spread(self.base_delay.saturating_mul(2u32.saturating_pow(n)))
    }

    /// Anything from 0 to `longest`, but never past `max_delay`.
    pub(crate) fn spread(&self, longest: Duration) -> Duration {
        longest.min(self.max_delay).mul_f64(self.jitter.fraction())
    }
}

/// A source of numbers from 0 to 1, evenly spread.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Jitter {
    /// Random numbers.
    pub fn random() -> Self {
        // Each state has its own random keys, and SipHash turns them into evenly spread numbers.
        Self::from_fn(|| {
            let bits = RandomState::new().build_hasher().finish() >> 11;
            bits as f64 / (1u64 << 53) as f64
        })
    }

    /// Uses the results of `fraction`, limited to the range from 0 to 1.
    pub fn from_fn(fraction: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(fraction))
    }

    /// No pauses at all.
    pub fn none() -> Self {
        Self::from_fn(|| 0.0)
    }

    fn fraction(&self) -> f64 {
        let fraction = (self.0)();
        if fraction.is_nan() {
            1.0
        } else {
            fraction.clamp(0.0, 1.0)
        }
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_two_seconds() {
        let cases = [
            (0, 20),
            (1, 40),
            (5, 640),
            (6, 1280),
            (7, 2000),
            (31, 2000),
            (32, 2000),
            (u32::MAX, 2000),
        ];
        for (n, longest) in cases {
            let at = |fraction: f64| {
                let jitter = Jitter::from_fn(move || fraction);
                let retry = Retry {
                    jitter,
                    ..Retry::default()
                };
                retry.delay(n).as_millis()
            };
            assert_eq!(
                (at(0.0), at(0.5), at(1.0)),
                (0, longest / 2, longest),
                "{n}"
            );
            assert_eq!((at(-1.0), at(7.0), at(f64::NAN)), (0, longest, longest));
        }
    }

    #[test]
    fn random_jitter_is_evenly_spread() {
        let jitter = Jitter::random();
        let mut tenths = [0; 10];
        for _ in 0..10_000 {
            let fraction = jitter.fraction();
            assert!((0.0..1.0).contains(&fraction));
            tenths[(fraction * 10.0) as usize] += 1;
        }
        // Each is about 1000 ± 30; a correct source deviates by 300 less than once in 10^20 times.
        assert!(
            tenths.iter().all(|count| (700..1300).contains(count)),
            "{tenths:?}"
        );
    }
}
