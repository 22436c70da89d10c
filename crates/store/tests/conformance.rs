//! The store in memory does what every store must do.

use detente_store::memory::{Disk, Memory};

detente_store::conformance!({
    let disk = Disk::default();
    move || Memory::on(&disk)
});
