use std::collections::HashMap;

use detente_core::rules::Claim;
use detente_core::{Applied, Key};

use crate::{Facts, Lack, UniqueKey};

/// Who holds unique keys after the writes of a batch.
///
/// Within a transaction several documents may have one key for a while: two that swap their values
/// do. What counts is who has it after the last write.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    /// The ids of all documents that have a key, the one that had it first in front.
    ids: HashMap<UniqueKey, Vec<String>>,
}

/// The holders of a key before a change.
pub(crate) type Before = (UniqueKey, Option<Vec<String>>);

impl Holders {
    /// Another document than that of `key` which has the key; the outer `None`: no write of this
    /// batch moved it.
    pub(crate) fn other(&self, key: &Key, claim: &Claim) -> Option<Option<String>> {
        if self.ids.is_empty() {
            return None;
        }
        let ids = self.ids.get(&UniqueKey::new(key, claim))?;
        Some(ids.iter().find(|id| **id != *key.id()).cloned())
    }

    /// All documents that have a key, if a write of this batch moved it.
    pub(crate) fn all(&self, key: &UniqueKey) -> &[String] {
        self.ids.get(key).map_or(&[], Vec::as_slice)
    }

    /// Those who hold the keys that a write takes before it does, where that was not looked up.
    pub(crate) fn look_up(
        &self,
        applied: &Applied,
        facts: &impl Facts,
    ) -> Result<Vec<Before>, Lack> {
        let key = &applied.stored.key;
        let mut found = Vec::new();
        for claim in &applied.claimed {
            let unique = UniqueKey::new(key, claim);
            if !self.ids.contains_key(&unique) {
                let holder = facts.holder(key, claim)?;
                found.push((unique, Some(Vec::from_iter(holder))));
            }
        }
        Ok(found)
    }

    /// Moves the keys of a write. Returns how to take that back, the last step at the end.
    pub(crate) fn apply(&mut self, applied: &Applied, looked_up: Vec<Before>) -> Vec<Before> {
        let key = &applied.stored.key;
        let mut undo = Vec::new();
        for (unique, ids) in looked_up {
            undo.push(self.set(unique, ids));
        }
        for claim in &applied.released {
            let unique = UniqueKey::new(key, claim);
            let mut ids = self.all(&unique).to_vec();
            ids.retain(|id| *id != *key.id());
            undo.push(self.set(unique, Some(ids)));
        }
        for claim in &applied.claimed {
            let unique = UniqueKey::new(key, claim);
            let mut ids = self.all(&unique).to_vec();
            ids.push(key.id().to_owned());
            undo.push(self.set(unique, Some(ids)));
        }
        undo
    }

    fn set(&mut self, unique: UniqueKey, ids: Option<Vec<String>>) -> Before {
        let before = match ids {
            Some(ids) => self.ids.insert(unique.clone(), ids),
            None => self.ids.remove(&unique),
        };
        (unique, before)
    }

    pub(crate) fn restore(&mut self, (unique, ids): Before) {
        self.set(unique, ids);
    }

    /// Each key that was moved, and who has it in the end.
    pub(crate) fn into_keys(self) -> Vec<(UniqueKey, Option<String>)> {
        let last = self.ids.into_iter();
        let mut keys: Vec<_> = last
            .map(|(key, ids)| (key, ids.into_iter().next()))
            .collect();
        keys.sort_unstable();
        keys
    }
}
