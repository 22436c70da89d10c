use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use detente_core::{CollectionRules, Unconditional};
use sha2::{Digest, Sha256};

/// What stands for all collections that the settings do not name, as a metric's label.
const UNDECLARED: &str = "undeclared";

/// What a server is told at its start.
#[derive(Debug)]
pub struct Settings {
    pub collections: BTreeMap<String, Arc<Collection>>,
    pub undeclared: Undeclared,
    /// `None`: anybody may do anything, and says who they are in `X-Actor`.
    pub tokens: Option<Tokens>,
    /// Origins that a browser may call from; `*` for all.
    pub cors_origins: Vec<String>,
    pub limits: Limits,
}

/// What becomes of a request for a collection that the settings do not name.
#[derive(Clone, Debug)]
pub enum Undeclared {
    Reject,
    /// It is treated like this.
    Allow(Arc<Collection>),
}

/// How one collection is to be treated.
#[derive(Debug, Default)]
pub struct Collection {
    pub stale_status: StaleStatus,
    /// What becomes of a stale write whose request says nothing of it.
    pub on_conflict: OnConflict,
    pub rules: Arc<CollectionRules>,
}

/// How a stale If-Match is answered: RFC 9110, section 13.1.1 leaves the choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaleStatus {
    #[default]
    Conflict,
    PreconditionFailed,
}

/// What becomes of a write whose If-Match is stale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    #[default]
    Reject,
    /// It is joined with what came since, where that can be.
    Merge,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one request's body.
    pub body_bytes: usize,
    /// Of all fields of one request, names and values.
    pub header_bytes: usize,
    /// Writes that may wait for the writer.
    pub queued_writes: usize,
    /// How long requests under way may take once a shutdown was asked for.
    pub shutdown_grace: Duration,
}

/// The bearer tokens that are accepted.
#[derive(Debug, Default)]
pub struct Tokens(HashMap<[u8; 32], Arc<Token>>);

/// Whom a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Becomes `updated_by`.
    pub name: Arc<str>,
    pub access: Access,
    /// Whether it may take a lock away from whoever holds it.
    pub may_break_locks: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
    #[default]
    ReadWrite,
}

impl Access {
    pub fn may_read(self) -> bool {
        self != Self::Write
    }

    pub fn may_write(self) -> bool {
        self != Self::Read
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            header_bytes: 16 * 1024,
            queued_writes: 4096,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

impl Tokens {
    /// The digest under which a secret is filed: secrets themselves are not kept.
    pub fn digest(secret: &str) -> [u8; 32] {
        Sha256::digest(secret.as_bytes()).into()
    }

    /// Whether the secret was new.
    pub fn add(&mut self, digest: [u8; 32], token: Token) -> bool {
        self.0.insert(digest, Arc::new(token)).is_none()
    }

    /// Looked up by digest, so how long it takes tells nothing of the secrets.
    pub fn find(&self, secret: &str) -> Option<&Arc<Token>> {
        self.0.get(&Self::digest(secret))
    }
}

impl Settings {
    /// A server without a configuration: any collection, no schema, no credentials.
    pub fn open() -> Self {
        Self {
            collections: BTreeMap::new(),
            undeclared: Undeclared::Allow(Arc::default()),
            tokens: None,
            cors_origins: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// The collection's name as a metric's label: clients can make up others without end.
    pub fn label<'a>(&self, collection: &'a str) -> &'a str {
        match self.collections.contains_key(collection) {
            true => collection,
            false => UNDECLARED,
        }
    }

    /// All that [`Settings::label`] may come to.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.collections
            .keys()
            .map(String::as_str)
            .chain([UNDECLARED])
    }

    /// How the collection is treated; `None` if it is not to exist.
    pub fn collection(&self, name: &str) -> Option<&Arc<Collection>> {
        match (self.collections.get(name), &self.undeclared) {
            (Some(collection), _) | (None, Undeclared::Allow(collection)) => Some(collection),
            (None, Undeclared::Reject) => None,
        }
    }
}

impl Collection {
    pub fn unconditional(&self) -> Unconditional {
        self.rules.unconditional
    }
}
