use std::io::ErrorKind;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Args;
use detente_blobs::Blobs;
use detente_server::{Certificates, Live};
use serde_json::{Value, json};

use super::Failure;
use super::control;
use super::data::{FolderArgs, rules};
use super::door::{Door, Reach};
use crate::config::Config;
use crate::database_url::DatabaseUrl;

/// What is said to a server that shall read its configuration again.
pub(super) const RELOAD: &str = "reload";

#[derive(Debug, Args)]
pub(super) struct Reload {
    #[command(flatten)]
    folder: FolderArgs,
}

impl Reload {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.folder.config()?;
        let data = self.folder.data(&config);
        let answer = control::ask(&data, RELOAD).map_err(|error| {
            let why = match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                    anyhow!("no server runs on {}", data.display())
                }
                _ => anyhow!("the server on {} does not answer: {error}", data.display()),
            };
            Failure::Start(why)
        })?;
        let answer: Value = serde_json::from_str(&answer)
            .map_err(|_| Failure::Start(anyhow!("the server ended before it had answered")))?;
        if let Some(mistakes) = answer["mistakes"].as_str() {
            return Err(Failure::Usage(anyhow!("nothing changed: {mistakes}")));
        }
        println!("the server answers by the configuration as it is now");
        let waiting = answer["at_next_start"].as_array();
        let waiting = waiting.into_iter().flatten().filter_map(Value::as_str);
        let waiting: Vec<_> = waiting.collect();
        if !waiting.is_empty() {
            println!("only its next start changes {}", waiting.join(", "));
        }
        Ok(())
    }
}

/// Reads the configuration of a running server again.
#[derive(Debug)]
pub(super) struct Reloading {
    pub(super) folder: FolderArgs,
    pub(super) door: Door,
    pub(super) live: Arc<Live>,
    /// What the server began with and keeps.
    pub(super) fixed: Fixed,
    /// The contents of large files.
    pub(super) blobs: Option<Blobs>,
    pub(super) certificates: Option<Certificates>,
    pub(super) reach: Reach,
}

/// What cannot change while a server runs.
#[derive(Debug)]
pub(super) struct Fixed {
    /// Each setting's name, and what it says.
    settings: Vec<(&'static str, String)>,
    /// Not as a text, which would hold a password.
    store: Option<DatabaseUrl>,
    /// By which documents were filed when the store was opened.
    unique_keys: Vec<String>,
}

impl Fixed {
    pub(super) fn of(config: &Config) -> Self {
        let limits = &config.settings.limits;
        let settings = vec![
            ("listen", format!("{:?}", config.listen)),
            ("data", format!("{:?}", config.data)),
            ("read_consistency", format!("{:?}", config.read_consistency)),
            ("tls", format!("{:?}", config.tls)),
            ("cache_bytes", format!("{:?}", config.cache_bytes)),
            ("conflicts", format!("{:?}", config.conflicts)),
            ("files.folder", format!("{:?}", config.files)),
            ("limits.connections", limits.connections.to_string()),
            (
                "limits.connections_of_one_address",
                limits.connections_of_one_address.to_string(),
            ),
            ("limits.queued_writes", limits.queued_writes.to_string()),
        ];
        let keyed = rules(config).filter(|(_, rules)| !rules.unique.is_empty());
        let keyed = keyed.map(|(name, rules)| format!("{name}: {:?}", rules.unique));
        Self {
            settings,
            store: config.store.clone(),
            unique_keys: keyed.collect(),
        }
    }

    fn changed(&self, other: &Self) -> Vec<&'static str> {
        let pairs = self.settings.iter().zip(&other.settings);
        let changed = pairs.filter(|(one, other)| one != other);
        let changed = changed.map(|((name, _), _)| *name);
        let store = (self.store != other.store).then_some("store");
        changed.chain(store).collect()
    }
}

impl Reloading {
    /// Answers a message of another command.
    pub(super) fn answer(&self, message: &str) -> String {
        match message {
            RELOAD => match self.reload() {
                Ok(waiting) => json!({"at_next_start": waiting}),
                Err(mistakes) => json!({"mistakes": mistakes}),
            },
            _ => json!({"mistakes": "the server does not know this command"}),
        }
        .to_string()
    }

    /// Reads the configuration again; which changes wait for the next start.
    ///
    /// # Errors
    ///
    /// Every mistake in it, for people. Nothing changed then.
    pub(super) fn reload(&self) -> Result<Vec<&'static str>, String> {
        // It reads files.
        let result = tokio::task::block_in_place(|| self.exchange());
        match &result {
            Ok(waiting) if waiting.is_empty() => tracing::info!("read the configuration again"),
            Ok(waiting) => tracing::warn!(
                settings = waiting.join(", "),
                "read the configuration again; only the next start changes some settings"
            ),
            Err(mistakes) => {
                tracing::error!(
                    mistakes,
                    "the configuration has mistakes: the former one stays"
                )
            }
        }
        result
    }

    fn exchange(&self) -> Result<Vec<&'static str>, String> {
        let told = |failure: Failure| failure.to_string();
        let mut config = self.folder.config().map_err(told)?;
        self.door.apply(&mut config.settings).map_err(told)?;
        self.reach.must_be_guarded(&config.settings).map_err(told)?;
        let next = Fixed::of(&config);
        if self.fixed.unique_keys != next.unique_keys {
            return Err(
                "unique keys changed, by which documents are filed at the start: restart the \
                        server to change them"
                    .to_owned(),
            );
        }
        if let Some(certificates) = &self.certificates {
            certificates
                .reload()
                .map_err(|mistake| mistake.to_string())?;
        }
        if let Some(files) = &mut config.policy.files {
            files.blobs.clone_from(&self.blobs);
        }
        self.live.exchange(config.policy, config.settings);
        Ok(self.fixed.changed(&next))
    }
}
