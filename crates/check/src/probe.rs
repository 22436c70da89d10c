//! What is asked of a resource, and how the answers are judged.

mod answers; // C: is a conflict told so that a client can go on?
mod preconditions; // B: with one client, is a stale write refused?
mod races; // D: with many, is it still?
mod ruling; // what a probe concludes
mod run; // the function for each row of the catalogue
mod validators; // A: does the resource say which version it is?

pub(crate) use ruling::Ruling;
pub(crate) use run::run;
