use clap::Args;
use detente_check::scenario::{NoFirst, first};

use super::api::{address, chance};
use super::wire::{Wire, client, run_and_restore};
use crate::command::Failure;

#[derive(Debug, Args)]
pub(super) struct New {
    /// The URL of an existing resource
    url: String,
    #[command(flatten)]
    wire: Wire,
}

impl New {
    /// Prints a scenario in which two clients edit the resource and one wins. It writes the resource to find out how.
    pub(super) fn run(self) -> Result<(), Failure> {
        let url = address(&self.url).map_err(Failure::Usage)?;
        let client = client(&self.wire)?;
        let work = first(&client, &url, chance() as u32);
        let found = run_and_restore(&client, async {
            match work.await {
                Ok(found) => Ok(Ok(found)),
                Err(NoFirst::Stopped(stop)) => Err(stop),
                Err(other) => Ok(Err(other)),
            }
        })?;
        let first = found.map_err(|error| Failure::Start(error.into()))?;
        print!("{}", first.text);
        if !first.is_restored {
            eprintln!("detente: warning: {url} could not be put back as it was");
        }
        Ok(())
    }
}
