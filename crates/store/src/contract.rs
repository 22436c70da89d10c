//! What every store must do.

mod facts; // what decisions rest on, and what must be fetched first
mod fate; // what became of a commit
mod ground; // where a turn stands
mod reader; // reads of what is durable
mod store; // the writer's side

pub use facts::{Facts, Lack, Want};
pub use fate::{BatchToken, Fate};
pub use ground::Ground;
pub use reader::{Changes, Documents, Feed, Reader, Visit};
pub use store::{ConstraintConflict, Store, StoreError};
