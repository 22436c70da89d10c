//! The embedded store: one SQLite database in WAL mode, every commit synced.
//!
//! `versions` is the log, and inserts go to the end of its one B-tree. `heads` is written behind:
//! a stored marker says up to which seq it agrees with the log, and at start the log's tail past
//! the marker makes up the rest. `unique_keys` and `milestones` are written with the versions that
//! cause them.

mod extent; // how much collections hold
mod failure; // what SQLite's errors mean to us
mod layout; // tables, and the file they are in
mod open; // why a store cannot be opened

mod append; // a batch, and a slice of heads, in one transaction
mod backup; // a copy, while a server writes
mod conflict_log; // refused writes, and how often edits were merged
mod constraint; // unique keys that follow the configuration
mod lock; // who is the only writer, and the fencing number
mod prune; // history that is no longer kept
mod receipt; // what was performed under an Idempotency-Key

mod heads; // the newest version of each document: what is not yet in the table, and what was asked for
mod history; // the versions of one document, back along their chain
mod read; // versions, heads, lists, changes
mod reader; // the same, holding up nobody
mod row; // versions and heads, as rows
mod versions; // versions that were written or read lately

pub use append::{Sqlite, SqliteOptions};
pub use backup::{back_up, database};
pub use open::OpenError;
pub use reader::SqliteReader;
