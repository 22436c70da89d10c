use std::sync::Arc;

use bytes::Bytes;
use detente_core::{Digest, Head, Key, Kind, Lock, Moment, Seq, Stored};
use detente_store::with_lock_terms;
use tokio_postgres::Row;

use crate::failure::Failure;

/// The columns of a version `v`, in the order in which [`stored`] reads them.
macro_rules! version_columns {
    () => {
        "v.seq, v.collection, v.id, v.version, v.prev, v.base, v.by, v.at, v.kind, v.digest, v.body"
    };
}
pub(crate) use version_columns;

/// How many columns that are.
pub(crate) const VERSION_COLUMNS: usize = 11;

pub(crate) fn signed(number: u64) -> i64 {
    number as i64
}

pub(crate) fn unsigned(row: &Row, column: usize) -> u64 {
    row.get::<_, i64>(column) as u64
}

pub(crate) fn maybe(row: &Row, column: usize) -> Option<u64> {
    row.get::<_, Option<i64>>(column)
        .map(|number| number as u64)
}

pub(crate) fn kind_number(kind: Kind) -> i16 {
    match kind {
        Kind::Document => 1,
        Kind::Tombstone => 2,
    }
}

pub(crate) fn kind(number: i16) -> Result<Kind, Failure> {
    match number {
        1 => Ok(Kind::Document),
        2 => Ok(Kind::Tombstone),
        other => Err(Failure::damaged(format!(
            "there is no kind {other} of version"
        ))),
    }
}

/// A version of a space, by the columns from `at` on.
pub(crate) fn stored(space: &str, row: &Row, at: usize) -> Result<Arc<Stored>, Failure> {
    let body: &str = row.get(at + 10);
    Ok(Arc::new(Stored {
        seq: unsigned(row, at),
        key: Key::from_parts(space, row.get(at + 1), row.get(at + 2)),
        version: unsigned(row, at + 3),
        prev: maybe(row, at + 4),
        base: maybe(row, at + 5),
        by: row.get::<_, &str>(at + 6).into(),
        at: Moment(unsigned(row, at + 7)),
        kind: kind(row.get(at + 8))?,
        digest: Digest(unsigned(row, at + 9)),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }))
}

/// All versions of a result, in its order.
pub(crate) fn all_stored(space: &str, rows: &[Row]) -> Result<Vec<Arc<Stored>>, Failure> {
    rows.iter().map(|row| stored(space, row, 0)).collect()
}

/// The columns of a head, in the order in which [`head`] reads them.
macro_rules! head_columns {
    () => {
        "seq, version, digest, at, kind"
    };
}
pub(crate) use head_columns;

pub(crate) fn head(row: &Row, at: usize) -> Result<Head, Failure> {
    Ok(Head {
        seq: unsigned(row, at),
        version: unsigned(row, at + 1),
        digest: Digest(unsigned(row, at + 2)),
        at: Moment(unsigned(row, at + 3)),
        kind: kind(row.get(at + 4))?,
    })
}

/// Of a row of `collection, id, token, fencing, owner, by, expires_at, terms`.
pub(crate) fn lock(space: &str, row: &Row) -> Result<(Key, Arc<Lock>), Failure> {
    let key = Key::from_parts(space, row.get(0), row.get(1));
    let owner: &[u8] = row.get(4);
    let lock = Lock {
        token: row.get::<_, &str>(2).into(),
        fencing: unsigned(row, 3),
        owner: String::from_utf8_lossy(owner).into_owned(),
        by: row.get::<_, &str>(5).into(),
        expires_at: Moment(unsigned(row, 6)),
        is_deep: false,
        sharers: None,
    };
    let lock = with_lock_terms(lock, row.get(7));
    let unreadable = || Failure::damaged("a lock says what no lock does".to_owned());
    Ok((key, Arc::new(lock.ok_or_else(unreadable)?)))
}

/// Places in the log, as a parameter.
pub(crate) fn seqs(seqs: &[Seq]) -> Vec<i64> {
    seqs.iter().map(|seq| signed(*seq)).collect()
}
