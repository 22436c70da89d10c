//! Where versions live: the contract of a store, the desk that decides and the writer that commits.

mod commit; // all that is written in one step
mod conflict_log; // refused writes, and what became of them
mod contract; // what every store must do

mod order; // what is asked, and what became of it

mod batch; // commands decided together, each in sight of those before it
mod counters; // what a desk has done so far
mod cpu_time; // how long rules may take
mod desk; // orders in, one commit, answers out; no I/O
mod holders; // of unique keys, while orders are decided
mod waiting; // refused writes that are to be logged

mod clock; // time that passes, and does not leap

mod clerk; // the desk and a store, turn by turn
mod in_progress; // requests that are to be performed once, while they are worked on
mod line; // what waits to be decided, and what of it is decided together
mod tray; // refused writes on their way to the writer
mod writer; // the clerk's thread

mod lock_terms; // what locks say beside who holds them, as text

mod cache; // bounded by weight
mod map; // looked up by every request
pub mod memory; // a store without a disk

mod audit; // does what is derived agree with the log?
#[cfg(feature = "conformance")]
pub mod conformance; // what every store must do, as tests
mod walk; // through all documents of a collection

pub use audit::{Audit, audit};
pub use batch::{SettleConflict, Transacted, Transaction};
pub use cache::Cache;
pub use clerk::Clerk;
pub use clock::Clock;
pub use commit::{Commit, Pruning, UniqueKey};
pub use conflict_log::{
    ConflictPage, Conflicts, LoggedConflict, LostEdit, MergedHour, OfEach, OutcomeFilter,
    Retention, SettledAs, SettledConflict, Settlement, VersionPlace,
};
pub use contract::{
    BatchToken, Changes, ConstraintConflict, Damage, Documents, Epoch, Extent, Facts, Fate, Feed,
    Follow, Ground, Health, History, HistorySpan, Lack, Listed, Listing, PageLimit, PageMeter,
    Read, Reader, Selection, Store, StoreError, Time, Visit, Want, locks_below, read_back,
};
pub use counters::DeskCounters;
pub use cpu_time::CpuTime;
pub use desk::{Desk, Next, Proposed, Replies};
pub use in_progress::{NoTurn, Turn};
pub use lock_terms::{lock_terms, with_lock_terms};
pub use map::Map;
pub use memory::Memory;
pub use order::{Order, Reply};
pub use walk::each_document;
pub use writer::{WriteError, Writer, WriterHandle};
