use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::retry::Retry;

/// How much of its [`Retry`] one operation has used.
#[derive(Debug)]
pub(crate) struct Pace {
    retry: Retry,
    deadline: Instant,
    /// Requests in a row without a usable answer.
    failures: u32,
    /// Writes that found a newer version.
    collisions: u32,
}

impl Pace {
    pub(crate) fn begin(retry: &Retry) -> Self {
        Self {
            retry: retry.clone(),
            deadline: Instant::now() + retry.budget,
            failures: 0,
            collisions: 0,
        }
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    pub(crate) fn collisions(&self) -> u32 {
        self.collisions
    }

    /// An answer came.
    pub(crate) fn answered(&mut self) {
        self.failures = 0;
    }

    /// Pauses before the same request is sent again, for `at_least` and some jitter; `false` if it
    /// must not be sent again.
    pub(crate) async fn after_failure(&mut self, at_least: Duration) -> bool {
        self.failures += 1;
        if self.failures >= self.retry.attempts {
            return false;
        }
        let jitter = self.retry.delay(self.failures - 1);
        self.pause(at_least.saturating_add(jitter)).await
    }

    /// Pauses before the next attempt on a newer version, except before the first; `false` if there
    /// must be no other attempt.
    pub(crate) async fn after_collision(&mut self) -> bool {
        self.collisions += 1;
        if self.collisions >= self.retry.attempts {
            return false;
        }
        match self.collisions.checked_sub(2) {
            None => !self.remaining().is_zero(),
            Some(n) => self.pause(self.retry.delay(n)).await,
        }
    }

    /// Does not start a pause that would outlast the budget.
    async fn pause(&self, delay: Duration) -> bool {
        if delay >= self.remaining() {
            return false;
        }
        sleep(delay).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::Jitter;

    fn longest() -> Retry {
        Retry {
            jitter: Jitter::from_fn(|| 1.0),
            ..Retry::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_retry_is_at_once_and_the_tenth_attempt_is_the_last() {
        let begin = Instant::now();
        let mut pace = Pace::begin(&longest());
        let mut pauses = Vec::new();
        let mut before = begin;
        while pace.after_collision().await {
            pauses.push((Instant::now() - before).as_millis());
            before = Instant::now();
        }
        assert_eq!(pauses, [0, 20, 40, 80, 160, 320, 640, 1280, 2000]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_outlasts_the_budget() {
        let retry = Retry {
            attempts: 1000,
            ..longest()
        };
        for at_least in [0, 1, 7] {
            let begin = Instant::now();
            let mut pace = Pace::begin(&retry);
            let mut retries = 0;
            while pace.after_failure(Duration::from_secs(at_least)).await {
                retries += 1;
            }
            let taken = begin.elapsed();
            assert!(taken < retry.budget, "{at_least}: {taken:?}");
            assert!(retries > 1, "{at_least}");
        }
        let mut pace = Pace::begin(&retry);
        let begin = Instant::now();
        assert!(!pace.after_failure(Duration::from_secs(15)).await);
        assert!(begin.elapsed().is_zero(), "it gives up without waiting");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_spent_on_requests_counts_too() {
        let mut pace = Pace::begin(&longest());
        tokio::time::advance(Duration::from_secs(15)).await;
        assert!(pace.remaining().is_zero());
        assert!(!pace.after_collision().await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_a_row_of_failures() {
        let retry = Retry {
            attempts: 3,
            ..longest()
        };
        let mut pace = Pace::begin(&retry);
        for _ in 0..5 {
            assert!(pace.after_failure(Duration::ZERO).await);
            assert!(pace.after_failure(Duration::ZERO).await);
            pace.answered();
        }
        assert!(pace.after_failure(Duration::ZERO).await);
        assert!(pace.after_failure(Duration::ZERO).await);
        assert!(!pace.after_failure(Duration::ZERO).await);
    }
}
