//! Files: contents at paths, under the same promises as documents.
//!
//! A file is a document of the server's own collection ([`FILES`]) whose id is its path, and so is a
//! folder. What the document says of a content is in [`Entry`]; the content is in it, or in a folder
//! of contents ([`Blobs`]) where the document names it by its hash.
//!
//! Each write of a file also writes a version of every folder that it is in, in the same commit. So the
//! version of a folder changes with anything below it, and a folder that is deleted with the version
//! at hand is deleted with all that was in it and nothing else.

mod content; // what comes in, and what goes out
mod entry; // a file or a folder, as it is stored
mod explained; // a refusal, in terms of files
mod folder; // what is in a folder
mod joined; // texts that two wrote
mod locked; // a lock, and what it is the lock of
mod properties; // what clients keep about files
mod put; // a new file, or a new version
mod remove; // a file or a folder goes
mod sweep; // contents that nothing names any more
mod terms; // on what a write depends
mod transfer; // a file or a folder goes elsewhere, or is copied
mod tree; // a write, and the folders that it is in

use std::sync::Arc;

use detente_blobs::Blobs;
use detente_core::{CollectionRules, Unconditional};

pub use content::{Content, Incoming, Outgoing, Received, TooMuch};
pub use entry::{Entry, FileFacts};
pub use folder::{FolderPage, Listed};
pub use locked::LockedFile;
pub use properties::Properties;
pub use put::{Became, OnCollision, PutFile, StoredFile};
pub(crate) use sweep::Named;
pub use sweep::named_contents;
pub use terms::{About, FileTerms, State, StateCondition, StateList, StateLists};
pub use transfer::{Transfer, Transferred};

use crate::policy::Collection;

/// Up to this size, in bytes, a content is in the version itself.
pub const INLINE: usize = 32 * 1024;

/// How files are treated.
#[derive(Clone, Debug)]
pub struct Files {
    pub(crate) collection: Arc<Collection>,
    /// Where larger contents are; `None`: there can be none.
    pub blobs: Option<Blobs>,
    /// How large a file may be, in bytes.
    pub max_bytes: u64,
    /// Whether applications of others find files here by remoteStorage. Anybody may read what is in the folder
    /// `public` then.
    pub has_remote_storage: bool,
}

impl Default for Files {
    /// No folder for large contents.
    fn default() -> Self {
        Self::new(None, Self::MAX_BYTES, Unconditional::default())
    }
}

impl Files {
    /// How large a file may be if nobody says, in bytes.
    pub const MAX_BYTES: u64 = 16 * 1024 * 1024 * 1024;

    /// Files whose larger contents are in `blobs`.
    pub fn new(blobs: Option<Blobs>, max_bytes: u64, unconditional: Unconditional) -> Self {
        let rules = CollectionRules {
            unconditional,
            ..CollectionRules::default()
        };
        let collection = Collection {
            rules: Arc::new(rules),
            ..Collection::default()
        };
        Self {
            collection: Arc::new(collection),
            blobs,
            max_bytes,
            has_remote_storage: false,
        }
    }

    /// How large a content may be, in bytes.
    pub fn limit(&self) -> u64 {
        match self.blobs {
            Some(_) => self.max_bytes,
            None => self.max_bytes.min(INLINE as u64),
        }
    }
}
