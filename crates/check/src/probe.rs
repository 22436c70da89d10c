//! What is asked of a resource, and how the answers are judged.

mod answers; // C: is a conflict told so that a client can go on?
mod catalogue; // every probe: what it asks, and why
mod preconditions; // B: with one client, is a stale write refused?
mod races; // D: with many, is it still?
mod ruling; // what a probe concludes
mod validators; // A: does the resource say which version it is?

pub(crate) use catalogue::{PROBES, Probe};
pub(crate) use ruling::Ruling;

/// The ids of all probes, in the order in which they run; E1 is asked of a description.
pub fn ids() -> impl Iterator<Item = &'static str> {
    PROBES.iter().map(|probe| probe.id).chain(["E1"])
}
