use std::io::{IsTerminal, Write};
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueEnum};
use detente_server::Serving;
use detente_service::Service;
use detente_store::{Store, Writer};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::Failure;
use super::data::{StoreArgs, refused};
use super::shutdown::shutdown_signal;

/// Threads for reads from the disk.
const BLOCKING_THREADS: usize = 8;

const DEFAULT_LISTEN: &str = "127.0.0.1:4090";

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    store: StoreArgs,
    /// Address to listen on; port 0 picks a free one [default: that of the configuration, or 127.0.0.1:4090]
    #[arg(long, env = "DETENTE_LISTEN", value_name = "ADDRESS")]
    listen: Option<String>,
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
            "warn,detente={level},detente_server={level},detente_service={level},detente_store={level},detente_sqlite={level}"
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
        let config = self.store.config()?;
        let data = self.store.data(&config);
        let listen = self.listen.clone().or_else(|| config.listen.clone());
        let listen = listen.unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        self.start_log();
        let store = self.store.open(&config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            // They read from the disk: more threads would only wait for it, each with its own
            // connection and heap.
            .max_blocking_threads(BLOCKING_THREADS)
            .build()
            .map_err(|error| Failure::Start(error.into()))?;
        let writer = runtime.block_on(async {
            let listener = TcpListener::bind(&listen)
                .await
                .with_context(|| format!("cannot listen on {listen}"))
                .map_err(Failure::Start)?;
            let reader = Arc::new(store.reader());
            let writer = Writer::start(store, config.settings.limits.queued_writes)
                .map_err(|error| Failure::Start(error.into()))?;
            let service = Service::new(config.policy, reader, writer.handle());
            let serving = detente_server::serve(listener, service, config.settings);
            announce(&serving, &data.display().to_string()).map_err(Failure::Start)?;
            let shutdown = shutdown_signal("ended before all requests were finished");
            serving.run(shutdown.map_err(Failure::Start)?).await;
            Ok(writer)
        });
        writer?.join().map_err(|error| refused(&data, error))
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

/// Prints the line that says where everything is.
fn announce(serving: &Serving, data: &str) -> anyhow::Result<()> {
    let address = serving.address()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "detente listens on http://{address}, its page is http://{address}/, its data is in {data}"
    )?;
    out.flush()?;
    Ok(())
}
