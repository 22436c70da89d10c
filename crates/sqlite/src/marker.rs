use crate::failure::Failure;
use detente_core::{Checksum, Seq};
use rusqlite::Connection;

use crate::row::unsigned;
use crate::seal::{MARKER, checksum, number};

/// How far what is derived agrees with the log, and what is counted over all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The table of heads agrees with the log up to here.
    pub(crate) heads_through: Seq,
    /// The largest fencing number that was ever given out.
    pub(crate) fencing: u64,
    /// How many versions are kept no longer.
    pub(crate) pruned: u64,
    /// Of the words that the tables were made by: rows are read by them.
    pub(crate) schema: Checksum,
}

impl Marker {
    pub(crate) fn read(connection: &Connection) -> Result<Self, Failure> {
        let sql = format!("SELECT {} FROM marker", MARKER.columns());
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let damaged = || Failure::damaged("the store's marker is not as it was written");
        let row = rows.next()?.ok_or_else(damaged)?;
        if !MARKER.holds(row, 0)? {
            return Err(damaged());
        }
        let schema = Checksum(row.get::<_, i64>(3)?.cast_unsigned());
        if schema != schema_of(connection)? {
            return Err(Failure::damaged(
                "the description of the tables is not as it was written",
            ));
        }
        Ok(Self {
            schema,
            heads_through: unsigned(row, 0)?,
            fencing: unsigned(row, 1)?,
            pruned: unsigned(row, 2)?,
        })
    }

    pub(crate) fn write(&self, connection: &Connection) -> Result<(), Failure> {
        let mut update = connection.prepare_cached(
            "UPDATE marker SET heads_through = ?1, fencing = ?2, pruned = ?3, schema = ?4, seal = ?5",
        )?;
        let Self {
            heads_through,
            fencing,
            pruned,
            schema,
        } = *self;
        let row = [
            number(heads_through),
            number(fencing),
            number(pruned),
            checksum(schema),
        ];
        Ok(MARKER.write(&mut update, &row, None)?)
    }
}

/// Of the tables and indexes that are ours.
pub(crate) fn schema_of(connection: &Connection) -> Result<Checksum, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'
         ORDER BY name",
    )?;
    let mut rows = statement.query([])?;
    let mut text = Vec::new();
    while let Some(row) = rows.next()? {
        for column in 0..4 {
            text.extend_from_slice(row.get_ref(column)?.as_bytes().unwrap_or_default());
            text.push(0);
        }
    }
    Ok(Checksum::of(&text))
}
