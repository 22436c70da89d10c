use crate::failure::Failure;
use detente_core::json::{self, Number, Value};
use detente_core::{Moment, Once, Receipt, Written};
use detente_store::Commit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::row::{signed, text, unsigned};
use crate::seal::{self, RECEIPTS};

/// How many receipts that have outlived their time go for each that comes: faster than they come,
/// so that none stay for ever.
const GONE_PER_NEW: usize = 2;

pub(crate) fn find(connection: &Connection, scope: &[u8; 32]) -> Result<Option<Receipt>, Failure> {
    let damaged = || Failure::damaged("a receipt is not as it was written");
    let mut statement = connection
        .prepare_cached("SELECT scope, payload, at, writes, seal FROM receipts WHERE scope = ?1")?;
    let mut rows = statement.query([scope.as_slice()])?;
    let Some(row) = rows.next()? else {
        return match is_known(connection, scope)? {
            true => Err(damaged()),
            false => Ok(None),
        };
    };
    if !RECEIPTS.holds(row, 0)? || row.get::<_, [u8; 32]>(0)? != *scope {
        return Err(damaged());
    }
    let once = Once {
        scope: *scope,
        payload: row.get(1)?,
    };
    Ok(Some(Receipt {
        once,
        at: Moment(unsigned(row, 2)?),
        writes: read_writes(text(row, 3)?).ok_or_else(damaged)?,
    }))
}

/// Whether the second list of scopes has it: what was performed must not be performed again because
/// its scope changed on the disk.
fn is_known(connection: &Connection, scope: &[u8; 32]) -> Result<bool, Failure> {
    let mut again = connection
        .prepare_cached("SELECT 1 FROM receipts INDEXED BY receipts_again WHERE scope = ?1")?;
    Ok(again.exists([scope.as_slice()])?)
}

pub(crate) fn write(connection: &Connection, commit: &Commit) -> Result<(), Failure> {
    if commit.receipts.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO receipts (scope, payload, at, writes, seal)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for Receipt { once, at, writes } in &commit.receipts {
        let writes = write_writes(writes);
        let row = [
            ValueRef::Blob(&once.scope),
            ValueRef::Blob(&once.payload),
            seal::number(at.0),
            seal::text(&writes),
        ];
        RECEIPTS.write(&mut insert, &row, None)?;
    }
    let mut forget = connection.prepare_cached(
        "DELETE FROM receipts WHERE number IN (SELECT number FROM receipts ORDER BY number LIMIT ?1)
         AND at < ?2",
    )?;
    let oldest = commit.time.aged().0.saturating_sub(Receipt::LIFE_MS);
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
