use crate::failure::Failure;
use detente_core::json::{self, Number, Value};
use detente_core::{Moment, Once, Receipt, Written};
use detente_store::Commit;
use rusqlite::{Connection, OptionalExtension, params};

use crate::row::signed;

/// How many receipts that have outlived their time go for each that comes: faster than they come,
/// so that none stay for ever.
const GONE_PER_NEW: usize = 2;

pub(crate) fn find(connection: &Connection, scope: &[u8; 32]) -> Result<Option<Receipt>, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT payload, at, writes FROM receipts WHERE scope = ?1")?;
    let found = statement.query_row([scope.as_slice()], |row| {
        Ok((
            row.get::<_, [u8; 32]>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, String>(2)?,
        ))
    });
    let Some((payload, at, writes)) = found.optional()? else {
        return Ok(None);
    };
    let once = Once {
        scope: *scope,
        payload,
    };
    let damaged = || Failure::damaged(format!("a receipt says {writes:?}"));
    Ok(Some(Receipt {
        once,
        at: Moment(at.unsigned_abs()),
        writes: read_writes(&writes).ok_or_else(damaged)?,
    }))
}

pub(crate) fn write(connection: &Connection, commit: &Commit) -> Result<(), Failure> {
    if commit.receipts.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO receipts (scope, payload, at, writes) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for Receipt { once, at, writes } in &commit.receipts {
        insert.execute(params![
            once.scope.as_slice(),
            once.payload.as_slice(),
            signed(at.0),
            write_writes(writes),
        ])?;
    }
    let mut forget = connection.prepare_cached(
        "DELETE FROM receipts WHERE number IN (SELECT number FROM receipts ORDER BY number LIMIT ?1)
         AND at < ?2",
    )?;
    let oldest = commit.now.0.saturating_sub(Receipt::LIFE_MS);
    let count = commit.receipts.len() * GONE_PER_NEW;
    forget.execute(params![signed(count as u64), signed(oldest)])?;
    Ok(())
}

fn write_writes(writes: &[Written]) -> String {
    let row =
        |written: &Written| Value::Array(vec![written.seq.into(), Value::Bool(written.created)]);
    Value::Array(writes.iter().map(row).collect()).to_text()
}

fn read_writes(text: &str) -> Option<Vec<Written>> {
    let Ok(Value::Array(rows)) = json::parse(text.as_bytes()) else {
        return None;
    };
    let row = |row: &Value| match row {
        Value::Array(parts) => match parts.as_slice() {
            [Value::Number(seq), Value::Bool(created)] => Some(Written {
                seq: Number::as_i64(seq)?.unsigned_abs(),
                created: *created,
            }),
            _ => None,
        },
        _ => None,
    };
    rows.iter().map(row).collect()
}
