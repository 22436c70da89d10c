//! Who may come in, by flags instead of a file: for first steps.

use std::sync::Arc;

use clap::Args;
use detente_gate::{Token, Tokens};
use detente_server::{Listener, Settings};
use detente_service::{Names, Rights};

use super::Failure;
use crate::config::{is_host_name, is_origin};

#[derive(Clone, Debug, Args)]
pub(super) struct Door {
    /// An origin whose pages may call the server from a browser, or `*`; may be repeated. Replaces those of
    /// the configuration
    #[arg(
        long = "cors",
        env = "DETENTE_CORS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    origins: Vec<String>,
    /// A name by which clients may call the server, or `*` for any; may be repeated. Replaces those of the
    /// configuration. Addresses and `localhost` need not be named
    #[arg(
        long = "host",
        env = "DETENTE_HOSTS",
        value_name = "NAME",
        value_delimiter = ','
    )]
    hosts: Vec<String>,
    /// A bearer token that may read and write, perhaps after the name of whom it stands for, which is `token` otherwise;
    /// may be repeated. Others see the arguments of a process: the environment is the better place
    #[arg(
        long = "token",
        env = "DETENTE_TOKEN",
        value_name = "[NAME:]SECRET",
        value_delimiter = ',',
        hide_env_values = true
    )]
    tokens: Vec<String>,
    /// Let anybody who can reach the server do anything. Without this, a server that can be reached from other
    /// machines needs credentials
    #[arg(long, env = "DETENTE_INSECURE_OPEN")]
    insecure_open: bool,
}

/// From where a server can be reached, and whether it may be by anybody.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    address: String,
    is_of_this_machine: bool,
    may_be_open: bool,
}

impl Reach {
    /// On this machine everybody is trusted; beyond it, anybody might be anybody.
    pub(super) fn must_be_guarded(&self, settings: &Settings) -> Result<(), Failure> {
        if !settings.gate.is_open() || self.is_of_this_machine {
            return Ok(());
        }
        if self.may_be_open {
            tracing::warn!(
                address = self.address,
                "ANYBODY who can reach this address can read, change and delete everything: no \
                 credentials are configured"
            );
            return Ok(());
        }
        Err(Failure::Usage(anyhow::anyhow!(
            "anybody who can reach {} could read, change and delete everything: set --token or \
             [[tokens]], listen on 127.0.0.1, or say --insecure-open",
            self.address
        )))
    }
}

impl Door {
    pub(super) fn reach(&self, listener: &Listener) -> Reach {
        Reach {
            address: listener.to_string(),
            is_of_this_machine: listener.is_of_this_machine(),
            may_be_open: self.insecure_open,
        }
    }

    /// Adds what was said to the settings of the file.
    pub(super) fn apply(&self, settings: &mut Settings) -> Result<(), Failure> {
        let wrong = |message: String| Failure::Usage(anyhow::anyhow!(message));
        let origin = "*, or a scheme and a host with an optional port, such as https://example.org";
        replace(
            &mut settings.cors_origins,
            "--cors",
            &self.origins,
            is_origin,
            origin,
        )?;
        let host = "* or a name without a port, such as detente.example.org";
        replace(
            &mut settings.hosts,
            "--host",
            &self.hosts,
            is_host_name,
            host,
        )?;
        for token in &self.tokens {
            let (name, secret) = token.split_once(':').unwrap_or(("token", token));
            if name.is_empty() || secret.is_empty() {
                // The secret itself belongs in no message.
                let message = "--token: must be a secret, perhaps after a name and a colon";
                return Err(wrong(message.to_owned()));
            }
            let tokens = settings.gate.tokens.get_or_insert_with(Tokens::default);
            let token = Token {
                name: name.into(),
                rights: Arc::new(Rights::usual(Names::All)),
                roles: Vec::new(),
            };
            if !tokens.add(Tokens::digest(secret), token) {
                return Err(wrong(
                    "--token: another token has this secret already".to_owned(),
                ));
            }
        }
        Ok(())
    }
}

/// What a flag says takes the place of what the file says, if it says anything. `what` is what each
/// of its values must be.
fn replace(
    setting: &mut Vec<String>,
    flag: &str,
    given: &[String],
    is_one: fn(&str) -> bool,
    what: &str,
) -> Result<(), Failure> {
    if let Some(other) = given.iter().find(|it| !is_one(it)) {
        return Err(Failure::Usage(anyhow::anyhow!(
            "{flag} {other}: must be {what}"
        )));
    }
    if !given.is_empty() {
        *setting = given.to_vec();
    }
    Ok(())
}
