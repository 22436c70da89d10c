use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Subcommand;

use super::Failure;
use super::data::told;
use crate::config;

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Tell every mistake in a configuration at once, with line and column
    #[command(after_help = "Example:\n  detente config check detente.toml")]
    Check {
        /// The configuration
        file: PathBuf,
    },
    /// Print the GraphQL schema that a configuration makes
    #[command(after_help = "Example:\n  detente config graphql detente.toml > schema.graphql")]
    Graphql {
        /// The configuration
        file: PathBuf,
    },
}

impl Config {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check { file } => check(&file),
            Self::Graphql { file } => graphql(&file),
        }
    }
}

fn check(file: &Path) -> Result<(), Failure> {
    match config::load_to_serve(file) {
        Ok((config, _)) => {
            let count = config.policy.collections.len();
            let noun = if count == 1 {
                "collection"
            } else {
                "collections"
            };
            println!("{}: no mistakes; {count} {noun}", file.display());
            if let Some(why) = config.settings.graphql.why_off() {
                println!("GraphQL is off: {why}");
            }
            Ok(())
        }
        Err(mistakes) => Err(Failure::Usage(told(&mistakes))),
    }
}

fn graphql(file: &Path) -> Result<(), Failure> {
    let config = config::load(file).map_err(|mistakes| Failure::Usage(told(&mistakes)))?;
    let graphql = &config.settings.graphql;
    match graphql.sdl() {
        Some(sdl) => {
            print!("{sdl}");
            Ok(())
        }
        None => {
            let file = file.display();
            let why = graphql.why_off().unwrap_or("graphql.enabled is false");
            Err(Failure::Usage(anyhow!("{file}: {why}")))
        }
    }
}
