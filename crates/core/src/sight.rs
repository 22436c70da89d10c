use std::fmt;
use std::sync::Arc;

use crate::json::Value;
use crate::rules::Patience;
use crate::{CollectionRules, Stored};

/// What somebody may see of a collection by its rule for reading.
#[derive(Clone)]
pub struct Sight {
    rules: Arc<CollectionRules>,
    caller: Arc<Value>,
}

impl Sight {
    /// What `caller` may see: an object, as [`crate::rules::Access`] says. `None` where the collection
    /// has no rule for reading.
    pub fn of(rules: &Arc<CollectionRules>, caller: impl FnOnce() -> Arc<Value>) -> Option<Self> {
        rules.rules.access.read.as_ref()?;
        Some(Self {
            rules: Arc::clone(rules),
            caller: caller(),
        })
    }

    /// Whether a version is in sight. A deletion is not: it holds nothing that a rule could be about.
    pub fn has(&self, stored: &Stored, patience: &dyn Patience) -> bool {
        let is_in_sight = |document| self.has_document(&document, patience);
        stored.document().is_some_and(is_in_sight)
    }

    /// Whether a document is in sight, stored or not.
    pub fn has_document(&self, document: &Value, patience: &dyn Patience) -> bool {
        let access = &self.rules.rules.access;
        access.lets_read(document, &self.caller, patience)
    }
}

impl fmt::Debug for Sight {
    /// Without what is known of the caller.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sight").finish_non_exhaustive()
    }
}
