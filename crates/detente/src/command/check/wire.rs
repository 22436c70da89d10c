use std::future::Future;
use std::time::Duration;

use clap::{Args, ValueEnum};
use detente_check::client::{Client, Settings};
use detente_check::{Protocol, RunError};
use http::{HeaderMap, HeaderName};

use super::Field;
use crate::command::Failure;
use crate::command::shutdown::shutdown_signal;

/// How requests are sent.
#[derive(Debug, Args)]
pub(in crate::command) struct Wire {
    /// A header field for every request, such as 'Authorization: Bearer …'; may be repeated
    #[arg(
        short = 'H',
        long = "header",
        value_name = "NAME: VALUE",
        help_heading = "Connection"
    )]
    headers: Vec<Field>,
    /// How many seconds an answer may take
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10.0,
        allow_negative_numbers = true,
        help_heading = "Connection"
    )]
    timeout: f64,
    /// Use only this version of HTTP [default: those that the server supports]
    #[arg(long, value_name = "PROTOCOL", help_heading = "Connection")]
    http: Option<Version>,
    /// Accept any TLS certificate
    #[arg(long, help_heading = "Connection")]
    insecure: bool,
    /// The most requests to send
    #[arg(
        long,
        value_name = "REQUESTS",
        default_value_t = 100_000,
        help_heading = "Connection"
    )]
    budget: u32,
    /// Allow a host other than this machine: the tester writes to it, and races writes on purpose
    #[arg(long, help_heading = "Connection")]
    allow_remote: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Version {
    #[value(name = "1.1")]
    Http1,
    #[value(name = "2")]
    Http2,
}

impl Wire {
    fn settings(&self) -> Result<Settings, Failure> {
        if !self.timeout.is_finite() || self.timeout <= 0.0 {
            return Err(Failure::Usage(anyhow::anyhow!(
                "--timeout {}: expected a number of seconds above 0",
                self.timeout
            )));
        }
        Ok(Settings {
            timeout: Duration::from_secs_f64(self.timeout.min(3600.0)),
            protocol: self.http.map(|version| match version {
                Version::Http1 => Protocol::Http1,
                Version::Http2 => Protocol::Http2,
            }),
            headers: fields(&self.headers),
            budget: self.budget,
            insecure: self.insecure,
            allow_remote: self.allow_remote,
        })
    }
}

impl Wire {
    /// Whether every request carries this field.
    pub(in crate::command) fn has(&self, name: &HeaderName) -> bool {
        self.headers.iter().any(|field| field.name == *name)
    }
}

pub(in crate::command) fn fields(fields: &[Field]) -> HeaderMap {
    fields
        .iter()
        .map(|field| (field.name.clone(), field.value.clone()))
        .collect()
}

pub(in crate::command) fn client(wire: &Wire) -> Result<Client, Failure> {
    Client::new(wire.settings()?).map_err(|error| Failure::Start(error.into()))
}

/// Runs work that changes an API: a signal ends it early, and what was changed is put back.
pub(in crate::command) fn run_and_restore<T>(
    client: &Client,
    work: impl Future<Output = Result<T, RunError>>,
) -> Result<T, Failure> {
    run(async {
        let signal = shutdown_signal("ended before everything was put back");
        let mut work = std::pin::pin!(work);
        let Ok(signal) = signal else {
            return work.await;
        };
        tokio::select! {
            done = &mut work => return done,
            () = signal => {}
        }
        eprintln!("detente: interrupted, putting everything back; once more ends at once");
        client.interrupt();
        work.await
    })
}

/// Ends a run that a signal may have ended early: what it found until then is reported, and proves nothing.
pub(in crate::command) fn unless_interrupted(
    client: &Client,
    told: Result<(), Failure>,
) -> Result<(), Failure> {
    match client.is_interrupted() {
        true => Err(Failure::Interrupted),
        false => told,
    }
}

/// Runs work to its end, on one thread, so that nothing comes between the requests of a volley.
pub(in crate::command) fn run<T>(
    work: impl Future<Output = Result<T, RunError>>,
) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Start(error.into()))?
        .block_on(work)
        .map_err(|stop| match stop {
            RunError::Interrupted => Failure::Interrupted,
            stop => Failure::Start(stop.into()),
        })
}
