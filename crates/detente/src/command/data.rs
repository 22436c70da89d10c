use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use detente_core::CollectionKey;
use detente_core::rules::Rules;
use detente_server::{Certificates, Settings};
use detente_service::Policy;
use detente_sqlite::{Sqlite, SqliteOptions, SqliteReader};
use detente_store::{ConstraintConflict, Retention, Store};

use super::Failure;
use crate::config::{self, Config, Mistakes};

/// The store that a command works on, and its rules.
#[derive(Clone, Debug, Args)]
pub(super) struct StoreArgs {
    /// The configuration; without one, any collection name is accepted
    #[arg(long, env = "DETENTE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder [default: that of the configuration, or ./detente-data]
    #[arg(long, env = "DETENTE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

impl StoreArgs {
    pub(super) fn config(&self) -> Result<Config, Failure> {
        match &self.config {
            Some(path) => config::load(path).map_err(|mistakes| Failure::Usage(told(&mistakes))),
            None => Ok(Config {
                listen: None,
                data: None,
                cache_bytes: None,
                conflicts: Retention::default(),
                policy: Policy::default(),
                settings: Settings::default(),
                tls: None,
            }),
        }
    }

    /// The same with the certificate of the configuration, if it has one.
    pub(super) fn config_to_serve(&self) -> Result<(Config, Option<Certificates>), Failure> {
        match &self.config {
            Some(path) => {
                config::load_to_serve(path).map_err(|mistakes| Failure::Usage(told(&mistakes)))
            }
            None => Ok((self.config()?, None)),
        }
    }

    pub(super) fn data(&self, config: &Config) -> PathBuf {
        let said = self.data.clone().or_else(|| config.data.clone());
        said.unwrap_or_else(|| PathBuf::from("detente-data"))
    }

    /// Opens the store for writing, with the unique keys of the configuration.
    pub(super) fn open(&self, config: &Config) -> Result<Sqlite, Failure> {
        let data = self.data(config);
        let default = SqliteOptions::default();
        let cache_bytes = config.cache_bytes.unwrap_or(default.cache_bytes);
        let options = SqliteOptions {
            cache_bytes,
            conflicts: config.conflicts,
            ..default
        };
        let mut store = Sqlite::open(&data, options).map_err(|error| refused(&data, error))?;
        let rules: Vec<_> = rules(config).collect();
        let conflicts = store
            .constrain(&rules)
            .map_err(|error| refused(&data, error))?;
        if !conflicts.is_empty() {
            return Err(Failure::Usage(colliding(&conflicts)));
        }
        Ok(store)
    }

    /// Opens a store that must exist, and changes nothing in it.
    pub(super) fn open_as_it_is(&self, config: &Config) -> Result<Sqlite, Failure> {
        let data = self.data(config);
        if let Err(error) = SqliteReader::open(&data) {
            return Err(refused(&data, error));
        }
        Sqlite::open(&data, SqliteOptions::default()).map_err(|error| refused(&data, error))
    }
}

/// The rules of all collections, by name.
pub(super) fn rules(config: &Config) -> impl Iterator<Item = (&str, &Rules)> {
    let collections = config.policy.collections.iter();
    collections.map(|(name, collection)| (name.as_str(), &collection.rules.rules))
}

fn colliding(conflicts: &[ConstraintConflict]) -> anyhow::Error {
    let row = |it: &ConstraintConflict| {
        let CollectionKey { space, collection } = &it.collection;
        format!(
            "  {space}/{collection}: {} and {} have the same {}",
            it.holder, it.other, it.constraint
        )
    };
    let rows: Vec<_> = conflicts.iter().map(row).collect();
    anyhow!("stored documents break a unique key:\n{}", rows.join("\n"))
}

/// Every mistake of a configuration, after their number.
pub(super) fn told(mistakes: &Mistakes) -> anyhow::Error {
    let count = mistakes.0.len();
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    anyhow!("{count} {noun} in the configuration\n{mistakes}")
}

pub(super) fn refused(data: &Path, error: impl Display) -> Failure {
    Failure::Start(
        anyhow!("{error}").context(format!("cannot open the store in {}", data.display())),
    )
}
