use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use detente_store::{Epoch, Retention, StoreError};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::failure::Failure;
use crate::layout::{self, Found};

/// How long a connection may take to come, and how long one may be waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may be silent before it is asked whether the other side is still there.
const SILENCE: Duration = Duration::from_secs(10);

/// Connections of one node at most.
const CONNECTIONS: usize = 16;

/// A transaction in which nothing happens for so long is ended by PostgreSQL, so that a node that is
/// frozen gives way.
const IDLE_MS: u64 = 2000;

/// How a node treats its part of the store.
#[derive(Clone, Copy, Debug)]
pub struct PostgresOptions {
    /// Of versions that were written or read lately, in bytes.
    pub cache_bytes: usize,
    /// How much of the conflict log is kept.
    pub conflicts: Retention,
    pub reads: Consistency,
}

/// What a read shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// All that was acknowledged before it, on any node.
    #[default]
    Linearizable,
    /// What this node knows: its own writes at once, those of other nodes soon.
    Local,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 * 1024 * 1024,
            conflicts: Retention::default(),
            reads: Consistency::default(),
        }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// In the words of the driver, which tells no password.
    #[error("the URL of the store cannot be understood: {0}")]
    Url(String),
    #[error("no certificate of the system can be read to know PostgreSQL by: {0}")]
    Certificates(String),
    #[error("PostgreSQL cannot be reached: {0}")]
    Unreachable(String),
    #[error("the database's encoding is {encoding}: make one with ENCODING 'UTF8'")]
    Encoding { encoding: String },
    #[error("the schema holds tables of another program: use a database or schema of its own")]
    Foreign,
    #[error("the store has format {found}, this program knows {known}: use a newer one")]
    Newer { found: i32, known: i32 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Store(failure.error)
    }
}

/// What a URL says, and what we want of every connection besides.
pub(crate) fn config(url: &str) -> Result<Config, OpenError> {
    let wrong = |error: tokio_postgres::Error| OpenError::Url(whole(&error));
    let mut config: Config = url.parse().map_err(wrong)?;
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    // A peer that is gone without a word is noticed, so that nobody waits for it for hours.
    config
        .keepalives_idle(SILENCE)
        .keepalives_interval(SILENCE / 4)
        .keepalives_retries(4);
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(2 * SILENCE);
    }
    if config.get_application_name().is_none() {
        config.application_name("detente");
    }
    let mut options = config.get_options().unwrap_or_default().to_owned();
    options.push_str(&format!(
        " -c idle_in_transaction_session_timeout={IDLE_MS}"
    ));
    // A commit whose wait is cut off may be performed all the same.
    options.push_str(" -c statement_timeout=0");
    config.options(options.trim());
    Ok(config)
}

/// Looks whether the store is ours, makes it if the database is empty, and returns connections to it.
pub(crate) async fn connect(url: &str) -> Result<(Pool, Found), OpenError> {
    let config = config(url)?;
    let settings = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = match config.get_ssl_mode() {
        SslMode::Disable => Manager::from_config(config, NoTls, settings),
        _ => {
            let tls = MakeRustlsConnect::new(tls()?);
            Manager::from_config(config, tls, settings)
        }
    };
    let timeouts = Timeouts {
        wait: Some(PATIENCE),
        create: Some(PATIENCE),
        recycle: Some(PATIENCE),
    };
    let pool = Pool::builder(manager)
        .max_size(CONNECTIONS)
        .runtime(Runtime::Tokio1)
        .timeouts(timeouts)
        .build()
        .map_err(|error| OpenError::Unreachable(error.to_string()))?;
    let client = pool.get().await;
    let mut client = client.map_err(|error| OpenError::Unreachable(whole(&error)))?;
    let found = layout::prepare(&mut client, Epoch::new().0).await?;
    drop(client);
    Ok((pool, found))
}

/// The system's certificates, as a browser would use them.
fn tls() -> Result<ClientConfig, OpenError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Certificates(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// An error with what caused it.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
