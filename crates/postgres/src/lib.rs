//! The shared store: many nodes, one PostgreSQL database.
//!
//! Each space has a log of its own, and one row of `spaces` is the lane of its writers: whoever moves
//! it owns the next seqs, so seqs are gapless in the order of commits and a feed is complete by
//! construction. A commit is one statement, guarded by what the row was when the turn began; a node
//! that is frozen half way holds no lock.
//!
//! `versions` is the log. `heads` is written behind: `upkeep` says up to which seq it agrees with the
//! log, and what is past that is in the memory of each node that writes or follows. Before a read, a node asks
//! whether what it remembers is still all there is.

mod failure; // what PostgreSQL's errors mean to us
mod layout; // tables, and whether they are ours
mod open; // a node's way to the database

mod lane; // what a node knows of a space
mod node; // what all writers and readers of a node have in common
mod rounds; // one question for all that ask at a time
mod rows; // versions, heads and locks, as rows
mod tail; // reading on behind what is known

mod append; // a commit, in one statement
mod arrays; // the parameters of many rows
mod conflict_log; // refused writes, and how often edits were merged
mod constraint; // unique keys that follow the configuration
mod facts; // what decisions rest on, fetched for a turn
mod fate; // what became of a commit that nobody heard of
mod fold; // heads that follow the log
mod forget; // what has outlived its time
mod queue; // a turn that waits for the lane, and holds it
mod store; // the writer's side

mod feed; // versions in the order of the log
mod history; // the versions of one document
mod list; // documents of a collection
mod reader; // the reader's side

pub use open::{Consistency, OpenError, PostgresOptions};
pub use reader::PostgresReader;
pub use store::Postgres;
