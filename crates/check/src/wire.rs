//! Own sockets: no client library lets the last byte of a request be held back.

mod address; // where a URL leads, and whether it may be gone there
mod arrivals; // HTTP/2 frames on their way in: whose answer came
mod frames; // HTTP/2 frames on their way out, and those that are held back
mod http1; // one connection, one request at a time
mod http2; // one connection, many requests at once
mod stream; // TCP, with TLS or without

pub(crate) use address::{Origin, Route};
pub(crate) use http1::Http1;
pub(crate) use http2::{Http2, Pending};
pub(crate) use stream::{Stream, Tls};

use crate::model::Unsure;

/// Names the tester to the server, so that its requests can be told from those of people.
const USER_AGENT: &str = concat!("detente-check/", env!("CARGO_PKG_VERSION"));
/// Bytes of a response's content that are read; more is no answer to a probe.
const MOST_CONTENT: usize = 64 << 20;
/// Bytes of a response's head.
const MOST_HEAD: usize = 64 << 10;

/// What is left of a request whose connection broke.
pub(crate) fn lost(error: impl std::fmt::Display) -> Unsure {
    Unsure::Lost(error.to_string())
}
