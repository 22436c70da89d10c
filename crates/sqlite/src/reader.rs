use std::future;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use detente_core::rules::Claim;
use detente_core::{CollectionKey, Head, Key, Lock, Moment, Seq, Stored};
use detente_store::{
    Changes, ConflictPage, Conflicts, Damage, Documents, Epoch, Extent, Feed, Follow, Health,
    History, HistorySpan, Listed, Listing, LoggedConflict, MergedHour, PageLimit, Read, Reader,
    StoreError,
};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::failure::Failure;
use crate::heads::Memory;
use crate::open::OpenError;
use crate::read::{Reads, Shared};

/// Reads from memory where it can. What may have to come from the disk is read on a thread where waiting
/// holds up nobody else; outside of a runtime, where nobody else waits, on this one, and so is one row
/// where the disk does not let anybody wait of late.
#[derive(Clone, Debug)]
pub struct SqliteReader {
    reads: Reads,
}

impl SqliteReader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            reads: Reads::new(shared),
        }
    }

    /// Opens one state of a store, also while a server has it open: what is written after this is
    /// not seen. It is for one thread.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if there is no store that this program can read.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            reads: Reads::open(data)?,
        })
    }

    /// Visits the documents of a collection in the order of their ids, past all that is damaged: that
    /// is told instead.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if what comes next cannot be read at all.
    pub fn salvage(
        &self,
        collection: &CollectionKey,
        mut visit: impl FnMut(Result<Arc<Stored>, Damage>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let wanted = Documents {
            collection,
            after: None,
            descending: false,
        };
        let mut failure = None;
        let walked = self.reads.walk(&wanted, &mut |found| match found {
            Ok(stored) => visit(Ok(stored)),
            Err(error) => match error.damage() {
                Some(damage) => visit(Err(damage.clone())),
                None => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            },
        });
        walked?;
        Ok(failure.map_or(Ok(()), Err)?)
    }

    /// Reads one row, or a few: on this thread where they are likely in the memory of the system.
    fn read_row<'a, T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reads) -> Result<T, Failure> + Send + 'static,
    ) -> Read<'a, T> {
        let disk = &self.reads.shared.disk;
        match disk.is_quick() {
            true => {
                let found = disk.watch(|| read(&self.reads));
                Box::pin(future::ready(found.map_err(StoreError::from)))
            }
            false => self.read(read),
        }
    }

    fn read<'a, T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reads) -> Result<T, Failure> + Send + 'static,
    ) -> Read<'a, T> {
        let reads = self.reads.clone();
        Box::pin(async move {
            let result = match Handle::try_current() {
                Ok(runtime) => {
                    let done = runtime.spawn_blocking(move || read(&reads)).await;
                    done.map_err(|error| StoreError::Failed(error.to_string()))?
                }
                Err(_) => read(&reads),
            };
            Ok(result?)
        })
    }
}

/// What memory has.
fn ready<'a, T: Send + 'a>(found: T) -> Read<'a, T> {
    Box::pin(future::ready(Ok(found)))
}

impl Reader for SqliteReader {
    fn epoch(&self) -> Epoch {
        self.reads.shared.epoch
    }

    fn has_one_log(&self) -> bool {
        true
    }

    fn last_seq(&self, _: &str) -> Seq {
        self.reads.last_seq()
    }

    fn watch(&self, _: &str) -> watch::Receiver<Seq> {
        self.reads.shared.watch()
    }

    fn recall(&self, key: &Key) -> Option<Arc<Stored>> {
        self.reads.recall(key)
    }

    fn recall_version(&self, _: &str, seq: Seq) -> Option<Arc<Stored>> {
        self.reads.recall_version(seq)
    }

    fn lock(&self, key: &Key) -> Option<Arc<Lock>> {
        self.reads.shared.locks.get(key)
    }

    fn head<'a>(&'a self, key: &'a Key) -> Read<'a, Option<Head>> {
        if let Memory::Known(head) = self.reads.shared.heads.get(key) {
            return ready(Some(head));
        }
        let key = key.clone();
        self.read_row(move |reads| reads.head(&key))
    }

    fn current<'a>(&'a self, key: &'a Key) -> Read<'a, Option<Arc<Stored>>> {
        if let Some(stored) = self.recall(key) {
            return ready(Some(stored));
        }
        let key = key.clone();
        self.read_row(move |reads| reads.current(&key))
    }

    fn version<'a>(&'a self, space: &'a str, seq: Seq) -> Read<'a, Option<Arc<Stored>>> {
        match self.recall_version(space, seq) {
            Some(stored) => ready(Some(stored)),
            None => self.read_row(move |reads| reads.version(seq)),
        }
    }

    fn versions<'a>(
        &'a self,
        space: &'a str,
        seqs: &'a [Seq],
    ) -> Read<'a, Vec<Option<Arc<Stored>>>> {
        let recall = |seq: &Seq| self.recall_version(space, *seq);
        let recalled: Vec<_> = seqs.iter().map(recall).collect();
        if recalled.iter().all(Option::is_some) {
            return ready(recalled);
        }
        let seqs = seqs.to_vec();
        self.read(move |reads| seqs.into_iter().map(|seq| reads.version(seq)).collect())
    }

    fn numbered<'a>(
        &'a self,
        newest: &'a Arc<Stored>,
        number: u64,
    ) -> Read<'a, Option<Arc<Stored>>> {
        let newest = Arc::clone(newest);
        self.read(move |reads| reads.numbered(&newest, number))
    }

    fn history<'a>(&'a self, newest: &'a Arc<Stored>, span: HistorySpan) -> Read<'a, History> {
        let newest = Arc::clone(newest);
        self.read(move |reads| reads.history(&newest, span))
    }

    fn list<'a>(&'a self, wanted: &'a Listing) -> Read<'a, Listed> {
        let wanted = wanted.clone();
        self.read(move |reads| reads.list(&wanted))
    }

    fn count<'a>(&'a self, wanted: &'a Listing) -> Read<'a, u64> {
        let wanted = wanted.clone();
        self.read(move |reads| reads.count(&wanted))
    }

    fn changes<'a>(&'a self, wanted: &'a Changes) -> Read<'a, Feed> {
        let wanted = wanted.clone();
        self.read(move |reads| reads.changes(&wanted))
    }

    fn document_changes<'a>(
        &'a self,
        key: &'a Key,
        since: Seq,
        follow: Follow,
        limit: PageLimit,
    ) -> Read<'a, Feed> {
        let key = key.clone();
        self.read(move |reads| reads.document_changes(&key, since, follow, limit))
    }

    fn holder<'a>(&'a self, key: &'a Key, claim: &'a Claim) -> Read<'a, Option<String>> {
        let (key, claim) = (key.clone(), claim.clone());
        self.read_row(move |reads| reads.holder(&key, &claim))
    }

    fn conflicts<'a>(&'a self, wanted: &'a Conflicts) -> Read<'a, ConflictPage> {
        let wanted = wanted.clone();
        self.read(move |reads| reads.conflicts(&wanted))
    }

    fn conflict<'a>(&'a self, space: &'a str, id: &'a str) -> Read<'a, Option<LoggedConflict>> {
        let (space, id) = (space.to_owned(), id.to_owned());
        self.read(move |reads| reads.conflict(&space, &id))
    }

    fn merged<'a>(&'a self, space: &'a str, since: Moment) -> Read<'a, Vec<MergedHour>> {
        let space = space.to_owned();
        self.read(move |reads| reads.merged(&space, since))
    }

    fn health(&self) -> Health {
        Health {
            damaged: self.reads.shared.damaged.count(),
            log_bytes: self.reads.shared.checkpoints.log_bytes(),
            failed_checkpoints: self.reads.shared.checkpoints.failures(),
        }
    }

    fn pruned<'a>(&'a self, _: &'a str) -> Read<'a, u64> {
        self.read(Reads::pruned)
    }

    fn collections(&self) -> Read<'_, Vec<CollectionKey>> {
        self.read(Reads::collections)
    }

    fn extents<'a>(&'a self, space: &'a str) -> Read<'a, Vec<Extent>> {
        let space = space.to_owned();
        self.read(move |reads| reads.extents(&space))
    }

    fn ping(&self) -> Read<'_, ()> {
        let shared = &self.reads.shared;
        Box::pin(async move { Ok(shared.pinger.ask(&shared.database).await?) })
    }
}
