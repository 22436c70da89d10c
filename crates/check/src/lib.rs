//! Finds lost updates, races and poor conflict answers in any HTTP API.
//!
//! It knows HTTP and nothing of any one server. What it says of a server it has seen on the wire:
//! by re-reading, never by status alone, and of a race only where requests provably overlapped.

mod model; // what was sent and seen, and what was found, as values

mod wire; // own sockets

pub mod client; // sessions, and what goes through them: sent, held, released together

mod catalogue; // every probe: what it asks, why, and what it takes
mod effort; // how hard to look
mod subject; // what is examined, as the user gave it

mod estimate; // how long a run is likely to take
mod examine; // one resource: calibrate, probe, restore
mod lab; // a resource on the bench, and how every write to it can be told apart
pub mod openapi; // a whole API, by its description
mod probe; // what is asked, and how the answers are judged

mod recorded; // a history's operations, from what was sent and seen
pub mod scenario; // who sends what, in which order or all at once, and what it is to come to

mod grade; // what an API is worth
pub mod report; // what was found, and how it is told

pub use catalogue::{About, Family, about, ids as probe_ids, probes};
pub use effort::Effort;
pub use examine::{Progress, examine};
pub use grade::grade;
pub use model::{
    Effect, Evidence, Exchange, Grade, LostUpdates, OUTAGE, Outage, ProbeReport, Protocol,
    RESTORATION, Reply, Report, Request, Response, RunError, Severity, Spread, UNEXAMINED, Unsure,
    Verdict,
};
pub use subject::{Creation, Subject, Transfer, Transition};
