//! The embedded store: one SQLite database in WAL mode, every commit synced.
//!
//! `versions` is the log, and inserts go to the end of its one B-tree. `heads` is written behind:
//! a stored marker says up to which seq it agrees with the log, and at start the log's tail past
//! the marker makes up the rest. `unique_keys` and `milestones` are written with the versions that
//! cause them.

mod append; // a batch, and a slice of heads, in one transaction
mod cache; // versions that were written or read lately
mod conflict_log; // refused writes, and how often edits were merged
mod constraint; // unique keys that follow the configuration
mod failure; // what SQLite's errors mean to us
mod history; // the versions of one document, back along their chain
mod layout; // tables, and the file they are in
mod lock; // who is the only writer, and the fencing number
mod prune; // history that is no longer kept
mod read; // versions, heads, lists, changes
mod receipt; // what was performed under an Idempotency-Key
mod row; // versions and heads, as rows

pub use append::{Sqlite, SqliteOptions};
pub use constraint::ConstraintConflict;
pub use read::SqliteReader;
