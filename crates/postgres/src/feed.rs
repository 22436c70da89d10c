use detente_store::{Changes, Feed, Follow};

use crate::failure::Failure;
use crate::history::limit;
use crate::node::Node;
use crate::rows::{self, signed, unsigned, version_columns};

/// How many versions a page passes over before it reports where it got to.
const SCAN: i64 = 20_000;

/// All is of one moment, and in it the log has no gap up to its end.
///
/// $6 says that only heads are wanted. A version that is not folded is one if no newer one of its
/// document is past it; one that is folded, if the table of heads says so and none is past that.
const PAGE: &str = concat!(
    "WITH e AS (
        SELECT s.last_seq, u.folded_through FROM spaces s JOIN upkeep u USING (space)
        WHERE s.space = $1),
    looked_at AS (
        SELECT v.seq, v.collection, v.id, octet_length(v.body)::bigint AS bytes
        FROM versions v WHERE v.space = $1 AND v.seq > $3 ORDER BY v.seq LIMIT $7::bigint),
    tail AS (
        SELECT v.collection, v.id, max(v.seq) AS seq FROM e, versions v
        WHERE $6::boolean AND v.space = $1 AND v.seq > e.folded_through GROUP BY v.collection, v.id),
    wanted AS (
        SELECT l.seq, l.bytes, sum(l.bytes) OVER (ORDER BY l.seq) AS sum,
            row_number() OVER (ORDER BY l.seq) AS place
        FROM looked_at l LEFT JOIN tail t ON t.collection = l.collection AND t.id = l.id
        WHERE (l.collection = $2 OR $2 IS NULL)
            AND (NOT $6 OR CASE WHEN t.seq IS NOT NULL THEN t.seq = l.seq
                ELSE EXISTS (SELECT 1 FROM heads h WHERE h.space = $1
                    AND h.collection = l.collection AND h.id = l.id AND h.seq = l.seq) END)
        ORDER BY l.seq LIMIT $4::bigint + 1),
    fitting AS (
        SELECT * FROM wanted WHERE place <= $4::bigint AND (place = 1 OR sum <= $5::bigint))
    SELECT e.last_seq, (SELECT count(*) FROM looked_at), (SELECT max(seq) FROM looked_at),
        (SELECT count(*) FROM wanted), ",
    version_columns!(),
    " FROM e LEFT JOIN fitting f ON true LEFT JOIN versions v ON v.space = $1 AND v.seq = f.seq
      ORDER BY f.seq"
);

/// How many columns come before those of a version.
const HEADER: usize = 4;

impl Node {
    pub(crate) async fn changes(&self, wanted: &Changes) -> Result<Feed, Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, PAGE).await?;
        let is_heads = wanted.follow == Follow::Heads;
        let rows = client
            .query(
                &statement,
                &[
                    &wanted.space,
                    &wanted.collection,
                    &signed(wanted.since),
                    &limit(wanted.limit.rows),
                    &limit(wanted.limit.bytes),
                    &is_heads,
                    &SCAN,
                ],
            )
            .await?;
        let mut feed = Feed {
            items: Vec::new(),
            through: wanted.since,
            more: false,
        };
        let Some(first) = rows.first() else {
            return Ok(feed);
        };
        for row in &rows {
            if row.get::<_, Option<i64>>(HEADER).is_some() {
                feed.items.push(rows::stored(&wanted.space, row, HEADER)?);
            }
        }
        let is_cut = unsigned(first, 3) > feed.items.len() as u64;
        let is_scan_cut = first.get::<_, i64>(1) >= SCAN;
        feed.more = is_cut || is_scan_cut;
        feed.through = match (is_cut, is_scan_cut) {
            (true, _) => feed.items.last().map_or(wanted.since, |last| last.seq),
            (false, true) => rows::maybe(first, 2).unwrap_or(wanted.since),
            (false, false) => unsigned(first, 0).max(wanted.since),
        };
        Ok(feed)
    }
}
