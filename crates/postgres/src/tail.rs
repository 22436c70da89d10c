use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use deadpool_postgres::Object;
use detente_core::{Head, Key, Lock, Moment};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::failure::Failure;
use crate::lane::{Lane, News, Snapshot, Stand};
use crate::node::Node;
use crate::rows::{self, VERSION_COLUMNS, signed, unsigned, version_columns};

/// How many versions are read one after the other; where there are more, heads alone are read.
const VERSIONS: i64 = 1000;

/// The columns of a stand, and what time it is.
macro_rules! stand_columns {
    () => {
        "s.turn, s.batch, s.last_seq, s.last_at, s.fencing, s.locks_turn, s.rules, u.folded_through,
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    };
}

const STAND_COLUMNS: usize = 9;

/// The stand of a lane, what is newer than the version $2, and which commit wrote that.
const TAIL: &str = concat!(
    "SELECT ",
    stand_columns!(),
    ", (SELECT n.batch FROM versions n WHERE n.space = s.space AND n.seq = $2), v.batch, ",
    version_columns!(),
    " FROM spaces s JOIN upkeep u ON u.space = s.space
      LEFT JOIN versions v ON v.space = s.space AND v.seq > $2
      WHERE s.space = $1 ORDER BY v.seq LIMIT $3",
);

/// The stand of a lane, and all that its heads may lack.
const LOAD: &str = concat!(
    "SELECT ",
    stand_columns!(),
    ", v.batch, v.collection, v.id, v.seq, v.version, v.digest, v.at, v.kind
      FROM spaces s JOIN upkeep u ON u.space = s.space
      LEFT JOIN versions v ON v.space = s.space AND (v.seq > u.folded_through OR v.seq = s.last_seq)
      WHERE s.space = $1 ORDER BY v.seq",
);

const LOCKS: &str = "SELECT collection, id, token, fencing, owner, by, expires_at, terms FROM locks
    WHERE space = $1";

fn stand(row: &Row) -> Stand {
    Stand {
        turn: row.get(0),
        batch: row.get(1),
        last_seq: unsigned(row, 2),
        newest: Uuid::nil(),
        last_at: Moment(unsigned(row, 3)),
        fencing: unsigned(row, 4),
        locks_turn: row.get(5),
        rules: row.get(6),
    }
}

impl Node {
    /// Reads on behind what is known of a lane: then all is known that was committed before the call.
    pub(crate) async fn refresh(&self, lane: &Lane) -> Result<Stand, Failure> {
        let client = self.client().await?;
        self.refresh_by(&client, lane).await
    }

    pub(crate) async fn refresh_by(&self, client: &Object, lane: &Lane) -> Result<Stand, Failure> {
        loop {
            let read = match lane.stand() {
                Some(before) => self.tail(client, lane, before).await?,
                None => Some(self.load(client, lane).await?),
            };
            // It was not taken in if what it follows was dropped meanwhile.
            let is_known = |read: &Stand| lane.stand().is_some_and(|it| it.turn >= read.turn);
            if let Some(stand) = read.filter(is_known) {
                return Ok(stand);
            }
        }
    }

    /// `None`: what was known does not count any more, or is too far behind.
    async fn tail(
        &self,
        client: &Object,
        lane: &Lane,
        before: Stand,
    ) -> Result<Option<Stand>, Failure> {
        let statement = Self::prepared(client, TAIL).await?;
        let asked = Instant::now();
        let known = signed(before.last_seq);
        let rows = client
            .query(&statement, &[&&*lane.space, &known, &VERSIONS])
            .await?;
        let Some(first) = rows.first() else {
            // There is no such space, as was known.
            return Ok(is_nowhere(before)
                .then_some(before)
                .or_else(|| rewound(lane)));
        };
        self.heard_time(Moment(unsigned(first, 8)), asked);
        let newest: Option<Uuid> = first.get(STAND_COLUMNS);
        let mut stand = stand(first);
        let is_other = newest.is_some_and(|newest| newest != before.newest);
        let goes_back = stand.turn < before.turn
            || stand.turn == before.turn && stand.batch != before.batch
            || before.last_seq > 0 && is_other;
        if goes_back {
            return Ok(rewound(lane));
        }
        if before.last_seq > 0 && newest.is_none() {
            // It is kept no longer, so much was written since.
            return self.load(client, lane).await.map(Some);
        }
        let at = STAND_COLUMNS + 2;
        let mut versions = Vec::new();
        for row in &rows {
            if row.get::<_, Option<i64>>(at).is_some() {
                versions.push(rows::stored(&lane.space, row, at)?);
            }
        }
        debug_assert_eq!(first.len(), at + VERSION_COLUMNS);
        let reached = versions.last().map_or(before.last_seq, |last| last.seq);
        if reached < stand.last_seq {
            return self.load(client, lane).await.map(Some);
        }
        let last: Option<Uuid> = rows.last().and_then(|row| row.get(at - 1));
        stand.newest = last.unwrap_or(before.newest);
        let locks = match stand.locks_turn > before.locks_turn {
            true => Some(locks(client, lane).await?),
            false => None,
        };
        for stored in &versions {
            self.keep(lane, stored);
        }
        lane.take_in(Snapshot {
            stand,
            folded: unsigned(first, 7),
            news: News::Versions(before.last_seq, versions),
            locks,
        });
        Ok(Some(stand))
    }

    async fn load(&self, client: &Object, lane: &Lane) -> Result<Stand, Failure> {
        let statement = Self::prepared(client, LOAD).await?;
        let asked = Instant::now();
        let rows = client.query(&statement, &[&&*lane.space]).await?;
        let mut snapshot = Snapshot {
            stand: Stand {
                rules: self.rules(),
                ..Stand::default()
            },
            folded: 0,
            news: News::Heads(Vec::new()),
            locks: None,
        };
        let Some(first) = rows.first() else {
            let time = Self::prepared(
                client,
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
            );
            let row = client.query_one(&time.await?, &[]).await?;
            self.heard_time(Moment(unsigned(&row, 0)), asked);
            let stand = snapshot.stand;
            lane.take_in(snapshot);
            return Ok(stand);
        };
        self.heard_time(Moment(unsigned(first, 8)), asked);
        snapshot.stand = stand(first);
        snapshot.folded = unsigned(first, 7);
        snapshot.locks = Some(locks(client, lane).await?);
        let (mut heads, mut newest) = (HashMap::<Key, Head>::new(), None);
        for row in &rows {
            let at = STAND_COLUMNS;
            newest = row.get::<_, Option<Uuid>>(at);
            if newest.is_some() {
                let key = Key::from_parts(&lane.space, row.get(at + 1), row.get(at + 2));
                heads.insert(key, rows::head(row, at + 3)?);
            }
        }
        snapshot.stand.newest = newest.unwrap_or_default();
        let stand = snapshot.stand;
        snapshot.news = News::Heads(heads.into_iter().collect());
        lane.take_in(snapshot);
        Ok(stand)
    }
}

fn is_nowhere(stand: Stand) -> bool {
    stand.turn == 0
}

/// Where a standby was promoted that lacked the newest commits, or a copy was put back.
fn rewound(lane: &Lane) -> Option<Stand> {
    let space = &*lane.space;
    tracing::error!(
        space,
        "the database went back to an earlier state: what this node remembered is dropped"
    );
    lane.forget();
    None
}

async fn locks(client: &Object, lane: &Lane) -> Result<HashMap<Key, Arc<Lock>>, Failure> {
    let statement = Node::prepared(client, LOCKS).await?;
    let rows = client.query(&statement, &[&&*lane.space]).await?;
    rows.iter()
        .map(|row| rows::lock(&lane.space, row))
        .collect()
}
