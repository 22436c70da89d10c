//! The store in memory does what every store must do.

use detente_store::memory::{Disk, Memory};

mod at_hand {
    use super::*;

    detente_store::conformance!({
        let disk = Disk::default();
        move || Memory::on(&disk)
    });
}

/// Facts are fetched before they can be read.
mod far_away {
    use super::*;

    detente_store::conformance!({
        let disk = Disk::default();
        move || Memory::on(&disk).far_away()
    });
}
