use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use detente_core::json::{self, SyntaxError};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::app::App;
use crate::fields;
use crate::problem::{Problem, ProblemKind};

/// What is read and thrown away of a body that was refused, so that the client gets to read why.
const DRAIN_BYTES: usize = 16 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// How many bytes of large bodies may be held at one time.
pub(crate) const BODIES: usize = 64 * 1024 * 1024;

/// A body up to this size is read whatever else is.
const SMALL_BODY: usize = 64 * 1024;

/// How long a request waits until there is room for its body.
const PATIENCE: Duration = Duration::from_secs(10);

/// A body may take this long, and longer if it comes at this rate at least, in bytes a second.
const BODY_TIME: Duration = Duration::from_secs(30);
const LEAST_RATE: usize = 16 * 1024;

/// A request on its way in: its head, and a body that is read at most once.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) parts: Parts,
    // Never locked: a Body is not Sync, and within a Mutex it is.
    body: Mutex<Body>,
    limit: usize,
    bodies: Arc<Semaphore>,
    /// What a large body takes of those that may be held.
    share: Option<OwnedSemaphorePermit>,
}

impl Inbound {
    /// Boxed: what it takes would else be copied from future to future.
    pub(crate) fn new(request: Request, app: &App) -> Box<Self> {
        let (parts, body) = request.into_parts();
        Box::new(Self {
            parts,
            body: Mutex::new(body),
            limit: app.settings.limits.body_bytes,
            bodies: Arc::clone(&app.bodies),
            share: None,
        })
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    pub(crate) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    pub(crate) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    pub(crate) fn must_be(
        &self,
        accepted: &[&'static str],
        answer: &'static str,
    ) -> Result<&'static str, Problem> {
        fields::must_be(self.headers(), accepted, answer)
    }

    fn body(&mut self) -> &mut Body {
        self.body
            .get_mut()
            .expect("a mutex that is never locked is never poisoned")
    }

    /// Whether the request says that there is no body.
    pub(crate) fn is_empty(&mut self) -> bool {
        use axum::body::HttpBody;
        self.body().is_end_stream()
    }

    /// Reads the body.
    pub(crate) async fn read(&mut self) -> Result<Bytes, Problem> {
        let declared = self
            .declared()
            .and_then(|length| usize::try_from(length).ok());
        if declared.is_some_and(|length| length > self.limit) {
            return Err(self.too_large());
        }
        let begun = Instant::now();
        let mut first: Option<Bytes> = None;
        let mut rest = BytesMut::new();
        let mut length = 0;
        while let Some(data) = self.next_piece(begun, length as u64).await? {
            length += data.len();
            if length > self.limit {
                return Err(self.too_large());
            }
            if length > SMALL_BODY && self.share.is_none() {
                Box::pin(self.take_a_share(declared)).await?;
            }
            match &first {
                None => first = Some(data),
                Some(start) => {
                    if rest.is_empty() {
                        rest.extend_from_slice(start);
                    }
                    rest.extend_from_slice(&data);
                }
            }
        }
        // A slice of the connection's read buffer would keep all of that buffer alive.
        let body = if rest.is_empty() {
            Bytes::copy_from_slice(&first.unwrap_or_default())
        } else {
            rest.freeze()
        };
        Ok(body)
    }

    /// How long the request says that its body is, in bytes.
    pub(crate) fn declared(&self) -> Option<u64> {
        let declared = self.headers().get(header::CONTENT_LENGTH)?;
        declared.to_str().ok()?.parse().ok()
    }

    /// The next piece of a body that is not held; `None` at the end. `begun` is when its first piece was waited
    /// for, and `received` how much of it came so far.
    pub(crate) async fn next_piece(
        &mut self,
        begun: Instant,
        received: u64,
    ) -> Result<Option<Bytes>, Problem> {
        loop {
            let received = usize::try_from(received).unwrap_or(usize::MAX);
            let frame = timeout_at(due(begun, received), self.body().frame());
            let Some(frame) = frame.await.map_err(|_| too_slow())? else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| interrupted(&error))?;
            if let Ok(data) = frame.into_data()
                && !data.is_empty()
            {
                return Ok(Some(data));
            }
        }
    }

    /// Waits until there is room for a body that has turned out to be large.
    async fn take_a_share(&mut self, declared: Option<usize>) -> Result<(), Problem> {
        let bytes = declared.unwrap_or(self.limit);
        let share = Arc::clone(&self.bodies).acquire_many_owned(bytes.min(BODIES) as u32);
        match timeout(PATIENCE, share).await {
            Ok(Ok(share)) => {
                self.share = Some(share);
                Ok(())
            }
            _ => Err(Problem::unavailable(
                "Too many large bodies are being sent.",
            )),
        }
    }

    /// Reads a body that must be I-JSON.
    pub(crate) async fn read_json(&mut self) -> Result<Bytes, Problem> {
        self.read_enclosing(0).await
    }

    /// The same, of a body that has documents in it, so many levels below its own top.
    pub(crate) async fn read_enclosing(&mut self, levels: usize) -> Result<Bytes, Problem> {
        let body = self.read().await?;
        json::check_enclosing(&body, levels).map_err(|error| not_json(&error))?;
        Ok(body)
    }

    fn too_large(&self) -> Problem {
        let detail = format!("A body may have at most {} bytes.", self.limit);
        let problem = Problem::new(ProblemKind::ContentTooLarge, detail);
        problem.with("limit_bytes", self.limit as u64)
    }

    /// Reads what is left of the body, within bounds: closing a connection on a client that is
    /// still sending can take the answer away from it.
    pub(crate) async fn drain(&mut self) {
        let drain = async {
            let mut left = DRAIN_BYTES;
            while let Some(Ok(frame)) = self.body().frame().await {
                let length = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(length) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIME, drain).await;
    }
}

/// When the next part of a body must be there at the latest.
fn due(begun: Instant, received: usize) -> Instant {
    begun + transfer_time(received)
}

/// How long a client may take to send or to read so many bytes.
pub(crate) fn transfer_time(bytes: usize) -> Duration {
    BODY_TIME + Duration::from_secs((bytes / LEAST_RATE) as u64)
}

fn too_slow() -> Problem {
    let detail = "The body came too slowly.";
    Problem::new(ProblemKind::RequestTimeout, detail).header(header::CONNECTION, "close")
}

fn interrupted(error: &axum::Error) -> Problem {
    Problem::malformed(format!("The body could not be read: {error}."))
}

pub(crate) fn not_json(error: &SyntaxError) -> Problem {
    let detail = format!("The body is not JSON as RFC 7493 has it: {error}.");
    Problem::malformed(detail).with("offset", error.offset as u64)
}
