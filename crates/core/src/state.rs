use std::sync::Arc;

use bytes::Bytes;

use crate::command::parse_checked;
use crate::json::Value;
use crate::rules::{Claim, Endless, Patience};
use crate::{Digest, Head, Key, Kind, Lock, Moment, Seq};

/// What a decision depends on: the store, and the earlier writes of the same batch.
pub trait State {
    type Error;

    /// The newest version, tombstones included.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn head(&self, key: &Key) -> Result<Option<Head>, Self::Error>;

    /// A version that a head or another version names.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn stored(&self, seq: Seq) -> Result<Arc<Stored>, Self::Error>;

    /// The document of a version. The version must not be a tombstone.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn document(&self, seq: Seq) -> Result<Arc<Value>, Self::Error> {
        Ok(Arc::new(parse_checked(&self.stored(seq)?.body)))
    }

    /// The lock of a document, which may have expired.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, Self::Error>;

    /// The locks of all that is below a folder, those that may have expired included.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn locks_below(&self, folder: &Key) -> Result<Vec<Arc<Lock>>, Self::Error>;

    /// The id of the document that holds a unique key in the collection of `key`.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, Self::Error>;

    /// How long the rules of this write may take.
    fn patience(&self) -> &dyn Patience {
        &Endless
    }
}

/// One version in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub seq: Seq,
    pub key: Key,
    pub version: u64,
    /// The version before it.
    pub prev: Option<Seq>,
    /// If this version was merged: the number of the version that the edit was based on, 0 if there
    /// was none. It was merged with the version before this one.
    pub base: Option<u64>,
    pub by: Arc<str>,
    pub at: Moment,
    pub kind: Kind,
    /// Empty for a tombstone.
    pub body: Bytes,
    /// Of the body.
    pub digest: Digest,
}

impl Stored {
    /// The version without its body.
    pub fn head(&self) -> Head {
        Head {
            seq: self.seq,
            version: self.version,
            digest: self.digest,
            kind: self.kind,
            at: self.at,
        }
    }

    /// The body as text; it was checked before it was stored.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a stored body is UTF-8")
    }

    /// The document; `None` for a tombstone.
    pub fn document(&self) -> Option<Value> {
        (self.kind == Kind::Document).then(|| parse_checked(&self.body))
    }
}

/// Whether the version before `head` was written within the same second.
///
/// # Errors
///
/// Only the errors of `state`.
pub fn shares_its_second<S: State>(state: &S, head: &Head) -> Result<bool, S::Error> {
    match state.stored(head.seq)?.prev {
        Some(prev) => Ok(state.stored(prev)?.at.second() == head.at.second()),
        None => Ok(false),
    }
}
