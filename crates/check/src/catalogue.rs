//! Every probe: what it asks and why, and what else is to be known of it before it is run.

mod about; // the columns of a row
mod rows; // one for each probe

pub use about::{About, Family};
pub(crate) use about::{Access, Role, ShownBy};
pub(crate) use rows::Id;

use rows::CATALOGUE;

/// All probes, in the order in which they run.
pub fn probes() -> impl Iterator<Item = &'static About> {
    CATALOGUE.iter()
}

/// The ids of all probes, in the order in which they run; E1 is asked of a description.
pub fn ids() -> impl Iterator<Item = &'static str> {
    probes().map(|probe| probe.id)
}

/// The row of a probe; `None` if no probe has this id.
pub fn about(id: &str) -> Option<&'static About> {
    probes().find(|probe| probe.id == id)
}

/// The row of a probe by its name.
pub(crate) fn row(id: Id) -> &'static About {
    probes()
        .find(|probe| probe.key == id)
        .expect("names are made from rows")
}
