use std::time::Duration;

use super::actor::Actor;
use crate::model::{Exchange, Protocol, Reply, Request, RunError, Unsure};
use crate::wire::{Http1, Http2, Origin, Pending, lost};

/// A request whose last byte is still here.
pub struct Held {
    actor: Actor,
    protocol: Protocol,
    number: u32,
    request: Request,
    begun: Duration,
    transport: Transport,
}

/// On what it is under way.
pub(super) enum Transport {
    Http1(Box<Http1>),
    Http2 { link: Http2, pending: Pending },
    Broken(Unsure),
}

impl Held {
    pub(super) fn new(
        actor: Actor,
        protocol: Protocol,
        number: u32,
        request: Request,
        begun: Duration,
        transport: Transport,
    ) -> Self {
        Self {
            actor,
            protocol,
            number,
            request,
            begun,
            transport,
        }
    }

    /// Whether it leaves with others, in one write.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.transport, Transport::Http2 { .. })
    }

    /// Whether the server answered, or hung up, before it had all.
    pub fn answered_early(&mut self) -> bool {
        match &mut self.transport {
            Transport::Http1(link) => link.has_something(),
            Transport::Http2 { link, pending } => link.is_answered(pending),
            Transport::Broken(_) => true,
        }
    }

    /// Whether all of it was released, and no part of an answer is here.
    pub(super) fn is_under_way(&mut self) -> bool {
        match &mut self.transport {
            Transport::Http1(link) => !link.has_something(),
            Transport::Http2 { link, pending } => link.is_under_way(pending),
            Transport::Broken(_) => false,
        }
    }

    /// Sends the last byte, and waits for the answer.
    ///
    /// # Errors
    ///
    /// None at present; what goes wrong is the exchange's reply.
    pub async fn release(mut self) -> Result<Exchange, RunError> {
        let released = self.actor.client.elapsed();
        let sent = match &mut self.transport {
            Transport::Http1(link) => link.release().await,
            Transport::Http2 { link, .. } => link.open_gate().await.map(drop).map_err(lost),
            Transport::Broken(_) => Ok(()),
        };
        // An answer may have come before a connection was closed.
        if let Err(unsure) = sent
            && !self.answered_early()
        {
            self.transport = Transport::Broken(unsure);
        }
        Ok(self.finish(released).await)
    }

    /// Sends the last byte of one that is on HTTP/1.1, without waiting; when it left.
    pub(super) fn release_now(&mut self) -> Duration {
        let released = self.actor.client.elapsed();
        if let Transport::Http1(link) = &mut self.transport
            && let Err(error) = link.release_now()
            && !self.answered_early()
        {
            self.transport = Transport::Broken(lost(error));
        }
        released
    }

    /// Waits for the answer to one that was released.
    pub(super) async fn finish(self, released: Duration) -> Exchange {
        let Self {
            actor,
            protocol,
            number,
            request,
            begun,
            transport,
        } = self;
        let times = [begun, released];
        let reply = match transport {
            Transport::Http1(mut link) => {
                let reply = actor.within(released, link.receive(&request.method)).await;
                if let Ok(origin) = Origin::of(&request.url) {
                    actor.put_back(origin, *link, &reply);
                }
                reply
            }
            Transport::Http2 { mut pending, .. } => actor.within(released, pending.receive()).await,
            Transport::Broken(unsure) => Reply::Missing(unsure),
        };
        actor.exchange(number, protocol, request, times, reply)
    }
}
