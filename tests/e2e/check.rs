//! `detente check` and `detente race`, as a user runs them.

mod again; // what is printed to see a finding again
mod api; // by a description
mod detente; // Detente itself, which loses nothing
mod history; // what was recorded elsewhere
mod interrupted; // a signal in the middle
mod misuse; // what cannot be, and how it is told
mod outage; // a server that stops answering
mod replay; // what failed is run again
mod reports; // every form
mod scenario; // what `check new` writes
pub(crate) mod tester; // the program, run to its end
mod unguarded; // a server that ignores If-Match
mod user_agent; // how the tester names itself
