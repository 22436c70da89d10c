use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use deadpool_postgres::Object;
use detente_core::{Head, Key, Moment, Once, Receipt, Seq, Stored, Written};
use detente_store::{SettledAs, Settlement, UniqueKey, Want};
use futures_util::future::try_join5;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::arrays::value_digest;
use crate::failure::Failure;
use crate::lane::Lane;
use crate::node::Node;
use crate::rows::{self, head_columns, maybe, unsigned, version_columns};

/// What was fetched for a turn.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    pub(crate) heads: HashMap<Key, Option<Head>>,
    pub(crate) versions: HashMap<Seq, Option<Arc<Stored>>>,
    pub(crate) holders: HashMap<UniqueKey, Option<String>>,
    pub(crate) receipts: HashMap<[u8; 32], Option<Receipt>>,
    pub(crate) settled: HashMap<String, Option<Option<Settlement>>>,
}

const HEADS: &str = concat!(
    "SELECT r.place, ",
    head_columns!(),
    " FROM unnest($2::text[], $3::text[]) WITH ORDINALITY r (collection, id, place)
      JOIN heads h ON h.space = $1 AND h.collection = r.collection AND h.id = r.id",
);

pub(crate) const VERSIONS: &str = concat!(
    "SELECT ",
    version_columns!(),
    " FROM versions v WHERE v.space = $1 AND v.seq = ANY($2)",
);

const HOLDERS: &str = "SELECT r.place, k.id
    FROM unnest($2::text[], $3::text[], $4::bytea[]) WITH ORDINALITY r (collection, name, value, place)
    JOIN unique_keys k ON k.space = $1 AND k.collection = r.collection AND k.name = r.name
        AND k.value = r.value";

const RECEIPTS: &str =
    "SELECT scope, payload, at, writes FROM receipts WHERE scope = ANY($1::bytea[])";

const SETTLED: &str = "SELECT id, outcome, settled_at, settled_by, settled_version, settled_reason
    FROM conflicts WHERE id = ANY($1::text[])";

impl Node {
    /// Fetches facts of one space, all at once.
    pub(crate) async fn fetch(
        &self,
        lane: &Lane,
        wants: &[Want],
        fetched: &mut Fetched,
    ) -> Result<(), Failure> {
        let client = self.client().await?;
        self.fetch_by(&client, lane, wants, fetched).await
    }

    pub(crate) async fn fetch_by(
        &self,
        client: &Object,
        lane: &Lane,
        wants: &[Want],
        fetched: &mut Fetched,
    ) -> Result<(), Failure> {
        let wants: HashSet<_> = wants.iter().collect();
        let mut asked = Asked::default();
        wants.into_iter().for_each(|want| asked.add(want));
        let space = &*lane.space;
        let token = lane.known().token();
        let Asked {
            heads,
            versions,
            holders,
            receipts,
            settled,
        } = &asked;
        let collections: Vec<_> = heads.iter().map(Key::collection).collect();
        let ids: Vec<_> = heads.iter().map(Key::id).collect();
        let seqs = rows::seqs(versions);
        let held_in: Vec<_> = holders.iter().map(|it| &*it.collection).collect();
        let names: Vec<_> = holders.iter().map(|it| &*it.constraint).collect();
        let values: Vec<_> = holders.iter().map(|it| value_digest(&it.value)).collect();
        let scopes: Vec<_> = receipts.iter().map(|it| &it[..]).collect();
        // On one connection they go out together, and come back in one round trip.
        let (heads, versions, holders, receipts, settled) = try_join5(
            ask(client, HEADS, ids.len(), &[&space, &collections, &ids]),
            ask(client, VERSIONS, seqs.len(), &[&space, &seqs]),
            ask(
                client,
                HOLDERS,
                names.len(),
                &[&space, &held_in, &names, &values],
            ),
            ask(client, RECEIPTS, scopes.len(), &[&scopes]),
            ask(client, SETTLED, settled.len(), &[settled]),
        )
        .await?;
        asked.note_absent(fetched);
        self.note_heads(lane, token, &asked, &heads, fetched)?;
        for stored in rows::all_stored(space, &versions)? {
            self.keep(lane, &stored);
            fetched.versions.insert(stored.seq, Some(stored));
        }
        for row in &holders {
            let unique = asked.holders[place_of(row)].clone();
            fetched.holders.insert(unique, Some(row.get(1)));
        }
        for row in &receipts {
            let receipt = receipt(row)?;
            fetched.receipts.insert(receipt.once.scope, Some(receipt));
        }
        for row in &settled {
            fetched
                .settled
                .insert(row.get(0), Some(settlement(row, 1)?));
        }
        Ok(())
    }

    fn note_heads(
        &self,
        lane: &Lane,
        token: crate::lane::Token,
        asked: &Asked,
        found: &[Row],
        fetched: &mut Fetched,
    ) -> Result<(), Failure> {
        for row in found {
            let key = asked.heads[place_of(row)].clone();
            fetched.heads.insert(key, Some(rows::head(row, 1)?));
        }
        let mut known = lane.known();
        for key in &asked.heads {
            let head = fetched.heads.get(key).copied().flatten();
            let newest = known.remember(token, key, head);
            fetched.heads.insert(key.clone(), newest);
        }
        Ok(())
    }
}

/// Asks for so many facts of one kind; for none, nobody is asked.
async fn ask(
    client: &Object,
    sql: &str,
    count: usize,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let statement = Node::prepared(client, sql).await?;
    Ok(client.query(&statement, parameters).await?)
}

/// Of a row that begins with an ordinality.
fn place_of(row: &Row) -> usize {
    usize::try_from(row.get::<_, i64>(0) - 1).unwrap_or_default()
}

/// What is wanted, by kind.
#[derive(Debug, Default)]
struct Asked {
    heads: Vec<Key>,
    versions: Vec<Seq>,
    holders: Vec<UniqueKey>,
    receipts: Vec<[u8; 32]>,
    settled: Vec<String>,
}

impl Asked {
    fn add(&mut self, want: &Want) {
        match want {
            Want::Head(key) => self.heads.push(key.clone()),
            Want::Version(seq) => self.versions.push(*seq),
            Want::Holder(key, constraint, value) => self.holders.push(UniqueKey {
                space: key.space().into(),
                collection: key.collection().into(),
                constraint: constraint.clone(),
                value: value.clone(),
            }),
            // All locks of a lane are known with its stand.
            Want::Lock(_) => {}
            Want::Receipt(scope) => self.receipts.push(*scope),
            Want::Settled(id) => self.settled.push(id.clone()),
        }
    }

    /// What is not found is not there.
    fn note_absent(&self, fetched: &mut Fetched) {
        fetched
            .versions
            .extend(self.versions.iter().map(|it| (*it, None)));
        fetched
            .holders
            .extend(self.holders.iter().map(|it| (it.clone(), None)));
        fetched
            .receipts
            .extend(self.receipts.iter().map(|it| (*it, None)));
        fetched
            .settled
            .extend(self.settled.iter().map(|it| (it.clone(), None)));
    }
}

fn receipt(row: &Row) -> Result<Receipt, Failure> {
    let damaged = || Failure::damaged("a receipt cannot be read".to_owned());
    let digest = |at: usize| <[u8; 32]>::try_from(row.get::<_, &[u8]>(at)).map_err(|_| damaged());
    let writes: &str = row.get(3);
    let written = |text: &str| -> Option<Written> {
        let (seq, created) = text.split_once(':')?;
        Some(Written {
            seq: seq.parse().ok()?,
            created: created == "1",
        })
    };
    let writes = writes.split(',').filter(|text| !text.is_empty());
    Ok(Receipt {
        once: Once {
            scope: digest(0)?,
            payload: digest(1)?,
        },
        at: Moment(unsigned(row, 2)),
        writes: writes
            .map(written)
            .collect::<Option<_>>()
            .ok_or_else(damaged)?,
    })
}

/// What became of a conflict, by the columns from `at` on.
pub(crate) fn settlement(row: &Row, at: usize) -> Result<Option<Settlement>, Failure> {
    let outcome = match row.get::<_, i16>(at) {
        0 => return Ok(None),
        1 => SettledAs::Resolved,
        2 => SettledAs::Dismissed,
        other => return Err(Failure::damaged(format!("there is no outcome {other}"))),
    };
    Ok(Some(Settlement {
        outcome,
        at: Moment(maybe(row, at + 1).unwrap_or_default()),
        by: row
            .get::<_, Option<&str>>(at + 2)
            .unwrap_or_default()
            .into(),
        version: maybe(row, at + 3),
        reason: row.get::<_, Option<&str>>(at + 4).map(Arc::from),
    }))
}
