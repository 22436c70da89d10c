use std::collections::{BTreeMap, HashMap};

use detente_core::{CollectionKey, Head, Key, Kind, Moment};
use detente_store::Extent;
use rusqlite::{Connection, params};

use crate::failure::Failure;
use crate::layout;
use crate::pending::Pending;
use crate::row;

/// How much each collection of a space holds: what the table says, and what `pending` makes of it,
/// heads that may not be in the table. They were taken before the table is read, so what left for
/// the table in between is in both.
pub(crate) fn extents(
    connection: &Connection,
    space: &str,
    pending: &HashMap<Key, Head>,
) -> Result<Vec<Extent>, Failure> {
    // All that is counted is of one moment.
    let _moment = layout::one_moment(connection)?;
    let mut extents = BTreeMap::new();
    let mut counts = connection.prepare_cached(
        "SELECT collection, count(*) FILTER (WHERE kind = 1), max(at) FROM heads
         WHERE space = ?1 GROUP BY collection",
    )?;
    let mut rows = counts.query(params![space])?;
    while let Some(row) = rows.next()? {
        let collection: String = row.get(0)?;
        let extent = Extent {
            collection: collection.clone(),
            documents: row.get::<_, i64>(1)?.unsigned_abs(),
            changed_at: Moment(row.get::<_, i64>(2)?.unsigned_abs()),
        };
        extents.insert(collection, extent);
    }
    for (key, head) in pending {
        let before = row::find_head(connection, key)?;
        if before.is_some_and(|before| before.seq >= head.seq) {
            continue;
        }
        let extent = extents.entry(key.collection().to_owned());
        let extent = extent.or_insert_with(|| Extent {
            collection: key.collection().to_owned(),
            documents: 0,
            changed_at: head.at,
        });
        extent.documents -= u64::from(before.is_some_and(|it| it.kind == Kind::Document));
        extent.documents += u64::from(head.kind == Kind::Document);
        extent.changed_at = extent.changed_at.max(head.at);
    }
    Ok(extents.into_values().collect())
}

/// How many documents one collection holds; `pending` is as for [`extents`], of that collection.
pub(crate) fn count(
    connection: &Connection,
    collection: &CollectionKey,
    mut pending: Pending,
) -> Result<u64, Failure> {
    let _moment = layout::one_moment(connection)?;
    let CollectionKey { space, collection } = collection;
    let mut count = connection.prepare_cached(
        "SELECT count(*) FROM heads WHERE space = ?1 AND collection = ?2 AND kind = 1",
    )?;
    let count = count.query_row(params![space, collection], |row| row.get::<_, i64>(0))?;
    let mut count = count.unsigned_abs();
    while let Some((id, head)) = pending.next() {
        let key = Key::from_parts(space, collection, &id);
        let before = row::find_head(connection, &key)?;
        if before.is_some_and(|before| before.seq >= head.seq) {
            continue;
        }
        count += u64::from(head.kind == Kind::Document);
        count -= u64::from(before.is_some_and(|it| it.kind == Kind::Document));
    }
    Ok(count)
}
