//! Scenarios: who sends what, in which order or all at once, and what it is to come to.
//!
//! A scenario is YAML. It is read whole, so that every mistake is told at once, each with its
//! place; then it is planned, which opens no socket; then it is run.

mod mistake; // what is wrong, and where
mod tree; // YAML with places
mod section; // one mapping, read member by member

mod filter; // {{value | base64}}
mod template; // text with {{…}} in it
mod matcher; // what a value is to be

mod expectation; // what an answer, a race or a round is to come to
mod step; // a request, a race
mod suite; // a file of scenarios
mod variables; // each is set before it is used

pub use mistake::{Mistake, Mistakes, Place};
pub use suite::{Inputs, Scenario, Suite, parse};
