use anyhow::anyhow;
use clap::Args;
use detente_check::Request;
use detente_check::scenario::first;
use http::Method;

use super::api::address;
use super::wire::{Wire, client, run};
use crate::command::Failure;

#[derive(Debug, Args)]
pub(super) struct New {
    /// A resource that is there
    url: String,
    #[command(flatten)]
    wire: Wire,
}

impl New {
    /// Prints a scenario in which two edit the resource, and one wins.
    pub(super) fn run(self) -> Result<(), Failure> {
        let url = address(&self.url).map_err(Failure::Usage)?;
        let actor = client(&self.wire)?.actor("scout");
        let (get, options) = run(async {
            let get = actor.send(Request::get(url.clone())).await?;
            let options = actor
                .send(Request::new(Method::OPTIONS, url.clone()))
                .await?;
            Ok((get, options))
        })?;
        let text = first(&get, Some(&options)).map_err(|error| Failure::Start(anyhow!(error)))?;
        print!("{text}");
        Ok(())
    }
}
