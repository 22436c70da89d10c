use std::cell::Cell;
use std::sync::Arc;

use crate::failure::Failure;
use bytes::Bytes;
use detente_core::json::{self, Value};
use detente_core::{Key, Moment};
use detente_store::{
    Commit, ConflictPage, Conflicts, LoggedConflict, LostEdit, MergedHour, OutcomeFilter,
    Retention, SettledAs, SettledConflict, Settlement, VersionPlace,
};
use rusqlite::types::{ToSql, Type};
use rusqlite::{Connection, Error, OptionalExtension, Row, params, params_from_iter};

use crate::row::{signed, unsigned};

/// How many entries that are no longer to be kept go for each that comes.
const GONE_PER_NEW: usize = 4;

/// How many entries a list passes over before it reports where it got to.
const SCAN_LIMIT: usize = 20_000;

/// The conflict log's size, and what is kept of it.
#[derive(Debug)]
pub(crate) struct ConflictLog {
    retention: Retention,
    /// Of all entries.
    weight: Cell<u64>,
    /// What the transaction under way drops.
    dropping: Cell<u64>,
}

impl ConflictLog {
    pub(crate) fn open(connection: &Connection, retention: Retention) -> Result<Self, Failure> {
        let weight: i64 = connection.query_row(
            "SELECT coalesce(sum(weight), 0) FROM conflicts",
            [],
            |row| row.get(0),
        )?;
        Ok(Self {
            retention,
            weight: Cell::new(weight.unsigned_abs()),
            dropping: Cell::new(0),
        })
    }

    pub(crate) fn write(&self, connection: &Connection, commit: &Commit) -> Result<(), Failure> {
        self.dropping.set(0);
        for conflict in &commit.conflicts {
            insert(connection, conflict)?;
        }
        for settlement in &commit.settlements {
            settle(connection, settlement)?;
        }
        add_merges(connection, commit)?;
        self.forget(connection, commit)
    }

    /// Once the transaction is through.
    pub(crate) fn wrote(&self, conflicts: &[Arc<LoggedConflict>]) {
        let come: usize = conflicts.iter().map(|it| it.weight()).sum();
        let weight = self.weight.get() + come as u64;
        self.weight
            .set(weight.saturating_sub(self.dropping.replace(0)));
    }

    /// Drops the oldest entries while they are too old, or all together too large.
    fn forget(&self, connection: &Connection, commit: &Commit) -> Result<(), Failure> {
        if commit.conflicts.is_empty() {
            return Ok(());
        }
        let come: usize = commit.conflicts.iter().map(|it| it.weight()).sum();
        let mut excess = (self.weight.get() + come as u64).saturating_sub(self.retention.bytes);
        let oldest = commit.now.0.saturating_sub(self.retention.age_ms);
        let mut find = connection
            .prepare_cached("SELECT number, at, weight FROM conflicts ORDER BY number LIMIT 1")?;
        let mut drop = connection.prepare_cached("DELETE FROM conflicts WHERE number = ?1")?;
        for _ in 0..commit.conflicts.len() * GONE_PER_NEW {
            let row = find.query_row([], |row| {
                Ok((row.get::<_, i64>(0)?, unsigned(row, 1)?, unsigned(row, 2)?))
            });
            let Some((number, at, weight)) = row.optional()? else {
                break;
            };
            if at >= oldest && excess == 0 {
                break;
            }
            drop.execute([number])?;
            excess = excess.saturating_sub(weight);
            self.dropping.set(self.dropping.get() + weight);
        }
        Ok(())
    }
}

fn insert(connection: &Connection, conflict: &LoggedConflict) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO conflicts (id, at, space, collection, document, by, method, kind, paths,
             base_version, base_seq, current_version, current_seq, outcome, weight, edit_kind, edit,
             agent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, ?14, ?15, ?16,
             ?17)",
    )?;
    let edit = std::str::from_utf8(conflict.edit.body()).unwrap_or_default();
    insert.execute(params![
        conflict.id,
        signed(conflict.at.0),
        conflict.key.space(),
        conflict.key.collection(),
        conflict.key.id(),
        &*conflict.by,
        conflict.method,
        conflict.kind,
        Value::from(conflict.paths.clone()).to_text(),
        conflict.base.map(|it| signed(it.version)),
        conflict.base.map(|it| signed(it.seq)),
        conflict.current.map(|it| signed(it.version)),
        conflict.current.map(|it| signed(it.seq)),
        signed(conflict.weight() as u64),
        edit_kind(&conflict.edit),
        edit,
        conflict.agent.as_deref(),
    ])?;
    Ok(())
}

fn settle(connection: &Connection, settlement: &SettledConflict) -> Result<(), Failure> {
    let SettledConflict { id, settled } = settlement;
    let mut update = connection.prepare_cached(
        "UPDATE conflicts SET outcome = ?2, settled_at = ?3, settled_by = ?4, settled_version = ?5
         WHERE id = ?1",
    )?;
    update.execute(params![
        id,
        outcome(settled.outcome),
        signed(settled.at.0),
        &*settled.by,
        settled.version.map(signed),
    ])?;
    Ok(())
}

fn add_merges(connection: &Connection, commit: &Commit) -> Result<(), Failure> {
    let counts = commit.merges();
    for ((space, collection, hour), count) in counts {
        let mut add = connection.prepare_cached(
            "INSERT INTO merges (space, hour, collection, count) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )?;
        add.execute(params![space, signed(hour), collection, signed(count)])?;
    }
    Ok(())
}

fn edit_kind(edit: &LostEdit) -> i64 {
    match edit {
        LostEdit::Document(_) => 1,
        LostEdit::MergePatch(_) => 2,
        LostEdit::JsonPatch(_) => 3,
        LostEdit::Deletion => 4,
    }
}

fn outcome(outcome: SettledAs) -> i64 {
    match outcome {
        SettledAs::Resolved => 1,
        SettledAs::Dismissed => 2,
    }
}

/// What became of a conflict; the outer `None` says that there is no such conflict.
pub(crate) fn settled(
    connection: &Connection,
    id: &str,
) -> Result<Option<Option<Settlement>>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT outcome, settled_at, settled_by, settled_version FROM conflicts WHERE id = ?1",
    )?;
    let found = statement.query_row([id], |row| settlement(row, 0));
    Ok(found.optional()?)
}

/// `outcome, settled_at, settled_by, settled_version` from `first` on.
fn settlement(row: &Row<'_>, first: usize) -> Result<Option<Settlement>, Error> {
    let outcome = match row.get(first)? {
        0 => return Ok(None),
        1 => SettledAs::Resolved,
        2 => SettledAs::Dismissed,
        other => return Err(Error::IntegralValueOutOfRange(first, other)),
    };
    Ok(Some(Settlement {
        outcome,
        at: Moment(unsigned(row, first + 1)?),
        by: row.get::<_, String>(first + 2)?.into(),
        version: optional(row, first + 3)?,
    }))
}

fn optional(row: &Row<'_>, column: usize) -> Result<Option<u64>, Error> {
    match row.get::<_, Option<i64>>(column)? {
        Some(_) => unsigned(row, column).map(Some),
        None => Ok(None),
    }
}

const COLUMNS: &str = "number, id, at, space, collection, document, by, method, kind, paths,
    base_version, base_seq, current_version, current_seq,
    outcome, settled_at, settled_by, settled_version, edit_kind, edit, agent";

/// An edit that cannot be read is damage.
fn logged(row: &Row<'_>) -> Result<LoggedConflict, Failure> {
    Ok(unchecked(row)?.as_read()?)
}

fn unchecked(row: &Row<'_>) -> Result<LoggedConflict, Error> {
    let text = |column: usize| row.get::<_, String>(column);
    let place = |column: usize| -> Result<Option<VersionPlace>, Error> {
        let (version, seq) = (optional(row, column)?, optional(row, column + 1)?);
        Ok(version
            .zip(seq)
            .map(|(version, seq)| VersionPlace { version, seq }))
    };
    let body = Bytes::from(text(19)?);
    Ok(LoggedConflict {
        id: text(1)?,
        at: Moment(unsigned(row, 2)?),
        key: Key::from_parts(&text(3)?, &text(4)?, &text(5)?),
        by: text(6)?.into(),
        agent: row.get::<_, Option<String>>(20)?.map(Arc::from),
        method: text(7)?,
        kind: text(8)?,
        paths: paths(&text(9)?)?,
        base: place(10)?,
        current: place(12)?,
        settlement: settlement(row, 14)?,
        edit: match row.get(18)? {
            1 => LostEdit::Document(body),
            2 => LostEdit::MergePatch(body),
            3 => LostEdit::JsonPatch(body),
            4 => LostEdit::Deletion,
            other => return Err(Error::IntegralValueOutOfRange(18, other)),
        },
    })
}

fn paths(text: &str) -> Result<Vec<String>, Error> {
    let unreadable =
        |error: json::SyntaxError| Error::FromSqlConversionFailure(9, Type::Text, Box::new(error));
    let Value::Array(items) = json::parse(text.as_bytes()).map_err(unreadable)? else {
        return Ok(Vec::new());
    };
    let paths = items.iter().filter_map(Value::as_str);
    Ok(paths.map(str::to_owned).collect())
}

pub(crate) fn find(
    connection: &Connection,
    space: &str,
    id: &str,
) -> Result<Option<LoggedConflict>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM conflicts WHERE id = ?1 AND space = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id, space])?;
    rows.next()?.map(logged).transpose()
}

pub(crate) fn list(connection: &Connection, asked: &Conflicts) -> Result<ConflictPage, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conflicts WHERE number < ?1 ORDER BY number DESC LIMIT {SCAN_LIMIT}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let before = asked.before.map_or(i64::MAX, signed);
    let parameters: [&dyn ToSql; 1] = [&before];
    let mut rows = statement.query(params_from_iter(parameters))?;
    let mut page = ConflictPage::default();
    let mut size = asked.limit.meter();
    let mut looked_at = 0;
    let mut last = None;
    while let Some(row) = rows.next()? {
        looked_at += 1;
        if is_asked_for(row, asked)? {
            let conflict = logged(row)?;
            if !size.take(conflict.edit.body().len()) {
                page.next = last;
                return Ok(page);
            }
            page.items.push(conflict);
        }
        last = Some(unsigned(row, 0)?);
    }
    if looked_at == SCAN_LIMIT {
        page.next = last;
    }
    Ok(page)
}

/// Looks at the small columns alone: what is passed over costs no copy of an edit.
fn is_asked_for(row: &Row<'_>, asked: &Conflicts) -> Result<bool, Error> {
    let is = |column: usize, wanted: Option<&str>| -> Result<bool, Error> {
        let Some(wanted) = wanted else {
            return Ok(true);
        };
        Ok(row.get_ref(column)?.as_str().ok() == Some(wanted))
    };
    let at = unsigned(row, 2)?;
    let outcome = match asked.outcome {
        None => None,
        Some(OutcomeFilter::Open) => Some(0),
        Some(OutcomeFilter::Resolved) => Some(self::outcome(SettledAs::Resolved)),
        Some(OutcomeFilter::Dismissed) => Some(self::outcome(SettledAs::Dismissed)),
    };
    let agent = row.get_ref(20)?.as_str_or_null().unwrap_or_default();
    Ok(is(3, asked.space.as_deref())?
        && is(4, asked.collection.as_deref())?
        && is(5, asked.document.as_deref())?
        && is(6, asked.by.as_deref())?
        && is(8, asked.kind.as_deref())?
        && asked.wants_agent(agent)
        && outcome.is_none_or(|wanted| row.get::<_, i64>(14) == Ok(wanted))
        && asked.since.is_none_or(|since| at >= since.0)
        && asked.until.is_none_or(|until| at < until.0))
}

pub(crate) fn merged(
    connection: &Connection,
    space: &str,
    since: Moment,
) -> Result<Vec<MergedHour>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT collection, hour, count FROM merges WHERE space = ?1 AND hour >= ?2
         ORDER BY hour, collection",
    )?;
    let rows = statement.query_map(params![space, signed(since.0)], |row| {
        Ok(MergedHour {
            collection: row.get(0)?,
            hour: Moment(unsigned(row, 1)?),
            count: unsigned(row, 2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
