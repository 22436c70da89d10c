//! Either store, opened: where they differ, and what all commands need of one.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, iter};

use anyhow::anyhow;
use detente_core::rules::Rules;
use detente_postgres::{OpenError, Postgres, PostgresOptions};
use detente_sqlite::{Sqlite, SqliteOptions, SqliteReader};
use detente_store::{ConstraintConflict, Reader, Store, StoreError, Writer};
use tokio::runtime::{Handle, Runtime};

use super::Failure;
use crate::config::Config;
use crate::database_url::DatabaseUrl;

/// How many spaces of a database are written to at a time. Each waits for the disk of the database,
/// which takes them together.
const DATABASE_WRITERS: usize = 4;

/// Where a store is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Folder(PathBuf),
    Database(DatabaseUrl),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(data) => data.display().fmt(f),
            Self::Database(url) => url.fmt(f),
        }
    }
}

/// A store that is open for writing.
#[derive(Debug)]
pub(super) enum Opened {
    Sqlite(Box<Sqlite>),
    Postgres {
        store: Box<Postgres>,
        /// That of its connections.
        runtime: Handle,
    },
}

/// A runtime for a command that serves nobody: its thread hears what a database says while the command
/// waits for it.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::Start(error.into()))
}

impl Opened {
    /// Opens a store, and makes it where there is none. The runtime must outlive it.
    pub(super) fn open(place: &Place, config: &Config, runtime: &Runtime) -> Result<Self, Failure> {
        match place {
            Place::Folder(data) => {
                let default = SqliteOptions::default();
                let options = SqliteOptions {
                    cache_bytes: config.cache_bytes.unwrap_or(default.cache_bytes),
                    conflicts: config.conflicts,
                    ..default
                };
                let opened = Sqlite::open(data, options);
                let store = opened.map_err(|error| refused(place, error))?;
                Ok(Self::Sqlite(Box::new(store)))
            }
            Place::Database(url) => {
                let default = PostgresOptions::default();
                let options = PostgresOptions {
                    cache_bytes: config.cache_bytes.unwrap_or(default.cache_bytes),
                    conflicts: config.conflicts,
                    reads: config.read_consistency,
                };
                let opened = runtime.block_on(Postgres::open(url.secret_text(), options));
                let store = opened.map_err(|error| unreachable(place, error))?;
                let store = Box::new(store);
                let runtime = runtime.handle().clone();
                Ok(Self::Postgres { store, runtime })
            }
        }
    }

    /// Opens a store that must exist.
    pub(super) fn open_as_it_is(
        place: &Place,
        config: &Config,
        runtime: &Runtime,
    ) -> Result<Self, Failure> {
        if let Place::Folder(data) = place {
            SqliteReader::open(data).map_err(|error| refused(place, error))?;
        }
        Self::open(place, config, runtime)
    }

    pub(super) fn reader(&self) -> Arc<dyn Reader> {
        match self {
            Self::Sqlite(store) => Arc::new(store.reader()),
            Self::Postgres { store, .. } => Arc::new(store.reader()),
        }
    }

    /// Waits for a read. One of a file goes on on this thread, where nobody else waits.
    pub(super) fn wait<T>(&self, read: impl Future<Output = T>) -> T {
        match self {
            Self::Sqlite(_) => pollster::block_on(read),
            Self::Postgres { runtime, .. } => runtime.block_on(read),
        }
    }

    pub(super) fn constrain(
        &mut self,
        rules: &[(&str, &Rules)],
    ) -> Result<Vec<ConstraintConflict>, StoreError> {
        match self {
            Self::Sqlite(store) => store.constrain(rules),
            Self::Postgres { store, .. } => store.constrain(rules),
        }
    }

    pub(super) fn has_keys(&self, collection: &str, rules: &Rules) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(store) => store.has_keys(collection, rules),
            Self::Postgres { store, .. } => store.has_keys(collection, rules),
        }
    }

    /// Starts all writers that the store has on this node.
    pub(super) fn start(self, queue_limit: usize) -> io::Result<Writer> {
        match self {
            Self::Sqlite(store) => Writer::start(*store, queue_limit),
            Self::Postgres { store, .. } => {
                let others = iter::repeat_with(|| store.another());
                let mut stores: Vec<_> = others.take(DATABASE_WRITERS - 1).collect();
                stores.push(*store);
                Writer::start_all(stores, queue_limit)
            }
        }
    }
}

pub(super) fn refused(place: impl fmt::Display, error: impl fmt::Display) -> Failure {
    Failure::Start(anyhow!("{error}").context(format!("cannot open the store in {place}")))
}

/// What is wrong with a URL is its author's to mend.
fn unreachable(place: &Place, error: OpenError) -> Failure {
    match error {
        OpenError::Url(_) => Failure::Usage(anyhow!("{place}: {error}")),
        error => refused(place, error),
    }
}
