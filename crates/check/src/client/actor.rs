use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, Method};
use url::Url;

use super::Client;
use super::held::{Held, Transport};
use crate::model::{Exchange, Protocol, Reply, Request, Response, RunError, Unsure};
use crate::wire::{Http1, Http2, Origin};

/// One session: its fields and its connections. Cheap to clone; clones share both.
#[derive(Clone)]
pub struct Actor {
    pub(super) client: Client,
    pub(super) name: Arc<str>,
    headers: HeaderMap,
    protocol: Option<Protocol>,
    links: Arc<Links>,
}

#[derive(Default)]
struct Links {
    /// Connections on which nothing is under way.
    idle: Mutex<HashMap<Origin, Vec<Http1>>>,
    http2: tokio::sync::Mutex<HashMap<Origin, Http2>>,
}

impl Actor {
    pub(super) fn new(client: Client, name: &str) -> Self {
        Self {
            headers: client.headers().clone(),
            client,
            name: name.into(),
            protocol: None,
            links: Arc::default(),
        }
    }

    /// The name that reports give it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A session that sends these fields as well, in place of those of the same names.
    #[must_use]
    pub fn with_headers(&self, headers: HeaderMap) -> Self {
        let mut actor = Self {
            links: Arc::default(),
            ..self.clone()
        };
        for name in headers.keys() {
            actor.headers.remove(name);
        }
        actor.headers.extend(headers);
        actor
    }

    /// The same session, speaking this.
    #[must_use]
    pub fn with_protocol(&self, protocol: Protocol) -> Self {
        Self {
            protocol: Some(protocol),
            ..self.clone()
        }
    }

    pub(super) async fn speaks(&self, url: &Url) -> Result<Protocol, RunError> {
        match self.protocol {
            Some(protocol) => Ok(protocol),
            None => self.client.usual_protocol(url).await,
        }
    }

    /// Sends a request, and waits for its answer.
    ///
    /// # Errors
    ///
    /// [`RunError`], if it was not sent at all. What went wrong later is the exchange's reply.
    pub async fn send(&self, request: Request) -> Result<Exchange, RunError> {
        let request = request.with_defaults(&self.headers);
        self.client.spend(1)?;
        match self.speaks(&request.url).await? {
            Protocol::Http1 => self.send_http1(request).await,
            Protocol::Http2 => self.send_http2(request).await,
        }
    }

    async fn send_http1(&self, request: Request) -> Result<Exchange, RunError> {
        let origin = Origin::of(&request.url)?;
        loop {
            let (mut link, is_used) = self.link(&origin, &request.url).await?;
            let begun = self.client.elapsed();
            let number = self.client.number();
            let sent = self.in_time(begun, link.send(&request)).await;
            let released = self.client.elapsed();
            let reply = match sent {
                // An answer may have come before the server stopped reading.
                Err(unsure) if !link.has_something() => Reply::Missing(unsure),
                _ => self.within(begun, link.receive(&request.method)).await,
            };
            // A server may close a connection that was idle just when it is used again. What is safe is sent once
            // more (RFC 9110, section 9.2.2), where the budget has it: the server has got both.
            let is_safe = matches!(request.method, Method::GET | Method::HEAD);
            let is_lost = matches!(reply, Reply::Missing(Unsure::Lost(_)));
            if is_used && is_safe && is_lost && self.client.spend(1).is_ok() {
                continue;
            }
            self.put_back(origin, link, &reply);
            return Ok(self.exchange(number, Protocol::Http1, request, [begun, released], reply));
        }
    }

    async fn send_http2(&self, request: Request) -> Result<Exchange, RunError> {
        let link = self.http2(&request.url).await?;
        let begun = self.client.elapsed();
        let number = self.client.number();
        let sent = self.in_time(begun, link.send(&request)).await;
        let released = self.client.elapsed();
        let reply = match sent {
            Err(unsure) => Reply::Missing(unsure),
            Ok(mut pending) => self.within(begun, pending.receive()).await,
        };
        Ok(self.exchange(number, Protocol::Http2, request, [begun, released], reply))
    }

    /// Sends all of a request but its last byte.
    ///
    /// # Errors
    ///
    /// [`RunError`], as for [`Actor::send`].
    pub async fn hold(&self, request: Request) -> Result<Held, RunError> {
        let request = request.with_defaults(&self.headers);
        self.client.spend(1)?;
        match self.speaks(&request.url).await? {
            Protocol::Http1 => self.hold_http1(request).await,
            Protocol::Http2 => {
                // A connection of its own: the gate holds back all that ends on it.
                let link = self.client.open_http2(&request.url).await?;
                link.close_gate();
                let begun = self.client.elapsed();
                let number = self.client.number();
                let transport = match self.in_time(begun, link.send(&request)).await {
                    Ok(pending) => {
                        link.keeps(1).await;
                        Transport::Http2 { link, pending }
                    }
                    Err(unsure) => Transport::Broken(unsure),
                };
                let actor = self.clone();
                Ok(Held::new(
                    actor,
                    Protocol::Http2,
                    number,
                    request,
                    begun,
                    transport,
                ))
            }
        }
    }

    pub(super) async fn hold_http1(&self, request: Request) -> Result<Held, RunError> {
        let origin = Origin::of(&request.url)?;
        let (mut link, _) = self.link(&origin, &request.url).await?;
        let begun = self.client.elapsed();
        let number = self.client.number();
        let transport = match self.in_time(begun, link.send_but_last(&request)).await {
            Ok(()) => Transport::Http1(Box::new(link)),
            Err(unsure) => Transport::Broken(unsure),
        };
        let actor = self.clone();
        Ok(Held::new(
            actor,
            Protocol::Http1,
            number,
            request,
            begun,
            transport,
        ))
    }

    /// Sends a whole request, and closes the connection some time `later`, without having read the answer.
    ///
    /// It is a connection of its own. On HTTP/2 the stream is reset before (RFC 9113, section 8.1).
    ///
    /// # Errors
    ///
    /// [`RunError`], as for [`Actor::send`].
    pub async fn abandon(&self, request: Request, later: Duration) -> Result<Exchange, RunError> {
        let request = request.with_defaults(&self.headers);
        self.client.spend(1)?;
        let protocol = self.speaks(&request.url).await?;
        let (number, times, sent) = match protocol {
            Protocol::Http1 => {
                let mut link = self.client.open_http1(&request.url).await?;
                let (begun, number) = (self.client.elapsed(), self.client.number());
                let sent = self.in_time(begun, link.send(&request)).await;
                let released = self.client.elapsed();
                tokio::time::sleep(later).await;
                (number, [begun, released], sent)
            }
            Protocol::Http2 => {
                let link = self.client.open_http2(&request.url).await?;
                let (begun, number) = (self.client.elapsed(), self.client.number());
                let sent = self.in_time(begun, link.send_whole(&request)).await;
                let released = self.client.elapsed();
                tokio::time::sleep(later).await;
                // An answer that nobody waits for any more resets its stream.
                (number, [begun, released], sent.map(drop))
            }
        };
        let reply = Reply::Missing(sent.err().unwrap_or(Unsure::Dropped));
        Ok(self.exchange(number, protocol, request, times, reply))
    }

    pub(super) fn with_own_fields(&self, request: Request) -> Request {
        request.with_defaults(&self.headers)
    }

    /// A connection on which nothing is under way, and whether it was used before.
    async fn link(&self, origin: &Origin, url: &Url) -> Result<(Http1, bool), RunError> {
        while let Some(mut link) = self.take_idle(origin) {
            if link.is_ready() {
                return Ok((link, true));
            }
        }
        Ok((self.client.open_http1(url).await?, false))
    }

    fn take_idle(&self, origin: &Origin) -> Option<Http1> {
        let mut idle = self.links.idle.lock().expect("no holder panics");
        idle.get_mut(origin)?.pop()
    }

    pub(super) fn put_back(&self, origin: Origin, link: Http1, reply: &Reply) {
        if link.can_go_on() && matches!(reply, Reply::Received(_)) {
            let mut idle = self.links.idle.lock().expect("no holder panics");
            idle.entry(origin).or_default().push(link);
        }
    }

    async fn http2(&self, url: &Url) -> Result<Http2, RunError> {
        let origin = Origin::of(url)?;
        let mut links = self.links.http2.lock().await;
        if let Some(link) = links.get(&origin)
            && link.is_ready().await
        {
            return Ok(link.clone());
        }
        let link = self.client.open_http2(url).await?;
        links.insert(origin, link.clone());
        Ok(link)
    }

    /// An answer, if it comes in time.
    pub(super) async fn within(
        &self,
        begun: Duration,
        answer: impl Future<Output = Result<Response, Unsure>>,
    ) -> Reply {
        match self.in_time(begun, answer).await {
            Ok(response) => Reply::Received(response),
            Err(unsure) => Reply::Missing(unsure),
        }
    }

    pub(super) async fn in_time<T>(
        &self,
        begun: Duration,
        work: impl Future<Output = Result<T, Unsure>>,
    ) -> Result<T, Unsure> {
        let timeout = self.client.run.settings.timeout;
        let left = timeout.saturating_sub(self.client.elapsed().saturating_sub(begun));
        tokio::time::timeout(left, work)
            .await
            .unwrap_or(Err(Unsure::TimedOut(timeout)))
    }

    /// The exchange that ends now.
    pub(super) fn exchange(
        &self,
        number: u32,
        protocol: Protocol,
        request: Request,
        [begun, released]: [Duration; 2],
        reply: Reply,
    ) -> Exchange {
        let exchange = Exchange {
            number,
            actor: Arc::clone(&self.name),
            protocol,
            request,
            begun,
            released,
            ended: self.client.elapsed(),
            reply,
        };
        self.client.keep(&exchange);
        exchange
    }
}
