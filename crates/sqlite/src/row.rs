use std::sync::Arc;

use crate::failure::Failure;
use bytes::Bytes;
use detente_core::{Checksum, Digest, Head, Key, Kind, Moment, Seq, Stored, rules::Claim};
use detente_store::Damage;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Row, params};

use crate::seal::{HEADS, UNIQUE_KEYS, VERSIONS};
use crate::{pruned, walk};

/// SQLite's integers are signed; ours never reach the sign.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("counters and digests stay below 2^63")
}

pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64, Error> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

pub(crate) fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str, Error> {
    let text = row.get_ref(column)?.as_str();
    text.map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

pub(crate) fn kind_number(kind: Kind) -> u64 {
    match kind {
        Kind::Document => 1,
        Kind::Tombstone => 2,
    }
}

fn kind(row: &Row<'_>, column: usize) -> Result<Kind, Error> {
    match row.get(column)? {
        1 => Ok(Kind::Document),
        2 => Ok(Kind::Tombstone),
        other => Err(Error::IntegralValueOutOfRange(column, other)),
    }
}

/// What [`head`] and [`stored`] read.
macro_rules! columns {
    (heads) => {
        "space, collection, id, seq, version, digest, at, kind, seal"
    };
    (versions) => {
        "seq, space, collection, id, version, prev, by, at, kind, base, checksum, seal, body"
    };
}
pub(crate) use columns;

/// A head that is as it was written.
pub(crate) fn head(row: &Row<'_>) -> Result<Head, Failure> {
    if !HEADS.holds(row, 0)? {
        let (space, collection, id) = (row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?);
        let part = |value: rusqlite::types::ValueRef<'_>| {
            let bytes = value.as_bytes().unwrap_or_default();
            String::from_utf8_lossy(bytes).into_owned()
        };
        let (space, collection, id) = (part(space), part(collection), part(id));
        return Err(Failure::damaged(format!(
            "the head of {space}/{collection}/{id} is not as it was written"
        )));
    }
    Ok(Head {
        seq: unsigned(row, 3)?,
        version: unsigned(row, 4)?,
        digest: Digest(unsigned(row, 5)?),
        at: Moment(unsigned(row, 6)?),
        kind: kind(row, 7)?,
    })
}

/// All versions past a seq, with the columns that [`stored`] reads.
pub(crate) const VERSIONS_SINCE: &str = concat!(
    "SELECT ",
    columns!(versions),
    " FROM versions WHERE seq > ?1 ORDER BY seq"
);

const VERSION_AT: &str = concat!(
    "SELECT ",
    columns!(versions),
    " FROM versions WHERE seq = ?1"
);

/// A version without its body: what the row says of it is as it was written.
pub(crate) fn described(row: &Row<'_>) -> Result<Stored, Failure> {
    described_at(row, 0)
}

/// The same, of a row that has the columns of a version from `first` on.
fn described_at(row: &Row<'_>, first: usize) -> Result<Stored, Failure> {
    if !VERSIONS.holds(row, first)? {
        let seq: i64 = row.get(first)?;
        return Err(Failure::lost(Damage::at(seq.unsigned_abs())));
    }
    let number = |column: usize| -> Result<Option<u64>, Error> {
        let number: Option<i64> = row.get(first + column)?;
        Ok(number.and_then(|it| u64::try_from(it).ok()))
    };
    let (text, unsigned) = (
        |column: usize| text(row, first + column),
        |column: usize| unsigned(row, first + column),
    );
    let checksum: i64 = row.get(first + 10)?;
    Ok(Stored {
        seq: unsigned(0)?,
        key: Key::from_parts(text(1)?, text(2)?, text(3)?),
        version: unsigned(4)?,
        prev: number(5)?,
        base: number(9)?,
        by: text(6)?.into(),
        at: Moment(unsigned(7)?),
        kind: kind(row, first + 8)?,
        digest: Checksum(checksum.cast_unsigned()).digest(),
        body: Bytes::new(),
    })
}

/// A version that is as it was written, with its body.
fn stored(row: &Row<'_>) -> Result<Arc<Stored>, Failure> {
    with_body(row, described(row)?)
}

/// The same version, with its body.
pub(crate) fn with_body(row: &Row<'_>, described: Stored) -> Result<Arc<Stored>, Failure> {
    with_body_at(row, 0, described)
}

fn with_body_at(row: &Row<'_>, first: usize, described: Stored) -> Result<Arc<Stored>, Failure> {
    let Some((body, _)) = VERSIONS.content(row, first)? else {
        return Err(Failure::lost(Damage::Version {
            seq: described.seq,
            document: Some((described.key, described.version)),
        }));
    };
    Ok(Arc::new(Stored {
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..described
    }))
}

pub(crate) fn find_head(connection: &Connection, key: &Key) -> Result<Option<Head>, Failure> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT ",
        columns!(heads),
        " FROM heads WHERE space = ?1 AND collection = ?2 AND id = ?3",
    ))?;
    let mut rows = statement.query(params![key.space(), key.collection(), key.id()])?;
    match rows.next()? {
        Some(row) => head(row).map(Some),
        None => has_no_head(connection, key).map(|()| None),
    }
}

/// What looks absent must be absent from the second list of names as well: a key that changed on the
/// disk would be taken for a document that never was.
fn has_no_head(connection: &Connection, key: &Key) -> Result<(), Failure> {
    let mut again = connection.prepare_cached(
        "SELECT 1 FROM heads INDEXED BY heads_again
         WHERE space = ?1 AND collection = ?2 AND id = ?3",
    )?;
    if again.exists(params![key.space(), key.collection(), key.id()])? {
        return Err(Failure::damaged(format!("the head of {key:?} is lost")));
    }
    Ok(())
}

/// A head and the version that it names, in one statement: that is one transaction, too, and half the work of two.
pub(crate) const CURRENT: &str = concat!(
    "SELECT * FROM (SELECT ",
    columns!(heads),
    " FROM heads WHERE space = ?1 AND collection = ?2 AND id = ?3) AS head
     CROSS JOIN (SELECT ",
    columns!(versions),
    " FROM versions) AS version ON version.seq = head.seq"
);

/// The newest version of a document by the tables.
pub(crate) fn find_current(
    connection: &Connection,
    key: &Key,
) -> Result<Option<Arc<Stored>>, Failure> {
    let mut statement = connection.prepare_cached(CURRENT)?;
    let mut rows = statement.query(params![key.space(), key.collection(), key.id()])?;
    let Some(row) = rows.next()? else {
        drop(rows);
        return find_in_steps(connection, key);
    };
    let head = head(row)?;
    let first = HEADS.sealed.len() + 1;
    let stored = with_body_at(row, first, described_at(row, first)?)?;
    agreed(key, head, stored).map(Some)
}

fn agreed(key: &Key, head: Head, stored: Arc<Stored>) -> Result<Arc<Stored>, Failure> {
    match stored.key == *key && stored.head() == head {
        true => Ok(stored),
        false => Err(walk::disagrees(key, head)),
    }
}

/// The same where a row was not found, which tells whether it is there at all, or what is lost. The tables are read in
/// one transaction.
fn find_in_steps(connection: &Connection, key: &Key) -> Result<Option<Arc<Stored>>, Failure> {
    let _moment = crate::layout::one_moment(connection)?;
    let Some(head) = find_head(connection, key)? else {
        return Ok(None);
    };
    let lost = || {
        Failure::lost(Damage::Version {
            seq: head.seq,
            document: Some((key.clone(), head.version)),
        })
    };
    let stored = find_version(connection, head.seq)?.ok_or_else(lost)?;
    agreed(key, head, stored).map(Some)
}

/// A version, if it is there.
pub(crate) fn find_version(
    connection: &Connection,
    seq: Seq,
) -> Result<Option<Arc<Stored>>, Failure> {
    let mut statement = connection.prepare_cached(VERSION_AT)?;
    let mut rows = statement.query([signed(seq)])?;
    rows.next()?.map(stored).transpose()
}

/// The newest version; 0 in an empty store.
pub(crate) fn last_seq(connection: &Connection) -> Result<Seq, Failure> {
    let sql = "SELECT coalesce(max(seq), 0) FROM versions";
    let last: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(last.unsigned_abs())
}

/// A version that was written once; `None` if it is kept no longer.
pub(crate) fn find_named(
    connection: &Connection,
    seq: Seq,
) -> Result<Option<Arc<Stored>>, Failure> {
    let found = find_version(connection, seq)?;
    if found.is_none() {
        pruned::explain(connection, seq, seq + 1)?;
    }
    Ok(found)
}

/// As [`find_named`], without its body.
pub(crate) fn find_described(connection: &Connection, seq: Seq) -> Result<Option<Stored>, Failure> {
    let mut statement = connection.prepare_cached(VERSION_AT)?;
    let mut rows = statement.query([signed(seq)])?;
    match rows.next()? {
        Some(row) => described(row).map(Some),
        None => pruned::explain(connection, seq, seq + 1).map(|()| None),
    }
}

pub(crate) fn find_holder(
    connection: &Connection,
    space: &str,
    collection: &str,
    claim: &Claim,
) -> Result<Option<String>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT space, collection, name, value, id, seal FROM unique_keys
         WHERE space = ?1 AND collection = ?2 AND name = ?3 AND value = ?4",
    )?;
    let place = params![space, collection, claim.constraint, claim.value];
    let damaged = || {
        Failure::damaged(format!(
            "the holder of {} {} in {space}/{collection} is not as it was written",
            claim.constraint, claim.value
        ))
    };
    let mut rows = statement.query(place)?;
    if let Some(row) = rows.next()? {
        return match UNIQUE_KEYS.holds(row, 0)? {
            true => Ok(Some(text(row, 4)?.to_owned())),
            false => Err(damaged()),
        };
    }
    let mut again = connection.prepare_cached(
        "SELECT 1 FROM unique_keys INDEXED BY unique_keys_again
         WHERE space = ?1 AND collection = ?2 AND name = ?3 AND value = ?4",
    )?;
    let is_there: Option<i64> = again.query_row(place, |row| row.get(0)).optional()?;
    is_there.map_or(Ok(None), |_| Err(damaged()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_those_of_the_tables() {
        assert_eq!(columns!(heads), HEADS.columns());
        assert_eq!(columns!(versions), VERSIONS.columns());
    }
}
