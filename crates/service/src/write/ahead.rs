//! What is worked out before a write is decided: where many are decided one after the other, none
//! may take long.

use std::sync::Arc;

use detente_core::{Ahead, Edit, Head, LARGE, Merging, Patching, Proposal, Refusal, Stored};
use detente_store::CpuTime;

use super::Write;
use crate::offload::offload;
use crate::policy::OnConflict;
use crate::reading::Reading;
use crate::{Outcome, Service};

impl Write {
    /// Whether the write, refused as stale, has become one that joins.
    pub(super) async fn falls_back(
        &mut self,
        service: &Service,
        refusal: &Refusal,
    ) -> Outcome<bool> {
        if !matches!(refusal, Refusal::Stale { head: Some(_) }) {
            return Ok(false);
        }
        // A merge names its base itself: If-Match then is what it is everywhere.
        let names_its_base = matches!(self.prepared.command.edit, Edit::Merge(_));
        let has_fallen_back = self.prepared.fallback.is_some();
        if self.on_conflict == OnConflict::Reject || names_its_base || has_fallen_back {
            return Ok(false);
        }
        Box::pin(self.add_fallback(service)).await?;
        Ok(self.prepared.fallback.is_some())
    }

    /// Works out ahead what can be.
    pub(super) async fn prepare(&mut self, service: &Service) -> Outcome<()> {
        let is_patch = matches!(self.prepared.command.edit, Edit::Patch(_));
        let joins = self.on_conflict == OnConflict::Merge && self.names_versions();
        let is_judged = self.is_long_to_judge();
        if !is_patch && !joins && !is_judged {
            return Ok(());
        }
        // Boxed, as all that not every write needs: what it takes would else be copied with each.
        Box::pin(self.prepare_for(service, is_patch, joins, is_judged)).await
    }

    async fn prepare_for(
        &mut self,
        service: &Service,
        is_patch: bool,
        joins: bool,
        is_judged: bool,
    ) -> Outcome<()> {
        let stored = service.reading.newest(&self.prepared.command.key).await?;
        let stored = stored.filter(|stored| stored.head().is_document());
        let names_it = stored.as_ref().is_none_or(|it| self.names(&it.head()));
        if is_judged && (names_it || !self.names_versions()) {
            return self.judge_ahead(stored).await;
        }
        let Some(stored) = stored else {
            return Ok(());
        };
        let head = stored.head();
        if joins && !self.names(&head) {
            self.add_fallback(service).await?;
            // Small ones are joined where they are decided, on what is newest then.
            if stored.body.len().max(self.sent.len()) > LARGE {
                self.work_ahead(service, head).await?;
            }
            return Ok(());
        }
        if is_patch && (self.names(&head) || !self.names_versions()) {
            self.work_ahead(service, head).await?;
        }
        Ok(())
    }

    /// Whether it brings a document that the rules need long for.
    fn is_long_to_judge(&self) -> bool {
        let brings_it = matches!(self.prepared.command.edit, Edit::Put(_) | Edit::Restore(_));
        brings_it && self.sent.len() > LARGE && self.collection.rules.rules.evaluate_conditions()
    }

    /// Asks the rules about the document that it brings, on what is stored.
    async fn judge_ahead(&mut self, stored: Option<Arc<Stored>>) -> Outcome<()> {
        let rules = Arc::clone(&self.collection.rules);
        let command = Arc::clone(&self.prepared.command);
        let work = move || {
            let (Edit::Put(proposal) | Edit::Restore(proposal)) = &command.edit else {
                return None;
            };
            let is_restored = matches!(command.edit, Edit::Restore(_));
            Some(Arc::new(Ahead::judged(
                &rules.rules,
                &command,
                stored.as_deref(),
                Some(proposal.clone()),
                is_restored,
                &CpuTime::default(),
            )))
        };
        self.prepared.ahead = offload(self.sent.len(), work).await?;
        Ok(())
    }

    /// Makes it ready to be decided once and for all: nothing can be worked out ahead that a write
    /// decided together with it may still change, and nothing after.
    pub(crate) async fn make_final(&mut self, service: &Service) -> Outcome<()> {
        let joins = self.on_conflict == OnConflict::Merge && self.names_versions();
        if joins && self.prepared.fallback.is_none() {
            self.add_fallback(service).await?;
        }
        self.prepared.must_decide = true;
        Ok(())
    }

    /// Whether If-Match lists tags.
    fn names_versions(&self) -> bool {
        let condition = self.prepared.command.preconditions.if_match.as_ref();
        condition.is_some_and(|condition| !condition.tags().is_empty())
    }

    pub(super) fn names(&self, head: &Head) -> bool {
        let tag = head.tag().to_entity_tag();
        let condition = self.prepared.command.preconditions.if_match.as_ref();
        condition.is_some_and(|condition| condition.tags().contains(&tag))
    }

    /// Makes it a write that joins where it is stale, if the version that it began from is known.
    async fn add_fallback(&mut self, service: &Service) -> Outcome<()> {
        let Some(condition) = &self.prepared.command.preconditions.if_match else {
            return Ok(());
        };
        let strong = condition.tags().iter().filter(|tag| !tag.is_weak());
        let tags = strong.filter_map(|tag| tag.opaque().parse().ok()).collect();
        let named = service
            .reading
            .newest_named(&self.prepared.command.key, tags);
        let Some(base) = named.await? else {
            return Ok(());
        };
        let edit = self.prepared.command.edit.clone();
        let max_bytes = service.policy.max_document_bytes;
        let size = base.body.len().max(self.sent.len());
        let merging = offload(size, move || merging(base, &edit, max_bytes)).await?;
        self.prepared.fallback = merging.map(Arc::new);
        Ok(())
    }

    /// Works out what the edit comes to on a version. Should it come to nothing, or the head move
    /// meanwhile, the decision finds out for itself.
    pub(super) async fn work_ahead(&mut self, service: &Service, head: Head) -> Outcome<()> {
        let space = self.prepared.command.key.space();
        let Some(stored) = service.reading.version(space, head.seq).await? else {
            return Ok(());
        };
        let rules = Arc::clone(&self.collection.rules);
        let prepared = self.prepared.clone();
        let names_it = self.names(&head) || !self.names_versions();
        let bytes = self
            .sent
            .len()
            .max(bytes_of(&service.reading, space, &head));
        let work = move || {
            let rules = &rules.rules;
            let command = &*prepared.command;
            let merging = match (&command.edit, &prepared.fallback) {
                (Edit::Merge(merging), _) => Some(&**merging),
                (_, fallback) => fallback.as_deref().filter(|_| !names_it),
            };
            let outcome = match (merging, &command.edit) {
                (Some(merging), _) => merging.outcome(rules, &stored.document()?).ok()?,
                (None, Edit::Patch(Patching { patch, max_bytes })) => {
                    Some(Proposal::patched(rules, patch, &stored.body, *max_bytes).ok()?)
                }
                _ => return None,
            };
            let patience = CpuTime::default();
            let stored = Some(&*stored);
            Some(Arc::new(Ahead::judged(
                rules, command, stored, outcome, false, &patience,
            )))
        };
        self.prepared.ahead = offload(bytes, work).await?;
        Ok(())
    }
}

/// About how large a version is: what memory does not have may be large.
fn bytes_of(reading: &Reading, space: &str, head: &Head) -> usize {
    let stored = reading.recall(space, head.seq);
    stored.map_or(usize::MAX, |stored| stored.body.len())
}

/// An edit of `base`, ready to be joined; `None` if it is a patch that does not fit it.
pub(crate) fn merging(base: Arc<Stored>, edit: &Edit, max_bytes: usize) -> Option<Merging> {
    let document = base.document()?;
    let ours = match edit {
        Edit::Put(proposal) | Edit::Restore(proposal) => Some(proposal.document()),
        Edit::Patch(patching) => Some(Arc::new(patching.patch.apply(&document, max_bytes).ok()?)),
        Edit::Delete => None,
        Edit::Merge(merging) => merging.ours.clone(),
    };
    Some(Merging {
        base_document: Some(Arc::new(document)),
        base: Some(base),
        ours,
        choices: Default::default(),
        seen: None,
        max_bytes,
    })
}
