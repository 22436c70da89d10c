use std::path::PathBuf;

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
}

impl Config {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self::Check { file } = self;
        match config::load_to_serve(&file) {
            Ok((config, _)) => {
                let count = config.policy.collections.len();
                let noun = if count == 1 {
                    "collection"
                } else {
                    "collections"
                };
                println!("{}: no mistakes; {count} {noun}", file.display());
                Ok(())
            }
            Err(mistakes) => Err(Failure::Usage(told(&mistakes))),
        }
    }
}
