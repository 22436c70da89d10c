//! Finds lost updates, races and poor conflict answers in any HTTP API.
//!
//! It knows HTTP and nothing of any one server. What it says of a server it has seen on the wire:
//! by re-reading, never by status alone, and of a race only where requests provably overlapped.

mod exchange; // a request, what came of it, and when
mod request; // what is sent
mod response; // what comes back

mod report; // what was found
mod severity; // how bad, and the grade that comes of it

pub mod client;
pub mod scenario; // who sends what, and what it is to come to

pub use exchange::{Effect, Exchange, Outcome, Protocol, Unsure};
pub use report::{Evidence, LostUpdates, ProbeReport, Report, Spread, Verdict};
pub use request::Request;
pub use response::Response;
pub use severity::{Grade, Severity};
