//! Where versions live: one log, what is derived from it, and the one writer that appends to it.

mod audit;
mod batch; // commands decided together, each in sight of those before it
mod contract; // what every store must do
mod generations; // a bounded cache, evicted half at a time
mod heads; // the newest version of each document: what is not yet in the table, and what was asked for
mod sqlite; // the embedded store
mod writer; // one thread that decides, appends and only then answers // does what is derived agree with the log?

pub use audit::{Audit, audit};
pub use contract::{Changes, Documents, Feed, Reader, Store, StoreError, Visit};
pub use sqlite::{ConstraintConflict, Sqlite, SqliteOptions, SqliteReader};
pub use writer::{CollectionRules, WriteError, Writer, WriterHandle, WriterLoad};
