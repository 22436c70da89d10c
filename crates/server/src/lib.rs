//! The faces over HTTP: requests to the service, and answers back.

mod app; // what every request needs
mod call; // the way of a request to its operation
mod gate; // credentials to a principal
mod operations; // what can be asked of the server: one table
mod origin; // which host was asked for, and which page asks
mod pace; // how often somebody may ask
mod resource; // what a URL names
mod router; // URLs to resources
mod segment; // names in paths, percent-encoded
mod settings; // what a server is told at its start
mod site; // where links lead

mod fields; // the fields of a request
mod idempotency; // Idempotency-Key
mod inbound; // a request's body, read and checked
mod parameters; // the query string
mod preference; // Prefer (RFC 7240)

mod dav; // files over WebDAV
mod document; // GET PUT PATCH DELETE one document, POST a new one
mod file; // files and folders
mod storage; // remoteStorage
mod write; // a write, from its request and to its answer

mod batch; // several writes, all or none
mod lock; // the only writer for a while
mod merging; // an edit of an older version, joined with the current one

mod collections; // what there is, and how much
mod cursor; // where a list goes on
mod feed; // versions as they come: pages and server-sent events
mod following; // a feed that somebody follows
mod history; // the versions of a document
mod list; // the documents of a collection
mod reserved; // names that other servers page, search and sort by

mod conflict_log; // refused writes, and how they are settled
mod conflict_statistics; // what they add up to

mod graphql; // all of a space, by fields

mod envelope; // documents within lists, history and feeds
mod explanation; // a refusal of the service, as a problem
mod problem; // every way to say no, and its status
mod problem_page; // what /problems/{type} says to people
mod representation; // documents on their way out: validators, codings

mod audit; // who wrote what, and who was turned away
mod certificates; // who the server is, over TLS; read again when they change
mod connections; // those that are open, and who makes room
mod digits; // numbers as text, quickly
mod exchange; // around every request: limits, request id, log, metrics, problems
mod front; // what the web page tells where no script runs
mod listener; // where connections come in
mod live; // what requests are answered by, until it is exchanged
mod metrics; // what Prometheus reads
mod openapi; // the API, described
mod page; // the web page: its shell
mod page_file; // and the files that the shell loads
mod schema; // JSON Schemas in few words
mod serve; // connections in, and a shutdown that loses nothing
mod status; // health, readiness, metrics
mod tls; // one connection over TLS

pub use certificates::{Certificates, Flaw, PairMistake};
pub use graphql::Graphql;
pub use listener::Listener;
pub use live::Live;
pub use serve::{Serving, serve};
pub use settings::{Audit, Limits, Settings};
pub use site::{Site, TrustedProxies};
