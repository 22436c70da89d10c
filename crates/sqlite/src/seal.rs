//! What shows that a row is still as it was written: the hash of its columns beside them.

use detente_core::Checksum;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Error, Row, Statement};

/// A table whose rows are sealed.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Tells the rows of one table from those of another.
    mark: u8,
    /// The columns that the seal covers, in this order. Large contents are covered by their checksum.
    pub(crate) sealed: &'static [&'static str],
    /// How many of the first name a row.
    pub(crate) key_len: usize,
    /// A large content, whose checksum is the last of the sealed columns.
    pub(crate) content: Option<&'static str>,
    /// A sealed column that came when rows had seals: where it is NULL, the seal passes over it, and so
    /// is that of rows that never had it.
    later: Option<&'static str>,
}

pub(crate) const VERSIONS: Table = Table {
    name: "versions",
    mark: 1,
    sealed: &[
        "seq",
        "space",
        "collection",
        "id",
        "version",
        "prev",
        "by",
        "at",
        "kind",
        "base",
        "checksum",
    ],
    key_len: 1,
    content: Some("body"),
    later: None,
};

pub(crate) const HEADS: Table = Table {
    name: "heads",
    mark: 2,
    sealed: &[
        "space",
        "collection",
        "id",
        "seq",
        "version",
        "digest",
        "at",
        "kind",
    ],
    key_len: 3,
    content: None,
    later: None,
};

pub(crate) const UNIQUE_KEYS: Table = Table {
    name: "unique_keys",
    mark: 3,
    sealed: &["space", "collection", "name", "value", "id"],
    key_len: 4,
    content: None,
    later: None,
};

pub(crate) const LOCKS: Table = Table {
    name: "locks",
    mark: 4,
    sealed: &[
        "space",
        "collection",
        "id",
        "token",
        "fencing",
        "owner",
        "by",
        "expires_at",
        "terms",
    ],
    key_len: 3,
    content: None,
    later: Some("terms"),
};

pub(crate) const RECEIPTS: Table = Table {
    name: "receipts",
    mark: 5,
    sealed: &["scope", "payload", "at", "writes"],
    key_len: 1,
    content: None,
    later: None,
};

pub(crate) const CONFLICTS: Table = Table {
    name: "conflicts",
    mark: 6,
    sealed: &[
        "id",
        "at",
        "space",
        "collection",
        "document",
        "by",
        "method",
        "kind",
        "paths",
        "base_version",
        "base_seq",
        "current_version",
        "current_seq",
        "outcome",
        "settled_at",
        "settled_by",
        "settled_version",
        "weight",
        "edit_kind",
        "agent",
        "settled_reason",
        "checksum",
    ],
    key_len: 1,
    content: Some("edit"),
    later: Some("settled_reason"),
};

pub(crate) const MERGES: Table = Table {
    name: "merges",
    mark: 7,
    sealed: &["space", "hour", "collection", "count"],
    key_len: 3,
    content: None,
    later: None,
};

pub(crate) const PRUNED: Table = Table {
    name: "pruned",
    mark: 8,
    sealed: &["block", "bits"],
    key_len: 1,
    content: None,
    later: None,
};

pub(crate) const MARKER: Table = Table {
    name: "marker",
    mark: 9,
    sealed: &["heads_through", "fencing", "pruned", "schema"],
    key_len: 0,
    content: None,
    later: None,
};

/// The tables whose rows are sealed one by one.
pub(crate) const TABLES: [&Table; 8] = [
    &VERSIONS,
    &HEADS,
    &UNIQUE_KEYS,
    &LOCKS,
    &RECEIPTS,
    &CONFLICTS,
    &MERGES,
    &PRUNED,
];

impl Table {
    /// The sealed columns and the seal, then the content if there is one: as [`holds`](Self::holds)
    /// and [`Self::content`] read them.
    pub(crate) fn columns(&self) -> String {
        let mut columns = self.sealed.join(", ");
        columns.push_str(", seal");
        if let Some(content) = self.content {
            columns.push_str(", ");
            columns.push_str(content);
        }
        columns
    }

    pub(crate) fn seal(&self, row: &[ValueRef<'_>]) -> i64 {
        let mut text = Vec::with_capacity(256);
        text.push(self.mark);
        for (name, value) in self.sealed.iter().zip(row) {
            if *value != ValueRef::Null || self.later != Some(*name) {
                put(&mut text, *value);
            }
        }
        Checksum::of(&text).0.cast_signed()
    }

    /// Binds a row, its seal and its content, and runs the statement.
    pub(crate) fn write(
        &self,
        statement: &mut Statement<'_>,
        row: &[ValueRef<'_>],
        content: Option<&str>,
    ) -> Result<(), Error> {
        let seal = self.seal(row);
        for (index, value) in row.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, ToSqlOutput::Borrowed(*value))?;
        }
        statement.raw_bind_parameter(row.len() + 1, seal)?;
        if let Some(content) = content {
            statement.raw_bind_parameter(row.len() + 2, content)?;
        }
        statement.raw_execute()?;
        Ok(())
    }

    /// Whether a row is as it was written, but for its content. It has the columns of
    /// [`Self::columns`] from `first` on.
    pub(crate) fn holds(&self, row: &Row<'_>, first: usize) -> Result<bool, Error> {
        let seal = row.get_ref(first + self.sealed.len())?;
        Ok(seal == ValueRef::Integer(self.seal_of(row, first)?))
    }

    /// The seal that a row should have.
    pub(crate) fn seal_of(&self, row: &Row<'_>, first: usize) -> Result<i64, Error> {
        let values = (0..self.sealed.len()).map(|index| row.get_ref(first + index));
        let values: Vec<_> = values.collect::<Result<_, _>>()?;
        Ok(self.seal(&values))
    }

    /// The content of a row that holds, if it, too, is as it was written.
    pub(crate) fn content<'a>(
        &self,
        row: &'a Row<'_>,
        first: usize,
    ) -> Result<Option<(&'a str, Checksum)>, Error> {
        let checksum = row.get_ref(first + self.sealed.len() - 1)?;
        let ValueRef::Text(content) = row.get_ref(first + self.sealed.len() + 1)? else {
            return Ok(None);
        };
        let found = Checksum::of(content);
        if checksum != self::checksum(found) {
            return Ok(None);
        }
        Ok(std::str::from_utf8(content).ok().map(|text| (text, found)))
    }
}

/// Appends a value so that no two rows read alike.
fn put(text: &mut Vec<u8>, value: ValueRef<'_>) {
    let mut put_bytes = |kind: u8, bytes: &[u8]| {
        text.push(kind);
        text.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        text.extend_from_slice(bytes);
    };
    match value {
        ValueRef::Null => text.push(0),
        ValueRef::Integer(number) => {
            text.push(1);
            text.extend_from_slice(&number.to_le_bytes());
        }
        ValueRef::Real(number) => {
            text.push(2);
            text.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        ValueRef::Text(bytes) => put_bytes(3, bytes),
        ValueRef::Blob(bytes) => put_bytes(4, bytes),
    }
}

pub(crate) fn text(text: &str) -> ValueRef<'_> {
    ValueRef::Text(text.as_bytes())
}

pub(crate) fn number(number: u64) -> ValueRef<'static> {
    ValueRef::Integer(crate::row::signed(number))
}

pub(crate) fn optional(number: Option<u64>) -> ValueRef<'static> {
    number.map_or(ValueRef::Null, self::number)
}

pub(crate) fn checksum(checksum: Checksum) -> ValueRef<'static> {
    ValueRef::Integer(checksum.0.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_differ_have_different_seals() {
        let rows: [&[ValueRef<'_>]; 7] = [
            &[text("a"), text("bc")],
            &[text("ab"), text("c")],
            &[text("abc"), ValueRef::Null],
            &[ValueRef::Blob(b"a"), text("bc")],
            &[number(1), ValueRef::Null],
            &[ValueRef::Null, number(1)],
            &[ValueRef::Real(1.0), ValueRef::Null],
        ];
        let tables = [&HEADS, &LOCKS];
        let mut seals: Vec<_> = tables
            .iter()
            .flat_map(|table| rows.iter().map(|row| table.seal(row)))
            .collect();
        seals.sort_unstable();
        seals.dedup();
        assert_eq!(seals.len(), rows.len() * tables.len());
    }

    #[test]
    fn a_row_that_has_nothing_in_a_later_column_has_the_seal_that_it_had_before() {
        const BEFORE: Table = Table {
            sealed: &["id", "agent", "checksum"],
            later: None,
            ..CONFLICTS
        };
        const SINCE: Table = Table {
            sealed: &["id", "agent", "settled_reason", "checksum"],
            ..CONFLICTS
        };
        let before = BEFORE.seal(&[text("a"), ValueRef::Null, number(7)]);
        let since = |reason| SINCE.seal(&[text("a"), ValueRef::Null, reason, number(7)]);
        assert_eq!(since(ValueRef::Null), before);
        for reason in [text(""), text("b"), number(0)] {
            assert_ne!(since(reason), before, "{reason:?}");
        }
    }
}
