use std::io;

use bytes::{Bytes, BytesMut};
use detente_blobs::{Blobs, ContentHash, Reading, Upload};

use super::{FileFacts, INLINE, entry};
use crate::explanation::What;
use crate::{Outcome, Service};

/// Where a content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// In the version.
    Here(Bytes),
    /// Among the contents that are named by their hashes.
    Elsewhere,
}

/// A content on its way in, in bounded memory: a large one goes to where it will be. Nothing is left of it if
/// it is dropped.
#[derive(Debug)]
pub struct Incoming {
    blobs: Option<Blobs>,
    limit: u64,
    size: u64,
    /// Until it is too large to be in a version.
    held: BytesMut,
    upload: Option<Upload>,
}

/// A content is larger than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch {
    /// In bytes.
    pub limit: u64,
    /// Whether it is so little because there is no folder for larger ones.
    pub has_no_folder: bool,
}

/// A content that was received whole.
#[derive(Clone, Debug)]
pub struct Received {
    pub size: u64,
    pub hash: ContentHash,
    pub content: Content,
}

/// What of a content is sent.
#[derive(Debug)]
pub enum Outgoing {
    Here(Bytes),
    Elsewhere(Reading),
}

impl Service {
    /// Begins to receive a content.
    ///
    /// # Errors
    ///
    /// [`What::NoCollection`] if there are no files.
    pub fn receive(&self) -> Outcome<Incoming> {
        let files = self.files()?;
        Ok(Incoming {
            blobs: files.blobs.clone(),
            limit: files.limit(),
            size: 0,
            held: BytesMut::new(),
            upload: None,
        })
    }

    /// The content of a version of a file: so many bytes from a place on.
    ///
    /// # Errors
    ///
    /// [`What::Failed`] if it is not where it must be.
    pub async fn content(
        &self,
        stored: &detente_core::Stored,
        facts: &FileFacts,
        (from, length): (u64, u64),
    ) -> Outcome<Outgoing> {
        if let Some(bytes) = entry::content(stored) {
            let (from, end) = (from as usize, (from + length) as usize);
            let part = bytes.get(from..end).map(|_| bytes.slice(from..end));
            let part = part.ok_or_else(|| What::failed("a part lies outside its content"))?;
            return Ok(Outgoing::Here(part));
        }
        let mut reading = self.reading_of(facts.hash, facts.size).await?;
        reading.seek(from, length).map_err(What::failed)?;
        Ok(Outgoing::Elsewhere(reading))
    }

    /// A content that is in no version.
    pub(super) async fn elsewhere(&self, hash: ContentHash, size: u64) -> Outcome<Outgoing> {
        Ok(Outgoing::Elsewhere(self.reading_of(hash, size).await?))
    }

    async fn reading_of(&self, hash: ContentHash, size: u64) -> Outcome<Reading> {
        let blobs = self.files()?.blobs.as_ref();
        let reading = match blobs {
            Some(blobs) => blobs.read(hash).await.map_err(What::failed)?,
            None => None,
        };
        let gone = || What::failed(format!("the content {hash} is not there"));
        let reading = reading.ok_or_else(gone)?;
        match reading.size() == size {
            true => Ok(reading),
            false => Err(What::failed(format!("the content {hash} is cut off")).into()),
        }
    }
}

impl Incoming {
    /// Whether a content of this size would be taken.
    ///
    /// # Errors
    ///
    /// [`TooMuch`].
    pub fn must_fit(&self, size: u64) -> Result<(), TooMuch> {
        match size <= self.limit {
            true => Ok(()),
            false => Err(TooMuch {
                limit: self.limit,
                has_no_folder: self.blobs.is_none(),
            }),
        }
    }

    /// How much came so far, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next piece, which [`Incoming::must_fit`] with what came before it.
    ///
    /// # Errors
    ///
    /// [`What::Full`] if there is no room, or [`What::Failed`].
    pub async fn take(&mut self, piece: Bytes) -> Outcome<()> {
        self.size += piece.len() as u64;
        if let Some(upload) = &mut self.upload {
            return upload.write(piece).await.map_err(not_kept);
        }
        if self.held.len() + piece.len() <= INLINE {
            self.held.extend_from_slice(&piece);
            return Ok(());
        }
        let blobs = self.blobs.as_ref();
        let blobs = blobs.ok_or_else(|| What::failed("a content that does not fit was taken"))?;
        let mut upload = blobs.receive().await.map_err(not_kept)?;
        upload
            .write(self.held.split().freeze())
            .await
            .map_err(not_kept)?;
        upload.write(piece).await.map_err(not_kept)?;
        self.upload = Some(upload);
        Ok(())
    }

    /// The content is whole: it is durable if it is not to be in the version.
    ///
    /// # Errors
    ///
    /// [`What::Full`] if there is no room, or [`What::Failed`].
    pub async fn finish(self) -> Outcome<Received> {
        let Some(upload) = self.upload else {
            let bytes = self.held.freeze();
            return Ok(Received {
                size: self.size,
                hash: ContentHash::of(&bytes),
                content: Content::Here(bytes),
            });
        };
        let received = upload.finish().await.map_err(not_kept)?;
        Ok(Received {
            size: received.size,
            hash: received.hash,
            content: Content::Elsewhere,
        })
    }
}

impl Received {
    /// As a file of a media type.
    pub fn facts(&self, media_type: String) -> FileFacts {
        FileFacts {
            media_type,
            size: self.size,
            hash: self.hash,
        }
    }
}

impl Outgoing {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Here(bytes) if bytes.is_empty() => Ok(None),
            Self::Here(bytes) => Ok(Some(std::mem::take(bytes))),
            Self::Elsewhere(reading) => reading.next().await,
        }
    }
}

fn not_kept(error: io::Error) -> Box<crate::Explanation> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            What::Full.into()
        }
        _ => What::failed(format!("a content could not be kept: {error}")).into(),
    }
}
