//! Where versions live: one log, what is derived from it, and the one writer that appends to it.

mod commit; // all that is written in one step
mod conflict_log; // refused writes, and what became of them
mod contract; // what every store must do

mod batch; // commands decided together, each in sight of those before it
mod desk; // orders in, one commit, answers out
mod writer; // the one thread at the desk

mod cache; // bounded by weight
pub mod memory; // a store without a disk

mod audit; // does what is derived agree with the log?
#[cfg(feature = "conformance")]
pub mod conformance; // what every store must do, as tests

pub use audit::{Audit, audit};
pub use batch::{CollectionRules, Keep, Outcome, Settles, Transaction};
pub use cache::Cache;
pub use commit::{Commit, Pruning};
pub use conflict_log::{
    ConflictPage, Conflicts, LoggedConflict, LostEdit, MergedHour, OutcomeFilter, Retention,
    Settled, Settlement, Settling, VersionPlace,
};
pub use contract::{Changes, Documents, Feed, Reader, Store, StoreError, Visit};
pub use desk::{Desk, Load, Order, Reply};
pub use memory::Memory;
pub use writer::{WriteError, Writer, WriterHandle};
