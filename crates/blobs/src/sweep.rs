use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::{Blobs, ContentHash, INCOMING, TRASH, entries, in_folder, sync_folder};

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub removed: u64,
    /// Of those, in bytes.
    pub bytes: u64,
    pub kept: u64,
}

impl Blobs {
    /// Removes the contents that are not `named` and were received longer ago than `spared`: so long
    /// may whoever received one take to name it. Uploads go on meanwhile, on any server.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read or changed.
    pub fn sweep(&self, named: &HashSet<ContentHash>, spared: Duration) -> io::Result<Swept> {
        let mut swept = Swept::default();
        for first in 0..=u8::MAX {
            let folder = self.folder.join(format!("{first:02x}"));
            let mut has_changed = false;
            for entry in entries(&folder)? {
                let name = entry.file_name();
                let hash = name.to_str().and_then(|it| it.parse::<ContentHash>().ok());
                let Some(hash) = hash else { continue };
                if named.contains(&hash) || !is_older(&entry.path(), spared)? {
                    swept.kept += 1;
                    continue;
                }
                match self.remove(&entry, spared)? {
                    Some(bytes) => {
                        has_changed = true;
                        swept.removed += 1;
                        swept.bytes += bytes;
                    }
                    None => swept.kept += 1,
                }
            }
            if has_changed {
                sync_folder(&folder)?;
            }
        }
        Ok(swept)
    }

    /// Somebody may receive the same content at this moment. So it is taken away first, and looked at
    /// once more: what turns out to be new goes back.
    fn remove(&self, entry: &DirEntry, spared: Duration) -> io::Result<Option<u64>> {
        let bin = self.folder.join(TRASH);
        let (path, trash) = (entry.path(), bin.join(entry.file_name()));
        match in_folder(&bin, || fs::rename(&path, &trash)) {
            Ok(()) => {}
            // Another server sweeps, too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        if !is_older(&trash, spared)? {
            // Another server that starts brings it back, too.
            gone(fs::rename(&trash, &path))?;
            return Ok(None);
        }
        let bytes = fs::metadata(&trash).map_or(0, |it| it.len());
        gone(fs::remove_file(&trash))?;
        Ok(Some(bytes))
    }

    /// Removes what is left of uploads whose servers are gone, and brings back what a server that is
    /// gone was about to remove.
    pub(crate) fn forget_uploads(&self, given_up: Duration) -> io::Result<()> {
        for entry in entries(&self.folder.join(INCOMING))? {
            let path = entry.path();
            if is_older(&path, given_up)? {
                gone(fs::remove_file(path))?;
            }
        }
        for entry in entries(&self.folder.join(TRASH))? {
            let name = entry.file_name();
            let hash = name.to_str().and_then(|it| it.parse::<ContentHash>().ok());
            if let Some(hash) = hash {
                gone(fs::rename(entry.path(), self.path(hash)))?;
            }
        }
        Ok(())
    }
}

/// Whether it was written longer ago; what is gone was not.
fn is_older(path: &Path, than: Duration) -> io::Result<bool> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let age = SystemTime::now().duration_since(found.modified()?);
    Ok(age.is_ok_and(|age| age >= than))
}

/// Somebody else was faster.
fn gone(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
