use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use detente_sqlite::{Repair, Sqlite};
use detente_store::{Audit, Damage, Store, audit};
use pollster::FutureExt;

use super::Failure;
use super::data::{StoreArgs, refused, rules};
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    store: StoreArgs,
    /// Take what is damaged from this backup, a file or a data folder, where it has it as it was written
    #[arg(long, value_name = "BACKUP")]
    repair_from: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.store.config()?;
        let data = self.store.data(&config);
        match (&self.repair_from, inspect(&data, &data)) {
            (Some(copy), Err(Failure::Findings(_))) => repair(&data, copy)?,
            (_, inspected) => inspected?,
        }
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

/// Looks whether everything in a data folder is as it was written. `name` is the store's in messages.
///
/// # Errors
///
/// [`Failure::Findings`] with all that is not.
pub(super) fn inspect(data: &Path, name: &Path) -> Result<(), Failure> {
    let damage = detente_sqlite::inspect(data).map_err(|error| refused(name, error))?;
    none(damage.iter().map(Damage::to_string).collect())
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
    let mut found = found.map_err(|error| refused(name, error))?;
    none(std::mem::take(&mut found.faults))?;
    Ok(found)
}

/// There must be no fault.
fn none(faults: Vec<String>) -> Result<(), Failure> {
    let noun = match faults.len() {
        0 => return Ok(()),
        1 => "fault",
        _ => "faults",
    };
    let count = faults.len();
    Err(Failure::Findings(anyhow!(
        "{count} {noun}\n{}",
        faults.join("\n")
    )))
}

fn repair(data: &Path, copy: &Path) -> Result<(), Failure> {
    let Repair {
        taken,
        lost,
        left_out,
        damaged,
    } = detente_sqlite::repair(data, copy).map_err(|error| {
        let error = anyhow!("{error}");
        Failure::Start(error.context(format!("cannot repair from {}", copy.display())))
    })?;
    if !lost.is_empty() {
        eprintln!("detente: nothing was changed: the backup does not have all that is damaged");
    }
    none(lost.iter().map(Damage::to_string).collect())?;
    println!("rows taken from the backup: {taken}");
    for damage in left_out {
        println!("left out: {damage}");
    }
    println!("the damaged database is kept as {}", damaged.display());
    Ok(())
}
