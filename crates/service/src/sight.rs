//! What of the stored a principal may see: by rights, and by the rules that collections have for
//! reading. What is out of sight does not exist for a principal: not in answers, lists, feeds, counts
//! or the conflict log, and not behind a refusal.

use std::sync::Arc;

use detente_core::{Key, Kind, Sight, Stored};
use detente_store::CpuTime;

use crate::touched::TouchedVersion;
use crate::{Action, Outcome, Principal, Service};

impl Service {
    /// What a principal may see of a collection by its rule for reading; `None`: it has none.
    pub(crate) fn sight(&self, principal: &Principal, collection: &str) -> Option<Sight> {
        let rules = &self.policy.collection(collection)?.rules;
        Sight::of(rules, || principal.caller())
    }

    /// Whether a principal may see all that a space holds.
    pub(crate) fn shows_all(&self, principal: &Principal, space: &str) -> bool {
        principal.rights.allow_throughout(Action::Read, space) && !self.policy.rules_reading()
    }

    /// Whether a principal may see what a version holds. A deletion holds nothing.
    pub(crate) fn shows(&self, principal: &Principal, stored: &Stored) -> bool {
        let sight = self.sight(principal, stored.key.collection());
        let is_in = |sight: Sight| sight.has(stored, &CpuTime::default());
        principal.may(Action::Read, &stored.key) && sight.is_none_or(is_in)
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
        let Some(before) = stored.prev else {
            return Ok(false);
        };
        let last = self.reading.version(before).await?;
        let last = last.filter(|last| last.key == stored.key);
        Ok(last.is_some_and(|last| sight.has(&last, &CpuTime::default())))
    }

    /// Whether a principal may know of a document, by its newest version. Of one that never was there
    /// is nothing to hide.
    pub(crate) async fn sees_document(&self, principal: &Principal, key: &Key) -> Outcome<bool> {
        if !principal.may(Action::Read, key) {
            return Ok(false);
        }
        if self.sight(principal, key.collection()).is_none() {
            return Ok(true);
        }
        match self.reading.newest(key).await? {
            Some(newest) => self.sees(principal, &newest).await,
            None => Ok(true),
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
        let is_in = self.is_in_sight(principal, &newest).await?;
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
            let is_ruled = self.sight(principal, stored.key.collection()).is_some();
            // What a deletion took away is in sight where the deletion is.
            let (true, Kind::Document, Some(before)) = (is_ruled, stored.kind, stored.prev) else {
                continue;
            };
            let before = self.reading.version(before).await?;
            let before = before.filter(|before| before.key == stored.key);
            let is_in = match before {
                Some(before) => self.is_in_sight(principal, &before).await?,
                None => false,
            };
            if !is_in {
                change.paths = None;
            }
        }
        Ok(changes)
    }

    /// Those of some versions that a principal may see, of documents that they may still see: what
    /// was open to all once may not be now.
    pub(crate) async fn in_sight(
        &self,
        principal: &Principal,
        versions: Vec<Arc<Stored>>,
    ) -> Outcome<Vec<Arc<Stored>>> {
        let mut kept = Vec::with_capacity(versions.len());
        for stored in versions {
            let is_in = self.sees(principal, &stored).await?
                && self.sees_document(principal, &stored.key).await?;
            if is_in {
                kept.push(stored);
            }
        }
        Ok(kept)
    }
}
