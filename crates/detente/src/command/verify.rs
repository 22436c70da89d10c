use std::collections::HashMap;

use anyhow::anyhow;
use clap::Args;
use detente_store::{Store, audit};
use pollster::FutureExt;

use super::Failure;
use super::data::{StoreArgs, refused, rules};

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    store: StoreArgs,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.store.config()?;
        let data = self.store.data(&config);
        let store = self.store.open_as_it_is(&config)?;
        let mut judged = HashMap::new();
        for (name, rules) in rules(&config) {
            if store
                .has_keys(name, rules)
                .map_err(|error| refused(&data, error))?
            {
                judged.insert(name, rules);
            } else {
                println!("{name}: unique keys not checked; the next start will build them");
            }
        }
        let found = audit(&store.reader(), |name| judged.get(name).copied()).block_on();
        let found = found.map_err(|error| refused(&data, error))?;
        if found.faults.is_empty() {
            let (documents, versions) = (found.documents, found.versions);
            println!(
                "{}: sound; documents: {documents}, versions: {versions}",
                data.display()
            );
            return Ok(());
        }
        let count = found.faults.len();
        let noun = if count == 1 { "fault" } else { "faults" };
        Err(Failure::Findings(anyhow!(
            "{count} {noun}\n{}",
            found.faults.join("\n")
        )))
    }
}
