use std::fmt::Debug;
use std::ops::ControlFlow;
use std::sync::Arc;

use detente_core::rules::Claim;
use detente_core::{CollectionKey, Head, Key, Lock, Moment, Seq, Stored};

use crate::{ConflictPage, Conflicts, LoggedConflict, MergedHour, StoreError};

/// Reads what is durable. May block on the disk unless it says otherwise.
///
/// Whoever need not know which store it is takes an `Arc<dyn Reader>`.
pub trait Reader: Debug + Send + Sync + 'static {
    /// The seq of the newest version that can be read; 0 in an empty store. Does not block.
    ///
    /// Every version up to it can be read, and no other will come below it: so it is the safe
    /// horizon of the feed. It never goes back. What another node writes may be seen late.
    fn last_seq(&self) -> Seq;

    /// The newest version of a document, tombstones included.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn head(&self, key: &Key) -> Result<Option<Head>, StoreError>;

    /// The newest version of a document with its body, tombstones included.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn current(&self, key: &Key) -> Result<Option<Arc<Stored>>, StoreError>;

    /// The newest version if memory has it, with its body; `None` says nothing. Does not block.
    fn recall(&self, key: &Key) -> Option<Arc<Stored>>;

    /// One version, by its place in the log.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, StoreError>;

    /// One version if memory has it; `None` says nothing. Does not block.
    fn recall_version(&self, seq: Seq) -> Option<Arc<Stored>>;

    /// Version `number` of the document whose newest version is `head`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn numbered(&self, head: &Stored, number: u64) -> Result<Option<Arc<Stored>>, StoreError>;

    /// Visits the documents of a collection in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn documents(&self, asked: &Documents<'_>, visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// Versions in the order of the log.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn changes(&self, asked: &Changes<'_>) -> Result<Feed, StoreError>;

    /// The versions of one document, in the order of the log. Each version that is stored is found,
    /// whatever lies between it and the next.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn document_changes(&self, key: &Key, since: Seq, limit: usize) -> Result<Feed, StoreError>;

    /// The id of the document that holds a unique key in the collection of `key`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, StoreError>;

    /// The lock of a document, also one that has expired. Does not block.
    ///
    /// As this node knows it: a lock that another node changed may be seen late. Who decides by a
    /// lock decides in a turn of the writer, where it is exact.
    fn lock(&self, key: &Key) -> Option<Arc<Lock>>;

    /// The conflicts of the log, the newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn conflicts(&self, asked: &Conflicts) -> Result<ConflictPage, StoreError>;

    /// One conflict of a space's log.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn conflict(&self, space: &str, id: &str) -> Result<Option<LoggedConflict>, StoreError>;

    /// How often edits were merged in a space since a moment.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn merged(&self, space: &str, since: Moment) -> Result<Vec<MergedHour>, StoreError>;

    /// How many versions were stored once and are kept no longer.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn pruned(&self) -> Result<u64, StoreError>;

    /// The collections that hold, or held, documents.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn collections(&self) -> Result<Vec<CollectionKey>, StoreError>;

    /// Whether the store can be read at all.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if not.
    fn ping(&self) -> Result<(), StoreError>;
}

/// Called with each document; `Break` ends the visit.
pub type Visit<'a> = dyn FnMut(Arc<Stored>) -> ControlFlow<()> + 'a;

/// Which documents to visit.
#[derive(Clone, Copy, Debug)]
pub struct Documents<'a> {
    pub collection: &'a CollectionKey,
    /// Only those behind this id, in the direction of the visit.
    pub after: Option<&'a str>,
    pub descending: bool,
}

/// Which versions to read.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'a> {
    pub space: &'a str,
    /// All collections of the space if `None`.
    pub collection: Option<&'a str>,
    /// Only versions after this one.
    pub since: Seq,
    pub limit: usize,
}

/// What [`Reader::changes`] found.
#[derive(Clone, Debug)]
pub struct Feed {
    pub items: Vec<Arc<Stored>>,
    /// Everything up to here was looked at: where to go on.
    pub through: Seq,
    /// Whether there may be more right now.
    pub more: bool,
}
