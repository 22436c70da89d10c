//! What is asked of a resource, and how the answers are judged.

mod answers; // C: is a conflict told so that a client can go on?
mod catalogue; // every probe: what it asks, and why
mod preconditions; // B: with one client, is a stale write refused?
mod races; // D: with many, is it still?
mod ruling; // what a probe concludes
mod validators; // A: does the resource say which version it is?

pub(crate) use catalogue::{PROBES, Probe, READING};
pub(crate) use ruling::Ruling;

use crate::model::Severity;

/// What is to be known of a probe before it is run.
#[derive(Clone, Copy, Debug)]
pub struct About {
    pub id: &'static str,
    /// What is asked, as one line.
    pub title: &'static str,
    /// What is seen where it passes.
    pub holds: &'static str,
    /// How bad a failure can be.
    pub severity: Severity,
    /// Why it matters, and by which text.
    pub why: &'static str,
}

/// E1, which is asked of a description.
pub(crate) const DECLARED: About = About {
    id: "E1",
    title: "Does the description say what conflicts look like?",
    holds: "each write declares its precondition, 409 or 412 with a body, 428, and the tag",
    severity: Severity::Info,
    why: "Clients are made from the description: what it does not declare they do not handle.",
};

/// All probes, in the order in which they run.
pub fn probes() -> impl Iterator<Item = About> {
    let of_a_resource = PROBES.iter().map(|probe| About {
        id: probe.id,
        title: probe.title,
        holds: probe.holds,
        severity: probe.severity,
        why: probe.why,
    });
    of_a_resource.chain([DECLARED])
}

/// The ids of all probes, in the order in which they run; E1 is asked of a description.
pub fn ids() -> impl Iterator<Item = &'static str> {
    probes().map(|probe| probe.id)
}
