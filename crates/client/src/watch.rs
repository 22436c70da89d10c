use std::collections::VecDeque;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use detente_core::json::Pointer;
use futures_util::{Stream, StreamExt, stream};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use crate::error::{ContentError, Error};
use crate::event_stream::{Block, EventStream};
use crate::json::Json;
use crate::position::Position;
use crate::row::{Envelope, Row};
use crate::transport::{Answer, Transport};

/// The server sends something every 15 seconds. After three times that, the connection counts as
/// lost.
const LONGEST_SILENCE: Duration = Duration::from_secs(45);

const EVENTS: &str = "text/event-stream";

/// Where a [`Watch`] starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// From now on.
    Now,
    /// At the first change that the server has.
    Beginning,
    /// After this change, the last one seen.
    After(Position),
}

/// Somebody saved or deleted a document.
#[derive(Clone, Debug)]
pub struct Change<T = Json> {
    /// Its place among all changes.
    pub seq: u64,
    /// The same, to go on from with [`Since::After`].
    pub position: Position,
    pub collection: String,
    /// The document after the change.
    pub row: Row<T>,
    /// The places that changed, if the server says so.
    pub paths: Vec<Pointer>,
    /// The versions that were merged, if this one is the result of a merge.
    pub merged: Option<Json>,
}

/// Changes as they happen, each one once and in order, even if the connection is lost.
///
/// The stream ends only with an error that cannot be cured by retrying. A document that does not
/// match `T` is an error too, but the stream continues after it.
pub struct Watch<T = Json> {
    envelopes: Pin<Box<dyn Stream<Item = Result<Found, Error>> + Send>>,
    shown_as: PhantomData<fn() -> T>,
}

/// A change, and its place.
type Found = (Position, Envelope);

impl<T: DeserializeOwned> Watch<T> {
    /// Once this has returned, no change is missed.
    pub(crate) async fn open(
        transport: Arc<Transport>,
        mut url: Url,
        since: Since,
    ) -> Result<Self, Error> {
        let (parameter, seen) = match since {
            Since::Now => ("now".to_owned(), None),
            Since::Beginning => ("0".to_owned(), Some(Position::from(0))),
            Since::After(position) => (position.to_string(), Some(position)),
        };
        url.query_pairs_mut().append_pair("since", &parameter);
        let mut follower = Follower {
            transport,
            url,
            seen,
            reconnection: Duration::ZERO,
            failures: 0,
            connection: None,
            ready: VecDeque::new(),
        };
        follower.begin().await?;
        let envelopes = stream::unfold(Some(follower), |follower| async {
            let mut follower = follower?;
            match follower.next().await {
                Ok(envelope) => Some((envelope, Some(follower))),
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(Self {
            envelopes: Box::pin(envelopes),
            shown_as: PhantomData,
        })
    }

    /// The next change.
    pub async fn next(&mut self) -> Option<Result<Change<T>, Error>> {
        StreamExt::next(self).await
    }
}

impl<T: DeserializeOwned> Stream for Watch<T> {
    type Item = Result<Change<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let envelope = self.envelopes.as_mut().poll_next(context);
        envelope.map(|next| {
            next.map(|found| {
                let (position, envelope) = found?;
                Ok(change(position, envelope)?)
            })
        })
    }
}

fn change<T: DeserializeOwned>(
    position: Position,
    mut envelope: Envelope,
) -> Result<Change<T>, ContentError> {
    Ok(Change {
        seq: envelope.seq.ok_or(ContentError::Lacks("seq"))?,
        position,
        collection: envelope.collection.take().unwrap_or_default(),
        paths: envelope.paths(),
        merged: envelope.merged.take(),
        row: envelope.into_row()?,
    })
}

struct Follower {
    transport: Arc<Transport>,
    url: Url,
    /// The place of the last change that was returned, or where the stream started.
    seen: Option<Position>,
    /// How long the server asks to wait before connecting again.
    reconnection: Duration,
    /// Connections in a row without anything new.
    failures: u32,
    connection: Option<Connection>,
    ready: VecDeque<Block>,
}

struct Connection {
    response: Response,
    events: EventStream,
}

/// Why there is no connection.
enum Refusal {
    /// A retry after this time may work.
    Later(Error, Duration),
    Never(Error),
}

impl Follower {
    /// Connects, and waits until the stream says where it starts: otherwise changes could be missed
    /// when the connection is lost and made again.
    async fn begin(&mut self) -> Result<(), Error> {
        let mut pace = self.transport.pace();
        loop {
            let (error, wait) = match self.connect().await {
                Ok(()) if self.learns_its_place().await => return Ok(()),
                Ok(()) => {
                    let silent = "the stream did not say where it starts";
                    (Error::Unreachable(silent.into()), Duration::ZERO)
                }
                Err(Refusal::Later(error, wait)) => (error, wait),
                Err(Refusal::Never(error)) => return Err(error),
            };
            self.connection = None;
            if !pace.after_failure(wait).await {
                return Err(error);
            }
        }
    }

    async fn learns_its_place(&mut self) -> bool {
        let limit = self.transport.timeout;
        while self.seen.is_none() {
            if !self.read(limit).await {
                return false;
            }
            if let Some(block) = self.ready.front() {
                // The first block says so and is not an event; if it is one, it is kept for later.
                self.seen = match (place(block), &block.data) {
                    (Some(place), None) => Some(place),
                    (Some(place), Some(_)) => place.seq().checked_sub(1).map(Position::from),
                    (None, _) => return false,
                };
            }
        }
        true
    }

    /// The next change, or why it cannot be read; the outer error means that there will be no more.
    async fn next(&mut self) -> Result<Result<Found, Error>, Error> {
        loop {
            while let Some(block) = self.ready.pop_front() {
                if let Some(last) = reset(&block) {
                    return Err(Error::Reset { last });
                }
                if let Some(envelope) = self.take(block) {
                    return Ok(envelope);
                }
            }
            if self.connection.is_none() {
                self.reconnect().await?;
            }
            if !self.read(LONGEST_SILENCE).await {
                // An incomplete event is discarded together with the connection.
                self.connection = None;
            }
        }
    }

    fn take(&mut self, block: Block) -> Option<Result<Found, Error>> {
        if let Some(ms) = block.retry_ms {
            self.reconnection = Duration::from_millis(ms);
        }
        if let Some(place) = place(&block) {
            let seen = self.seen.as_ref().map(Position::seq);
            if seen.is_some_and(|seen| place.seq() <= seen) {
                return None;
            }
            self.seen = Some(place);
            self.failures = 0;
        }
        let is_change = block.event.is_none_or(|event| event == "change");
        let data = block.data.filter(|_| is_change)?;
        let envelope = serde_json::from_str(&data);
        let envelope = envelope.map_err(|error| ContentError::Type(error).into());
        let place = self.seen.clone()?;
        Some(envelope.map(|envelope| (place, envelope)))
    }

    /// Reads more; `false` at the end of the connection.
    async fn read(&mut self, limit: Duration) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        match timeout(limit, connection.response.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                self.ready.extend(connection.events.push(&bytes));
                true
            }
            _ => false,
        }
    }

    /// Connects again, however long that takes: a watch survives a restart of the server.
    async fn reconnect(&mut self) -> Result<(), Error> {
        let mut wait = Duration::ZERO;
        loop {
            let retry = &self.transport.retry;
            let pause = retry
                .delay(self.failures)
                .max(retry.spread(self.reconnection));
            self.failures = self.failures.saturating_add(1);
            sleep(wait.saturating_add(pause)).await;
            match self.connect().await {
                Ok(()) => return Ok(()),
                Err(Refusal::Later(_, at_least)) => wait = at_least,
                Err(Refusal::Never(error)) => return Err(error),
            }
        }
    }

    async fn connect(&mut self) -> Result<(), Refusal> {
        let later = |error: reqwest::Error| {
            Refusal::Later(Error::Unreachable(error.into()), Duration::ZERO)
        };
        let mut headers = self.transport.headers.clone();
        headers.insert(ACCEPT, HeaderValue::from_static(EVENTS));
        if let Some(seen) = &self.seen {
            let seen = HeaderValue::from_str(seen.as_str());
            headers.insert(
                "last-event-id",
                seen.expect("letters and digits are a field value"),
            );
        }
        let request = self.transport.http.get(self.url.clone()).headers(headers);
        let response = match timeout(self.transport.timeout, request.send()).await {
            Ok(response) => response.map_err(later)?,
            Err(elapsed) => {
                let error = Error::Unreachable(elapsed.into());
                return Err(Refusal::Later(error, Duration::ZERO));
            }
        };
        if response.status() != StatusCode::OK {
            return Err(self.refused(response).await);
        }
        let media_type = response.headers().get(CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        if !media_type.is_some_and(|value| value.starts_with(EVENTS)) {
            let error = ContentError::Lacks("the media type text/event-stream");
            return Err(Refusal::Never(error.into()));
        }
        self.connection = Some(Connection {
            response,
            events: EventStream::default(),
        });
        Ok(())
    }

    async fn refused(&self, response: Response) -> Refusal {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = timeout(self.transport.timeout, response.bytes()).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let problem = Answer::new(status, headers, body).problem();
        let wait = problem.retry_after().unwrap_or_default();
        let passes = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
        if passes {
            Refusal::Later(Error::of(problem), wait)
        } else {
            Refusal::Never(Error::of(problem))
        }
    }
}

/// The end of the log, if it ends before the place where this stream was to continue.
fn reset(block: &Block) -> Option<u64> {
    block.event.as_ref().filter(|event| *event == "reset")?;
    let data: serde_json::Value = serde_json::from_str(block.data.as_deref()?).ok()?;
    Some(Position::parse(data["last"].as_str()?)?.seq())
}

fn place(block: &Block) -> Option<Position> {
    Position::parse(block.id.as_deref()?)
}
