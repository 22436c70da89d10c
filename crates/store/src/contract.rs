use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use detente_core::{Applied, CollectionKey, Head, Key, Seq, Stored, rules::Claim};

/// A place where versions live. It has one writer; its readers are many.
pub trait Store: Send + 'static {
    type Reader: Reader;

    fn reader(&self) -> Self::Reader;

    /// Begins a batch: what is read until [`Store::append`] is one state, which only that changes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// The newest version of a document, tombstones included.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn head(&self, key: &Key) -> Result<Option<Head>, StoreError>;

    /// One version, by its place in the log.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, StoreError>;

    /// The id of the document that holds a unique key in the collection of `key`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, StoreError>;

    /// Ends what [`Store::begin`] began, if it began anything, and appends a batch: durable, and visible to readers, when this returns; all of it or nothing.
    ///
    /// The seqs of the batch follow [`Reader::last_seq`] without a gap.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then nothing was appended, except after [`StoreError::Unknown`].
    fn append(&mut self, batch: &[Applied]) -> Result<(), StoreError>;

    /// Makes the next start fast. Not needed for durability.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; nothing is lost.
    fn close(&mut self) -> Result<(), StoreError>;
}

/// Reads what is durable. Cheap to clone; may block on the disk unless it says otherwise.
pub trait Reader: Clone + Send + Sync + 'static {
    /// The seq of the newest version; 0 in an empty store. Does not block.
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

/// Why a store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no room. What was there is intact, and can be read.
    #[error("no space left for the store")]
    Full,
    /// A write may or may not have become durable: nothing that this process believes can be trusted.
    #[error("whether a write reached the disk is unknown: {0}")]
    Unknown(String),
    #[error("{path} is in use by another process")]
    InUse { path: PathBuf },
    #[error(
        "{path} was written by a newer version of Detente (format {found}; this one knows {known})"
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("{path} is not a Detente store: {reason}")]
    Foreign { path: PathBuf, reason: String },
    #[error("the store is damaged: {0}")]
    Damaged(String),
    #[error("the store failed: {0}")]
    Failed(String),
}
