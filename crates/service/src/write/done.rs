//! What a write left, and what its writer may be shown of it.

use std::sync::Arc;

use detente_core::merge::Join;
use detente_core::{Applied, Condition, Edit, Receipt, Stored, VersionTag, Written};

use super::Write;
use crate::explanation::What;
use crate::offload::offload;
use crate::{Outcome, Principal, Service};

/// A write that was performed.
#[derive(Clone, Debug)]
pub struct Done {
    /// What it left: a document, or a tombstone.
    pub stored: Arc<Stored>,
    /// Whether a document came to be where there was none.
    pub created: bool,
    /// Whether its writer may see the document.
    pub is_shown: bool,
    /// Whether its writer knows the document without being shown it. Nobody else may get its tag
    /// without it: the next edit would undo what others wrote into the document.
    pub is_known: bool,
    /// Whether it was performed before, under the same key.
    pub is_replayed: bool,
    /// Where it was merged: what strategies joined, for a writer who may see it.
    pub joined: Vec<Join>,
}

impl Write {
    /// What was performed before, as it was answered then.
    pub(crate) async fn replayed(
        &self,
        service: &Service,
        principal: &Principal,
        receipt: &Receipt,
    ) -> Outcome<Done> {
        let written = receipt.writes.first();
        let written = written.ok_or_else(|| What::failed("a receipt of nothing"))?;
        self.done_before(service, principal, written).await
    }

    pub(crate) async fn done_before(
        &self,
        service: &Service,
        principal: &Principal,
        written: &Written,
    ) -> Outcome<Done> {
        let space = self.prepared.command.key.space();
        let found = service.reading.version(space, written.seq).await?;
        let stored = found.ok_or(What::ReceiptGone)?;
        let joined = self.joins(service, principal, &stored).await;
        Ok(Done {
            is_replayed: true,
            joined: joined.unwrap_or_default(),
            ..self.left(service, principal, stored, written.created)
        })
    }

    pub(crate) async fn done(
        &self,
        service: &Service,
        principal: &Principal,
        applied: Applied,
    ) -> Done {
        let joined = match applied.stored.base {
            None => None,
            Some(_) => Box::pin(self.joins(service, principal, &applied.stored)).await,
        };
        Done {
            joined: joined.unwrap_or_default(),
            ..self.left(service, principal, applied.stored, applied.created)
        }
    }

    /// What strategies joined of a write that was merged. It is worked out once more, so that the desk
    /// has to keep none of it: the versions never change, and a replayed answer is as the first. Where
    /// one of them is kept no longer, nothing is told; the write is performed all the same.
    async fn joins(
        &self,
        service: &Service,
        principal: &Principal,
        stored: &Stored,
    ) -> Option<Vec<Join>> {
        let rules = Arc::clone(&self.collection.rules);
        let is_joined = stored.base.is_some() && !rules.rules.strategies.is_empty();
        if !is_joined || !service.shows(principal, stored) {
            return None;
        }
        let merging = match &self.prepared.command.edit {
            Edit::Merge(merging) => (**merging).clone(),
            _ => self.prepared.fallback.as_deref()?.clone(),
        };
        let theirs = service.reading.version(stored.key.space(), stored.prev?);
        let theirs = theirs.await.ok()??;
        let bytes = self.sent.len().max(theirs.body.len());
        let work = move || Some(merging.join(&rules.rules, &theirs.document()?).joined);
        offload(bytes, work).await.ok()?
    }

    fn left(
        &self,
        service: &Service,
        principal: &Principal,
        stored: Arc<Stored>,
        created: bool,
    ) -> Done {
        // Whoever may not read sees no more than they sent.
        let is_own = stored.base.is_none() && matches!(self.prepared.command.edit, Edit::Put(_));
        Done {
            is_shown: is_own || service.shows(principal, &stored),
            is_known: self.is_known(&stored),
            is_replayed: false,
            joined: Vec::new(),
            stored,
            created,
        }
    }

    /// Whether the writer knows the document that the write left, without being shown it: the
    /// document is what was sent, or what a patch makes of the one version that If-Match names.
    fn is_known(&self, stored: &Stored) -> bool {
        let tags = match &self.prepared.command.preconditions.if_match {
            Some(Condition::Tags(tags)) => tags.as_slice(),
            _ => &[],
        };
        match (&self.prepared.command.edit, tags) {
            _ if stored.base.is_some() => false,
            // A request may be repeated in other words.
            (Edit::Put(proposal), _) => proposal.body == self.sent && stored.body == self.sent,
            (Edit::Patch(_), [tag]) => {
                let named = VersionTag::from_entity_tag(tag);
                named.is_some_and(|named| Some(named.seq) == stored.prev)
            }
            _ => false,
        }
    }
}
