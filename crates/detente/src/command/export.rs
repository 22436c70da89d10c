use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Args;
use detente_core::json::{self, Value};
use detente_core::{CollectionKey, Stored};
use detente_sqlite::SqliteReader;
use detente_store::{Damage, Reader, StoreError, each_document};
use pollster::FutureExt;
use tokio::runtime::Runtime;

use super::data::StoreArgs;
use super::opened::{self, Opened, Place, refused};
use super::{Failure, progress};
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    store: StoreArgs,
    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.store.folder.config()?;
        let place = self.store.place(&config)?;
        let runtime = opened::runtime()?;
        let source = Source::open(&place, &config, &runtime)?;
        let mut out: Box<dyn Write> = match &self.output {
            Some(path) => Box::new(create(path).map_err(Failure::Usage)?),
            None => Box::new(io::stdout().lock()),
        };
        let exported = export(&source, &mut BufWriter::with_capacity(1 << 16, &mut out));
        let Exported { count, damage } = exported.map_err(Failure::Start)?;
        eprintln!("detente: exported {count} documents");
        if damage.is_empty() {
            return Ok(());
        }
        let left_out: Vec<_> = damage.iter().map(Damage::to_string).collect();
        let count = left_out.len();
        Err(Failure::Findings(anyhow!(
            "left out, because it is damaged: {count}\n{}",
            left_out.join("\n")
        )))
    }
}

/// What is read, while servers write to it: one state of a data folder, or a database, of which each page is
/// one state.
enum Source {
    Folder(SqliteReader),
    Database(Opened),
}

/// Called with each document, or with what stands in its way.
type Visit<'a> = dyn FnMut(Result<Arc<Stored>, Damage>) -> io::Result<()> + 'a;

impl Source {
    fn open(place: &Place, config: &Config, runtime: &Runtime) -> Result<Self, Failure> {
        match place {
            Place::Folder(data) => {
                let reader = SqliteReader::open(data).map_err(|error| refused(place, error))?;
                Ok(Self::Folder(reader))
            }
            Place::Database(_) => Opened::open_as_it_is(place, config, runtime).map(Self::Database),
        }
    }

    fn collections(&self) -> Result<Vec<CollectionKey>, StoreError> {
        match self {
            Self::Folder(reader) => reader.collections().block_on(),
            Self::Database(opened) => opened.wait(opened.reader().collections()),
        }
    }

    fn each(&self, collection: &CollectionKey, visit: &mut Visit<'_>) -> anyhow::Result<()> {
        match self {
            Self::Folder(reader) => salvage(reader, collection, visit),
            Self::Database(opened) => opened.wait(walk(&*opened.reader(), collection, visit)),
        }
    }
}

fn salvage(
    reader: &SqliteReader,
    collection: &CollectionKey,
    visit: &mut Visit<'_>,
) -> anyhow::Result<()> {
    let mut visited = Ok(());
    reader.salvage(collection, |found| {
        visited = visit(found);
        match visited {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    Ok(visited?)
}

async fn walk(
    reader: &dyn Reader,
    collection: &CollectionKey,
    visit: &mut Visit<'_>,
) -> anyhow::Result<()> {
    reader.fresh(&collection.space).await?;
    each_document(reader, collection, |stored| Ok(visit(Ok(stored))?)).await
}

#[derive(Default)]
struct Exported {
    count: u64,
    /// What stands in the way of a document each.
    damage: Vec<Damage>,
}

/// Creates the file, which must not exist yet: an export never overwrites anything.
fn create(path: &PathBuf) -> anyhow::Result<File> {
    File::create_new(path).with_context(|| format!("cannot create {}", path.display()))
}

fn export(source: &Source, out: &mut impl Write) -> anyhow::Result<Exported> {
    let bar = progress::count("documents");
    let mut exported = Exported::default();
    for collection in source.collections()? {
        source.each(&collection, &mut |found| {
            match found {
                Ok(stored) => {
                    out.write_all(line(&stored).as_bytes())?;
                    exported.count += 1;
                    bar.set_position(exported.count);
                }
                Err(damage) => exported.damage.push(damage),
            }
            Ok(())
        })?;
    }
    out.flush()?;
    bar.finish_and_clear();
    Ok(exported)
}

/// One document on one line, with digits and the order of members as they were sent.
fn line(stored: &Stored) -> String {
    let quoted = |text: &str| Value::from(text).to_text();
    format!(
        "{{\"space\":{},\"collection\":{},\"id\":{},\"version\":{},\"updated_at\":{},\"updated_by\":{},\"data\":{}}}\n",
        quoted(stored.key.space()),
        quoted(stored.key.collection()),
        quoted(stored.key.id()),
        stored.version,
        quoted(&stored.at.to_string()),
        quoted(&stored.by),
        json::compact(stored.text()),
    )
}
