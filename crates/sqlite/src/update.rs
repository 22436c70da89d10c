//! Brings a store up to date. Rows that were written before rows had seals get theirs.
//!
//! That goes from table to table in commits of bounded size; whoever is interrupted begins again, and
//! passes over what is sealed. The marker gets its seal last: until then no other program opens the
//! store. What it finds is taken for what was written.

use crate::failure::Failure;
use detente_core::{Checksum, Seq};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use crate::marker::{Marker, schema_of};
use crate::pruned;
use crate::row::{last_seq, unsigned};
use crate::seal::{TABLES, Table, VERSIONS};

/// How much one commit takes in: rows, and bytes of their contents.
const ROWS: usize = 4096;
const BYTES: usize = 16 * 1024 * 1024;

/// How many versions that are kept no longer one commit notes, about.
const MISSING: usize = 65_536;

/// Whether all rows have their seals.
pub(crate) fn is_finished(connection: &Connection) -> Result<bool, Failure> {
    let sql = "SELECT seal IS NOT NULL FROM marker";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Adds what a store lacks whose rows all have their seals, in one commit. The seals stay as they are, so
/// that what is damaged is found as before.
pub(crate) fn extend(connection: &Connection, missing: &str) -> Result<(), Failure> {
    let transaction = connection.unchecked_transaction()?;
    let marker = Marker::read(&transaction)?;
    transaction.execute_batch(missing)?;
    let schema = schema_of(&transaction)?;
    Marker { schema, ..marker }.write(&transaction)?;
    Ok(transaction.commit()?)
}

pub(crate) fn seal_all(connection: &Connection) -> Result<(), Failure> {
    let last = last_seq(connection)?;
    if last > 0 {
        tracing::info!(versions = last, "bringing the store up to date");
    }
    for table in TABLES {
        Sealing::of(table).run(connection)?;
    }
    let schema = schema_of(connection)?;
    let sql = "SELECT heads_through, fencing, pruned FROM marker";
    let marker = connection.query_row(sql, [], |row| {
        Ok(Marker {
            heads_through: unsigned(row, 0)?,
            fencing: unsigned(row, 1)?,
            pruned: unsigned(row, 2)?,
            schema,
        })
    })?;
    marker.write(connection)
}

/// The seals of one table, under way.
struct Sealing {
    table: &'static Table,
    /// The key of the last row that was looked at.
    after: Vec<Value>,
    select_first: String,
    select_next: String,
    update: String,
}

/// What was found in one go.
#[derive(Default)]
struct Slice {
    looked_at: usize,
    unsealed: Vec<Unsealed>,
    missing: Vec<Seq>,
}

/// A row that is to be sealed.
struct Unsealed {
    key: Vec<Value>,
    checksum: Option<i64>,
    seal: i64,
}

impl Sealing {
    fn of(table: &'static Table) -> Self {
        let keys = &table.sealed[..table.key_len];
        let list = keys.join(", ");
        let (name, columns) = (table.name, table.columns());
        let parameters = vec!["?"; keys.len()].join(", ");
        let end = format!("ORDER BY {list} LIMIT {ROWS}");
        let checksum = table.content.map_or("", |_| ", checksum = ?");
        let place: Vec<_> = keys.iter().map(|key| format!("{key} = ?")).collect();
        let place = place.join(" AND ");
        Self {
            table,
            after: Vec::new(),
            select_first: format!("SELECT {columns} FROM {name} {end}"),
            select_next: format!(
                "SELECT {columns} FROM {name} WHERE ({list}) > ({parameters}) {end}"
            ),
            update: format!("UPDATE {name} SET seal = ?{checksum} WHERE {place}"),
        }
    }

    fn run(mut self, connection: &Connection) -> Result<(), Failure> {
        let mut next = 1;
        loop {
            let transaction = connection.unchecked_transaction()?;
            let slice = self.look(&transaction, &mut next)?;
            let mut update = transaction.prepare_cached(&self.update)?;
            for row in &slice.unsealed {
                let seal = std::iter::once(Value::Integer(row.seal));
                let checksum = row.checksum.map(Value::Integer);
                let values = seal.chain(checksum).chain(row.key.iter().cloned());
                update.execute(params_from_iter(values))?;
            }
            drop(update);
            pruned::note(&transaction, &slice.missing)?;
            transaction.commit()?;
            if slice.looked_at == 0 {
                return Ok(());
            }
        }
    }

    /// Looks at the next rows. `next` is the version that should follow in the log.
    fn look(&mut self, connection: &Connection, next: &mut Seq) -> Result<Slice, Failure> {
        let mut slice = Slice::default();
        let mut bytes = 0;
        let select = match self.after.is_empty() {
            true => &self.select_first,
            false => &self.select_next,
        };
        let mut statement = connection.prepare_cached(select)?;
        let mut rows = statement.query(params_from_iter(std::mem::take(&mut self.after)))?;
        while let Some(row) = rows.next()? {
            slice.looked_at += 1;
            let unsealed = self.judge(row)?;
            self.after.clone_from(&unsealed.key);
            if self.table.name == VERSIONS.name {
                let seq = unsigned(row, 0)?;
                slice.missing.extend(*next..seq);
                *next = seq + 1;
            }
            if let Some(content) = self.content(row)? {
                bytes += content.len();
            }
            if !self.table.holds(row, 0)? {
                slice.unsealed.push(unsealed);
            }
            if bytes > BYTES || slice.missing.len() > MISSING {
                break;
            }
        }
        Ok(slice)
    }

    fn judge(&self, row: &Row<'_>) -> Result<Unsealed, Failure> {
        let values = (0..self.table.sealed.len()).map(|column| row.get_ref(column));
        let mut values: Vec<_> = values.collect::<Result<_, _>>()?;
        let content = self.content(row)?;
        let checksum = content.map(|content| Checksum::of(content).0.cast_signed());
        if let (Some(checksum), Some(last)) = (checksum, values.last_mut()) {
            *last = ValueRef::Integer(checksum);
        }
        let key = values[..self.table.key_len].iter();
        Ok(Unsealed {
            key: key
                .map(|value| Value::try_from(*value))
                .collect::<Result<_, _>>()
                .map_err(|error| Failure::damaged(error.to_string()))?,
            checksum,
            seal: self.table.seal(&values),
        })
    }

    fn content<'a>(&self, row: &'a Row<'_>) -> Result<Option<&'a [u8]>, Failure> {
        if self.table.content.is_none() {
            return Ok(None);
        }
        let content = row.get_ref(self.table.sealed.len() + 1)?;
        Ok(Some(content.as_bytes().unwrap_or_default()))
    }
}
