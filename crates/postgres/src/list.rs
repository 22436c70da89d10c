use std::ops::ControlFlow;
use std::sync::Arc;

use detente_core::{CollectionKey, Moment, Stored};
use detente_store::{Documents, Extent, Listed, Listing, Selection};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::failure::Failure;
use crate::history::limit;
use crate::node::Node;
use crate::rows::{self, unsigned, version_columns};

/// How many documents are read at a time at most, and how many bytes of them.
const AT_A_TIME: usize = 500;
const BYTES_AT_A_TIME: usize = 4 * 1024 * 1024;

/// The newest versions that the table of heads may not have yet, of one moment with the rest.
macro_rules! tail {
    ($scope:literal) => {
        concat!(
            "tail AS (
                SELECT DISTINCT ON (v.collection, v.id) v.collection, v.id, v.seq, v.kind, v.at
                FROM versions v
                WHERE v.space = $1 AND ",
            $scope,
            " AND v.seq > (SELECT folded_through FROM upkeep WHERE space = $1)
                ORDER BY v.collection, v.id, v.seq DESC)"
        )
    };
}

/// Documents of a collection by their ids, from one on. `{beyond}` and `{direction}` say which way.
const WALK: &str = concat!(
    "WITH ",
    tail!("v.collection = $2"),
    ", named AS (
        (SELECT h.id, h.seq FROM heads h
            WHERE h.space = $1 AND h.collection = $2 AND h.kind = 1 AND {h.beyond}
                AND NOT EXISTS (SELECT 1 FROM tail t WHERE t.id = h.id)
            ORDER BY h.id {direction} LIMIT $4::bigint)
        UNION ALL
        (SELECT t.id, t.seq FROM tail t WHERE t.kind = 1 AND {t.beyond}
            ORDER BY t.id {direction} LIMIT $4::bigint)),
    measured AS (
        SELECT n.id, n.seq, octet_length(v.body)::bigint AS bytes,
            sum(octet_length(v.body)) OVER (ORDER BY n.id {direction}) AS sum,
            row_number() OVER (ORDER BY n.id {direction}) AS place
        FROM named n JOIN versions v ON v.space = $1 AND v.seq = n.seq
        ORDER BY n.id {direction} LIMIT $4::bigint)
    SELECT (SELECT count(*) FROM measured), ",
    version_columns!(),
    " FROM measured m JOIN versions v ON v.space = $1 AND v.seq = m.seq
      WHERE m.place = 1 OR m.sum <= $5::bigint ORDER BY m.id {direction}"
);

const COUNT: &str = concat!(
    "WITH ",
    tail!("v.collection = $2"),
    " SELECT (SELECT count(*) FROM heads h WHERE h.space = $1 AND h.collection = $2 AND h.kind = 1
            AND NOT EXISTS (SELECT 1 FROM tail t WHERE t.id = h.id))
        + (SELECT count(*) FROM tail WHERE kind = 1)"
);

const EXTENTS: &str = concat!(
    "WITH ",
    tail!("true"),
    ", newest AS (
        SELECT h.collection, h.kind, h.at FROM heads h
            WHERE h.space = $1 AND NOT EXISTS (
                SELECT 1 FROM tail t WHERE t.collection = h.collection AND t.id = h.id)
        UNION ALL
        SELECT collection, kind, at FROM tail)
    SELECT collection, count(*) FILTER (WHERE kind = 1), max(at) FROM newest
    GROUP BY collection ORDER BY collection"
);

/// Skips from one name to the next, so that its time does not grow with the documents.
const COLLECTIONS: &str = "WITH RECURSIVE named AS (
        (SELECT space, collection FROM heads ORDER BY space, collection LIMIT 1)
        UNION ALL
        SELECT n.space, n.collection FROM named l CROSS JOIN LATERAL (
            SELECT h.space, h.collection FROM heads h
            WHERE (h.space, h.collection) > (l.space, l.collection)
            ORDER BY h.space, h.collection LIMIT 1) n)
    SELECT space, collection FROM named
    UNION
    SELECT v.space, v.collection FROM upkeep u
        JOIN versions v ON v.space = u.space AND v.seq > u.folded_through
    ORDER BY 1, 2";

fn walk_sql(wanted: &Documents<'_>) -> String {
    let (beyond, direction) = match (wanted.descending, wanted.after) {
        (false, _) => (">", "ASC"),
        (true, Some(_)) => ("<", "DESC"),
        (true, None) => (">", "DESC"),
    };
    WALK.replace("{h.beyond}", &format!("h.id {beyond} $3"))
        .replace("{t.beyond}", &format!("t.id {beyond} $3"))
        .replace("{direction}", direction)
}

impl Node {
    /// Visits documents in the order of their ids, a few at a time: what is written between two reads may
    /// be passed over.
    pub(crate) async fn walk(
        &self,
        wanted: Documents<'_>,
        at_a_time: usize,
        mut visit: impl FnMut(Arc<Stored>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let CollectionKey { space, collection } = wanted.collection;
        let client = self.client().await?;
        let rows_limit = limit(at_a_time.min(AT_A_TIME));
        let mut after = wanted.after.map(str::to_owned);
        loop {
            let from = after.as_deref();
            let sql = walk_sql(&Documents {
                after: from,
                ..wanted
            });
            let statement = Self::prepared(&client, &sql).await?;
            let parameters: [&(dyn ToSql + Sync); 5] = [
                &&**space,
                &&**collection,
                &from.unwrap_or(""),
                &rows_limit,
                &limit(BYTES_AT_A_TIME),
            ];
            let found = client.query(&statement, &parameters).await?;
            let named = found.first().map_or(0, |row| row.get::<_, i64>(0));
            for row in &found {
                let stored = rows::stored(space, row, 1)?;
                after = Some(stored.key.id().to_owned());
                if visit(stored).is_break() {
                    return Ok(());
                }
            }
            let is_end = named < rows_limit && named as usize == found.len();
            if is_end {
                return Ok(());
            }
        }
    }

    pub(crate) async fn list(&self, wanted: &Listing) -> Result<Listed, Failure> {
        let mut selection = Selection::new(wanted);
        let at_a_time = match wanted.has_all() && wanted.query.is_by_id() {
            true => wanted.limit.rows.saturating_add(1),
            false => AT_A_TIME,
        };
        self.walk(wanted.walk(), at_a_time, |stored| selection.offer(stored))
            .await?;
        Ok(selection.finish())
    }

    pub(crate) async fn count(&self, wanted: &Listing) -> Result<u64, Failure> {
        if wanted.has_all() {
            let CollectionKey { space, collection } = &wanted.collection;
            let client = self.client().await?;
            let statement = Self::prepared(&client, COUNT).await?;
            let row = client
                .query_one(&statement, &[&&**space, &&**collection])
                .await?;
            return Ok(unsigned(&row, 0));
        }
        let mut count = 0;
        self.walk(wanted.whole_walk(), AT_A_TIME, |stored| {
            count += u64::from(wanted.selects(&stored));
            ControlFlow::Continue(())
        })
        .await?;
        Ok(count)
    }

    pub(crate) async fn extents(&self, space: &str) -> Result<Vec<Extent>, Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, EXTENTS).await?;
        let rows = client.query(&statement, &[&space]).await?;
        let extent = |row: &Row| Extent {
            collection: row.get(0),
            documents: unsigned(row, 1),
            changed_at: Moment(unsigned(row, 2)),
        };
        Ok(rows.iter().map(extent).collect())
    }

    pub(crate) async fn collections(&self) -> Result<Vec<CollectionKey>, Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, COLLECTIONS).await?;
        let rows = client.query(&statement, &[]).await?;
        let named = |row: &Row| CollectionKey {
            space: row.get::<_, &str>(0).into(),
            collection: row.get::<_, &str>(1).into(),
        };
        Ok(rows.iter().map(named).collect())
    }
}
