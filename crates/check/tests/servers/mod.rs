//! Servers for the tester to be tested on: one small store, spoken to in many dialects, some with a defect.
//!
//! ```text
//! for server in servers::broken() {
//!     let running = server.start();
//!     // examine `running.resource`, called with `server.options()`:
//!     // all of `server.expect` has to fail, and nothing besides it but `server.also`
//! }
//! ```

#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses another part"
)]

mod broken; // the table: what is wrong, and which probes say so
mod correct; // the table: how it is said, and nothing is wrong
mod expected; // a probe that fails, and how bad
mod options; // how the tester has to be called
mod running; // a server, until it is dropped

mod defect; // what can be wrong
mod dialect; // what may be chosen

mod answer; // what is sent back
mod ask; // a request
mod decider; // the step that is decided on
mod document; // what is stored, what is shown
mod operation; // what it asks for
mod precondition; // whether it may be done
mod refusal; // why not, and how that is said
mod shop; // the same for what is taken, shipped and transferred
mod tag; // entity tags and dates

mod isolation; // deciding and applying as one step, or not
mod late_keys; // keys that are noted after the answer
mod manners; // who is let in, and how fast
mod meeting; // requests that are there at one time
mod server; // from request to answer
mod store; // every version of everything

pub(crate) use broken::{Broken, broken};
pub(crate) use correct::{Correct, correct};
pub(crate) use defect::{Defect, Gap, Scope};
pub(crate) use dialect::{Dialect, Pages};
pub(crate) use expected::Expected;
pub(crate) use options::{Call, Options, Stock, Transfer, Transition, Unique};
pub(crate) use running::Running;
