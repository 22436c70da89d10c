use detente_store::{Damage, Lack, StoreError};
use rusqlite::{Error, ErrorCode, ffi};

/// An error on its way to whoever called the store. SQLite's errors become one by `?`.
#[derive(Debug)]
pub(crate) struct Failure(StoreError);

impl Failure {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::lost(Damage::Other(what.into()))
    }

    pub(crate) fn lost(damage: Damage) -> Self {
        Self(StoreError::Damaged(damage))
    }

    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self(StoreError::Failed(what.into()))
    }

    pub(crate) fn damage(&self) -> Option<&Damage> {
        match &self.0 {
            StoreError::Damaged(damage) => Some(damage),
            _ => None,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl From<Failure> for Lack {
    fn from(failure: Failure) -> Self {
        Self::Fault(failure.0)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(meaning(&error))
    }
}

fn meaning(error: &Error) -> StoreError {
    let failure = match error {
        Error::SqliteFailure(failure, _) => failure,
        // A value that is none of those that we write.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => return StoreError::Damaged(error.to_string().into()),
        _ => return StoreError::Failed(error.to_string()),
    };
    match (failure.code, failure.extended_code) {
        // After a failed sync the kernel may have dropped the pages: nobody knows what is on disk.
        (_, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC | ffi::SQLITE_IOERR_CLOSE) => {
            StoreError::Unknown(error.to_string())
        }
        (ErrorCode::DiskFull, _) => StoreError::Full,
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => {
            StoreError::Damaged(error.to_string().into())
        }
        // In the words of SQLite alone: rusqlite's may hold the path of the file.
        (ErrorCode::CannotOpen, _) => StoreError::Failed(failure.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}
