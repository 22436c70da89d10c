use anyhow::anyhow;
use clap::Args;
use detente_store::audit;

use super::Failure;
use super::data::{Place, refused};

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    place: Place,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.place.config()?;
        let data = self.place.data(&config);
        let store = self.place.open(&config)?;
        let rules = |name: &str| {
            config
                .settings
                .collections
                .get(name)
                .map(|it| &it.rules.rules)
        };
        let found = audit(&store, rules).map_err(|error| refused(&data, error))?;
        if found.faults.is_empty() {
            println!(
                "{}: sound; {} documents, {} versions",
                data.display(),
                found.documents,
                found.versions
            );
            return Ok(());
        }
        let count = found.faults.len();
        Err(Failure::Findings(anyhow!(
            "{count} faults\n{}",
            found.faults.join("\n")
        )))
    }
}
