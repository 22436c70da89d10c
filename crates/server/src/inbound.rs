use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use detente_core::json::{self, SyntaxError};
use http_body_util::BodyExt;

use crate::fields;
use crate::problem::{Problem, ProblemKind};

/// What is read and thrown away of a body that was refused, so that the client gets to read why.
const DRAIN_BYTES: usize = 16 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A request on its way in: its head, and a body that is read at most once.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) parts: Parts,
    // Never locked: a Body is not Sync, and within a Mutex it is.
    body: Mutex<Body>,
    limit: usize,
}

impl Inbound {
    pub(crate) fn new(parts: Parts, body: Body, limit: usize) -> Self {
        let body = Mutex::new(body);
        Self { parts, body, limit }
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
        let declared = self.headers().get(header::CONTENT_LENGTH);
        let declared = declared.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > self.limit) {
            return Err(self.too_large());
        }
        let mut first: Option<Bytes> = None;
        let mut rest = BytesMut::new();
        let mut length = 0;
        while let Some(frame) = self.body().frame().await {
            let Ok(data) = frame.map_err(|error| interrupted(&error))?.into_data() else {
                continue;
            };
            length += data.len();
            if length > self.limit {
                return Err(self.too_large());
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

    /// Reads a body that must be I-JSON.
    pub(crate) async fn read_json(&mut self) -> Result<Bytes, Problem> {
        let body = self.read().await?;
        json::check(&body).map_err(|error| not_json(&error))?;
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

fn interrupted(error: &axum::Error) -> Problem {
    Problem::malformed(format!("The body could not be read: {error}."))
}

pub(crate) fn not_json(error: &SyntaxError) -> Problem {
    let detail = format!("The body is not JSON as RFC 7493 has it: {error}.");
    Problem::malformed(detail).with("offset", error.offset as u64)
}
