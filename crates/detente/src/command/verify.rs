use std::collections::HashMap;
use std::path::Path;

use anyhow::anyhow;
use clap::Args;
use detente_sqlite::Sqlite;
use detente_store::{Audit, Store, audit};
use pollster::FutureExt;

use super::Failure;
use super::data::{StoreArgs, refused, rules};
use crate::config::Config;

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
        let found = examine(&store, &config, &data)?;
        let (documents, versions) = (found.documents, found.versions);
        println!(
            "{}: sound; documents: {documents}, versions: {versions}",
            data.display()
        );
        Ok(())
    }
}

/// Looks whether all that is derived agrees with the log. `name` is the store's in messages.
///
/// # Errors
///
/// [`Failure::Findings`] with every fault.
pub(super) fn examine(store: &Sqlite, config: &Config, name: &Path) -> Result<Audit, Failure> {
    let mut judged = HashMap::new();
    for (collection, rules) in rules(config) {
        if store
            .has_keys(collection, rules)
            .map_err(|error| refused(name, error))?
        {
            judged.insert(collection, rules);
        } else {
            println!("{collection}: unique keys not checked; the next start will build them");
        }
    }
    let found = audit(&store.reader(), |name| judged.get(name).copied()).block_on();
    let found = found.map_err(|error| refused(name, error))?;
    if found.faults.is_empty() {
        return Ok(found);
    }
    let count = found.faults.len();
    let noun = if count == 1 { "fault" } else { "faults" };
    Err(Failure::Findings(anyhow!(
        "{count} {noun}\n{}",
        found.faults.join("\n")
    )))
}
