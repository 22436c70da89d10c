use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use detente_blobs::Blobs;
use detente_core::CollectionKey;
use detente_core::rules::Rules;
use detente_postgres::Consistency;
use detente_server::{Certificates, Settings};
use detente_service::Policy;
use detente_store::{ConstraintConflict, Retention};
use tokio::runtime::Runtime;

use super::Failure;
use super::opened::{Opened, Place, refused};
use crate::config::{self, Config, Mistakes};

/// A configuration, and the folder of a server.
#[derive(Clone, Debug, Args)]
pub(super) struct FolderArgs {
    /// The configuration; without one, any collection name is accepted
    #[arg(long, env = "DETENTE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder [default: that of the configuration, or ./detente-data]
    #[arg(long, env = "DETENTE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

/// The store that a command works on, and its rules.
#[derive(Clone, Debug, Args)]
pub(super) struct StoreArgs {
    #[command(flatten)]
    pub(super) folder: FolderArgs,
    /// A PostgreSQL database that has the data, such as postgres://user@host:5432/name [default: that of the
    /// configuration, or none]. The data folder has only the socket of `detente reload` then. Others see
    /// the arguments of a process: the environment is a better place for a password
    #[arg(
        long,
        env = "DETENTE_STORE",
        value_name = "URL",
        hide_env_values = true
    )]
    // Not parsed by clap, which would show a value with a mistake, and its password.
    store: Option<String>,
}

impl FolderArgs {
    pub(super) fn config(&self) -> Result<Config, Failure> {
        match &self.config {
            Some(path) => config::load(path).map_err(|mistakes| Failure::Usage(told(&mistakes))),
            None => Ok(Config {
                listen: None,
                data: None,
                store: None,
                read_consistency: Consistency::default(),
                cache_bytes: None,
                files: None,
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
}

impl StoreArgs {
    /// Where the data is.
    pub(super) fn place(&self, config: &Config) -> Result<Place, Failure> {
        let said = self.store.as_ref().map(|url| url.parse()).transpose();
        let said = said.map_err(|error| Failure::Usage(anyhow!("--store {error}")))?;
        Ok(match said.or_else(|| config.store.clone()) {
            Some(url) => Place::Database(url),
            None => Place::Folder(self.folder.data(config)),
        })
    }
}

/// Opens the store for writing, with the unique keys of the configuration.
pub(super) fn open(place: &Place, config: &Config, runtime: &Runtime) -> Result<Opened, Failure> {
    let mut store = Opened::open(place, config, runtime)?;
    let rules: Vec<_> = rules(config).collect();
    let conflicts = store
        .constrain(&rules)
        .map_err(|error| refused(place, error))?;
    if !conflicts.is_empty() {
        return Err(Failure::Usage(colliding(&conflicts)));
    }
    Ok(store)
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

/// The folder of the contents of large files: the one that the configuration names, or one in the data folder. Where
/// the data is in a database, other servers must see the same folder, so the configuration has to name it.
pub(super) fn open_contents(
    place: &Place,
    data: &Path,
    config: &Config,
) -> Result<Option<Blobs>, Failure> {
    let folder = match (&config.files, place) {
        _ if config.policy.files.is_none() => return Ok(None),
        (Some(folder), _) => folder.clone(),
        (None, Place::Folder(_)) => data.join("files"),
        (None, Place::Database(_)) => return Ok(None),
    };
    // That of the configuration may be one that others must see: whether it can be is told at once.
    let made = config
        .files
        .as_ref()
        .map_or(Ok(()), std::fs::create_dir_all);
    let opened = made.and_then(|()| Blobs::open(&folder));
    let opened = opened.with_context(|| format!("cannot use {} for files", folder.display()));
    Ok(Some(opened.map_err(Failure::Start)?))
}
