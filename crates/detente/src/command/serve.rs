use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use clap::{Args, ValueEnum};
use detente_core::CollectionKey;
use detente_core::rules::Rules;
use detente_server::{Certificates, Listener, Serving};
use detente_service::{Policy, Service};
use detente_store::{Reader, StoreError};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::Failure;
use super::control::Control;
use super::data::{self, StoreArgs, rules};
use super::door::Door;
use super::opened::{Place, refused};
use super::reload::{Fixed, Reloading};
use super::shutdown::shutdown_signal;
use super::tls::TlsArgs;
use crate::config::Config;
use crate::listen::Listen;

/// Threads for reads from the disk.
const BLOCKING_THREADS: usize = 8;

const DEFAULT_LISTEN: &str = "127.0.0.1:4090";

/// How many names a warning lists.
const TOLD: usize = 20;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    store: StoreArgs,
    /// Address and port to listen on, a port alone for this machine, or `unix:` and the path of a socket; port 0
    /// picks a free one [default: that of the configuration, or 127.0.0.1:4090]
    #[arg(long, env = "DETENTE_LISTEN", value_name = "ADDRESS")]
    listen: Option<Listen>,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    door: Door,
    /// What to log; `debug` includes every request
    #[arg(
        long,
        env = "DETENTE_LOG",
        value_name = "LEVEL",
        default_value = "info"
    )]
    log: LogLevel,
    /// Format of a log line
    #[arg(
        long,
        env = "DETENTE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

impl LogLevel {
    /// The level for our own crates; libraries log only warnings and errors.
    fn filter(self) -> EnvFilter {
        let level = match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        };
        EnvFilter::new(format!(
            "warn,detente={level},detente_server={level},detente_service={level},detente_store={level},detente_sqlite={level},detente_postgres={level}"
        ))
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.start_log();
        let (mut config, certificates) = self.store.folder.config_to_serve()?;
        self.door.apply(&mut config.settings)?;
        let place = self.store.place(&config)?;
        let listen = self.listen.clone().or_else(|| config.listen.clone());
        let listen = listen.unwrap_or_else(|| Listen::Tcp(DEFAULT_LISTEN.to_owned()));
        let certificates = self.tls.certificates(certificates, &listen)?;
        must_be_after_1970()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            // They read from the disk: more threads would only wait for it, each with its own
            // connection and heap.
            .max_blocking_threads(BLOCKING_THREADS)
            .build()
            .map_err(|error| Failure::Start(error.into()))?;
        let entered = runtime.enter();
        let mut hangups = signal(SignalKind::hangup()).map_err(|it| Failure::Start(it.into()))?;
        drop(entered);
        let fixed = Fixed::of(&config);
        let data = self.store.folder.data(&config);
        let store = data::open(&place, &config, &runtime)?;
        let blobs = data::open_contents(&place, &data, &config)?;
        if let Some(files) = &mut config.policy.files {
            files.blobs.clone_from(&blobs);
        }
        let listener = runtime.block_on(bind(&listen, certificates.clone()));
        let listener = listener.map_err(Failure::Start)?;
        let reader = store.reader();
        runtime
            .block_on(warn_of_undeclared(&*reader, &config.policy))
            .map_err(|error| refused(&place, error))?;
        let reach = self.door.reach(&listener);
        reach.must_be_guarded(&config.settings)?;
        warn_of_rules_for_nobody(&config);
        // A database is waited for where it is written to: not on a thread of the runtime.
        let writer = store.start(config.settings.limits.queued_writes);
        let writer = writer.map_err(|error| Failure::Start(error.into()))?;
        let served = runtime.block_on(async {
            let service = Service::new(config.policy, reader, writer.handle());
            let serving = detente_server::serve(listener, service, config.settings);
            let reloading = Arc::new(Reloading {
                folder: self.store.folder.clone(),
                door: self.door.clone(),
                live: serving.live(),
                fixed,
                blobs,
                certificates,
                reach,
            });
            let answering = Arc::clone(&reloading);
            let hangups = tokio::spawn(async move {
                while hangups.recv().await.is_some() {
                    // What came of it is in the log.
                    let _ = reloading.reload();
                }
            });
            let mut listening = vec![hangups];
            match Control::listen(&data) {
                Ok(control) => {
                    let answer = move |message: &str| answering.answer(message);
                    listening.push(tokio::spawn(control.serve(answer)));
                }
                Err(error) => {
                    tracing::warn!(%error, "`detente reload` will not reach this server; SIGHUP will");
                }
            }
            announce(&serving, &place).map_err(Failure::Start)?;
            let shutdown = shutdown_signal("ended before all requests were finished");
            serving.run(shutdown.map_err(Failure::Start)?).await;
            // Both hold the server, and with it the writer, which ends when nobody can reach it any more.
            for task in listening {
                task.abort();
                let _ = task.await;
            }
            Ok(())
        });
        served?;
        match writer.join() {
            // What was acknowledged is safe.
            Err(StoreError::Full) => {
                tracing::warn!("no space left: the last refusals are not in the conflict log");
                Ok(())
            }
            closed => closed.map_err(|error| refused(&place, error)),
        }
    }

    fn start_log(&self) {
        let log = tracing_subscriber::fmt()
            .with_env_filter(self.log.filter())
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Text => log.init(),
            LogFormat::Json => log.json().init(),
        }
    }
}

/// Neither HTTP nor the log of the store has words for an earlier time.
fn must_be_after_1970() -> Result<(), Failure> {
    match SystemTime::now() < SystemTime::UNIX_EPOCH {
        true => Err(Failure::Start(anyhow::anyhow!(
            "the system's clock says that it is before 1970: set it first"
        ))),
        false => Ok(()),
    }
}

async fn bind(listen: &Listen, certificates: Option<Certificates>) -> anyhow::Result<Listener> {
    let bound = match (listen, certificates) {
        (Listen::Tcp(address), None) => Listener::tcp(address).await,
        (Listen::Tcp(address), Some(certificates)) => Listener::tls(address, certificates).await,
        (Listen::Unix(path), _) => Listener::unix(path),
    };
    bound.with_context(|| format!("cannot listen on {listen}"))
}

/// Collections that are stored and not declared answer 404, as if they were lost.
async fn warn_of_undeclared(reader: &dyn Reader, policy: &Policy) -> Result<(), StoreError> {
    let stored = reader.collections().await?;
    let kept_out = |it: &&CollectionKey| policy.collection(&it.collection).is_none();
    let names = stored.iter().filter(kept_out);
    let names: Vec<_> = names
        .map(|it| format!("{}/{}", it.space, it.collection))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let count = names.len();
    let names = names[..count.min(TOLD)].join(", ");
    tracing::warn!(
        count,
        collections = names,
        "stored collections are not declared in the configuration and answer 404: declare them, or set \
         undeclared_collections to \"allow\""
    );
    Ok(())
}

/// Without credentials anybody is whoever they say, and rules keep nothing from anybody.
fn warn_of_rules_for_nobody(config: &Config) {
    let is_ruled = |(_, rules): &(&str, &Rules)| !rules.access.is_open();
    let names: Vec<_> = rules(config)
        .filter(is_ruled)
        .map(|(name, _)| name)
        .collect();
    if config.settings.gate.is_open() && !names.is_empty() {
        tracing::warn!(
            collections = names.join(", "),
            "access rules keep nothing from anybody: no credentials are configured, so everybody is whoever \
             they say"
        );
    }
}

/// Prints the line that says where everything is.
fn announce(serving: &Serving, place: &Place) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match serving.listener().url() {
        Some(url) => writeln!(
            out,
            "detente listens on {url}, its page is {url}/, its data is in {place}"
        )?,
        None => writeln!(
            out,
            "detente listens on {}, its data is in {place}",
            serving.listener()
        )?,
    }
    out.flush()?;
    Ok(())
}
