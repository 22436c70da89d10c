use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use detente_core::Stored;
use detente_core::json::{self, Value};
use detente_sqlite::SqliteReader;
use detente_store::{Reader, each_document};
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
        let count = export(&reader, &mut BufWriter::with_capacity(1 << 16, &mut out));
        let count = count.map_err(Failure::Start)?;
        eprintln!("detente: exported {count} documents");
        Ok(())
    }
}

/// Creates the file, which must not exist yet: an export never overwrites anything.
fn create(path: &PathBuf) -> anyhow::Result<File> {
    File::create_new(path).with_context(|| format!("cannot create {}", path.display()))
}

fn export(reader: &dyn Reader, out: &mut impl Write) -> anyhow::Result<u64> {
    let bar = progress::count("documents");
    let mut count = 0;
    for collection in reader.collections().block_on()? {
        let write = |stored: Arc<Stored>| -> anyhow::Result<()> {
            out.write_all(line(&stored).as_bytes())?;
            count += 1;
            bar.set_position(count);
            Ok(())
        };
        each_document(reader, &collection, write).block_on()?;
    }
    out.flush()?;
    bar.finish_and_clear();
    Ok(count)
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
