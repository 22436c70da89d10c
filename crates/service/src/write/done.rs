//! What a write left, and what its writer may be shown of it.

use std::sync::Arc;

use detente_core::{Applied, Condition, Edit, Receipt, Stored, VersionTag, Written};

use super::Write;
use crate::explanation::What;
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
        let found = service.reading.version(written.seq).await?;
        let stored = found.ok_or(What::ReceiptGone)?;
        Ok(Done {
            is_replayed: true,
            ..self.left(service, principal, stored, written.created)
        })
    }

    pub(crate) fn done(&self, service: &Service, principal: &Principal, applied: Applied) -> Done {
        self.left(service, principal, applied.stored, applied.created)
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
