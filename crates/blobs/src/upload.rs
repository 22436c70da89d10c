use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use bytes::Bytes;
use uuid::Uuid;

use crate::hash::{ContentHash, Hasher};
use crate::{Blobs, INCOMING, blocking, in_folder, sync_folder};

/// So many bytes are written at a time.
const PIECE: usize = 256 * 1024;

/// A content on its way in. Memory holds a piece of it.
#[derive(Debug)]
pub struct Upload {
    blobs: Blobs,
    /// `None` while a piece is being written; what fails then is not written to again.
    open: Option<Open>,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
}

#[derive(Debug)]
struct Open {
    file: File,
    hasher: Hasher,
    size: u64,
    name: Name,
}

/// The name of a file that goes when this does.
#[derive(Debug)]
struct Name(PathBuf);

impl Drop for Name {
    fn drop(&mut self) {
        // It is gone already if the upload was finished.
        let _ = fs::remove_file(&self.0);
    }
}

/// A content that is durable under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    pub hash: ContentHash,
    /// In bytes.
    pub size: u64,
}

impl Upload {
    pub(crate) fn begin(blobs: Blobs) -> io::Result<Self> {
        let incoming = blobs.folder.join(INCOMING);
        let path = incoming.join(Uuid::new_v4().to_string());
        let file = in_folder(&incoming, || File::create_new(&path))?;
        Ok(Self {
            blobs,
            open: Some(Open {
                file,
                hasher: Hasher::default(),
                size: 0,
                name: Name(path),
            }),
            waiting: Vec::new(),
            waiting_bytes: 0,
        })
    }

    /// Takes the next piece.
    ///
    /// # Errors
    ///
    /// If it cannot be written; the upload is over then.
    pub async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        self.waiting_bytes += piece.len();
        self.waiting.push(piece);
        if self.waiting_bytes < PIECE {
            return Ok(());
        }
        self.write_out().await
    }

    async fn write_out(&mut self) -> io::Result<()> {
        let mut open = self.open.take().ok_or_else(over)?;
        let pieces = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let written = blocking(move || {
            for piece in &pieces {
                open.file.write_all(piece)?;
                open.hasher.update(piece);
                open.size += piece.len() as u64;
            }
            Ok(open)
        });
        self.open = Some(written.await?);
        Ok(())
    }

    /// Makes it durable under its name.
    ///
    /// # Errors
    ///
    /// If that fails; then it is not there, unless it was before.
    pub async fn finish(mut self) -> io::Result<Received> {
        self.write_out().await?;
        let open = self.open.take().ok_or_else(over)?;
        let blobs = self.blobs.clone();
        blocking(move || {
            let Open {
                file,
                hasher,
                size,
                name,
            } = open;
            file.sync_all()?;
            let hash = hasher.finish();
            let path = blobs.path(hash);
            // Also over one that is there: a sweep spares what is new.
            let folder = path.parent().unwrap_or(&blobs.folder);
            in_folder(folder, || fs::rename(&name.0, &path))?;
            sync_folder(folder)?;
            Ok(Received { hash, size })
        })
        .await
    }
}

fn over() -> io::Error {
    io::Error::other("an upload that failed goes on")
}
