use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;

use crate::blocking;

/// So many bytes are read at a time.
const PIECE: u64 = 256 * 1024;

/// A content that is read from somewhere on. It stays readable until this is dropped, whatever is removed.
#[derive(Debug)]
pub struct Reading {
    /// `None` while a piece is being read.
    file: Option<File>,
    size: u64,
    left: u64,
}

impl Reading {
    pub(crate) fn of(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self {
            file: Some(file),
            size,
            left: size,
        })
    }

    /// Of the whole content, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Goes to a part of it: so many bytes from a place on.
    ///
    /// # Errors
    ///
    /// If that fails, or it is no part of it.
    pub fn seek(&mut self, from: u64, length: u64) -> io::Result<()> {
        if from.checked_add(length).is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let file = self.file.as_mut().ok_or(io::ErrorKind::InvalidInput)?;
        file.seek(SeekFrom::Start(from))?;
        self.left = length;
        Ok(())
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is shorter than it was.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let length = self.left.min(PIECE) as usize;
        if length == 0 {
            return Ok(None);
        }
        let mut file = self.file.take().ok_or(io::ErrorKind::InvalidInput)?;
        let (file, piece) = blocking(move || {
            let mut piece = vec![0; length];
            file.read_exact(&mut piece)?;
            Ok((file, Bytes::from(piece)))
        })
        .await?;
        self.file = Some(file);
        self.left -= length as u64;
        Ok(Some(piece))
    }
}
