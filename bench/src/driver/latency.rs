//! How long requests took, as a histogram.

use std::time::Duration;

/// Buckets for each doubling: a value is known to about 3 %.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Above 2^40 ns, which is 18 minutes, everything is one bucket.
const LARGEST_BITS: u32 = 40;
const BUCKETS: usize = ((LARGEST_BITS - STEP_BITS + 1) * STEPS as u32) as usize;

/// Log-linear: 9 KB however many requests there were, so it stays in the cache of the core that counts.
pub(crate) struct Latency {
    buckets: Box<[u64; BUCKETS]>,
    total: u64,
}

impl Latency {
    pub(crate) fn new() -> Latency {
        Latency {
            buckets: Box::new([0; BUCKETS]),
            total: 0,
        }
    }

    pub(crate) fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)] += 1;
        self.total += 1;
    }

    /// The time within which `share` of the requests (0 to 1) were answered; zero if there were none.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let rank = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut below = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            below += count;
            if below >= rank {
                return Duration::from_nanos(middle(index));
            }
        }
        Duration::ZERO
    }
}

fn bucket(nanos: u64) -> usize {
    let nanos = nanos.min((1 << LARGEST_BITS) - 1);
    if nanos < STEPS {
        return nanos as usize;
    }
    let shift = nanos.ilog2() - STEP_BITS;
    (u64::from(shift) * STEPS + (nanos >> shift)) as usize
}

/// The value in the middle of a bucket: the inverse of [`bucket`], but for what the bucket rounds off.
fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let lowest = (STEPS + bucket % STEPS) << shift;
    lowest + (1 << (shift - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_to_within_three_percent() {
        for nanos in [0, 1, 31, 32, 63, 64, 65, 1_000, 123_456, 7_000_000, 1 << 39] {
            let back = middle(bucket(nanos));
            let error = (back as f64 - nanos as f64).abs() / (nanos as f64).max(1.0);
            assert!(error < 0.03, "{nanos} came back as {back}");
        }
    }

    #[test]
    fn a_value_past_the_last_bucket_is_counted_in_it() {
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_of_a_known_distribution() {
        let mut latency = Latency::new();
        assert_eq!(latency.quantile(0.5), Duration::ZERO);
        for micros in 1..=1000 {
            latency.record(Duration::from_micros(micros));
        }
        let cases = [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)];
        for (share, expected) in cases {
            let micros = latency.quantile(share).as_secs_f64() * 1e6;
            assert!((micros / expected - 1.0).abs() < 0.03, "{share}: {micros}");
        }
    }
}
