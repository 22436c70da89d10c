//! The commands of the program.

mod backup; // a copy of the store, found sound
mod check; // the tester
mod check_config; // config check
mod control; // how commands talk with a server on this machine
mod data; // which store a command works on
mod door; // who may come in, by flags
mod export; // documents out, one per line
mod import; // documents in, one per line
mod manual; // completions for shells, pages of the manual
mod opened; // either store, and what commands need of one
mod progress; // progress, on a terminal
mod race; // the tester, but one race
mod reload; // the configuration, read again
mod serve; // the server
mod shutdown; // the first signal, and a second one
mod tls; // the certificate, by flags
mod token; // secrets for clients
mod verify; // whether derived data agrees with the log

use std::fmt;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A data server in which no write is ever lost.
#[derive(Debug, Parser)]
#[command(name = "detente", version, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve documents over HTTP
    #[command(
        after_help = "Example:\n  detente serve --config detente.toml --listen 127.0.0.1:4090"
    )]
    Serve(Box<serve::Serve>),
    /// Find lost updates, races and poor conflict answers in any HTTP API
    #[command(
        after_help = "Examples:\n  detente check http://127.0.0.1:4090/spaces/check/api/documents/1\n  detente check http://127.0.0.1:8080/articles/1 --create 'POST /articles' --body article.json\n  detente check --openapi openapi.yaml --base http://127.0.0.1:8080\n  detente check orders.yaml --var base=http://127.0.0.1:8080 --report html=report.html\n  detente check --history history.jsonl"
    )]
    Check(Box<check::Check>),
    /// Release requests together, and count the answers
    #[command(
        after_help = "Example:\n  detente race -n 32 -X PUT -H 'If-Match: \"7\"' -d @body.json http://127.0.0.1:8080/articles/1"
    )]
    Race(race::Race),
    /// Check a configuration
    #[command(subcommand)]
    Config(check_config::Config),
    /// Have the server that runs on a data folder read its configuration again
    #[command(after_help = "Example:\n  detente reload --config detente.toml")]
    Reload(reload::Reload),
    /// Make secrets for clients
    #[command(subcommand)]
    Token(token::Token),
    /// Write all documents to a file, one per line; the server may be running
    #[command(after_help = "Example:\n  detente export --data detente-data --output backup.ndjson")]
    Export(export::Export),
    /// Read documents from a file that `export` wrote
    #[command(after_help = "Example:\n  detente import --data new-data backup.ndjson")]
    Import(import::Import),
    /// Copy the store into a file, and check the copy; the server may be running
    #[command(after_help = "Example:\n  detente backup --data detente-data notes-2026-11-29.db")]
    Backup(backup::Backup),
    /// Check that everything is as it was written, and that what is derived agrees with the log
    #[command(
        after_help = "Examples:\n  detente verify --config detente.toml\n  detente verify --data detente-data --repair-from notes-2026-11-29.db"
    )]
    Verify(verify::Verify),
    /// Print a script that completes commands and flags in a shell
    #[command(
        after_help = "Example:\n  detente completions bash > /usr/share/bash-completion/completions/detente"
    )]
    Completions(manual::Completions),
    /// Print the manual, or write a page for each command
    #[command(after_help = "Example:\n  detente man /usr/local/share/man/man1")]
    Man(manual::Man),
}

/// How a command fails; determines the exit code.
#[derive(Debug)]
pub enum Failure {
    /// It ran, and found something.
    Findings(anyhow::Error),
    /// The arguments or the configuration are wrong.
    Usage(anyhow::Error),
    /// It could not reach or start something.
    Start(anyhow::Error),
    /// A signal ended it early.
    Interrupted,
}

impl Failure {
    /// The status that the program ends with.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Findings(_) => 1,
            Self::Usage(_) => 2,
            Self::Start(_) => 3,
            // By the convention of shells: 128 plus the number of the signal.
            Self::Interrupted => 130,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Findings(error) | Self::Usage(error) | Self::Start(error) => {
                write!(f, "{error:#}")
            }
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// Runs the command.
///
/// # Errors
///
/// [`Failure`], with the text to show to the user.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Serve(serve) => serve.run(),
        Command::Check(check) => check.run(),
        Command::Race(race) => race.run(),
        Command::Config(config) => config.run(),
        Command::Reload(reload) => reload.run(),
        Command::Token(token) => token.run(),
        Command::Export(export) => export.run(),
        Command::Import(import) => import.run(),
        Command::Backup(backup) => backup.run(),
        Command::Verify(verify) => verify.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}
