use std::future;
use std::sync::Arc;

use detente_core::rules::Claim;
use detente_core::{CollectionKey, Head, Key, Lock, Moment, Seq, Stored};
use detente_store::{
    Changes, ConflictPage, Conflicts, Epoch, Extent, Feed, Follow, Health, History, HistorySpan,
    Listed, Listing, LoggedConflict, MergedHour, PageLimit, Read, Reader, StoreError, read_back,
};
use tokio::sync::watch;

use crate::arrays::value_digest;
use crate::facts::VERSIONS;
use crate::failure::Failure;
use crate::lane::Lane;
use crate::node::Node;
use crate::open::Consistency;
use crate::rows::{self, head_columns, unsigned, version_columns};

/// Reads from memory what is known there, and asks the database for the rest.
#[derive(Clone, Debug)]
pub struct PostgresReader {
    node: Arc<Node>,
}

const HEAD: &str = concat!(
    "SELECT ",
    head_columns!(),
    " FROM heads WHERE space = $1 AND collection = $2 AND id = $3"
);

const CURRENT: &str = concat!(
    "SELECT ",
    version_columns!(),
    " FROM heads h JOIN versions v ON v.space = h.space AND v.seq = h.seq
      WHERE h.space = $1 AND h.collection = $2 AND h.id = $3"
);

const HOLDER: &str = "SELECT id FROM unique_keys
    WHERE space = $1 AND collection = $2 AND name = $3 AND value = $4";

impl Node {
    async fn head(&self, lane: &Lane, key: &Key) -> Result<Option<Head>, Failure> {
        self.must_be_known(lane).await?;
        let token = {
            let mut known = lane.known();
            if let Some(head) = known.head(key) {
                return Ok(Some(head));
            }
            known.token()
        };
        let client = self.client().await?;
        let statement = Self::prepared(&client, HEAD).await?;
        let place: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&key.space(), &key.collection(), &key.id()];
        let row = client.query_opt(&statement, &place).await?;
        let head = row.map(|row| rows::head(&row, 0)).transpose()?;
        Ok(lane.known().remember(token, key, head))
    }

    /// What the table of heads lacks is in memory, once a lane was looked at.
    async fn must_be_known(&self, lane: &Lane) -> Result<(), Failure> {
        if lane.stand().is_none() {
            self.refresh(lane).await?;
        }
        Ok(())
    }

    /// The newest version of a document.
    pub(crate) async fn current(
        &self,
        lane: &Lane,
        key: &Key,
    ) -> Result<Option<Arc<Stored>>, Failure> {
        self.must_be_known(lane).await?;
        let (known, token) = {
            let mut known = lane.known();
            (known.head(key), known.token())
        };
        if let Some(head) = known
            && let Some(stored) = self.version(lane, head.seq).await?
        {
            return Ok(Some(stored));
        }
        let client = self.client().await?;
        let statement = Self::prepared(&client, CURRENT).await?;
        let place: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&key.space(), &key.collection(), &key.id()];
        let row = client.query_opt(&statement, &place).await?;
        drop(client);
        let found = row
            .map(|row| rows::stored(key.space(), &row, 0))
            .transpose()?;
        if let Some(stored) = &found {
            self.keep(lane, stored);
        }
        let head = found.as_ref().map(|stored| stored.head());
        let newest = lane.known().remember(token, key, head);
        match newest {
            // One came while the table was read.
            Some(newest) if Some(newest) != head => self.version(lane, newest.seq).await,
            _ => Ok(found),
        }
    }

    async fn version(&self, lane: &Lane, seq: Seq) -> Result<Option<Arc<Stored>>, Failure> {
        let mut found = self.versions(lane, &[seq]).await?;
        Ok(found.pop().flatten())
    }

    async fn versions(
        &self,
        lane: &Lane,
        seqs: &[Seq],
    ) -> Result<Vec<Option<Arc<Stored>>>, Failure> {
        let mut found: Vec<_> = seqs.iter().map(|seq| self.recall(lane, *seq)).collect();
        let missing = seqs.iter().zip(&found).filter(|(_, it)| it.is_none());
        let missing: Vec<_> = missing.map(|(seq, _)| *seq).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let client = self.client().await?;
        let statement = Self::prepared(&client, VERSIONS).await?;
        let rows = client
            .query(&statement, &[&&*lane.space, &rows::seqs(&missing)])
            .await?;
        for stored in rows::all_stored(&lane.space, &rows)? {
            self.keep(lane, &stored);
            for (seq, place) in seqs.iter().zip(&mut found) {
                if *seq == stored.seq {
                    *place = Some(Arc::clone(&stored));
                }
            }
        }
        Ok(found)
    }

    async fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, HOLDER).await?;
        let value = value_digest(&claim.value);
        let row = client
            .query_opt(
                &statement,
                &[&key.space(), &key.collection(), &claim.constraint, &value],
            )
            .await?;
        Ok(row.map(|row| row.get(0)))
    }

    async fn pruned(&self, space: &str) -> Result<u64, Failure> {
        let client = self.client().await?;
        let statement =
            Self::prepared(&client, "SELECT pruned FROM upkeep WHERE space = $1").await?;
        let row = client.query_opt(&statement, &[&space]).await?;
        Ok(row.map_or(0, |row| unsigned(&row, 0)))
    }
}

impl PostgresReader {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self { node }
    }

    /// Runs on the node's runtime, whoever waits for it.
    fn read<'a, T, F>(&self, read: impl FnOnce(Arc<Node>) -> F + Send + 'static) -> Read<'a, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let node = Arc::clone(&self.node);
        let task = self.node.runtime.spawn(async move { read(node).await });
        Box::pin(async move {
            let done = task.await;
            let done = done.map_err(|error| StoreError::Failed(error.to_string()))?;
            Ok(done?)
        })
    }
}

/// What memory has.
fn ready<'a, T: Send + 'a>(found: T) -> Read<'a, T> {
    Box::pin(future::ready(Ok(found)))
}

impl Reader for PostgresReader {
    fn epoch(&self) -> Epoch {
        self.node.epoch
    }

    fn has_one_log(&self) -> bool {
        false
    }

    fn lags(&self) -> bool {
        self.node.options.reads == Consistency::Linearizable
    }

    fn fresh<'a>(&'a self, space: &'a str) -> Read<'a, ()> {
        let lane = self.node.lane(space);
        let (ticket, must_run) = lane.rounds.join();
        if must_run {
            let (node, lane) = (Arc::clone(&self.node), Arc::clone(&lane));
            self.node.runtime.spawn(async move {
                let ask = || async { node.refresh(&lane).await.is_ok() };
                lane.rounds.run(ask).await;
            });
        }
        Box::pin(async move { ticket.wait().await.map_err(|_| StoreError::Away) })
    }

    fn last_seq(&self, space: &str) -> Seq {
        self.node.lane(space).last_seq()
    }

    fn watch(&self, space: &str) -> watch::Receiver<Seq> {
        self.node.lane(space).watch.subscribe()
    }

    fn recall(&self, key: &Key) -> Option<Arc<Stored>> {
        let lane = self.node.lane(key.space());
        let head = lane.known().head(key)?;
        self.node.recall(&lane, head.seq)
    }

    fn recall_version(&self, space: &str, seq: Seq) -> Option<Arc<Stored>> {
        self.node.recall(&self.node.lane(space), seq)
    }

    fn lock(&self, key: &Key) -> Option<Arc<Lock>> {
        self.node.lane(key.space()).known().locks.get(key).cloned()
    }

    fn head<'a>(&'a self, key: &'a Key) -> Read<'a, Option<Head>> {
        let key = key.clone();
        self.read(|node| async move { node.head(&node.lane(key.space()), &key).await })
    }

    fn current<'a>(&'a self, key: &'a Key) -> Read<'a, Option<Arc<Stored>>> {
        if let Some(stored) = self.recall(key) {
            return ready(Some(stored));
        }
        let key = key.clone();
        self.read(|node| async move { node.current(&node.lane(key.space()), &key).await })
    }

    fn version<'a>(&'a self, space: &'a str, seq: Seq) -> Read<'a, Option<Arc<Stored>>> {
        if let Some(stored) = self.recall_version(space, seq) {
            return ready(Some(stored));
        }
        let space = space.to_owned();
        self.read(move |node| async move { node.version(&node.lane(&space), seq).await })
    }

    fn versions<'a>(
        &'a self,
        space: &'a str,
        seqs: &'a [Seq],
    ) -> Read<'a, Vec<Option<Arc<Stored>>>> {
        let (space, seqs) = (space.to_owned(), seqs.to_vec());
        self.read(|node| async move { node.versions(&node.lane(&space), &seqs).await })
    }

    fn numbered<'a>(
        &'a self,
        newest: &'a Arc<Stored>,
        number: u64,
    ) -> Read<'a, Option<Arc<Stored>>> {
        let newest = Arc::clone(newest);
        self.read(move |node| async move { node.numbered(&newest, number).await })
    }

    fn history<'a>(&'a self, newest: &'a Arc<Stored>, span: HistorySpan) -> Read<'a, History> {
        let lane = self.node.lane(newest.key.space());
        let recall = |seq| self.node.recall(&lane, seq).map(Some).ok_or(());
        if let Ok(history) = read_back(newest, span, recall) {
            return ready(history);
        }
        let newest = Arc::clone(newest);
        self.read(move |node| async move { node.history(&newest, span).await })
    }

    fn list<'a>(&'a self, wanted: &'a Listing) -> Read<'a, Listed> {
        let wanted = wanted.clone();
        self.read(|node| async move { node.list(&wanted).await })
    }

    fn count<'a>(&'a self, wanted: &'a Listing) -> Read<'a, u64> {
        let wanted = wanted.clone();
        self.read(|node| async move { node.count(&wanted).await })
    }

    fn changes<'a>(&'a self, wanted: &'a Changes) -> Read<'a, Feed> {
        let wanted = wanted.clone();
        self.read(|node| async move { node.changes(&wanted).await })
    }

    fn document_changes<'a>(
        &'a self,
        key: &'a Key,
        since: Seq,
        follow: Follow,
        limit: PageLimit,
    ) -> Read<'a, Feed> {
        let key = key.clone();
        self.read(
            move |node| async move { node.document_changes(&key, since, follow, limit).await },
        )
    }

    fn holder<'a>(&'a self, key: &'a Key, claim: &'a Claim) -> Read<'a, Option<String>> {
        let (key, claim) = (key.clone(), claim.clone());
        self.read(|node| async move { node.holder(&key, &claim).await })
    }

    fn conflicts<'a>(&'a self, wanted: &'a Conflicts) -> Read<'a, ConflictPage> {
        let wanted = wanted.clone();
        self.read(|node| async move { node.conflicts(&wanted).await })
    }

    fn conflict<'a>(&'a self, space: &'a str, id: &'a str) -> Read<'a, Option<LoggedConflict>> {
        let (space, id) = (space.to_owned(), id.to_owned());
        self.read(|node| async move { node.conflict(&space, &id).await })
    }

    fn merged<'a>(&'a self, space: &'a str, since: Moment) -> Read<'a, Vec<MergedHour>> {
        let space = space.to_owned();
        self.read(move |node| async move { node.merged(&space, since).await })
    }

    fn health(&self) -> Health {
        Health::default()
    }

    fn pruned<'a>(&'a self, space: &'a str) -> Read<'a, u64> {
        let space = space.to_owned();
        self.read(|node| async move { node.pruned(&space).await })
    }

    fn collections(&self) -> Read<'_, Vec<CollectionKey>> {
        self.read(|node| async move { node.collections().await })
    }

    fn extents<'a>(&'a self, space: &'a str) -> Read<'a, Vec<Extent>> {
        let space = space.to_owned();
        self.read(|node| async move { node.extents(&space).await })
    }

    fn ping(&self) -> Read<'_, ()> {
        self.read(|node| async move {
            let client = node.client().await?;
            client.simple_query("SELECT 1 FROM store").await?;
            Ok(())
        })
    }
}
