use std::sync::Arc;

use detente_core::{Key, Seq, Stored};
use detente_store::{Feed, Follow, History, HistorySpan, PageLimit};

use crate::arrays::MILESTONE;
use crate::failure::Failure;
use crate::node::Node;
use crate::rows::{self, signed, unsigned, version_columns};

/// Back from version $2 along the chain, past none at or before $3, $4 versions at most.
const BACK: &str = concat!(
    "WITH RECURSIVE chain AS (
        SELECT seq, prev, octet_length(body)::bigint AS bytes, 1::bigint AS place
        FROM versions WHERE space = $1 AND seq = $2 AND seq > $3
        UNION ALL
        SELECT v.seq, v.prev, octet_length(v.body)::bigint, c.place + 1
        FROM chain c JOIN versions v ON v.space = $1 AND v.seq = c.prev
        WHERE c.prev > $3 AND c.place <= $4::bigint),
    measured AS (
        SELECT *, sum(bytes) OVER (ORDER BY place) AS sum FROM chain),
    fitting AS (
        SELECT * FROM measured WHERE place <= $4::bigint AND (place = 1 OR sum <= $5::bigint))
    SELECT (SELECT count(*) FROM chain), ",
    version_columns!(),
    " FROM fitting f JOIN versions v ON v.space = $1 AND v.seq = f.seq ORDER BY f.place"
);

/// The version with a number: back from the first milestone that is not before it, or from the newest.
const NUMBERED: &str = concat!(
    "WITH RECURSIVE start AS (
        SELECT coalesce((SELECT seq FROM milestones
            WHERE space = $1 AND collection = $2 AND id = $3 AND version >= $4
            ORDER BY version LIMIT 1), $5::bigint) AS seq),
    chain AS (
        SELECT v.seq, v.prev, v.version FROM start s JOIN versions v ON v.space = $1 AND v.seq = s.seq
        UNION ALL
        SELECT v.seq, v.prev, v.version FROM chain c JOIN versions v ON v.space = $1 AND v.seq = c.prev
        WHERE c.version > $4)
    SELECT ",
    version_columns!(),
    " FROM chain c JOIN versions v ON v.space = $1 AND v.seq = c.seq WHERE c.version = $4"
);

/// The versions after $4, the oldest first: found back from a milestone behind so many that a page is
/// full, or from the newest. The first column says whether there are newer ones than those looked at.
const CHANGES: &str = concat!(
    "WITH RECURSIVE start AS (
        SELECT coalesce((SELECT seq FROM milestones
            WHERE space = $1 AND collection = $2 AND id = $3 AND seq > $4
            ORDER BY version OFFSET $8::bigint LIMIT 1), $5::bigint) AS seq),
    chain AS (
        SELECT v.seq, v.prev, octet_length(v.body)::bigint AS bytes
        FROM start s JOIN versions v ON v.space = $1 AND v.seq = s.seq WHERE v.seq > $4
        UNION ALL
        SELECT v.seq, v.prev, octet_length(v.body)::bigint
        FROM chain c JOIN versions v ON v.space = $1 AND v.seq = c.prev WHERE c.prev > $4),
    measured AS (
        SELECT *, sum(bytes) OVER (ORDER BY seq) AS sum, row_number() OVER (ORDER BY seq) AS place
        FROM chain),
    fitting AS (
        SELECT * FROM measured WHERE place <= $6::bigint AND (place = 1 OR sum <= $7::bigint))
    SELECT (SELECT count(*) FROM chain) > (SELECT count(*) FROM fitting)
            OR (SELECT seq FROM start) < $5, ",
    version_columns!(),
    " FROM fitting f JOIN versions v ON v.space = $1 AND v.seq = f.seq ORDER BY f.seq"
);

pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX / 2)
}

impl Node {
    pub(crate) async fn history(
        &self,
        newest: &Arc<Stored>,
        span: HistorySpan,
    ) -> Result<History, Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, BACK).await?;
        let space = newest.key.space();
        let rows = client
            .query(
                &statement,
                &[
                    &space,
                    &signed(newest.seq),
                    &signed(span.after),
                    &limit(span.limit.rows),
                    &limit(span.limit.bytes),
                ],
            )
            .await?;
        let mut versions = Vec::with_capacity(rows.len());
        for row in &rows {
            versions.push(rows::stored(space, row, 1)?);
        }
        let in_all = rows.first().map_or(0, |row| unsigned(row, 0));
        Ok(History {
            is_cut: in_all > versions.len() as u64,
            versions,
        })
    }

    pub(crate) async fn numbered(
        &self,
        newest: &Stored,
        number: u64,
    ) -> Result<Option<Arc<Stored>>, Failure> {
        if number == 0 || number > newest.version {
            return Ok(None);
        }
        let client = self.client().await?;
        let statement = Self::prepared(&client, NUMBERED).await?;
        let key = &newest.key;
        let (number, seq) = (signed(number), signed(newest.seq));
        let row = client
            .query_opt(
                &statement,
                &[&key.space(), &key.collection(), &key.id(), &number, &seq],
            )
            .await?;
        row.map(|row| rows::stored(key.space(), &row, 0))
            .transpose()
    }

    pub(crate) async fn document_changes(
        &self,
        key: &Key,
        since: Seq,
        follow: Follow,
        page: PageLimit,
    ) -> Result<Feed, Failure> {
        let lane = self.lane(key.space());
        // Taken first: what is committed meanwhile is looked at the next time.
        let looked_at = lane.last_seq().max(since);
        let newest = self.current(&lane, key).await?;
        let mut feed = Feed {
            items: Vec::new(),
            through: since,
            more: false,
        };
        match newest {
            Some(newest) if follow == Follow::Heads => {
                feed.through = newest.seq.max(since);
                feed.items.extend((newest.seq > since).then_some(newest));
            }
            Some(newest) if newest.seq > since => {
                self.changes_up_to(&newest, since, page, &mut feed).await?;
            }
            _ => {}
        }
        if !feed.more {
            feed.through = feed.through.max(looked_at);
        }
        Ok(feed)
    }

    async fn changes_up_to(
        &self,
        newest: &Stored,
        since: Seq,
        page: PageLimit,
        feed: &mut Feed,
    ) -> Result<(), Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, CHANGES).await?;
        let key = &newest.key;
        let milestones = limit(page.rows / MILESTONE as usize + 1);
        let rows = client
            .query(
                &statement,
                &[
                    &key.space(),
                    &key.collection(),
                    &key.id(),
                    &signed(since),
                    &signed(newest.seq),
                    &limit(page.rows),
                    &limit(page.bytes),
                    &milestones,
                ],
            )
            .await?;
        for row in &rows {
            feed.items.push(rows::stored(key.space(), row, 1)?);
        }
        feed.more = rows.first().is_some_and(|row| row.get(0));
        feed.through = feed.items.last().map_or(since, |last| last.seq);
        Ok(())
    }
}
