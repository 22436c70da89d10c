use std::collections::BTreeSet;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use detente_blobs::Blobs;
use detente_core::Seq;
use detente_service::named_contents;
use detente_sqlite::Repair;
use detente_store::{Audit, Damage, Reader, StoreError, audit};

use super::Failure;
use super::data::{StoreArgs, open_contents, rules};
use super::opened::{self, Opened, Place, refused};
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
        let config = self.store.folder.config()?;
        let place = self.store.place(&config)?;
        match &place {
            Place::Folder(data) => self.look_at_files(data)?,
            Place::Database(_) => self.must_not_repair(&place)?,
        }
        let runtime = opened::runtime()?;
        let store = Opened::open_as_it_is(&place, &config, &runtime)?;
        let found = examine(&store, &config, &place)?;
        let data = self.store.folder.data(&config);
        let contents = open_contents(&place, &data, &config)?;
        examine_contents(&store, contents.as_ref(), &place)?;
        let (documents, versions) = (found.documents, found.versions);
        println!("{place}: sound; documents: {documents}, versions: {versions}");
        Ok(())
    }

    fn look_at_files(&self, data: &Path) -> Result<(), Failure> {
        match (&self.repair_from, inspect(data, data)) {
            (Some(copy), Err(Failure::Findings(_))) => repair(data, copy),
            (_, inspected) => inspected,
        }
    }

    fn must_not_repair(&self, database: &Place) -> Result<(), Failure> {
        match self.repair_from {
            None => Ok(()),
            Some(_) => Err(Failure::Usage(anyhow!(
                "{database}: --repair-from mends a data folder; PostgreSQL has its own ways to restore a database"
            ))),
        }
    }
}

/// Looks whether everything in a data folder is as it was written. `name` is the store's in messages.
///
/// # Errors
///
/// [`Failure::Findings`] with all that is not.
pub(super) fn inspect(data: &Path, name: &Path) -> Result<(), Failure> {
    let damage = detente_sqlite::inspect(data).map_err(|error| refused(name.display(), error))?;
    none(damage.iter().map(Damage::to_string).collect())
}

/// Looks whether all that is derived agrees with the log.
///
/// # Errors
///
/// [`Failure::Findings`] with every fault.
pub(super) fn examine(store: &Opened, config: &Config, place: &Place) -> Result<Audit, Failure> {
    let failed = |error| refused(place, error);
    let mut judged = HashMap::new();
    for (collection, rules) in rules(config) {
        if store.has_keys(collection, rules).map_err(failed)? {
            judged.insert(collection, rules);
        } else {
            println!("{collection}: unique keys not checked; the next start will build them");
        }
    }
    let reader = store.reader();
    let before = store.wait(ends(&*reader)).map_err(failed)?;
    let found = store.wait(audit(&*reader, |name| judged.get(name).copied()));
    let mut found = found.map_err(failed)?;
    let faults = std::mem::take(&mut found.faults);
    // What was written in between disagrees with what was read before. A data folder has one process at a
    // time; a database has many.
    if !faults.is_empty() && before != store.wait(ends(&*reader)).map_err(failed)? {
        return Err(Failure::Start(anyhow!(
            "{place}: others wrote to it meanwhile: stop all servers on it first"
        )));
    }
    none(faults)?;
    Ok(found)
}

/// Looks whether the contents of files are where they must be, and as they were written.
fn examine_contents(
    store: &Opened,
    contents: Option<&Blobs>,
    place: &Place,
) -> Result<(), Failure> {
    let reader = store.reader();
    let named = store.wait(named_contents(&*reader));
    let named = named.map_err(|error| refused(place, error))?;
    let mut faults = Vec::new();
    for (hash, size) in named {
        let is_sound = contents.map_or(Ok(false), |contents| contents.is_sound(hash, size));
        let is_sound = is_sound.with_context(|| format!("the content {hash} cannot be read"));
        if !is_sound.map_err(Failure::Start)? {
            faults.push(format!(
                "files: the content {hash} of {size} bytes is missing or damaged"
            ));
        }
    }
    faults.sort();
    none(faults)
}

/// Where the log of each space ends.
async fn ends(reader: &dyn Reader) -> Result<Vec<(Box<str>, Seq)>, StoreError> {
    let collections = reader.collections().await?;
    let spaces: BTreeSet<_> = collections.into_iter().map(|it| it.space).collect();
    let mut ends = Vec::new();
    for space in spaces {
        reader.fresh(&space).await?;
        let last = reader.last_seq(&space);
        ends.push((space, last));
    }
    Ok(ends)
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
