//! What clients did to the resources of a server, one operation after the other.
//!
//! A history is a text, one JSON object a line, that any tool can write; `docs/checking-histories.md`
//! describes it and `schemas/history.json` is its schema. In memory it is a [`History`], in which a
//! name stands once however often it occurs.

mod line; // one line of the text
mod members; // the members that a line can have
mod mistake; // what is wrong with a line, and where
mod operation; // what was asked, and what came of it
mod reader; // the text, line by line
mod writer; // its mirror

mod names; // a name stands once
mod resource; // the operations on one resource beside each other
mod step; // an operation by its names
mod store; // the history in memory

pub use mistake::{Mistake, Problem, ReadError};
pub use operation::{Kind, Operation, Outcome};
pub use reader::Reader;
pub use store::History;
pub use writer::write;

pub(crate) use names::{Name, Names};
pub(crate) use resource::Resource;
pub(crate) use step::{NEVER, Step};
