use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::{Request, Response};

/// A request, what came of it, and when.
///
/// Times count from the start of the run, on one monotonic clock.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Counts from 1 within a run, in the order of sending.
    pub number: u32,
    /// Who sent it: the name of a session.
    pub actor: Arc<str>,
    pub protocol: Protocol,
    pub request: Request,
    /// When the first byte left.
    pub begun: Duration,
    /// When the last byte left. The server cannot have answered it before.
    pub released: Duration,
    /// When the whole answer was here, or was given up.
    pub ended: Duration,
    pub reply: Reply,
}

/// The version of HTTP that a request was sent by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Protocol {
    #[serde(rename = "HTTP/1.1")]
    Http1,
    #[serde(rename = "HTTP/2")]
    Http2,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub enum Reply {
    Received(Response),
    /// It left, wholly or in part, and no answer came: it may have been applied.
    Missing(Unsure),
}

/// Why nothing is known of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsure {
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error("the connection was lost: {0}")]
    Lost(String),
    #[error("the answer is not HTTP: {0}")]
    Malformed(String),
    /// The tester itself closed the connection.
    #[error("the connection was dropped on purpose")]
    Dropped,
}

/// What a write can have done, going by its answer alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A 2xx.
    Accepted,
    /// A 3xx or 4xx: the server says that it did nothing.
    Refused,
    /// 429 or 503: too much at once; ask again later, with fewer.
    Busy,
    /// No answer, or another 5xx: it may have been applied.
    Unknown,
}

impl Exchange {
    /// The answer, if there was one.
    pub fn response(&self) -> Option<&Response> {
        match &self.reply {
            Reply::Received(response) => Some(response),
            Reply::Missing(_) => None,
        }
    }

    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(|response| response.status)
    }

    /// What the answer says of the effect of a write.
    pub fn effect(&self) -> Effect {
        match self.status() {
            Some(status) if status.is_success() => Effect::Accepted,
            Some(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => Effect::Busy,
            Some(status) if status.is_server_error() => Effect::Unknown,
            Some(_) => Effect::Refused,
            None => Effect::Unknown,
        }
    }

    /// Whether the answer says that the request was performed.
    pub fn is_accepted(&self) -> bool {
        self.effect() == Effect::Accepted
    }

    /// Whether the answer says that the request was not performed.
    pub fn is_refused(&self) -> bool {
        self.effect() == Effect::Refused
    }

    /// Whether the server itself answered: a 502 or a 504 says that it did not, and a 503 that it could not, unless it
    /// says when it can.
    pub(crate) fn is_served(&self) -> bool {
        let Some(response) = self.response() else {
            return false;
        };
        match response.status {
            StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => false,
            StatusCode::SERVICE_UNAVAILABLE => response.header("retry-after").is_some(),
            _ => true,
        }
    }

    /// Whether both were provably with the server at one time: each had left before the other ended.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.released < other.ended && other.released < self.ended
    }
}

impl fmt::Display for Reply {
    /// `409 Conflict`; or why there is no answer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Received(response) => match response.status.canonical_reason() {
                Some(reason) => write!(f, "{} {reason}", response.status.as_u16()),
                None => write!(f, "{}", response.status.as_u16()),
            },
            Self::Missing(unsure) => unsure.fmt(f),
        }
    }
}
