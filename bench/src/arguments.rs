//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::driver::Pace;

/// Measures a Detente server against the same HTTP stack without storage, and against a bare file.
#[derive(Parser)]
#[command(name = "bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub role: Option<Role>,
    #[command(flatten)]
    pub plan: Plan,
}

/// What the program does when it has started itself again.
#[derive(Subcommand)]
pub(crate) enum Role {
    /// Serve without storing anything
    #[command(hide = true)]
    NullServer,
    /// Serve, appending every PUT to one file
    #[command(hide = true)]
    FileServer {
        /// The file to append to
        file: PathBuf,
    },
}

/// What to measure, and for how long.
#[derive(Args)]
pub(crate) struct Plan {
    /// Cases to run
    #[arg(
        long = "case",
        value_name = "CASE",
        value_delimiter = ',',
        default_value = "all"
    )]
    cases: Vec<Case>,
    /// Servers to compare; increment, scale and start need detente
    #[arg(
        long,
        value_name = "SERVER",
        value_delimiter = ',',
        default_value = "null,file,detente"
    )]
    pub servers: Vec<Kind>,
    /// The detente binary [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    detente: Option<PathBuf>,
    /// Documents in put, get and get-304
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub docs: u32,
    /// Keep-alive connections, each with one request in flight
    #[arg(long, value_name = "N", default_value = "64")]
    connections: NonZeroUsize,
    /// Clients that increment the one document
    #[arg(long, value_name = "N", default_value = "16")]
    clients: NonZeroUsize,
    /// Seconds measured in each run
    #[arg(long, value_name = "S", default_value = "3", value_parser = seconds)]
    seconds: Duration,
    /// Seconds of load before each measurement
    #[arg(long, value_name = "S", default_value = "1", value_parser = seconds)]
    warmup: Duration,
    /// Runs of each server, in turn
    #[arg(long, value_name = "N", default_value = "3")]
    runs: NonZeroUsize,
    /// The two sizes that scale compares
    #[arg(
        long,
        value_name = "SMALL,LARGE",
        value_delimiter = ',',
        num_args = 1,
        default_value = "10000,1000000"
    )]
    pub scale_docs: Vec<u32>,
    /// Documents in the data directory that start starts from
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub start_docs: u32,
    /// Worker threads of every server, as TOKIO_WORKER_THREADS [default: the number of cores]
    #[arg(long, value_name = "N")]
    server_threads: Option<NonZeroUsize>,
    /// Send `Prefer: return=minimal` with each PUT
    #[arg(long)]
    pub minimal: bool,
    /// Where data directories are made, and removed again; a real disk, or nothing is durable [default: beside this
    /// program]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Write the results to a file as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Case {
    All,
    Put,
    Get,
    #[value(name = "get-304")]
    GetNotModified,
    Increment,
    Scale,
    Start,
}

/// The kinds of server that can be put under load.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Kind {
    Null,
    File,
    Detente,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::File => "file",
            Kind::Detente => "detente",
        }
    }
}

impl Plan {
    /// Refuses a plan that could not be carried out to its end.
    ///
    /// # Errors
    ///
    /// Says what to change.
    pub(crate) fn check(&self) -> Result<()> {
        let connections = u32::try_from(self.connections())?;
        let sizes = self.scale_docs.iter().chain([&self.docs, &self.start_docs]);
        for &docs in sizes {
            ensure!(
                docs >= connections,
                "{docs} documents are too few: each of {connections} connections needs its own"
            );
        }
        ensure!(
            self.scale_docs.len() == 2,
            "--scale-docs takes two sizes, as in 10000,1000000"
        );
        if self.servers.contains(&Kind::Detente) {
            let binary = self.detente()?;
            ensure!(
                binary.is_file(),
                "there is no detente binary at {}: run `cargo build --release`, or name one with --detente",
                binary.display()
            );
        }
        Ok(())
    }

    pub(crate) fn includes(&self, case: Case) -> bool {
        self.cases.contains(&case) || self.cases.contains(&Case::All)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.get()
    }

    pub(crate) fn clients(&self) -> usize {
        self.clients.get()
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.get()
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace {
            warmup: self.warmup,
            measured: self.seconds,
        }
    }

    pub(crate) fn server_threads(&self) -> usize {
        self.server_threads.map_or_else(cores, NonZeroUsize::get)
    }

    /// What the numbers depend on, as name and value.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("cores", cores().to_string()),
            ("server-threads", self.server_threads().to_string()),
            ("connections", self.connections.to_string()),
            ("docs", self.docs.to_string()),
            ("runs", self.runs.to_string()),
            ("seconds", self.seconds.as_secs_f64().to_string()),
            ("warmup", self.warmup.as_secs_f64().to_string()),
            ("minimal", self.minimal.to_string()),
        ]
    }

    pub(crate) fn detente(&self) -> Result<PathBuf> {
        match &self.detente {
            Some(path) => Ok(path.clone()),
            None => beside_this_program("detente"),
        }
    }

    pub(crate) fn scratch(&self) -> Result<PathBuf> {
        match &self.scratch {
            Some(path) => Ok(path.clone()),
            None => beside_this_program(""),
        }
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn beside_this_program(name: &str) -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let directory = program.parent().context("this program has no directory")?;
    Ok(directory.join(name))
}

/// Parses a time in seconds, fractions allowed; an hour is more than any run can want.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    if (0.0..=3600.0).contains(&seconds) && seconds > 0.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("more than 0 and at most 3600 seconds".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_are_positive_and_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "NaN", "inf", "3601", "a while"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_case_is_included_by_name_or_by_all() {
        let plan = |line: &[&str]| Arguments::parse_from(line).plan;
        assert!(plan(&["bench"]).includes(Case::Scale));
        let some = plan(&["bench", "--case", "put,get-304"]);
        assert!(some.includes(Case::Put));
        assert!(some.includes(Case::GetNotModified));
        assert!(!some.includes(Case::Get));
    }
}
