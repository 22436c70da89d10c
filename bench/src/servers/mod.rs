//! The processes under load, and the two stand-ins that this program turns into when it starts itself again.

mod databases; // PostgreSQL, for the servers that work on one
mod file; // the null server, with every PUT in one bare file
mod null; // the same HTTP stack, storing nothing
mod process; // processor time and memory, from /proc
mod scratch; // a directory for data, removed again
mod server; // a child process that serves, and ends with its guard
mod stamps; // notes when requests are complete

pub(crate) use file::serve_file;
pub(crate) use null::serve_null;
pub(crate) use process::{Memory, Process};
pub(crate) use scratch::Scratch;
pub(crate) use server::{Launch, Server};
pub(crate) use stamps::serve_stamps;
