use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::layout;
use crate::open::OpenError;

/// Copies the store in the folder `data` into the folder `to`, as it is at one moment; a server may
/// be writing to it meanwhile. The copy is synced.
///
/// # Errors
///
/// [`OpenError`] if there is no store, or if either folder cannot be read or written.
pub fn back_up(data: &Path, to: &Path) -> Result<(), OpenError> {
    let from = layout::open_reader(&layout::database_in(data))?;
    let mut copy = Connection::open(layout::database_in(to))?;
    // All pages in one step: a write between two steps would begin the copy anew.
    Backup::new(&from, &mut copy)?.step(-1)?;
    copy.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// The file of the store in the folder `data`.
pub fn database(data: &Path) -> std::path::PathBuf {
    layout::database_in(data)
}
