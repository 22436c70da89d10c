use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use detente_core::Stored;
use detente_core::json::{self, Value};
use detente_sqlite::SqliteReader;
use detente_store::{Damage, Reader};
use pollster::FutureExt;

use super::data::{StoreArgs, refused};
use super::{Failure, progress};

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
        let config = self.store.config()?;
        let data = self.store.data(&config);
        let reader = SqliteReader::open(&data).map_err(|error| refused(&data, error))?;
        let mut out: Box<dyn Write> = match &self.output {
            Some(path) => Box::new(create(path).map_err(Failure::Usage)?),
            None => Box::new(io::stdout().lock()),
        };
        let exported = export(&reader, &mut BufWriter::with_capacity(1 << 16, &mut out));
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

fn export(reader: &SqliteReader, out: &mut impl Write) -> anyhow::Result<Exported> {
    let bar = progress::count("documents");
    let mut exported = Exported::default();
    for collection in reader.collections().block_on()? {
        let mut written = Ok(());
        reader.salvage(&collection, |found| {
            match found {
                Ok(stored) => {
                    written = out.write_all(line(&stored).as_bytes());
                    exported.count += 1;
                    bar.set_position(exported.count);
                }
                Err(damage) => exported.damage.push(damage),
            }
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        written?;
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
