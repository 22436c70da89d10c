use http::StatusCode;

use super::{Condition, Halt, Lab, Nonce, Reading, pace, said};
use crate::client::Actor;
use crate::model::{Effect, Exchange, Request};

/// A write by one client, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub exchange: Exchange,
    pub nonce: Nonce,
    /// It was not answered, but read back.
    seen: bool,
}

impl Attempt {
    /// Whether it was applied, by its answer or by what was read.
    pub(crate) fn is_applied(&self) -> bool {
        self.seen || self.exchange.is_accepted()
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.exchange.status()
    }
}

impl Lab {
    /// Writes something new by one client, and finds out what came of it.
    pub(crate) async fn attempt(
        &self,
        actor: &Actor,
        condition: &Condition,
    ) -> Result<Attempt, Halt> {
        let nonce = self.nonce();
        let request = self.write(&nonce, condition);
        self.attempt_request(actor, nonce, request).await
    }

    /// Sends a request of the caller's own, which writes `nonce`, and finds out what came of it.
    ///
    /// A request that was not served is sent again, unless a read shows that it was applied.
    pub(crate) async fn attempt_request(
        &self,
        actor: &Actor,
        nonce: Nonce,
        request: Request,
    ) -> Result<Attempt, Halt> {
        let mut tries = 0;
        loop {
            let exchange = self.send(actor, request.clone()).await?;
            tries += 1;
            let is_last = match exchange.effect() {
                Effect::Accepted | Effect::Refused => true,
                Effect::Busy => tries >= self.bench.patience(),
                // A server that fails at this each time will not do better for being asked more.
                Effect::Unknown => tries == 3,
            };
            if is_last {
                self.bench.learn_from_waiting(&exchange);
                let seen = exchange.effect() == Effect::Unknown && self.read().await?.shows(&nonce);
                return Ok(Attempt {
                    exchange,
                    nonce,
                    seen,
                });
            }
            pace::wait(&exchange, tries).await;
            if self.read().await?.shows(&nonce) {
                return Ok(Attempt {
                    exchange,
                    nonce,
                    seen: true,
                });
            }
        }
    }

    /// Writes something new that began from what is there, as anybody would.
    ///
    /// # Errors
    ///
    /// [`Halt::Cannot`] if it was refused.
    pub(crate) async fn write_anew(&self, actor: &Actor) -> Result<(Attempt, Reading), Halt> {
        let base = self.read().await?;
        let attempt = self.attempt(actor, &self.from(&base)).await?;
        if !attempt.is_applied() {
            return Err(Halt::Cannot(format!(
                "an ordinary {} was answered {}",
                self.habits.form.method,
                said(&attempt.exchange)
            )));
        }
        let reading = self.read_until(&attempt.nonce).await?;
        if !reading.shows(&attempt.nonce) {
            return Err(Halt::Cannot(
                "an accepted write was not stored when it was read back: somebody else writes as well, or the \
                 server dropped it"
                    .into(),
            ));
        }
        Ok((attempt, reading))
    }
}
