//! What every store must do.

mod damage; // what is not as it was written
mod epoch; // which log it is
mod extent; // how much a collection holds
mod facts; // what decisions rest on, and what must be fetched first
mod fate; // what became of a commit
mod ground; // where a turn stands
mod history; // the versions of a document, back from one of them
mod list; // documents of a collection, selected and sorted
mod page; // how much is read at a time
mod reader; // reads of what is durable
mod store; // the writer's side
mod time; // what a node takes for the time

pub use damage::Damage;
pub use epoch::Epoch;
pub use extent::Extent;
pub use facts::{Facts, Lack, Want, locks_below};
pub use fate::{BatchToken, Fate};
pub use ground::Ground;
pub use history::{History, HistorySpan, read_back};
#[cfg(feature = "conformance")]
pub(crate) use list::item;
pub use list::{Documents, Listed, Listing, Selection, Visit};
pub use page::{PageLimit, PageMeter};
pub use reader::{Changes, Feed, Follow, Health, Read, Reader};
pub use store::{ConstraintConflict, Store, StoreError};
pub use time::Time;
