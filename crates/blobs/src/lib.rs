//! Contents by their SHA-256, in a folder that several servers may share.
//!
//! A content is received into a file of its own, synced, and given its name in one step: under its
//! name there is never a part of it. Equal contents are one file. Whoever names a content in a store
//! does so once it has its name; [`Blobs::sweep`] removes those that nobody names.

mod hash; // what a content is called
mod reading; // a content, piece by piece
mod sweep; // what nobody names goes
mod upload; // a content on its way in

use std::fs::{self, DirEntry, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use hash::ContentHash;
use hash::Hasher;
pub use reading::Reading;
pub use sweep::Swept;
pub use upload::{Received, Upload};

/// Where contents are while they come in.
const INCOMING: &str = "incoming";
/// Where contents are that are about to be removed.
const TRASH: &str = "trash";

/// An upload that did not grow for so long was given up: its server is gone.
const GIVEN_UP: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder of contents. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: Arc<Path>,
}

impl Blobs {
    /// Opens a folder. It is made when the first content comes.
    ///
    /// # Errors
    ///
    /// If there is one that cannot be read.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder: PathBuf = folder.into();
        let blobs = Self {
            folder: folder.into(),
        };
        blobs.forget_uploads(GIVEN_UP)?;
        Ok(blobs)
    }

    /// Begins to receive a content. Nothing of it is left if it is dropped.
    ///
    /// # Errors
    ///
    /// If no file can be made.
    pub async fn receive(&self) -> io::Result<Upload> {
        let blobs = self.clone();
        blocking(move || Upload::begin(blobs)).await
    }

    /// Opens a content; `None` if there is none of that name.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub async fn read(&self, hash: ContentHash) -> io::Result<Option<Reading>> {
        let path = self.path(hash);
        blocking(move || {
            for attempt in 0.. {
                match File::open(&path) {
                    Ok(file) => return Reading::of(file).map(Some),
                    // It may be in the trash, and on its way back.
                    Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < 5 => {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
            Ok(None)
        })
        .await
    }

    /// Whether a content is there, whole, by its size in bytes.
    ///
    /// # Errors
    ///
    /// If that cannot be found out.
    pub fn has(&self, hash: ContentHash, size: u64) -> io::Result<bool> {
        match fs::metadata(self.path(hash)) {
            Ok(found) => Ok(found.len() == size),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a content is there, and is still what its name says: its size in bytes is looked at, too.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn is_sound(&self, hash: ContentHash, size: u64) -> io::Result<bool> {
        if !self.has(hash, size)? {
            return Ok(false);
        }
        let mut file = File::open(self.path(hash))?;
        let (mut hasher, mut piece) = (Hasher::default(), vec![0; 256 * 1024]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(hasher.finish() == hash),
                length => hasher.update(&piece[..length]),
            }
        }
    }

    fn path(&self, hash: ContentHash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(&name[..2]).join(name)
    }
}

/// Does something in a folder within another; where there is none, makes it and does it again.
fn in_folder<T>(folder: &Path, work: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match work() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            // What is in it is lost if it is.
            for above in folder.ancestors().skip(1).take(2) {
                if !above.as_os_str().is_empty() {
                    sync_folder(above)?;
                }
            }
            work()
        }
        done => done,
    }
}

/// What is in a folder; nothing, if there is no folder.
fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Makes durable which names a folder has.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(io::Error::other(error)),
    }
}
