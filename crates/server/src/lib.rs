//! HTTP to commands and back.

mod app; // what every request needs
mod operations; // what can be asked of the server: one table
mod resource; // what a URL names, and which methods it knows
mod router; // URLs to resources
mod settings; // what a server is told at its start

mod caller; // who asks, and what they may
mod inbound; // a request's body and its fields, read and checked
mod preference; // Prefer (RFC 7240)

mod document; // GET PUT PATCH DELETE one document, POST a new one
mod once; // Idempotency-Key: requests that are performed once
mod write; // one write, from its request to its answer

mod batch; // several writes, all or none
mod lock; // the only writer for a while
mod merging; // an edit of an older version, joined with the current one

mod cursor; // where a list goes on
mod feed; // versions as they come: pages and server-sent events
mod history; // the versions of a document
mod list; // the documents of a collection
mod touches; // which places a version changed

mod conflict_log; // refused writes, and how they are settled
mod conflict_statistics; // what they add up to

mod conflict; // a refusal that explains itself
mod envelope; // documents within lists, history and feeds
mod problem; // every way to say no, and its status
mod problem_page; // what /problems/{type} says to people
mod representation; // documents on their way out: validators, codings

mod exchange; // around every request: limits, request id, log, metrics, problems
mod metrics; // what Prometheus reads
mod openapi; // the API, described
mod operation; // health, readiness, metrics, the first page
mod schema; // JSON Schemas in few words
mod serve; // connections in, and a shutdown that loses nothing

pub use serve::{Serving, serve};
pub use settings::{
    Access, Collection, Limits, OnConflict, Settings, StaleStatus, Token, Tokens, Undeclared,
};
