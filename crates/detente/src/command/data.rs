use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use detente_server::Settings;
use detente_store::{Sqlite, SqliteOptions, StoreError};

use super::Failure;
use crate::config::{self, Config};

/// Which store, and by which rules.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The configuration; without it any collection goes
    #[arg(long, env = "DETENTE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder with the data [default: what the configuration says, or ./detente-data]
    #[arg(long, env = "DETENTE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Place {
    pub(super) fn config(&self) -> Result<Config, Failure> {
        match &self.config {
            Some(path) => config::load(path).map_err(|mistakes| Failure::Usage(mistakes.into())),
            None => Ok(Config {
                listen: None,
                data: None,
                cache_bytes: None,
                settings: Settings::open(),
            }),
        }
    }

    pub(super) fn data(&self, config: &Config) -> PathBuf {
        let said = self.data.clone().or_else(|| config.data.clone());
        said.unwrap_or_else(|| PathBuf::from("detente-data"))
    }

    /// Opens the store for writing, with the unique keys that the configuration asks for.
    pub(super) fn open(&self, config: &Config) -> Result<Sqlite, Failure> {
        let data = self.data(config);
        let default = SqliteOptions::default();
        let cache_bytes = config.cache_bytes.unwrap_or(default.cache_bytes);
        let options = SqliteOptions {
            cache_bytes,
            ..default
        };
        let mut store = Sqlite::open(&data, options).map_err(|error| refused(&data, error))?;
        for (name, collection) in &config.settings.collections {
            let conflicts = store.constrain(name, &collection.rules.rules);
            let conflicts = conflicts.map_err(|error| refused(&data, error))?;
            if !conflicts.is_empty() {
                let rows = conflicts.iter().map(|it| {
                    let (place, space) = (&it.collection, &it.collection.space);
                    format!(
                        "  {space}/{}: {} and {} have the same {}",
                        place.collection, it.holder, it.other, it.constraint
                    )
                });
                let rows: Vec<_> = rows.collect();
                return Err(Failure::Usage(anyhow!(
                    "documents that are stored already break a unique constraint:\n{}",
                    rows.join("\n")
                )));
            }
        }
        Ok(store)
    }
}

pub(super) fn refused(data: &Path, error: StoreError) -> Failure {
    Failure::Start(
        anyhow!("{error}").context(format!("cannot open the store in {}", data.display())),
    )
}
