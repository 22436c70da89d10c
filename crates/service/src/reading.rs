use std::sync::Arc;

use detente_core::{Key, Lock, Moment, Seq, Stored, VersionTag};
use detente_store::{ConflictPage, Conflicts, LoggedConflict, MergedHour, Reader, StoreError};

use crate::Outcome;
use crate::explanation::What;

/// What is durable. Memory answers at once; what has to come from the disk is read on a thread
/// where waiting holds up nobody else.
#[derive(Debug)]
pub(crate) struct Reading {
    reader: Arc<dyn Reader>,
}

/// The versions between a base and the current one.
pub(crate) struct Steps {
    /// The oldest first; the current one is the last.
    pub(crate) versions: Vec<Arc<Stored>>,
    /// Whether there are older ones than these.
    pub(crate) omitted: bool,
}

/// How many versions are read between a base and the current one, and how many bytes of them.
const MAX_STEPS: usize = 100;
const MAX_STEP_BYTES: usize = 4 * 1024 * 1024;

impl Reading {
    pub(crate) fn new(reader: Arc<dyn Reader>) -> Self {
        Self { reader }
    }

    pub(crate) fn last_seq(&self) -> Seq {
        self.reader.last_seq()
    }

    /// Reads where waiting for the disk holds up nobody else.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Outcome<T> {
        let reader = Arc::clone(&self.reader);
        let done = tokio::task::spawn_blocking(move || read(&*reader)).await;
        let read = done.map_err(What::failed)?;
        read.map_err(|error| match error {
            StoreError::Away => What::Away.into(),
            error => What::failed(error).into(),
        })
    }

    /// The newest version of a document, with its body; a tombstone if it was deleted.
    pub(crate) async fn newest(&self, key: &Key) -> Outcome<Option<Arc<Stored>>> {
        if let Some(stored) = self.reader.recall(key) {
            return Ok(Some(stored));
        }
        let key = key.clone();
        self.read(move |reader| reader.current(&key)).await
    }

    pub(crate) async fn version(&self, seq: Seq) -> Outcome<Option<Arc<Stored>>> {
        match self.reader.recall_version(seq) {
            Some(stored) => Ok(Some(stored)),
            None => self.read(move |reader| reader.version(seq)).await,
        }
    }

    /// A version if memory has it.
    pub(crate) fn recall(&self, seq: Seq) -> Option<Arc<Stored>> {
        self.reader.recall_version(seq)
    }

    /// Version `number` of the document whose newest version is `head`.
    pub(crate) async fn numbered(
        &self,
        head: &Arc<Stored>,
        number: u64,
    ) -> Outcome<Option<Arc<Stored>>> {
        let head = Arc::clone(head);
        let numbered = move |reader: &dyn Reader| reader.numbered(&head, number);
        self.read(numbered).await
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
            let found = self.version(tag.seq).await?;
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
        let recall = |seq| self.reader.recall_version(seq).ok_or(NotInMemory);
        if let Ok(steps) = steps_by(base, current, recall) {
            return Ok(steps);
        }
        let current = Arc::clone(current);
        self.read(move |reader| steps_by(base, &current, |seq| reader.version(seq)))
            .await
    }

    /// The versions of a document from `newest` down, at most `limit`.
    pub(crate) async fn history(
        &self,
        newest: Arc<Stored>,
        limit: usize,
    ) -> Outcome<Vec<Arc<Stored>>> {
        self.read(move |reader| {
            let mut versions = Vec::new();
            let mut next = Some(newest);
            while let Some(stored) = next.filter(|_| versions.len() < limit) {
                next = match stored.prev {
                    Some(prev) => reader.version(prev)?,
                    None => None,
                };
                versions.push(stored);
            }
            Ok(versions)
        })
        .await
    }

    pub(crate) fn lock(&self, key: &Key) -> Option<Arc<Lock>> {
        self.reader.lock(key)
    }

    pub(crate) async fn conflicts(&self, wanted: Conflicts) -> Outcome<ConflictPage> {
        self.read(move |reader| reader.conflicts(&wanted)).await
    }

    pub(crate) async fn conflict(&self, space: &str, id: &str) -> Outcome<Option<LoggedConflict>> {
        let (space, id) = (space.to_owned(), id.to_owned());
        self.read(move |reader| reader.conflict(&space, &id)).await
    }

    pub(crate) async fn merged(&self, space: &str, since: Moment) -> Outcome<Vec<MergedHour>> {
        let space = space.to_owned();
        self.read(move |reader| reader.merged(&space, since)).await
    }

    pub(crate) async fn ping(&self) -> Outcome<()> {
        self.read(|reader| reader.ping()).await
    }
}

/// Memory does not have a version that it was asked for.
struct NotInMemory;

/// What can stand for the version at a seq: there, or no longer kept.
trait Found {
    fn found(self) -> Option<Arc<Stored>>;
}

impl Found for Arc<Stored> {
    fn found(self) -> Option<Arc<Stored>> {
        Some(self)
    }
}

impl Found for Option<Arc<Stored>> {
    fn found(self) -> Option<Arc<Stored>> {
        self
    }
}

fn steps_by<F: Found, E>(
    base: Seq,
    current: &Arc<Stored>,
    version: impl Fn(Seq) -> Result<F, E>,
) -> Result<Steps, E> {
    let (mut versions, mut bytes, mut omitted) = (Vec::new(), 0, false);
    let mut next = Some(Arc::clone(current));
    while let Some(step) = next.filter(|step| step.seq > base) {
        bytes += step.body.len();
        if versions.len() == MAX_STEPS || (bytes > MAX_STEP_BYTES && !versions.is_empty()) {
            omitted = true;
            break;
        }
        // The base itself need not be read again.
        next = match step.prev {
            Some(prev) if prev > base => version(prev)?.found(),
            _ => None,
        };
        versions.push(step);
    }
    versions.reverse();
    Ok(Steps { versions, omitted })
}
