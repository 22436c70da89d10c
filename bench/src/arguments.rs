//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::driver::{Dialect, Pace};

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
    #[command(name = "null-server", hide = true)]
    Null,
    /// Serve, noting when requests are complete
    #[command(name = "stamp-server", hide = true)]
    Stamp,
    /// Serve, appending every PUT to one file
    #[command(name = "file-server", hide = true)]
    File {
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
    /// Servers to compare: null, file, detente, NAME=PATH for another detente binary; detente on PostgreSQL (Debian's,
    /// which is started) as postgres, as postgres-local, whose reads ask nobody, and as postgres-cold, whose reads are a
    /// query each; and Debian's etcd, through its JSON gateway
    #[arg(
        long,
        value_name = "SERVER",
        value_delimiter = ',',
        default_value = "null,file,detente"
    )]
    pub servers: Vec<Entrant>,
    /// The detente binary, if `--servers detente=PATH` does not name it [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    detente: Option<PathBuf>,
    /// Documents in put, get and get-304
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub docs: u32,
    /// Keep-alive connections, each with one request in flight
    #[arg(long, value_name = "N", default_value = "64")]
    connections: NonZeroUsize,
    /// Clients that write the one document in increment and contended
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
    /// PUTs in batches of a hundred
    Batch,
    Get,
    #[value(name = "get-304")]
    GetNotModified,
    /// Without any server
    Merge,
    /// Without any server
    Judge,
    /// Without Detente
    Release,
    /// Without Detente
    Generator,
    Increment,
    Contended,
    Refusal,
    Scale,
    /// Several servers on one PostgreSQL
    Nodes,
    Start,
}

/// A server that can be put under load, and its name in the tables.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entrant {
    pub name: String,
    pub kind: Kind,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Null,
    File,
    /// Notes when requests are complete; no contender.
    Stamps,
    /// The binary of this plan.
    Detente,
    /// The same on a PostgreSQL database.
    Postgres(Reads),
    /// Debian's etcd.
    Etcd,
    /// Another binary of Detente, such as that of an earlier commit.
    Binary(PathBuf),
}

/// How Detente answers reads on a PostgreSQL database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reads {
    /// From memory, once the database was asked how far the log is, many at once.
    Linearizable,
    /// From memory.
    Local,
    /// By a query each: nothing is kept in memory.
    Cold,
}

impl Reads {
    /// As settings of Detente.
    pub(crate) fn settings(self) -> &'static str {
        match self {
            Reads::Linearizable => "",
            Reads::Local => "read_consistency = \"local\"\n",
            Reads::Cold => "read_consistency = \"local\"\ncache_bytes = 0\n",
        }
    }
}

fn has_etcd() -> bool {
    let mut ask = Command::new("etcd");
    let asked = ask.arg("--version").stdout(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

impl Kind {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Kind::Etcd => Dialect::Etcd,
            _ => Dialect::Http,
        }
    }

    /// Whether it is Detente, on whatever store.
    pub(crate) fn is_detente(&self) -> bool {
        matches!(self, Kind::Detente | Kind::Postgres(_) | Kind::Binary(_))
    }

    /// Whether it refuses a write whose base is not the current version.
    pub(crate) fn compares(&self) -> bool {
        self.is_detente() || *self == Kind::Etcd
    }
}

/// Names that stand for no binary.
const OWN: [&str; 6] = [
    "null",
    "file",
    "postgres",
    "postgres-local",
    "postgres-cold",
    "etcd",
];

/// The name under which Detente is measured.
pub(crate) const DETENTE: &str = "detente";
/// The same on PostgreSQL.
pub(crate) const POSTGRES: &str = "postgres";
pub(crate) const ETCD: &str = "etcd";

impl FromStr for Entrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Entrant, String> {
        let (name, kind) = match text.split_once('=') {
            Some((name, _)) if name.is_empty() || OWN.contains(&name) => {
                return Err(format!(
                    "{} are this program's own: name a binary otherwise",
                    OWN.join(", ")
                ));
            }
            Some((name, path)) => (name, Kind::Binary(path.into())),
            None => (
                text,
                match text {
                    "null" => Kind::Null,
                    "file" => Kind::File,
                    DETENTE => Kind::Detente,
                    "postgres" => Kind::Postgres(Reads::Linearizable),
                    "postgres-local" => Kind::Postgres(Reads::Local),
                    "postgres-cold" => Kind::Postgres(Reads::Cold),
                    "etcd" => Kind::Etcd,
                    _ => return Err(format!("{}, {DETENTE}, or NAME=PATH", OWN.join(", "))),
                },
            ),
        };
        Ok(Entrant {
            name: name.to_owned(),
            kind,
        })
    }
}

impl Plan {
    /// The servers that are Detente, on whatever store.
    pub(crate) fn detentes(&self) -> impl Iterator<Item = &Entrant> {
        self.servers
            .iter()
            .filter(|entrant| entrant.kind.is_detente())
    }

    /// Leaves out what this machine does not have, with a word.
    pub(crate) fn leave_out(&mut self) {
        self.servers.retain(|entrant| {
            let is_there = entrant.kind != Kind::Etcd || has_etcd();
            if !is_there {
                eprintln!(
                    "bench: there is no etcd here (Debian's etcd-server); going on without it"
                );
            }
            is_there
        });
    }

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
        let serves = |case: &Case| {
            let alone = [Case::Merge, Case::Judge, Case::Release, Case::Generator];
            !alone.contains(case)
        };
        let serves = self.cases.iter().any(serves);
        for entrant in self.servers.iter().filter(|_| serves) {
            self.check_entrant(entrant)?;
        }
        Ok(())
    }

    fn check_entrant(&self, entrant: &Entrant) -> Result<()> {
        let name = &entrant.name;
        let twins = self.servers.iter().filter(|other| other.name == *name);
        ensure!(twins.count() == 1, "two servers are named {name}");
        let binary = match &entrant.kind {
            Kind::Null | Kind::File | Kind::Stamps | Kind::Etcd => return Ok(()),
            Kind::Detente | Kind::Postgres(_) => self.detente()?,
            Kind::Binary(path) => path.clone(),
        };
        ensure!(
            binary.is_file(),
            "there is no {name} binary at {}: run `cargo build --profile dist`, or name one with --servers {name}=PATH",
            binary.display()
        );
        Ok(())
    }

    /// Whether a server of this name is among those to compare.
    pub(crate) fn measures(&self, name: &str) -> bool {
        self.servers.iter().any(|entrant| entrant.name == name)
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
            ("clients", self.clients.to_string()),
            ("docs", self.docs.to_string()),
            ("runs", self.runs.to_string()),
            ("seconds", self.seconds.as_secs_f64().to_string()),
            ("warmup", self.warmup.as_secs_f64().to_string()),
            ("minimal", self.minimal.to_string()),
        ]
    }

    pub(crate) fn detente(&self) -> Result<PathBuf> {
        let own = self.servers.iter().find(|entrant| entrant.name == DETENTE);
        match (own.map(|entrant| &entrant.kind), &self.detente) {
            (Some(Kind::Binary(path)), _) | (_, Some(path)) => Ok(path.clone()),
            _ => beside_this_program(DETENTE),
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
    fn servers_are_known_by_name_or_by_their_binary() {
        let cases = [
            ("null", Some(("null", Kind::Null))),
            ("detente", Some(("detente", Kind::Detente))),
            ("before=/a/b", Some(("before", Kind::Binary("/a/b".into())))),
            ("detente=x", Some(("detente", Kind::Binary("x".into())))),
            (
                "postgres-cold",
                Some(("postgres-cold", Kind::Postgres(Reads::Cold))),
            ),
            ("etcd", Some(("etcd", Kind::Etcd))),
            ("before", None),
            ("null=/a", None),
            ("etcd=/a", None),
            ("=/a", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(name, kind)| Entrant {
                name: name.to_owned(),
                kind,
            });
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_binary_of_detente_is_the_one_that_was_named() {
        let plan = |servers: &str| {
            let line = ["bench", "--detente", "/a", "--servers", servers];
            Arguments::parse_from(line).plan
        };
        let of = |servers| plan(servers).detente().expect("it was named");
        assert_eq!(of("null,detente"), PathBuf::from("/a"));
        assert_eq!(of("detente=/b,before=/c"), PathBuf::from("/b"));
        assert!(!plan("before=/c").measures(DETENTE));
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
