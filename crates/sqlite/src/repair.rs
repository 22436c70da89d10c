//! A store written anew from what is sound of it, with what is damaged taken from a copy.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use detente_core::Seq;
use detente_store::Damage;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::append::{MILESTONE, Sqlite, SqliteOptions};
use crate::inspect;
use crate::layout::{self, Claimed};
use crate::marker::Marker;
use crate::open::OpenError;
use crate::pruned;
use crate::row::{last_seq, signed, unsigned};
use crate::seal::{CONFLICTS, LOCKS, MERGES, RECEIPTS, Table, VERSIONS};

/// Where it is written, until it is whole.
const UNFINISHED: &str = "repaired.db";
/// What the damaged database is called afterwards.
const DAMAGED: &str = "damaged.db";

/// Past any fencing number that may have been given out since, where nobody knows the last.
const FENCING_LEAP: u64 = 1 << 32;

/// What a repair came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// How many rows were taken from the copy.
    pub taken: u64,
    /// Versions that the copy does not have as they were written. If there are any, nothing was
    /// changed.
    pub lost: Vec<Damage>,
    /// What beside the log could not be restored, and is left out.
    pub left_out: Vec<Damage>,
    /// Where the damaged database is kept.
    pub damaged: PathBuf,
}

/// Writes the store in `data` anew. Versions that are damaged are taken from `copy`, a
/// database or a folder with one, where it has them as they were written; what is derived from the
/// log is derived again.
///
/// # Errors
///
/// [`OpenError`] if one of the two cannot be read, or the copy is damaged, too. Nothing is changed.
pub fn repair(data: &Path, copy: &Path) -> Result<Repair, OpenError> {
    let database = layout::existing_in(data)?;
    let claimed = Claimed::new(data)?;
    let damaged = data.join(DAMAGED);
    let copied = match copy.is_file() {
        true => copy.to_owned(),
        false => layout::existing_in(copy)?,
    };
    let sound = layout::open_reader(&copied)?;
    if let Some(damage) = inspect::look(&sound)?.into_iter().next() {
        return Err(Failure::lost(damage).into());
    }
    let new = data.join(UNFINISHED);
    remove(&new, data)?;
    let mut work = Work {
        source: layout::open_reader(&database)?,
        copy: sound,
        target: layout::open_writer(&new)?,
        repair: Repair {
            damaged: damaged.clone(),
            ..Repair::default()
        },
    };
    work.run()?;
    let repair = std::mem::take(&mut work.repair);
    drop(work);
    if !repair.lost.is_empty() {
        remove(&new, data)?;
        return Ok(repair);
    }
    exchange(data, &database, &new, &damaged)?;
    // Opened once: the heads go to their table.
    drop(claimed);
    let mut store = Sqlite::open(data, SqliteOptions::default())?;
    detente_store::Store::close(&mut store)?;
    Ok(repair)
}

fn beside(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        name.into()
    })
}

fn remove(path: &Path, data: &Path) -> Result<(), OpenError> {
    for file in beside(path) {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(OpenError::folder(data, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Puts the new database in place of the damaged one, whose newest writes may be beside it.
fn exchange(data: &Path, old: &Path, new: &Path, damaged: &Path) -> Result<(), OpenError> {
    let fail = |error| OpenError::folder(data, error);
    for (from, to) in beside(old).iter().zip(beside(damaged)) {
        if from.exists() {
            fs::rename(from, to).map_err(fail)?;
        }
    }
    fs::rename(new, old).map_err(fail)?;
    fs::File::open(data)
        .and_then(|folder| folder.sync_all())
        .map_err(fail)
}

struct Work {
    source: Connection,
    copy: Connection,
    target: Connection,
    repair: Repair,
}

/// The values of a row: all columns of its table.
type Values = Vec<Value>;

impl Work {
    fn run(&mut self) -> Result<(), Failure> {
        self.target.execute_batch("BEGIN")?;
        for table in [&VERSIONS, &LOCKS, &RECEIPTS, &CONFLICTS, &MERGES] {
            match self.copy_table(table) {
                Err(failure) if failure.damage().is_some() => self.cannot_read(table, &failure),
                copied => copied?,
            }
        }
        let pruned = self.fill_gaps()?;
        let fencing = self.fencing()?;
        let marker = Marker {
            heads_through: 0,
            fencing,
            pruned,
            ..Marker::read(&self.target)?
        };
        marker.write(&self.target)?;
        self.target.execute_batch("COMMIT")?;
        self.target
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Past a page that cannot be read, versions are taken from the copy; of the rest nothing is known.
    fn cannot_read(&mut self, table: &Table, failure: &Failure) {
        if table.name != VERSIONS.name
            && let Some(damage) = failure.damage()
        {
            let what = format!("the rest of {}: {damage}", table.name);
            self.repair.left_out.push(what.into());
        }
    }

    fn copy_table(&mut self, table: &'static Table) -> Result<(), Failure> {
        let sql = format!("SELECT {} FROM {} NOT INDEXED", table.columns(), table.name);
        let mut statement = self.source.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let values = values(row, table)?;
            let is_sound = table.holds(row, 0)?
                && (table.content.is_none() || table.content(row, 0)?.is_some());
            if is_sound {
                insert(&self.target, table, &values)?;
                continue;
            }
            match find_in(&self.copy, table, &values)? {
                Some(sound) => {
                    insert(&self.target, table, &sound)?;
                    self.repair.taken += 1;
                }
                // It may still be found by its place.
                None if table.name == VERSIONS.name => {}
                None => self.repair.left_out.push(inspect::name(table, row)?),
            }
        }
        Ok(())
    }

    /// Looks for the versions that are missing, and returns how many are kept no longer.
    fn fill_gaps(&mut self) -> Result<u64, Failure> {
        // As far as the log is known to have gone.
        let through = Marker::read(&self.source).map_or(0, |marker| marker.heads_through);
        let last = last_seq(&self.target)?.max(through);
        let mut gone = Vec::new();
        let mut statement = self
            .target
            .prepare("SELECT seq FROM versions ORDER BY seq")?;
        let mut present: Vec<Seq> = statement
            .query_map([], |row| unsigned(row, 0))?
            .collect::<Result<_, _>>()?;
        drop(statement);
        present.push(last + 1);
        let mut next = 1;
        for seq in present {
            for missing in next..seq {
                if pruned::explain(&self.source, missing, missing + 1).is_ok() {
                    gone.push(missing);
                } else if let Some(sound) = self.found_in_copy(missing)? {
                    insert(&self.target, &VERSIONS, &sound)?;
                    self.repair.taken += 1;
                } else {
                    self.repair.lost.push(Damage::at(missing));
                }
            }
            next = seq + 1;
        }
        pruned::note(&self.target, &gone)?;
        Ok(gone.len() as u64)
    }

    /// A version by its place alone, where the copy agrees about what stands next to it.
    fn found_in_copy(&self, seq: Seq) -> Result<Option<Values>, Failure> {
        let neighbour = |sql: &str| -> Result<Option<(i64, i64)>, Failure> {
            let found = self
                .target
                .query_row(sql, [signed(seq)], |row| Ok((row.get(0)?, row.get(1)?)));
            Ok(found.optional()?)
        };
        let before = "SELECT seq, seal FROM versions WHERE seq < ?1 ORDER BY seq DESC LIMIT 1";
        let after = "SELECT seq, seal FROM versions WHERE seq > ?1 ORDER BY seq LIMIT 1";
        let mut agreeing = 0;
        for (place, seal) in [neighbour(before)?, neighbour(after)?]
            .into_iter()
            .flatten()
        {
            let same = "SELECT seal = ?2 FROM versions WHERE seq = ?1";
            let same = self.copy.query_row(same, [place, seal], |row| row.get(0));
            match same.optional()? {
                Some(true) => agreeing += 1,
                Some(false) => return Ok(None),
                None => {}
            }
        }
        if agreeing == 0 {
            return Ok(None);
        }
        let sql = format!("SELECT {} FROM versions WHERE seq = ?1", VERSIONS.columns());
        let mut statement = self.copy.prepare_cached(&sql)?;
        let mut rows = statement.query([signed(seq)])?;
        rows.next()?.map(|row| values(row, &VERSIONS)).transpose()
    }

    fn fencing(&self) -> Result<u64, Failure> {
        if let Ok(marker) = Marker::read(&self.source) {
            return Ok(marker.fencing);
        }
        let largest = "SELECT coalesce(max(fencing), 0) FROM locks";
        let held: i64 = self.target.query_row(largest, [], |row| row.get(0))?;
        let known = Marker::read(&self.copy)?.fencing.max(held.unsigned_abs());
        Ok(known + FENCING_LEAP)
    }
}

fn values(row: &Row<'_>, table: &Table) -> Result<Values, Failure> {
    let count = table.sealed.len() + 1 + usize::from(table.content.is_some());
    let values = (0..count).map(|column| row.get::<_, Value>(column));
    Ok(values.collect::<Result<_, _>>()?)
}

fn insert(target: &Connection, table: &Table, values: &Values) -> Result<(), Failure> {
    let parameters = vec!["?"; values.len()].join(", ");
    let (name, columns) = (table.name, table.columns());
    let sql = format!("INSERT INTO {name} ({columns}) VALUES ({parameters})");
    target
        .prepare_cached(&sql)?
        .execute(params_from_iter(values))?;
    if table.name == VERSIONS.name
        && let (Value::Integer(version), Value::Integer(seq)) = (&values[4], &values[0])
        && version.unsigned_abs().is_multiple_of(MILESTONE)
    {
        let place = [&values[1], &values[2], &values[3]];
        let sql = "INSERT INTO milestones (space, collection, id, version, seq)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let numbers = [Value::Integer(*version), Value::Integer(*seq)];
        let all = place.into_iter().chain(&numbers);
        target.prepare_cached(sql)?.execute(params_from_iter(all))?;
    }
    Ok(())
}

/// A row of the copy that is the one that was damaged: it has the same seal, or, where the seal is
/// what is damaged, says the same.
fn find_in(copy: &Connection, table: &Table, damaged: &Values) -> Result<Option<Values>, Failure> {
    let (name, columns) = (table.name, table.columns());
    let sealed = table.sealed.len();
    let is_it = |it: &Values| it[sealed] == damaged[sealed] || it[..sealed] == damaged[..sealed];
    let keys = &table.sealed[..table.key_len];
    let place: Vec<_> = keys.iter().map(|key| format!("{key} = ?")).collect();
    let by_key = format!("SELECT {columns} FROM {name} WHERE {}", place.join(" AND "));
    let mut statement = copy.prepare_cached(&by_key)?;
    let mut rows = statement.query(params_from_iter(&damaged[..table.key_len]))?;
    if let Some(row) = rows.next()? {
        return Ok(Some(values(row, table)?).filter(is_it));
    }
    // The key is what is damaged. A version is found by its place later on.
    if table.name == VERSIONS.name {
        return Ok(None);
    }
    let by_seal = format!("SELECT {columns} FROM {name} WHERE seal = ?1");
    let mut statement = copy.prepare_cached(&by_seal)?;
    let mut rows = statement.query([&damaged[sealed]])?;
    rows.next()?.map(|row| values(row, table)).transpose()
}
