use std::io;
use std::path::PathBuf;

use detente_store::StoreError;

use crate::failure::Failure;

/// Why a store cannot be opened. Nothing that was there is changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{path} is in use by another process")]
    InUse { path: PathBuf },
    #[error(
        "{path} was written by a newer version of Detente (format {found}; this one knows {known})"
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error(
        "{path} was written by an older version of Detente; `detente serve` on it once brings it up to date"
    )]
    Older { path: PathBuf },
    #[error("{path} is not a Detente store: {reason}")]
    Foreign { path: PathBuf, reason: String },
    /// The folder cannot be made, or its lock not be taken.
    #[error("{path}: {source}")]
    Folder { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenError {
    pub(crate) fn folder(path: &std::path::Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Folder { path, source }
    }
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Store(failure.into())
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Failure::from(error).into()
    }
}
