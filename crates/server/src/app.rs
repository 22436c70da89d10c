use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use detente_core::{Key, LARGE, Seq, Stored, VersionTag, Written};
use detente_store::{Reader, StoreError, WriterHandle};
use tokio::sync::watch;

use crate::metrics::Metrics;
use crate::problem::{Problem, ProblemKind};
use crate::settings::Settings;
use crate::touches::Touches;
use crate::write::Done;

/// What every request needs.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) writer: WriterHandle,
    pub(crate) metrics: Metrics,
    pub(crate) touches: Touches,
    pub(crate) closing: Closing,
    /// The description of the API, once it was asked for.
    pub(crate) openapi: OnceLock<Bytes>,
}

/// Whether the server is shutting down.
#[derive(Debug)]
pub(crate) struct Closing {
    flag: AtomicBool,
    bell: watch::Sender<()>,
}

impl Closing {
    pub(crate) fn new() -> Self {
        let (bell, _) = watch::channel(());
        let flag = AtomicBool::new(false);
        Self { flag, bell }
    }

    pub(crate) fn begin(&self) {
        self.flag.store(true, Ordering::Release);
        self.bell.send_replace(());
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// Returns once it has begun.
    pub(crate) async fn wait(&self) {
        let mut bell = self.bell.subscribe();
        while !self.has_begun() && bell.changed().await.is_ok() {}
    }
}

impl App {
    /// The newest version of a document, with its body; a tombstone if it was deleted.
    pub(crate) async fn newest(
        self: &Arc<Self>,
        key: &Key,
    ) -> Result<Option<Arc<Stored>>, Problem> {
        if let Some(stored) = self.reader.recall(key) {
            return Ok(Some(stored));
        }
        let key = key.clone();
        self.read(move |reader| reader.current(&key)).await
    }

    pub(crate) async fn version(
        self: &Arc<Self>,
        seq: Seq,
    ) -> Result<Option<Arc<Stored>>, Problem> {
        match self.reader.recall_version(seq) {
            Some(stored) => Ok(Some(stored)),
            None => self.read(move |reader| reader.version(seq)).await,
        }
    }

    /// The newest version of a document among those that tags name; tags that name none of its
    /// versions are passed over.
    pub(crate) async fn base_among(
        self: &Arc<Self>,
        key: &Key,
        tags: Vec<VersionTag>,
    ) -> Result<Option<Arc<Stored>>, Problem> {
        let mut newest: Option<Arc<Stored>> = None;
        for tag in tags {
            let found = self.version(tag.seq).await?;
            let is_it = |stored: &Arc<Stored>| stored.key == *key && stored.head().tag() == tag;
            if let Some(stored) = found.filter(is_it)
                && newest
                    .as_ref()
                    .is_none_or(|newest| newest.version < stored.version)
            {
                newest = Some(stored);
            }
        }
        Ok(newest)
    }

    /// What a receipt tells of.
    pub(crate) async fn written(self: &Arc<Self>, written: &Written) -> Result<Done, Problem> {
        let gone = || {
            let detail = "This was performed before; the version that it left is no longer kept.";
            Problem::new(ProblemKind::Gone, detail)
        };
        Ok(Done {
            stored: self.version(written.seq).await?.ok_or_else(gone)?,
            created: written.created,
        })
    }

    /// Reads where waiting for the disk holds up nobody else.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&dyn Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let reader = Arc::clone(&self.reader);
        let result = tokio::task::spawn_blocking(move || read(&*reader)).await;
        result
            .map_err(Problem::internal)?
            .map_err(Problem::internal)
    }
}

/// Runs work on `bytes` bytes: here if they are few, elsewhere if not.
pub(crate) async fn crunch<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    if bytes < LARGE {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Problem::internal)
}
