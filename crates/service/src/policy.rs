use std::collections::BTreeMap;
use std::sync::Arc;

use detente_core::{CollectionRules, FILES, Unconditional};

use crate::files::Files;

/// What stands for all collections that the policy does not name, where writes are counted.
const UNDECLARED: &str = "undeclared";

/// How the collections of a server are treated.
#[derive(Debug)]
pub struct Policy {
    pub collections: BTreeMap<String, Arc<Collection>>,
    pub undeclared: Undeclared,
    /// How large a document may be, in bytes.
    pub max_document_bytes: usize,
    /// How files are treated; `None`: there are none.
    pub files: Option<Files>,
}

/// What becomes of a request for a collection that the policy does not name.
#[derive(Clone, Debug)]
pub enum Undeclared {
    Reject,
    /// It is treated like this.
    Allow(Arc<Collection>),
}

/// How one collection is treated.
#[derive(Debug, Default)]
pub struct Collection {
    pub stale_answer: StaleAnswer,
    /// What becomes of a stale write whose request says nothing of it.
    pub on_conflict: OnConflict,
    pub rules: Arc<CollectionRules>,
}

/// What the refusal of a write with a stale If-Match is called: RFC 9110, section 13.1.1 leaves the
/// choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaleAnswer {
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

impl Default for Policy {
    /// Any collection, no rules, documents of at most 1 MiB; files.
    fn default() -> Self {
        Self {
            collections: BTreeMap::new(),
            undeclared: Undeclared::Allow(Arc::default()),
            max_document_bytes: 1024 * 1024,
            files: Some(Files::default()),
        }
    }
}

impl Policy {
    /// How a collection is treated; `None` if it must not exist.
    pub fn collection(&self, name: &str) -> Option<&Arc<Collection>> {
        if name == FILES {
            return self.files.as_ref().map(|files| &files.collection);
        }
        match (self.collections.get(name), &self.undeclared) {
            (Some(collection), _) | (None, Undeclared::Allow(collection)) => Some(collection),
            (None, Undeclared::Reject) => None,
        }
    }

    /// Whether some collection has a rule for reading.
    pub(crate) fn rules_reading(&self) -> bool {
        let undeclared = match &self.undeclared {
            Undeclared::Allow(collection) => Some(collection),
            Undeclared::Reject => None,
        };
        let mut all = self.collections.values().chain(undeclared);
        all.any(|it| it.rules_reading())
    }

    /// The collection's name as a metric's label: clients can make up others without end.
    pub(crate) fn label<'a>(&self, collection: &'a str) -> &'a str {
        match collection == FILES || self.collections.contains_key(collection) {
            true => collection,
            false => UNDECLARED,
        }
    }

    /// All that [`Policy::label`] can return.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        let named = self.collections.keys().map(String::as_str);
        named.chain([FILES, UNDECLARED])
    }
}

impl Collection {
    /// Whether a rule decides who may read which documents.
    pub(crate) fn rules_reading(&self) -> bool {
        self.rules.rules.access.read.is_some()
    }

    /// What becomes of writes without a condition.
    pub fn unconditional(&self) -> Unconditional {
        self.rules.unconditional
    }
}
