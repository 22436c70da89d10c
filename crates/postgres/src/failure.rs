use deadpool_postgres::PoolError;
use detente_store::{Damage, Fate, Lack, StoreError};
use tokio_postgres::Error;
use tokio_postgres::error::{Severity, SqlState};

/// An error on its way to whoever called the store. Errors of the driver and of the pool become one
/// by `?`.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: StoreError,
    /// Whether what was asked for may have been done all the same.
    is_open: bool,
    /// Whether two who meet again may not be in each other's way.
    is_collision: bool,
}

impl Failure {
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        StoreError::Failed(what.into()).into()
    }

    pub(crate) fn damaged(damage: impl Into<Damage>) -> Self {
        StoreError::Damaged(damage.into()).into()
    }

    pub(crate) fn away() -> Self {
        StoreError::Away.into()
    }

    /// Of a commit; `None`: nobody knows.
    pub(crate) fn fate(self) -> Option<Fate> {
        match (self.is_open, self.is_collision) {
            (true, _) => None,
            (false, true) => Some(Fate::Lost),
            (false, false) => Some(Fate::unwritten(self.error)),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self {
            error,
            is_open: false,
            is_collision: false,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<Failure> for Lack {
    fn from(failure: Failure) -> Self {
        Self::Fault(failure.error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            // Nothing was asked for yet.
            PoolError::Backend(error) => Self {
                is_open: false,
                ..Self::from(error)
            },
            PoolError::Timeout(_) | PoolError::Closed => Self::away(),
            error => Self::failed(error.to_string()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let Some(told) = error.as_db_error() else {
            // The connection is gone, or never was. Whether the last statement was performed is open.
            let is_gone = error.is_closed() || std::error::Error::source(&error).is_some_and(is_io);
            return match is_gone {
                true => Self {
                    is_open: true,
                    ..Self::away()
                },
                false => Self::failed(error.to_string()),
            };
        };
        // Only an ERROR says that the statement was not performed; after FATAL nobody knows.
        let is_over = told.parsed_severity() == Some(Severity::Error);
        let error = match told.code() {
            &SqlState::DISK_FULL | &SqlState::OUT_OF_MEMORY => StoreError::Full,
            &SqlState::READ_ONLY_SQL_TRANSACTION
            | &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN
            | &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::TOO_MANY_CONNECTIONS
            | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            | &SqlState::QUERY_CANCELED => StoreError::Away,
            &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => {
                StoreError::Damaged(told.message().to_owned().into())
            }
            _ => StoreError::Failed(told.to_string()),
        };
        let collisions = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ];
        Self {
            error,
            is_open: !is_over,
            is_collision: collisions.contains(told.code()),
        }
    }
}

fn is_io(source: &(dyn std::error::Error + 'static)) -> bool {
    source.is::<std::io::Error>()
}
