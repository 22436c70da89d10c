use std::sync::Arc;

use detente_core::{Key, Lock, Moment, Seq, Stored, VersionTag};
use detente_store::{
    Changes, ConflictPage, Conflicts, Epoch, Extent, Feed, Follow, Health, History, HistorySpan,
    Listed, Listing, LoggedConflict, MergedHour, PageLimit, Reader, StoreError, VersionPlace,
    read_back,
};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::watch;

use crate::Outcome;
use crate::explanation::{Explanation, What};
use crate::files::{Named, named_contents};

/// What is durable, with the store's errors as explanations. What memory has is there at once.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    reader: Arc<dyn Reader>,
    lags: bool,
    /// Reads that memory could not answer.
    reads: Counter,
}

/// The versions between a base and the current one.
#[derive(Default)]
pub(crate) struct Steps {
    /// The oldest first; the current one is the last.
    pub(crate) versions: Vec<Arc<Stored>>,
    /// Whether there are older ones than these.
    pub(crate) omitted: bool,
}

/// How many versions are read between a base and the current one.
const MAX_STEPS: usize = 100;

impl Reading {
    pub(crate) fn new(reader: Arc<dyn Reader>, reads: Counter) -> Self {
        Self {
            lags: reader.lags(),
            reader,
            reads,
        }
    }

    /// The store, to be asked once.
    fn store(&self) -> &dyn Reader {
        self.reads.inc();
        &*self.reader
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.reader.epoch()
    }

    pub(crate) fn lags(&self) -> bool {
        self.lags
    }

    /// Waits until all can be read that was acknowledged in a space before, on any node.
    pub(crate) async fn fresh(&self, space: &str) -> Outcome<()> {
        self.reader.fresh(space).await.map_err(explain)
    }

    /// Whether nobody else writes, so that memory is never behind.
    pub(crate) fn has_one_log(&self) -> bool {
        self.reader.has_one_log()
    }

    pub(crate) fn last_seq(&self, space: &str) -> Seq {
        self.reader.last_seq(space)
    }

    pub(crate) fn watch(&self, space: &str) -> watch::Receiver<Seq> {
        self.reader.watch(space)
    }

    /// The newest version of a document, with its body; a tombstone if it was deleted.
    pub(crate) async fn newest(&self, key: &Key) -> Outcome<Option<Arc<Stored>>> {
        match self.recall_newest(key) {
            Some(stored) => Ok(Some(stored)),
            None => self.store().current(key).await.map_err(explain),
        }
    }

    pub(crate) async fn version(&self, space: &str, seq: Seq) -> Outcome<Option<Arc<Stored>>> {
        match self.reader.recall_version(space, seq) {
            Some(stored) => Ok(Some(stored)),
            None => self.store().version(space, seq).await.map_err(explain),
        }
    }

    pub(crate) async fn named_contents(&self) -> Outcome<Named> {
        named_contents(self.store()).await.map_err(explain)
    }

    pub(crate) async fn extents(&self, space: &str) -> Outcome<Vec<Extent>> {
        self.store().extents(space).await.map_err(explain)
    }

    pub(crate) async fn versions(
        &self,
        space: &str,
        seqs: &[Seq],
    ) -> Outcome<Vec<Option<Arc<Stored>>>> {
        self.store().versions(space, seqs).await.map_err(explain)
    }

    /// The version of a document before this one, where it is kept.
    pub(crate) async fn before(&self, stored: &Stored) -> Outcome<Option<Arc<Stored>>> {
        let Some(prev) = stored.prev else {
            return Ok(None);
        };
        let before = self.version(stored.key.space(), prev).await?;
        Ok(before.filter(|before| before.key == stored.key))
    }

    /// The version of a document at a place of the log. Another version there is not meant.
    pub(crate) async fn version_at(
        &self,
        key: &Key,
        place: Option<VersionPlace>,
    ) -> Outcome<Option<Arc<Stored>>> {
        let Some(place) = place else {
            return Ok(None);
        };
        let is_it = |stored: &Arc<Stored>| stored.key == *key && stored.version == place.version;
        let found = self.version(key.space(), place.seq).await?;
        Ok(found.filter(is_it))
    }

    /// The newest version of a document that is durable, if memory has it.
    pub(crate) fn recall_newest(&self, key: &Key) -> Option<Arc<Stored>> {
        self.reader.recall(key)
    }

    /// A version if memory has it.
    pub(crate) fn recall(&self, space: &str, seq: Seq) -> Option<Arc<Stored>> {
        self.reader.recall_version(space, seq)
    }

    /// Version `number` of the document whose newest version is `newest`.
    pub(crate) async fn numbered(
        &self,
        newest: &Arc<Stored>,
        number: u64,
    ) -> Outcome<Option<Arc<Stored>>> {
        self.store().numbered(newest, number).await.map_err(explain)
    }

    /// The newest version of a document among those that tags name. Tags that name none of its
    /// versions are passed over.
    pub(crate) async fn newest_named(
        &self,
        key: &Key,
        tags: Vec<VersionTag>,
    ) -> Outcome<Option<Arc<Stored>>> {
        let mut newest: Option<Arc<Stored>> = None;
        for tag in tags {
            let found = self.version(key.space(), tag.seq).await?;
            let is_it = |stored: &Arc<Stored>| stored.key == *key && stored.head().tag() == tag;
            if let Some(stored) = found.filter(is_it)
                && newest.as_ref().is_none_or(|it| it.version < stored.version)
            {
                newest = Some(stored);
            }
        }
        Ok(newest)
    }

    /// The versions after `base`, up to `current`.
    pub(crate) async fn steps(&self, base: Seq, current: &Arc<Stored>) -> Outcome<Steps> {
        let span = HistorySpan {
            after: base,
            limit: PageLimit::rows(MAX_STEPS),
        };
        let space = current.key.space();
        let recall = |seq| self.recall(space, seq).map(Some).ok_or(NotInMemory);
        let mut history = match read_back(current, span, recall) {
            Ok(history) => history,
            Err(NotInMemory) => self.store().history(current, span).await.map_err(explain)?,
        };
        history.versions.reverse();
        Ok(Steps {
            versions: history.versions,
            omitted: history.is_cut,
        })
    }

    /// The versions of a document from `newest` back.
    pub(crate) async fn history(&self, newest: &Arc<Stored>, limit: PageLimit) -> Outcome<History> {
        let span = HistorySpan { after: 0, limit };
        self.store().history(newest, span).await.map_err(explain)
    }

    pub(crate) async fn list(&self, wanted: &Listing) -> Outcome<Listed> {
        self.store().list(wanted).await.map_err(explain)
    }

    pub(crate) async fn count(&self, wanted: &Listing) -> Outcome<u64> {
        self.store().count(wanted).await.map_err(explain)
    }

    pub(crate) async fn changes(&self, wanted: &Changes) -> Outcome<Feed> {
        self.store().changes(wanted).await.map_err(explain)
    }

    pub(crate) async fn document_changes(
        &self,
        key: &Key,
        since: Seq,
        follow: Follow,
        limit: PageLimit,
    ) -> Outcome<Feed> {
        let feed = self.store().document_changes(key, since, follow, limit);
        feed.await.map_err(explain)
    }

    pub(crate) fn lock(&self, key: &Key) -> Option<Arc<Lock>> {
        self.reader.lock(key)
    }

    pub(crate) async fn conflicts(&self, wanted: &Conflicts) -> Outcome<ConflictPage> {
        self.store().conflicts(wanted).await.map_err(explain)
    }

    pub(crate) async fn conflict(&self, space: &str, id: &str) -> Outcome<Option<LoggedConflict>> {
        self.store().conflict(space, id).await.map_err(explain)
    }

    pub(crate) async fn merged(&self, space: &str, since: Moment) -> Outcome<Vec<MergedHour>> {
        self.store().merged(space, since).await.map_err(explain)
    }

    pub(crate) fn health(&self) -> Health {
        self.reader.health()
    }

    pub(crate) async fn ping(&self) -> Outcome<()> {
        self.reader.ping().await.map_err(explain)
    }
}

/// Memory does not have a version that was wanted.
struct NotInMemory;

fn explain(error: StoreError) -> Box<Explanation> {
    match error {
        StoreError::Away => What::Away.into(),
        StoreError::Damaged(damage) => What::Damaged(damage).into(),
        error => What::failed(error).into(),
    }
}
