use std::io;
use std::time::Duration;

use http::Method;
use url::Url;

use super::Client;
use crate::model::{Exchange, Outage, Reply, Request, RunError, Unsure};
use crate::wire::Origin;

/// How often a server is asked again that does not answer, with growing pauses: some seconds in all, for one that
/// starts again.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Client {
    /// A server that left its latest request without an answer, and does not answer now either.
    ///
    /// Nothing is sent where all latest requests were answered.
    pub(crate) async fn outage(&self) -> Option<Outage> {
        if self.is_interrupted() {
            return None;
        }
        let silent = self
            .run
            .silences
            .lock()
            .expect("no holder panics")
            .origins();
        for origin in silent {
            let before = self.silence(&origin)?;
            let readable = self.last_read(&origin).unwrap_or(before.url);
            if !self.answers_again(&readable).await {
                let now = self.silence(&origin)?;
                return Some(Outage {
                    answered: self.last_answered(&origin, |_| true),
                    unanswered: before.first,
                    failure: now.failure,
                });
            }
        }
        None
    }

    async fn answers_again(&self, url: &Url) -> bool {
        let actor = self.actor("scout");
        let mut pause = PAUSE;
        for tries in 1..=TRIES {
            match actor.send(Request::get(url.clone())).await {
                Ok(exchange) if exchange.is_served() => return true,
                // That took long enough.
                Ok(exchange) if has_timed_out(&exchange) => return false,
                Err(RunError::Unreachable { source, .. })
                    if source.kind() == io::ErrorKind::TimedOut =>
                {
                    return false;
                }
                Ok(_) | Err(RunError::Unreachable { .. }) => {}
                // It was not asked, so nothing is known.
                Err(_) => return true,
            }
            if tries < TRIES {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        false
    }

    fn silence(&self, origin: &Origin) -> Option<super::silence::Silence> {
        let silences = self.run.silences.lock().expect("no holder panics");
        silences.of(origin).cloned()
    }

    /// What could be read last there: it is safe to read it again.
    fn last_read(&self, origin: &Origin) -> Option<Url> {
        let is_read = |exchange: &Exchange| exchange.request.method == Method::GET;
        Some(self.last_answered(origin, is_read)?.request.url)
    }

    fn last_answered(
        &self,
        origin: &Origin,
        which: impl Fn(&Exchange) -> bool,
    ) -> Option<Exchange> {
        let record = self.run.record.lock().expect("no holder panics");
        let is_it = |exchange: &Exchange| {
            exchange.is_served()
                && which(exchange)
                && Origin::of(&exchange.request.url).is_ok_and(|it| it == *origin)
        };
        record.last(is_it).cloned()
    }
}

fn has_timed_out(exchange: &Exchange) -> bool {
    matches!(exchange.reply, Reply::Missing(Unsure::TimedOut(_)))
}
