use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use url::Url;

use super::Client;
use super::actor::Actor;
use super::held::{Held, Transport};
use crate::model::{Exchange, Protocol, Request, RunError};
use crate::wire::{Http2, Origin};

/// How long a server has to take in what was sent of all requests before the rest follows. There is no sign by which
/// it could be seen that it has: a process that was just woken for 32 new connections needs some milliseconds.
const TAKES_IN: Duration = Duration::from_millis(5);

/// Requests that were released together, and their answers.
pub struct Volley {
    /// In the order in which they were given.
    pub exchanges: Vec<Exchange>,
    /// From the first last byte to the last.
    pub spread: Duration,
    /// How many had no answer yet when the last byte of the last one had left: these were provably under way at once.
    pub together: usize,
}

impl Volley {
    /// Whether two or more were provably under way at once.
    pub fn overlapped(&self) -> bool {
        self.together > 1
    }
}

impl Client {
    /// Sends all of the requests but their last bytes; then those, in one sweep.
    ///
    /// On HTTP/1.1 each request has a connection of its session's own. On HTTP/2 all share one, as far as the server has
    /// room for them, and their last frames leave in a single write.
    ///
    /// # Errors
    ///
    /// [`RunError`], if one could not be sent at all; then none was released.
    pub async fn volley(&self, sends: Vec<(Actor, Request)>) -> Result<Volley, RunError> {
        self.spend(u32::try_from(sends.len()).unwrap_or(u32::MAX))?;
        let mut held = Vec::with_capacity(sends.len());
        let mut shared = Vec::new();
        for (place, (actor, request)) in sends.into_iter().enumerate() {
            let request = actor.with_own_fields(request);
            match actor.speaks(&request.url).await? {
                Protocol::Http1 => held.push((place, actor.hold_http1(request).await?)),
                Protocol::Http2 => shared.push((place, actor, request)),
            }
        }
        let links = self.hold_shared(shared, &mut held).await?;
        held.sort_by_key(|(place, _)| *place);
        let mut held: Vec<_> = held.into_iter().map(|(_, held)| held).collect();
        tokio::time::sleep(TAKES_IN).await;

        let (released, spread) = self.release(&links, &mut held).await;
        // Looked at after the last one left: whoever left and has nothing yet was under way at that moment.
        let is_under_way = held.iter_mut().map(Held::is_under_way);
        let together = is_under_way.filter(|is_under_way| *is_under_way).count();
        let finished = held
            .into_iter()
            .zip(released)
            .map(|(held, released)| held.finish(released));
        let exchanges = join_all(finished).await;
        self.put_back_shared(links).await;
        if exchanges.len() > 1 {
            self.run
                .spreads
                .lock()
                .expect("no holder panics")
                .push(spread);
        }
        Ok(Volley {
            exchanges,
            spread,
            together,
        })
    }

    /// The sweep: nothing is awaited in it on HTTP/1.1. When each left, and from the first to the last.
    async fn release(
        &self,
        links: &[(Origin, Http2)],
        held: &mut [Held],
    ) -> (Vec<Duration>, Duration) {
        let mut of_shared = None;
        let mut first = None;
        for (_, link) in links {
            if let Ok((begun, ended)) = link.open_gate().await {
                let begun = begun.saturating_duration_since(self.run.begun);
                first.get_or_insert(begun);
                of_shared = Some(ended.saturating_duration_since(self.run.begun));
            }
        }
        let shared = of_shared.unwrap_or_else(|| self.elapsed());
        let mut released = Vec::with_capacity(held.len());
        let mut last = of_shared;
        for held in held {
            let at = if held.is_shared() {
                shared
            } else {
                let at = held.release_now();
                first.get_or_insert(at);
                last = Some(at);
                at
            };
            released.push(at);
        }
        let spread = match (first, last) {
            (Some(first), Some(last)) => last.saturating_sub(first),
            _ => Duration::ZERO,
        };
        (released, spread)
    }

    /// Hands requests to connections whose gates are closed; the connections.
    async fn hold_shared(
        &self,
        sends: Vec<(usize, Actor, Request)>,
        held: &mut Vec<(usize, Held)>,
    ) -> Result<Vec<(Origin, Http2)>, RunError> {
        let mut by_origin: HashMap<Origin, Vec<(usize, Actor, Request)>> = HashMap::new();
        for send in sends {
            by_origin
                .entry(Origin::of(&send.2.url)?)
                .or_default()
                .push(send);
        }
        let mut used = Vec::new();
        for (origin, sends) in by_origin {
            let mut sends = sends.into_iter().peekable();
            while let Some((_, _, request)) = sends.peek() {
                let link = self.shared(&origin, &request.url).await?;
                link.close_gate();
                let mut count = 0;
                for (place, actor, request) in sends.by_ref().take(link.room().max(1)) {
                    let begun = self.elapsed();
                    let number = self.number();
                    let transport = match actor.in_time(begun, link.send(&request)).await {
                        Ok(pending) => {
                            count += 1;
                            Transport::Http2 {
                                link: link.clone(),
                                pending,
                            }
                        }
                        Err(unsure) => Transport::Broken(unsure),
                    };
                    let protocol = Protocol::Http2;
                    let one = Held::new(actor, protocol, number, request, begun, transport);
                    held.push((place, one));
                }
                link.keeps(count).await;
                used.push((origin.clone(), link));
            }
        }
        Ok(used)
    }

    /// A connection that no other volley has: opening its gate would release theirs.
    async fn shared(&self, origin: &Origin, url: &Url) -> Result<Http2, RunError> {
        loop {
            let kept = self
                .run
                .shared
                .lock()
                .await
                .get_mut(origin)
                .and_then(Vec::pop);
            match kept {
                Some(link) if link.is_ready().await => return Ok(link),
                Some(_) => {}
                None => return self.open_http2(url).await,
            }
        }
    }

    async fn put_back_shared(&self, links: Vec<(Origin, Http2)>) {
        let mut pool = self.run.shared.lock().await;
        for (origin, link) in links {
            pool.entry(origin).or_default().push(link);
        }
    }
}
