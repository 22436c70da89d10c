//! Scenarios: who sends what, in which order or all at once, and what it is to come to.
//!
//! A scenario is YAML. It is read whole, so that every mistake is told at once, each with its
//! place; then it is planned, which opens no socket; then it is run.

mod mistake; // what is wrong, and where

mod tree; // YAML with places

mod section; // one mapping, read member by member

mod template; // text with {{…}} in it

mod filter; // {{value | base64}}
mod value; // JSON values, compared

mod count; // how many there are to be
mod matcher; // what a value is to be

mod expectation; // what an answer, a race or a round is to come to
mod step; // one thing that is done: a request, a race, a wait

mod capture; // a variable that is taken from an answer
mod race; // requests that are released together
mod retry; // what is done when a request is refused

mod assignment; // variables and what they are, once or row by row
mod cast; // the actors
mod suite; // a file of scenarios
mod variables; // each is set before it is used

mod env_file; // NAME=value, line by line
mod first; // a scenario to begin with, made of a resource by trying

mod orders; // every order of several actors' steps
mod plan; // what is run, and how often

mod memory; // what is known in the course of a round

mod edit; // an edit, applied to a newer document
mod fill; // from a request in a scenario to one that can be sent
mod reading; // a resource as it is found, held against what a request makes of it
mod verdict; // one answer, held against what it is to be

mod run; // all of it, against a server

pub use env_file::{names_in, parse_env};
pub use first::{First, NoFirst, first};
pub use mistake::{Mistake, Mistakes, Position};
pub use plan::{Plan, Round};
pub use run::{Ran, Settings, not_run, run};
pub use suite::{Inputs, Scenario, Suite, parse};
