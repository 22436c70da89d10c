use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use detente_core::rules::Claim;
use detente_core::{CollectionKey, Head, Key, Lock, Moment, Seq, Stored};
use tokio::sync::watch;

use super::{Epoch, Extent, History, HistorySpan, Listed, Listing, PageLimit};
use crate::{ConflictPage, Conflicts, LoggedConflict, MergedHour, StoreError};

/// A read that is under way. Whoever drops it gives it up, and harms nothing.
pub type Read<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Reads what is durable. No method blocks: what memory has is there at once, and what is not takes
/// a [`Read`].
///
/// A place in the log is a space and a seq. Where all spaces have one log, the seq alone is one, and
/// the space that it is asked with does not count.
///
/// Whoever need not know which store it is takes an `Arc<dyn Reader>`.
pub trait Reader: Debug + Send + Sync + 'static {
    /// Which log it is: the same for as long as nothing is taken back, whoever opens the store; another
    /// once it was put back from a copy.
    fn epoch(&self) -> Epoch;

    /// Whether all spaces have one log. If not, each has its own, with seqs of its own.
    fn has_one_log(&self) -> bool;

    /// Whether other nodes may have written what cannot be read here yet, so that whoever wants to see it
    /// waits for [`Reader::fresh`].
    fn lags(&self) -> bool {
        false
    }

    /// Waits until all can be read that was acknowledged in a space before the call, on any node.
    fn fresh<'a>(&'a self, _space: &'a str) -> Read<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// The seq of the newest version in the log of a space that can be read; 0 in an empty one.
    ///
    /// Every version up to it can be read, and no other will come below it: so it is the safe
    /// horizon of the feed. It never goes back. What another node writes may be seen late, unless
    /// [`Reader::fresh`] was waited for.
    fn last_seq(&self, space: &str) -> Seq;

    /// Changes whenever versions of a space can be read that could not be read before, whoever wrote
    /// them; holds [`Reader::last_seq`]. Writes of this node show before they are answered, those of
    /// other nodes soon.
    fn watch(&self, space: &str) -> watch::Receiver<Seq>;

    /// The newest version if memory has it, with its body; `None` says nothing.
    fn recall(&self, key: &Key) -> Option<Arc<Stored>>;

    /// One version if memory has it; `None` says nothing.
    fn recall_version(&self, space: &str, seq: Seq) -> Option<Arc<Stored>>;

    /// The lock of a document, also one that has expired.
    ///
    /// As this node knows it: a lock that another node changed may be seen late. Who decides by a
    /// lock decides in a turn of the writer, where it is exact.
    fn lock(&self, key: &Key) -> Option<Arc<Lock>>;

    /// The newest version of a document, tombstones included.
    fn head<'a>(&'a self, key: &'a Key) -> Read<'a, Option<Head>>;

    /// The newest version of a document with its body, tombstones included.
    fn current<'a>(&'a self, key: &'a Key) -> Read<'a, Option<Arc<Stored>>>;

    /// One version, by its place in the log.
    fn version<'a>(&'a self, space: &'a str, seq: Seq) -> Read<'a, Option<Arc<Stored>>>;

    /// Versions by their places in the log of a space, in the order of `seqs`.
    fn versions<'a>(
        &'a self,
        space: &'a str,
        seqs: &'a [Seq],
    ) -> Read<'a, Vec<Option<Arc<Stored>>>>;

    /// Version `number` of the document whose newest version is `newest`.
    fn numbered<'a>(
        &'a self,
        newest: &'a Arc<Stored>,
        number: u64,
    ) -> Read<'a, Option<Arc<Stored>>>;

    /// The versions of a document from `newest` back. The history ends where a version is no longer
    /// kept.
    fn history<'a>(&'a self, newest: &'a Arc<Stored>, span: HistorySpan) -> Read<'a, History>;

    /// Documents of a collection.
    fn list<'a>(&'a self, wanted: &'a Listing) -> Read<'a, Listed>;

    /// How many documents a list has in all, whatever its limit and wherever its page begins. Bodies
    /// are read only if they decide whether it has them.
    fn count<'a>(&'a self, wanted: &'a Listing) -> Read<'a, u64>;

    /// Versions in the order of the log.
    fn changes<'a>(&'a self, wanted: &'a Changes) -> Read<'a, Feed>;

    /// The versions of one document, in the order of the log. Each version that is stored is found,
    /// whatever lies between it and the next.
    fn document_changes<'a>(
        &'a self,
        key: &'a Key,
        since: Seq,
        follow: Follow,
        limit: PageLimit,
    ) -> Read<'a, Feed>;

    /// The id of the document that holds a unique key in the collection of `key`.
    fn holder<'a>(&'a self, key: &'a Key, claim: &'a Claim) -> Read<'a, Option<String>>;

    /// The conflicts of the log, the newest first.
    fn conflicts<'a>(&'a self, wanted: &'a Conflicts) -> Read<'a, ConflictPage>;

    /// One conflict of a space's log.
    fn conflict<'a>(&'a self, space: &'a str, id: &'a str) -> Read<'a, Option<LoggedConflict>>;

    /// How often edits were merged in a space since a moment.
    fn merged<'a>(&'a self, space: &'a str, since: Moment) -> Read<'a, Vec<MergedHour>>;

    /// What the store noticed about itself so far.
    fn health(&self) -> Health;

    /// How many versions were stored once in the log of a space and are kept no longer.
    fn pruned<'a>(&'a self, space: &'a str) -> Read<'a, u64>;

    /// The collections that hold, or held, documents.
    fn collections(&self) -> Read<'_, Vec<CollectionKey>>;

    /// How much each collection of a space holds, by their names.
    fn extents<'a>(&'a self, space: &'a str) -> Read<'a, Vec<Extent>>;

    /// Fails if the store cannot be read at all.
    fn ping(&self) -> Read<'_, ()>;
}

/// What a store noticed about itself since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// How many things were found damaged when they were read.
    pub damaged: u64,
    /// Writes that are durable, and not yet in their last place, in bytes.
    pub log_bytes: u64,
    /// How often in a row they could not be brought there.
    pub failed_checkpoints: u64,
}

impl Health {
    /// More than this is not brought to its place by a store that is well.
    const MOST_LOG_BYTES: u64 = 256 * 1024 * 1024;

    /// Whether writes pile up that cannot be brought to their place: the disk will be full.
    pub fn is_overgrown(&self) -> bool {
        self.failed_checkpoints > 0 && self.log_bytes > Self::MOST_LOG_BYTES
    }
}

/// Which versions to read.
#[derive(Clone, Debug)]
pub struct Changes {
    pub space: String,
    /// All collections of the space if `None`.
    pub collection: Option<String>,
    /// Only versions after this one.
    pub since: Seq,
    pub follow: Follow,
    pub limit: PageLimit,
}

/// How much of what became of each document a feed tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follow {
    /// Every version that is kept.
    #[default]
    Versions,
    /// Only a version that is its document's newest when it is read. Whoever follows misses none that
    /// stays the newest: what is passed over has a newer one behind it in the log.
    Heads,
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
