//! `detente check`: its arguments, and what it prints and writes.

mod api; // one resource by its URL, or all that a description has
mod field; // `Name: value` on the command line
mod given; // what the command was told, to tell it again
mod history; // a recorded history
mod new; // a first scenario from a live resource
mod replay; // what failed in an earlier run
mod reporting; // reports, and the exit code
mod suite; // scenarios
mod wire; // how requests get there

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
pub(super) use api::{address, read};
pub(super) use field::{Field, Target};
pub(super) use wire::{Wire, client, run};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(super) struct Check {
    #[command(flatten)]
    given: given::Given,
    #[command(subcommand)]
    command: Option<CheckCommand>,
    /// The URL of one existing resource, or scenarios to run
    #[arg(value_name = "URL | SCENARIO.yaml")]
    targets: Vec<String>,
    /// Create and examine every resource of an OpenAPI description
    #[arg(long, value_name = "FILE | URL", conflicts_with = "targets")]
    openapi: Option<String>,
    /// Judge a recorded history, one operation on each line; nothing is sent
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "openapi"])]
    history: Option<PathBuf>,
    /// Run the failed probes or scenarios of an earlier run again, from its JSON report, with its seed and options
    #[arg(long, value_name = "REPORT.json", conflicts_with_all = ["targets", "openapi", "history"])]
    replay: Option<PathBuf>,
    #[command(flatten)]
    api: api::Api,
    #[command(flatten)]
    suite: suite::Suite,
    #[command(flatten)]
    known: history::Known,
    #[command(flatten)]
    wire: Wire,
    #[command(flatten)]
    reporting: reporting::Reporting,
}

#[derive(Debug, Subcommand)]
enum CheckCommand {
    /// Write a first scenario for a live resource; tries how it can be written
    #[command(
        after_help = "Example:\n  detente check new http://127.0.0.1:4090/api/documents/45 > documents.yaml"
    )]
    New(new::New),
}

impl Check {
    pub(super) fn run(mut self) -> Result<(), Failure> {
        if let Some(CheckCommand::New(new)) = self.command {
            return new.run();
        }
        if let Some(report) = &self.replay {
            return match replay::again(report, &self.given)? {
                Some(check) => check.run(),
                None => {
                    println!("{}: nothing failed", report.display());
                    Ok(())
                }
            };
        }
        self.reporting.arguments = self.given.kept();
        self.reporting.credentials = self.given.credentials();
        self.reporting.is_writable()?;
        if let Some(file) = &self.history {
            return history::judge_file(file, &self.known, &self.reporting);
        }
        if let Some(description) = &self.openapi {
            return self
                .api
                .examine_description(description, &self.wire, &self.reporting);
        }
        match &self.targets[..] {
            [] => Err(Failure::Usage(anyhow::anyhow!(
                "nothing to check: give the URL of a resource, scenarios, --openapi or --history; see detente \
                 check --help"
            ))),
            [url] if is_url(url) => {
                self.suite.is_not_given()?;
                self.api.examine(url, &self.wire, &self.reporting)
            }
            [_, ..] if self.targets.iter().any(|target| is_url(target)) => {
                Err(Failure::Usage(anyhow::anyhow!(
                    "give either one URL or scenarios; use --base for a resource on several servers, and \
                     --openapi for several resources"
                )))
            }
            files => self
                .suite
                .run(files, self.api.seed, &self.wire, &mut self.reporting),
        }
    }
}

fn is_url(target: &str) -> bool {
    target.starts_with("http://") || target.starts_with("https://")
}
