//! Whether everything is as it was written, row by row.

use crate::failure::Failure;
use std::collections::HashSet;
use std::path::Path;

use detente_core::Key;
use detente_store::Damage;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::layout::Claimed;
use crate::mark::{Marked, Sequel};
use crate::marker::Marker;
use crate::open::OpenError;
use crate::row::unsigned;
use crate::seal::{TABLES, Table, VERSIONS};
use crate::{history, layout, pruned, row};

/// How many faults SQLite is asked for.
const STRUCTURAL: usize = 1000;

/// Names everything in the store in the folder `data` that is not as it was written, and what two
/// places say differently. Reads all of it, also where it is too damaged to be opened.
///
/// # Errors
///
/// [`OpenError`] if there is no store, or it is in use.
pub fn inspect(data: &Path) -> Result<Vec<Damage>, OpenError> {
    let database = layout::existing_in(data)?;
    let _claimed = Claimed::new(data)?;
    let connection = layout::open_reader(&database)?;
    let mut found = look(&connection)?;
    found.extend(shortened(data, &database, &connection)?);
    Ok(found)
}

/// Whether the log ends before what the mark beside it says was there.
fn shortened(
    data: &Path,
    database: &Path,
    connection: &Connection,
) -> Result<Option<Damage>, Failure> {
    let Some(marked) = Marked::read(data) else {
        return Ok(None);
    };
    let last = row::last_seq(connection)?;
    Ok(match marked.compare(database, last, |_| None) {
        Sequel::Shorter(marked) => Some(Damage::Other(format!(
            "the log ends at seq {last}, though seq {marked} was there: its write-ahead log is damaged or was \
             deleted, or an older copy was put back"
        ))),
        Sequel::Same | Sequel::Other => None,
    })
}

/// The same, over a connection.
pub(crate) fn look(connection: &Connection) -> Result<Vec<Damage>, Failure> {
    let _moment = layout::one_moment(connection)?;
    let mut found = Vec::new();
    structure(connection, &mut found)?;
    if let Err(failure) = compare_marker(connection) {
        keep(failure, &mut found)?;
    }
    for table in TABLES {
        if let Err(failure) = rows(connection, table, &mut found) {
            keep(failure, &mut found)?;
        }
    }
    for check in [log, milestones, probe] {
        if let Err(failure) = check(connection, &mut found) {
            keep(failure, &mut found)?;
        }
    }
    let mut seen = HashSet::new();
    found.retain(|damage| seen.insert(damage.clone()));
    Ok(found)
}

/// Damage is a finding; any other failure ends the search.
fn keep(failure: Failure, found: &mut Vec<Damage>) -> Result<(), Failure> {
    match failure.damage() {
        Some(damage) => found.push(damage.clone()),
        None => return Err(failure),
    }
    Ok(())
}

/// What SQLite finds wrong with its pages and indexes.
fn structure(connection: &Connection, found: &mut Vec<Damage>) -> Result<(), Failure> {
    let sql = format!("PRAGMA integrity_check({STRUCTURAL})");
    let read = || -> Result<Vec<String>, rusqlite::Error> {
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.collect()
    };
    match read().map_err(Failure::from) {
        Ok(lines) => {
            let faults = lines.into_iter().filter(|line| line != "ok");
            found.extend(faults.map(Damage::Other));
            Ok(())
        }
        Err(failure) => keep(failure, found),
    }
}

fn compare_marker(connection: &Connection) -> Result<(), Failure> {
    let marker = Marker::read(connection)?;
    let bits = pruned::count(connection)?;
    match marker.pruned == bits {
        true => Ok(()),
        false => Err(Failure::damaged(format!(
            "{} versions are said to be kept no longer, {bits} are noted",
            marker.pruned
        ))),
    }
}

fn rows(
    connection: &Connection,
    table: &'static Table,
    found: &mut Vec<Damage>,
) -> Result<(), Failure> {
    // By the table itself: an index may lack what is lost.
    let sql = format!("SELECT {} FROM {} NOT INDEXED", table.columns(), table.name);
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !table.holds(row, 0)? {
            found.push(name(table, row)?);
        } else if table.content.is_some() && table.content(row, 0)?.is_none() {
            found.push(match table.name == VERSIONS.name {
                true => content(row)?,
                false => name(table, row)?,
            });
        }
    }
    Ok(())
}

/// Names a row by its key, which may be what is wrong with it.
pub(crate) fn name(table: &Table, row: &Row<'_>) -> Result<Damage, Failure> {
    if table.name == VERSIONS.name {
        return Ok(Damage::at(unsigned(row, 0)?));
    }
    let part = |column: usize| -> Result<String, Failure> {
        Ok(match row.get_ref(column)? {
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            ValueRef::Null | ValueRef::Real(_) => "?".into(),
        })
    };
    let key: Vec<_> = (0..table.key_len).map(part).collect::<Result<_, _>>()?;
    let (key, table) = (key.join("/"), table.name);
    Ok(format!("row {key} of {table} is not as it was written").into())
}

/// A version whose body is not as it was written.
fn content(row: &Row<'_>) -> Result<Damage, Failure> {
    let described = row::described(row)?;
    Ok(Damage::Version {
        seq: described.seq,
        document: Some((described.key, described.version)),
    })
}

/// A look for what is not there goes other ways through the pages than a look at everything.
fn probe(connection: &Connection, _: &mut Vec<Damage>) -> Result<(), Failure> {
    for table in TABLES {
        let keys = &table.sealed[..table.key_len];
        let place: Vec<_> = keys.iter().map(|key| format!("{key} = ''")).collect();
        let (name, place) = (table.name, place.join(" AND "));
        connection
            .prepare(&format!("SELECT seal FROM {name} WHERE {place}"))?
            .exists([])?;
    }
    Ok(())
}

/// Versions that are lost.
fn log(connection: &Connection, found: &mut Vec<Damage>) -> Result<(), Failure> {
    let last = row::last_seq(connection)?;
    let mut statement = connection.prepare("SELECT seq FROM versions ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut next = 1;
    while let Some(row) = rows.next()? {
        let seq = unsigned(row, 0)?;
        while let Err(failure) = pruned::explain_gap(connection, &mut next, seq) {
            keep(failure, found)?;
            let Some(Damage::Version { seq: lost, .. }) = found.last() else {
                return Ok(());
            };
            // One that is far off is damaged itself: what lies between was never written.
            if found.len() > STRUCTURAL {
                return Ok(());
            }
            next = lost + 1;
        }
    }
    match next > last {
        true => Ok(()),
        false => Err(Failure::damaged(format!("the log ends before {last}"))),
    }
}

/// The places of every 64th version of a document.
fn milestones(connection: &Connection, found: &mut Vec<Damage>) -> Result<(), Failure> {
    let mut statement =
        connection.prepare("SELECT space, collection, id, version, seq FROM milestones")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (space, collection, id) = (row::text(row, 0)?, row::text(row, 1)?, row::text(row, 2)?);
        let (version, seq) = (unsigned(row, 3)?, unsigned(row, 4)?);
        let described = row::find_described(connection, seq);
        let is_it = |key: &Key, number: u64| {
            (key.space(), key.collection(), key.id(), number) == (space, collection, id, version)
        };
        match described {
            Ok(Some(it)) if is_it(&it.key, it.version) => {}
            // It is named already.
            Err(failure) if failure.damage().is_some() => {}
            Err(failure) => return Err(failure),
            Ok(_) => {
                let place = format!("{space}/{collection}/{id}");
                keep(history::wrong_milestone(&place, version), found)?;
            }
        }
    }
    Ok(())
}
