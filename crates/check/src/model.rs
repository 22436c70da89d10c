//! A run as values: what was sent and seen, and what was found. It opens no socket and judges nothing.

mod exchange; // a request, what came of it, and when
mod request; // what is sent
mod response; // what comes back

mod place; // where an answer says that a resource is
mod pointer; // members of a document, by where they stand

mod outage; // a server that does not answer any more

mod finding; // what came of one probe or scenario, and what shows it
mod report; // what a run found
mod run_error; // why a run cannot go on
mod severity; // how bad, and the grade that comes of it

pub use exchange::{Effect, Exchange, Protocol, Reply, Unsure};
pub use finding::{Evidence, ProbeReport, Verdict};
pub use outage::Outage;
pub(crate) use place::{created_at, listed};
pub(crate) use pointer::{escape, leaves, remove, set};
pub use report::{LostUpdates, OUTAGE, RESTORATION, Report, Spread, UNEXAMINED};
pub use request::Request;
pub use response::Response;
pub use run_error::RunError;
pub use severity::{Grade, Severity};
