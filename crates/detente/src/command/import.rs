use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use clap::Args;
use detente_core::json::{self, Pointer, Value};
use detente_core::{Command, Condition, Decision, Edit, Key, Preconditions, Proposal, Refusal};
use detente_service::{Collection, Entry, MAX_ACTOR, Policy, is_actor};
use detente_store::{Reader, WriterHandle};
use futures_util::future::join_all;
use tokio::runtime::Runtime;

use super::data::{self, StoreArgs};
use super::{Failure, opened, progress};

/// How many lines are written at a time.
const WINDOW: usize = 256;

/// How many mistakes are listed; the rest is only counted.
const TOLD: usize = 20;

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    store: StoreArgs,
    /// The file to read; `-` for standard input
    file: PathBuf,
    /// Replace existing documents whose content differs, instead of reporting them
    #[arg(long)]
    replace: bool,
}

/// What happened to the lines.
#[derive(Debug, Default)]
struct Tally {
    written: u64,
    unchanged: u64,
    mistakes: Vec<String>,
    untold: u64,
}

impl Tally {
    fn mistake(&mut self, line: u64, message: &str) {
        if self.mistakes.len() < TOLD {
            self.mistakes.push(format!("line {line}: {message}"));
        } else {
            self.untold += 1;
        }
    }

    fn report(&self) -> String {
        let mut text = self.mistakes.join("\n");
        if self.untold > 0 {
            text.push_str(&format!("\nand {} more", self.untold));
        }
        text
    }
}

impl Import {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.store.folder.config()?;
        let place = self.store.place(&config)?;
        let mut file = self.open().map_err(Failure::Usage)?;
        // Everything is read and checked before anything is written.
        check(&config.policy, &mut file).map_err(Failure::Usage)?;
        file.seek(SeekFrom::Start(0))
            .map_err(|error| Failure::Usage(error.into()))?;
        let runtime = opened::runtime()?;
        let store = data::open(&place, &config, &runtime)?;
        let reader = store.reader();
        let writer = store.start(WINDOW);
        let writer = writer.map_err(|error| Failure::Start(error.into()))?;
        let job = Job {
            policy: &config.policy,
            reader,
            writer: writer.handle(),
            replace: self.replace,
        };
        let tally = job.run(&mut file, &runtime).map_err(Failure::Start)?;
        drop(job);
        writer
            .join()
            .map_err(|error| Failure::Start(error.into()))?;
        eprintln!(
            "detente: {} documents written, {} unchanged",
            tally.written, tally.unchanged
        );
        if tally.mistakes.is_empty() {
            return Ok(());
        }
        Err(Failure::Findings(anyhow!(
            "some documents were not written\n{}",
            tally.report()
        )))
    }

    /// Opens a file that can be read twice. Anything else, such as a pipe, is copied into one first.
    fn open(&self) -> anyhow::Result<File> {
        if self.file.as_os_str() == "-" {
            return copy(&mut io::stdin().lock());
        }
        let mut file = File::open(&self.file)
            .with_context(|| format!("cannot open {}", self.file.display()))?;
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            copy(&mut file)
        }
    }
}

/// Copies something that can be read only once into a file that can be read twice.
fn copy(from: &mut impl io::Read) -> anyhow::Result<File> {
    let mut copy = tempfile::tempfile().context("cannot make a temporary file")?;
    io::copy(from, &mut copy).context("cannot read the documents")?;
    copy.seek(SeekFrom::Start(0))?;
    Ok(copy)
}

/// Calls `visit` with each line that is not blank, and its number from 1.
fn each_line(
    file: &mut File,
    what: &str,
    mut visit: impl FnMut(u64, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let bar = progress::bytes(file.metadata()?.len(), what);
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        number += 1;
        bar.inc(length as u64);
        let text =
            std::str::from_utf8(&line).with_context(|| format!("line {number} is not UTF-8"))?;
        if !text.trim().is_empty() {
            visit(number, text)?;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn check(policy: &Policy, file: &mut File) -> anyhow::Result<()> {
    let mut tally = Tally::default();
    each_line(file, "checking", |number, text| {
        if let Err(error) = Line::parse(policy, text) {
            tally.mistake(number, &format!("{error:#}"));
        }
        Ok(())
    })?;
    if tally.mistakes.is_empty() {
        return Ok(());
    }
    bail!("nothing was imported\n{}", tally.report());
}

/// One document of the file.
struct Line {
    key: Key,
    by: Arc<str>,
    proposal: Proposal,
    collection: Arc<Collection>,
}

impl Line {
    fn parse(policy: &Policy, text: &str) -> anyhow::Result<Self> {
        let value = json::parse_enclosing(text.trim_end().as_bytes(), 1)?;
        let member = |name: &str| match value.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(anyhow!("{name:?} must be a string")),
        };
        let needed = |name: &str| member(name)?.with_context(|| format!("{name:?} is missing"));
        let (collection, id) = (needed("collection")?, needed("id")?);
        let key = Key::of_any(member("space")?.unwrap_or("default"), collection, id)?;
        let by = member("updated_by")?.unwrap_or("import");
        if !is_actor(by) {
            bail!("\"updated_by\" must be 1 to {MAX_ACTOR} bytes without control characters");
        }
        let declared = policy.collection(collection);
        let declared =
            declared.with_context(|| format!("there is no collection {collection:?}"))?;
        let data = value.get("data").context("\"data\" is missing")?;
        if data.as_object().is_none() {
            bail!("\"data\" must be an object");
        }
        if key.is_of_files() && Entry::read(data).is_none() {
            bail!("\"data\" must be what an export says of a file or a folder");
        }
        // The exact text in the line, which the tree does not preserve.
        let body =
            json::find(text, &Pointer::root().child("data")).context("\"data\" is missing")?;
        let body = Bytes::copy_from_slice(body.as_bytes());
        let proposal = Proposal::check(&declared.rules.rules, body, Some(data.clone()));
        let proposal = proposal.map_err(|violations| {
            let rows = violations
                .iter()
                .map(|it| format!("{}: {}", it.path, it.message));
            anyhow!("{}", rows.collect::<Vec<_>>().join("; "))
        })?;
        Ok(Self {
            key,
            by: by.into(),
            proposal,
            collection: Arc::clone(declared),
        })
    }
}

struct Job<'a> {
    policy: &'a Policy,
    reader: Arc<dyn Reader>,
    writer: WriterHandle,
    replace: bool,
}

/// What happened to one line.
enum Imported {
    Written,
    Unchanged,
    Refused(String),
}

impl Job<'_> {
    fn run(&self, file: &mut File, runtime: &Runtime) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        let mut window = Vec::with_capacity(WINDOW);
        let mut keys = HashSet::new();
        each_line(file, "importing", |number, text| {
            let line = Line::parse(self.policy, text)?;
            // Of two lines for one document the second is judged by what the first left.
            let is_again = !keys.insert(line.key.clone());
            if window.len() == WINDOW || is_again {
                runtime.block_on(self.settle(&mut window, &mut tally))?;
                keys = HashSet::from([line.key.clone()]);
            }
            window.push((number, line));
            Ok(())
        })?;
        runtime.block_on(self.settle(&mut window, &mut tally))?;
        Ok(tally)
    }

    async fn settle(&self, window: &mut Vec<(u64, Line)>, tally: &mut Tally) -> anyhow::Result<()> {
        let numbers: Vec<u64> = window.iter().map(|(number, _)| *number).collect();
        let writes = window.drain(..).map(|(_, line)| self.write(line));
        for (number, outcome) in numbers.into_iter().zip(join_all(writes).await) {
            match outcome? {
                Imported::Written => tally.written += 1,
                Imported::Unchanged => tally.unchanged += 1,
                Imported::Refused(why) => tally.mistake(number, &why),
            }
        }
        Ok(())
    }

    async fn write(&self, line: Line) -> anyhow::Result<Imported> {
        let body = line.proposal.body.clone();
        let edit = Edit::Restore(line.proposal);
        let mut command = Command {
            preconditions: Preconditions {
                if_none_match: Some(Condition::Any),
                ..Preconditions::default()
            },
            ..Command::new(line.key, edit, line.by)
        };
        let rules = &line.collection.rules;
        let decision = self
            .writer
            .write(command.clone(), Arc::clone(rules))
            .await?;
        let refusal = match decision {
            Decision::Apply(_) => return Ok(Imported::Written),
            Decision::Refuse(refusal) => *refusal,
            Decision::Behind(_) => unreachable!("nothing of an import is worked out ahead"),
        };
        let Refusal::PreconditionFailed { head, .. } = refusal else {
            return Ok(Imported::Refused(explain(&refusal)));
        };
        let stored = self.reader.version(command.key.space(), head.seq).await?;
        if stored.is_some_and(|stored| stored.body == body) {
            return Ok(Imported::Unchanged);
        }
        if !self.replace {
            let why = format!(
                "{:?} exists with different content; use --replace to overwrite it",
                command.key
            );
            return Ok(Imported::Refused(why));
        }
        command.preconditions = Preconditions {
            if_match: Some(Condition::Any),
            ..Preconditions::default()
        };
        Ok(match self.writer.write(command, Arc::clone(rules)).await? {
            Decision::Apply(_) => Imported::Written,
            Decision::Refuse(refusal) => Imported::Refused(explain(&refusal)),
            Decision::Behind(_) => unreachable!("nothing of an import is worked out ahead"),
        })
    }
}

fn explain(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Duplicate { duplicates, .. } => {
            let messages = duplicates.iter().map(|duplicate| duplicate.message.clone());
            messages.collect::<Vec<_>>().join("; ")
        }
        Refusal::State { conflict, .. } => conflict.message.clone(),
        Refusal::Locked { lock } => format!("{} holds the lock of this document", lock.owner),
        other => format!("{other:?}"),
    }
}
