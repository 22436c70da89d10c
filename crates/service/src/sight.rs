//! What of the stored a principal may see: by rights, and by the rules that collections have for
//! reading. What is out of sight does not exist for a principal: not in answers, lists, feeds, counts
//! or the conflict log, and not behind a refusal.

use std::collections::HashSet;
use std::sync::Arc;

use detente_core::{Key, Kind, Sight, Stored};
use detente_store::CpuTime;

use crate::touched::TouchedVersion;
use crate::{Action, Outcome, Place, Principal, Service};

impl Service {
    /// What a principal may see of a collection by its rule for reading; `None`: it has none.
    pub(crate) fn sight(&self, principal: &Principal, collection: &str) -> Option<Sight> {
        let rules = &self.policy.collection(collection)?.rules;
        Sight::of(rules, || principal.caller())
    }

    /// Whether a rule decides who may read which documents of a collection.
    pub(crate) fn is_ruled(&self, collection: &str) -> bool {
        let collection = self.policy.collection(collection);
        collection.is_some_and(|it| it.rules_reading())
    }

    /// Whether a principal may know how much of a collection there is: not where what they see of it
    /// is less.
    pub(crate) fn tells_how_much(
        &self,
        principal: &Principal,
        space: &str,
        collection: &str,
    ) -> bool {
        let place = Place::Collection { space, collection };
        principal.may(Action::Read, place) && !self.is_ruled(collection)
    }

    /// Whether a principal may see all that a space holds.
    pub(crate) fn shows_all(&self, principal: &Principal, space: &str) -> bool {
        principal.rights.allow_throughout(Action::Read, space) && !self.policy.rules_reading()
    }

    /// Whether a principal may see what a version holds. A deletion holds nothing.
    pub(crate) fn shows(&self, principal: &Principal, stored: &Stored) -> bool {
        let sight = || self.sight(principal, stored.key.collection());
        let is_in = |sight: Sight| sight.has(stored, &CpuTime::default());
        principal.may(Action::Read, &stored.key) && sight().is_none_or(is_in)
    }

    /// Whether a principal may know of a version: of a deletion, if what it took away was in sight.
    /// Where that is no longer kept, nobody can tell, and it is not.
    pub(crate) async fn sees(&self, principal: &Principal, stored: &Stored) -> Outcome<bool> {
        Ok(principal.may(Action::Read, &stored.key) && self.is_in_sight(principal, stored).await?)
    }

    /// The same, by the rule alone: whoever may only write is told of conflicts, but not with
    /// documents that the rule keeps from them.
    pub(crate) async fn is_in_sight(
        &self,
        principal: &Principal,
        stored: &Stored,
    ) -> Outcome<bool> {
        let Some(sight) = self.sight(principal, stored.key.collection()) else {
            return Ok(true);
        };
        if stored.kind == Kind::Document {
            return Ok(sight.has(stored, &CpuTime::default()));
        }
        let last = self.reading.before(stored).await?;
        Ok(last.is_some_and(|last| sight.has(&last, &CpuTime::default())))
    }

    /// Whether a principal may know of a document, by its newest version. Of one that never was there
    /// is nothing to hide.
    pub(crate) async fn sees_document(&self, principal: &Principal, key: &Key) -> Outcome<bool> {
        Ok(principal.may(Action::Read, key) && !self.is_hidden(principal, key).await?)
    }

    /// Whether a rule keeps a document, by its newest version, from a principal.
    pub(crate) async fn is_hidden(&self, principal: &Principal, key: &Key) -> Outcome<bool> {
        if !self.is_ruled(key.collection()) {
            return Ok(false);
        }
        match self.reading.newest(key).await? {
            Some(newest) => Ok(!self.is_in_sight(principal, &newest).await?),
            None => Ok(false),
        }
    }

    /// The newest version of a document, unless a rule keeps the document from the principal.
    pub(crate) async fn newest_in_sight(
        &self,
        principal: &Principal,
        key: &Key,
    ) -> Outcome<Option<Arc<Stored>>> {
        let Some(newest) = self.reading.newest(key).await? else {
            return Ok(None);
        };
        let is_in =
            !self.is_ruled(key.collection()) || self.is_in_sight(principal, &newest).await?;
        Ok(is_in.then_some(newest))
    }

    /// Versions without the places that they touched where the version before is out of sight: they
    /// would tell what was there.
    pub(crate) async fn without_hidden_places(
        &self,
        principal: &Principal,
        mut changes: Vec<TouchedVersion>,
    ) -> Outcome<Vec<TouchedVersion>> {
        for change in &mut changes {
            let stored = &change.stored;
            let is_first = stored.prev.is_none();
            // What a deletion took away is in sight where the deletion is.
            let is_deletion = stored.kind == Kind::Tombstone;
            if is_first || is_deletion || !self.is_ruled(stored.key.collection()) {
                continue;
            }
            let is_in = match self.reading.before(stored).await? {
                Some(before) => self.is_in_sight(principal, &before).await?,
                None => false,
            };
            if !is_in {
                change.paths = None;
            }
        }
        Ok(changes)
    }

    /// Those of some versions that a principal may know of.
    pub(crate) async fn visible(
        &self,
        principal: &Principal,
        versions: Vec<Arc<Stored>>,
    ) -> Outcome<Vec<Arc<Stored>>> {
        let mut kept = Vec::with_capacity(versions.len());
        for stored in versions {
            if self.sees(principal, &stored).await? {
                kept.push(stored);
            }
        }
        Ok(kept)
    }

    /// The same, of documents that the principal may still see: what was open to all once may not be
    /// now.
    pub(crate) async fn in_sight(
        &self,
        principal: &Principal,
        versions: Vec<Arc<Stored>>,
    ) -> Outcome<Vec<Arc<Stored>>> {
        let mut kept = self.visible(principal, versions).await?;
        let mut hidden = HashSet::new();
        let mut asked = HashSet::new();
        for stored in &kept {
            let key = &stored.key;
            if asked.insert(key) && !self.sees_document(principal, key).await? {
                hidden.insert(key.clone());
            }
        }
        kept.retain(|stored| !hidden.contains(&stored.key));
        Ok(kept)
    }
}
