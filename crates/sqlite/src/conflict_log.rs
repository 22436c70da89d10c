use std::cell::Cell;
use std::sync::Arc;

use crate::failure::Failure;
use bytes::Bytes;
use detente_core::json::{self, Value};
use detente_core::{Checksum, Key, Moment};
use detente_store::{
    Commit, ConflictPage, Conflicts, LoggedConflict, LostEdit, MergedHour, OfEach, OutcomeFilter,
    Retention, SettledAs, SettledConflict, Settlement, VersionPlace,
};
use rusqlite::types::{ToSql, Type, ValueRef};
use rusqlite::{Connection, Error, OptionalExtension, Row, Statement, params, params_from_iter};

use crate::row::{signed, unsigned};
use crate::seal::{CONFLICTS, MERGES, checksum, number, optional, text};

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
    /// What the transaction under way adds to entries that are there.
    growing: Cell<u64>,
    /// What it drops.
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
            growing: Cell::new(0),
            dropping: Cell::new(0),
        })
    }

    pub(crate) fn write(&self, connection: &Connection, commit: &Commit) -> Result<(), Failure> {
        self.growing.set(0);
        self.dropping.set(0);
        for conflict in &commit.conflicts {
            insert(connection, conflict)?;
        }
        for settlement in &commit.settlements {
            let grown = settle(connection, settlement)?;
            self.growing.set(self.growing.get() + grown);
        }
        add_merges(connection, commit)?;
        self.forget(connection, commit)
    }

    /// Once the transaction is through.
    pub(crate) fn wrote(&self, conflicts: &[Arc<LoggedConflict>]) {
        let come: usize = conflicts.iter().map(|it| it.weight()).sum();
        let weight = self.weight.get() + come as u64 + self.growing.replace(0);
        self.weight
            .set(weight.saturating_sub(self.dropping.replace(0)));
    }

    /// Drops the oldest entries while they are too old, or all together too large.
    fn forget(&self, connection: &Connection, commit: &Commit) -> Result<(), Failure> {
        if commit.conflicts.is_empty() {
            return Ok(());
        }
        let come: usize = commit.conflicts.iter().map(|it| it.weight()).sum();
        let weight = self.weight.get() + come as u64 + self.growing.get();
        let mut excess = weight.saturating_sub(self.retention.bytes);
        let oldest = commit.time.aged().0.saturating_sub(self.retention.age_ms);
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
             base_version, base_seq, current_version, current_seq,
             outcome, settled_at, settled_by, settled_version,
             weight, edit_kind, agent, settled_reason, checksum, seal, edit)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             ?19, ?20, ?21, ?22, ?23, ?24)",
    )?;
    write(&mut insert, conflict)
}

/// Binds the columns of [`CONFLICTS`], and runs the statement.
fn write(statement: &mut Statement<'_>, conflict: &LoggedConflict) -> Result<(), Failure> {
    let edit = std::str::from_utf8(conflict.edit.body()).unwrap_or_default();
    let paths = Value::from(conflict.paths.clone()).to_text();
    let settlement = conflict.settlement.as_ref();
    let reason = settlement.and_then(|it| it.reason.as_deref());
    let row = [
        text(&conflict.id),
        number(conflict.at.0),
        text(conflict.key.space()),
        text(conflict.key.collection()),
        text(conflict.key.id()),
        text(&conflict.by),
        text(&conflict.method),
        text(&conflict.kind),
        text(&paths),
        optional(conflict.base.map(|it| it.version)),
        optional(conflict.base.map(|it| it.seq)),
        optional(conflict.current.map(|it| it.version)),
        optional(conflict.current.map(|it| it.seq)),
        number(settlement.map_or(0, |it| outcome(it.outcome))),
        optional(settlement.map(|it| it.at.0)),
        settlement.map_or(ValueRef::Null, |it| text(&it.by)),
        optional(settlement.and_then(|it| it.version)),
        number(conflict.weight() as u64),
        number(edit_kind(&conflict.edit)),
        conflict.agent.as_deref().map_or(ValueRef::Null, text),
        reason.map_or(ValueRef::Null, text),
        checksum(Checksum::of(edit.as_bytes())),
    ];
    Ok(CONFLICTS.write(statement, &row, Some(edit))?)
}

/// How much heavier the entry became.
fn settle(connection: &Connection, settlement: &SettledConflict) -> Result<u64, Failure> {
    let SettledConflict { id, settled } = settlement;
    let Some(mut conflict) = find_by_id(connection, id)? else {
        return Ok(0);
    };
    let before = conflict.weight();
    conflict.settlement = Some(settled.clone());
    let mut update = connection.prepare_cached(
        "UPDATE conflicts SET at = ?2, space = ?3, collection = ?4, document = ?5, by = ?6,
             method = ?7, kind = ?8, paths = ?9, base_version = ?10, base_seq = ?11,
             current_version = ?12, current_seq = ?13, outcome = ?14, settled_at = ?15,
             settled_by = ?16, settled_version = ?17, weight = ?18, edit_kind = ?19,
             agent = ?20, settled_reason = ?21, checksum = ?22, seal = ?23, edit = ?24
         WHERE id = ?1",
    )?;
    write(&mut update, &conflict)?;
    Ok(conflict.weight().saturating_sub(before) as u64)
}

fn add_merges(connection: &Connection, commit: &Commit) -> Result<(), Failure> {
    let counts = commit.merges();
    for ((space, collection, hour), count) in counts {
        let before = merged_in(connection, space, hour, collection)?;
        let mut write = connection.prepare_cached(
            "INSERT INTO merges (space, hour, collection, count, seal)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET count = excluded.count, seal = excluded.seal",
        )?;
        let count = number(before + count);
        let row = [text(space), number(hour), text(collection), count];
        MERGES.write(&mut write, &row, None)?;
    }
    Ok(())
}

/// Begins again where the count is damaged: it is a statistic, and must not hold up writes.
fn merged_in(
    connection: &Connection,
    space: &str,
    hour: u64,
    collection: &str,
) -> Result<u64, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT space, hour, collection, count, seal FROM merges
         WHERE space = ?1 AND hour = ?2 AND collection = ?3",
    )?;
    let mut rows = statement.query(params![space, signed(hour), collection])?;
    match rows.next()? {
        Some(row) if MERGES.holds(row, 0)? => Ok(unsigned(row, 3)?),
        _ => Ok(0),
    }
}

fn edit_kind(edit: &LostEdit) -> u64 {
    match edit {
        LostEdit::Document(_) => 1,
        LostEdit::MergePatch(_) => 2,
        LostEdit::JsonPatch(_) => 3,
        LostEdit::Deletion => 4,
    }
}

fn outcome(outcome: SettledAs) -> u64 {
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
    Ok(find_by_id(connection, id)?.map(|conflict| conflict.settlement))
}

fn settlement(row: &Row<'_>) -> Result<Option<Settlement>, Error> {
    let outcome = match row.get(13)? {
        0 => return Ok(None),
        1 => SettledAs::Resolved,
        2 => SettledAs::Dismissed,
        other => return Err(Error::IntegralValueOutOfRange(13, other)),
    };
    Ok(Some(Settlement {
        outcome,
        at: Moment(unsigned(row, 14)?),
        by: row.get::<_, String>(15)?.into(),
        version: maybe(row, 16)?,
        reason: row.get::<_, Option<String>>(20)?.map(Arc::from),
    }))
}

fn maybe(row: &Row<'_>, column: usize) -> Result<Option<u64>, Error> {
    match row.get::<_, Option<i64>>(column)? {
        Some(_) => unsigned(row, column).map(Some),
        None => Ok(None),
    }
}

/// The columns of [`CONFLICTS`], and the place in the log.
const COLUMNS: &str = "id, at, space, collection, document, by, method, kind, paths,
    base_version, base_seq, current_version, current_seq,
    outcome, settled_at, settled_by, settled_version, weight, edit_kind, agent, settled_reason,
    checksum, seal, edit, number";

const NUMBER: usize = 24;

/// What a row says of a conflict, but for its edit, is as it was written.
fn check(row: &Row<'_>) -> Result<(), Failure> {
    match CONFLICTS.holds(row, 0)? {
        true => Ok(()),
        false => {
            let number: i64 = row.get(NUMBER)?;
            Err(Failure::damaged(format!(
                "entry {number} of the conflict log is not as it was written"
            )))
        }
    }
}

/// An edit that is not as it was written, or cannot be read, is damage.
fn logged(row: &Row<'_>) -> Result<LoggedConflict, Failure> {
    check(row)?;
    let Some((edit, _)) = CONFLICTS.content(row, 0)? else {
        let id: String = row.get(0)?;
        let what = format!("the edit of conflict {id} is not as it was written");
        return Err(Failure::damaged(what));
    };
    Ok(conflict(row, Bytes::copy_from_slice(edit.as_bytes()))?.as_read()?)
}

fn conflict(row: &Row<'_>, body: Bytes) -> Result<LoggedConflict, Error> {
    let text = |column: usize| row.get::<_, String>(column);
    let place = |column: usize| -> Result<Option<VersionPlace>, Error> {
        let (version, seq) = (maybe(row, column)?, maybe(row, column + 1)?);
        Ok(version
            .zip(seq)
            .map(|(version, seq)| VersionPlace { version, seq }))
    };
    Ok(LoggedConflict {
        id: text(0)?,
        at: Moment(unsigned(row, 1)?),
        key: Key::from_parts(&text(2)?, &text(3)?, &text(4)?),
        by: text(5)?.into(),
        agent: row.get::<_, Option<String>>(19)?.map(Arc::from),
        method: text(6)?,
        kind: text(7)?,
        paths: paths(&text(8)?)?,
        base: place(9)?,
        current: place(11)?,
        settlement: settlement(row)?,
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
        |error: json::SyntaxError| Error::FromSqlConversionFailure(8, Type::Text, Box::new(error));
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
    Ok(find_by_id(connection, id)?.filter(|conflict| conflict.key.space() == space))
}

fn find_by_id(connection: &Connection, id: &str) -> Result<Option<LoggedConflict>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM conflicts WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id])?;
    if let Some(row) = rows.next()? {
        return logged(row).map(Some);
    }
    let mut again = connection
        .prepare_cached("SELECT 1 FROM conflicts INDEXED BY conflicts_again WHERE id = ?1")?;
    match again.exists([id])? {
        true => Err(Failure::damaged(format!("conflict {id} is lost"))),
        false => Ok(None),
    }
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
    let mut of_each = OfEach::default();
    let mut last = None;
    // Entries follow each other without a gap; the oldest go first.
    while let Some(row) = rows.next()? {
        looked_at += 1;
        check(row)?;
        let number = unsigned(row, NUMBER)?;
        if last.is_some_and(|last| last != number + 1) {
            let lost = format!("entry {} of the conflict log is lost", number + 1);
            return Err(Failure::damaged(lost));
        }
        if is_asked_for(row, asked)? {
            let conflict = logged(row)?;
            if !of_each.take(asked, || conflict.key.clone()) {
                last = Some(number);
                continue;
            }
            if !size.take(conflict.edit.body().len()) {
                page.next = last;
                return Ok(page);
            }
            page.items.push(conflict);
        }
        last = Some(number);
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
    let at = unsigned(row, 1)?;
    let outcome = match asked.outcome {
        None => None,
        Some(OutcomeFilter::Open) => Some(0),
        Some(OutcomeFilter::Resolved) => Some(self::outcome(SettledAs::Resolved)),
        Some(OutcomeFilter::Dismissed) => Some(self::outcome(SettledAs::Dismissed)),
    };
    let agent = row.get_ref(19)?.as_str_or_null().unwrap_or_default();
    Ok(is(2, asked.space.as_deref())?
        && is(3, asked.collection.as_deref())?
        && row
            .get_ref(4)?
            .as_str()
            .is_ok_and(|id| asked.wants_document(id))
        && is(5, asked.by.as_deref())?
        && is(7, asked.kind.as_deref())?
        && asked.wants_agent(agent)
        && outcome.is_none_or(|wanted| unsigned(row, 13) == Ok(wanted))
        && asked.since.is_none_or(|since| at >= since.0)
        && asked.until.is_none_or(|until| at < until.0))
}

pub(crate) fn merged(
    connection: &Connection,
    space: &str,
    since: Moment,
) -> Result<Vec<MergedHour>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT space, hour, collection, count, seal FROM merges WHERE space = ?1 AND hour >= ?2
         ORDER BY hour, collection",
    )?;
    let mut again = connection.prepare_cached(
        "SELECT collection FROM merges INDEXED BY merges_again WHERE space = ?1 AND hour >= ?2
         ORDER BY hour, collection",
    )?;
    let damaged = || Failure::damaged("a count of merges is not as it was written");
    let from = params![space, signed(since.0)];
    let (mut rows, mut again) = (statement.query(from)?, again.query(from)?);
    let mut merged = Vec::new();
    loop {
        let (row, again) = (rows.next()?, again.next()?);
        let (row, again) = match (row, again) {
            (Some(row), Some(again)) => (row, again),
            (None, None) => return Ok(merged),
            _ => return Err(damaged()),
        };
        if !MERGES.holds(row, 0)? || row.get_ref(2)? != again.get_ref(0)? {
            return Err(damaged());
        }
        merged.push(MergedHour {
            collection: row.get(2)?,
            hour: Moment(unsigned(row, 1)?),
            count: unsigned(row, 3)?,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_those_of_the_table() {
        let columns: Vec<_> = COLUMNS.split(',').map(str::trim).collect();
        assert_eq!(columns[..NUMBER].join(", "), CONFLICTS.columns());
        assert_eq!(columns[NUMBER..], ["number"]);
    }
}
