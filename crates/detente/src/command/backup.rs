use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use detente_sqlite::{Sqlite, SqliteOptions};

use super::Failure;
use super::data::StoreArgs;
use super::opened::{Opened, Place, refused};
use super::verify::{examine, inspect};

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    store: StoreArgs,
    /// The file to write, which must not exist; to restore it, put it into an empty data folder as detente.db
    file: PathBuf,
}

impl Backup {
    /// The copy gets its name once it was found to be sound.
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.store.folder.config()?;
        let data = match self.store.place(&config)? {
            Place::Folder(data) => data,
            database => return Err(not_for(&database)),
        };
        if self.file.exists() {
            let exists = anyhow!(
                "{} exists; a backup overwrites nothing",
                self.file.display()
            );
            return Err(Failure::Usage(exists));
        }
        let beside = parent(&self.file);
        let folder = tempfile::Builder::new()
            .prefix(".detente-backup-")
            .tempdir_in(beside)
            .with_context(|| format!("cannot write to {}", beside.display()))
            .map_err(Failure::Start)?;
        detente_sqlite::back_up(&data, folder.path())
            .map_err(|error| refused(data.display(), error))?;
        inspect(folder.path(), &self.file)?;
        let copy = Sqlite::open(folder.path(), SqliteOptions::default());
        let copy = copy.map_err(|error| refused(self.file.display(), error))?;
        let copy = Opened::Sqlite(Box::new(copy));
        let found = examine(&copy, &config, &Place::Folder(self.file.clone()))?;
        // Closing it moves its write-ahead log into the one file.
        drop(copy);
        self.keep(&detente_sqlite::database(folder.path()), beside)
            .with_context(|| format!("cannot write {}", self.file.display()))
            .map_err(Failure::Start)?;
        let (documents, versions) = (found.documents, found.versions);
        println!(
            "{}: sound; documents: {documents}, versions: {versions}",
            self.file.display()
        );
        Ok(())
    }

    /// Gives the copy its name, for good.
    fn keep(&self, copy: &Path, beside: &Path) -> std::io::Result<()> {
        File::open(copy)?.sync_all()?;
        // A link, unlike a rename, does not replace what came there meanwhile.
        std::fs::hard_link(copy, &self.file)?;
        File::open(beside)?.sync_all()
    }
}

/// A database has a program of its own for that.
fn not_for(database: &Place) -> Failure {
    Failure::Usage(anyhow!(
        "{database}: `detente backup` copies a data folder; pg_dump copies a database, and `detente export` \
         writes all documents of either"
    ))
}

/// The folder of a file.
fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
