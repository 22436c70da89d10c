use std::sync::Arc;

use crate::failure::Failure;
use bytes::Bytes;
use detente_core::{Digest, Head, Key, Kind, Moment, Seq, Stored, rules::Claim};
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Row, params};

/// SQLite's integers are signed; ours never reach the sign.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("counters and digests stay below 2^63")
}

pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64, Error> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}

pub(crate) fn kind_number(kind: Kind) -> i64 {
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

/// `seq, version, digest, at, kind` from `first` on.
pub(crate) fn head(row: &Row<'_>, first: usize) -> Result<Head, Error> {
    Ok(Head {
        seq: unsigned(row, first)?,
        version: unsigned(row, first + 1)?,
        digest: Digest(unsigned(row, first + 2)?),
        at: Moment(unsigned(row, first + 3)?),
        kind: kind(row, first + 4)?,
    })
}

/// All versions past a seq, with the columns that [`stored`] reads.
pub(crate) const VERSIONS_SINCE: &str =
    "SELECT seq, space, collection, id, version, prev, by, at, kind, body, base
     FROM versions WHERE seq > ?1 ORDER BY seq";

pub(crate) fn stored(row: &Row<'_>) -> Result<Arc<Stored>, Error> {
    let text = |column: usize| {
        let text = row.get_ref(column)?.as_str();
        text.map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
    };
    let number = |column: usize| -> Result<Option<u64>, Error> {
        let number: Option<i64> = row.get(column)?;
        Ok(number.and_then(|it| u64::try_from(it).ok()))
    };
    let body = Bytes::copy_from_slice(text(9)?.as_bytes());
    Ok(Arc::new(Stored {
        seq: unsigned(row, 0)?,
        key: Key::from_parts(text(1)?, text(2)?, text(3)?),
        version: unsigned(row, 4)?,
        prev: number(5)?,
        base: number(10)?,
        by: text(6)?.into(),
        at: Moment(unsigned(row, 7)?),
        kind: kind(row, 8)?,
        digest: Digest::of(&body),
        body,
    }))
}

pub(crate) fn find_head(connection: &Connection, key: &Key) -> Result<Option<Head>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, version, digest, at, kind FROM heads
         WHERE space = ?1 AND collection = ?2 AND id = ?3",
    )?;
    let place = params![key.space(), key.collection(), key.id()];
    Ok(statement.query_row(place, |row| head(row, 0)).optional()?)
}

/// The newest version of a document, in one read: two would be two transactions.
pub(crate) fn find_current(
    connection: &Connection,
    key: &Key,
) -> Result<Option<Arc<Stored>>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT v.seq, v.space, v.collection, v.id, v.version, v.prev, v.by, v.at, v.kind, v.body,
                v.base
         FROM heads h JOIN versions v ON v.seq = h.seq
         WHERE h.space = ?1 AND h.collection = ?2 AND h.id = ?3",
    )?;
    let place = params![key.space(), key.collection(), key.id()];
    Ok(statement.query_row(place, stored).optional()?)
}

pub(crate) fn find_version(
    connection: &Connection,
    seq: Seq,
) -> Result<Option<Arc<Stored>>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, space, collection, id, version, prev, by, at, kind, body, base
         FROM versions WHERE seq = ?1",
    )?;
    Ok(statement.query_row([signed(seq)], stored).optional()?)
}

pub(crate) fn find_holder(
    connection: &Connection,
    space: &str,
    collection: &str,
    claim: &Claim,
) -> Result<Option<String>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM unique_keys
         WHERE space = ?1 AND collection = ?2 AND name = ?3 AND value = ?4",
    )?;
    let place = params![space, collection, claim.constraint, claim.value];
    Ok(statement.query_row(place, |row| row.get(0)).optional()?)
}
