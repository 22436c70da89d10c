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

mod seal; // what shows that a row is as it was written
mod update; // what is new in a format, in a store that was written in an older one

mod append; // a batch, and a slice of heads, in one transaction
mod backup; // a copy, while a server writes
mod checkpoint; // the write-ahead log, moved to the database
mod conflict_log; // refused writes, and how often edits were merged
mod constraint; // unique keys that follow the configuration
mod inspect; // is everything as it was written?
mod lock; // who is the only writer, and the fencing number
mod mark; // how far the log went, noted outside of it
mod marker; // how far the heads agree with the log
mod prune; // history that is no longer kept
mod pruned; // which versions those are
mod receipt; // what was performed under an Idempotency-Key
mod repair; // a damaged store, with the help of a copy

mod damaged; // what was found damaged so far
mod disk; // whether it lets anybody wait of late
mod feed; // a page of changes, from the log
mod heads; // the newest version of each document: what is not yet in the table, and what was asked for
mod history; // the versions of one document, back along their chain
mod pending; // heads that the table may not have, in order
mod ping; // can the store be read at all?
mod read; // versions, heads, lists, changes
mod reader; // the same, holding up nobody
mod row; // versions and heads, as rows
mod versions; // versions that were written or read lately
mod walk; // through the documents of a collection

pub use append::{Sqlite, SqliteOptions};
pub use backup::{back_up, database};
pub use inspect::inspect;
pub use open::OpenError;
pub use reader::SqliteReader;
pub use repair::{Repair, repair};
