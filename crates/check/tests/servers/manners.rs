use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header;

use super::ask::Ask;
use super::dialect::Dialect;
use super::refusal::Refusal;

/// Whom a server lets in, and how fast.
#[derive(Debug)]
pub(crate) struct Manners {
    dialect: Dialect,
    /// How many requests may come at once, and when that was.
    allowance: Mutex<(f64, Instant)>,
}

impl Manners {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let burst = f64::from(dialect.per_second.unwrap_or(0));
        Self {
            dialect,
            allowance: Mutex::new((burst, Instant::now())),
        }
    }

    pub(crate) async fn pause(&self) {
        let (least, most) = self.dialect.delay_ms;
        if least < most {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(least..most))).await;
        }
    }

    /// # Errors
    ///
    /// [`Refusal::Unauthorized`], [`Refusal::TooMany`] or [`Refusal::Unavailable`].
    pub(crate) fn admit(&self, ask: &Ask) -> Result<(), Refusal> {
        let tokens = self.dialect.tokens;
        let sent = ask.header(&header::AUTHORIZATION);
        let sent = sent.and_then(|field| field.strip_prefix("Bearer "));
        if !tokens.is_empty() && !sent.is_some_and(|sent| tokens.contains(&sent)) {
            return Err(Refusal::Unauthorized);
        }
        if !self.allows_another() {
            return Err(Refusal::TooMany);
        }
        if self.dialect.failing && fastrand::u8(..10) == 0 {
            return Err(Refusal::Unavailable);
        }
        Ok(())
    }

    fn allows_another(&self) -> bool {
        let Some(per_second) = self.dialect.per_second.map(f64::from) else {
            return true;
        };
        let mut allowance = self
            .allowance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (left, since) = *allowance;
        let now = Instant::now();
        let left = (left + now.duration_since(since).as_secs_f64() * per_second).min(per_second);
        let allows = left >= 1.0;
        *allowance = (if allows { left - 1.0 } else { left }, now);
        allows
    }
}
