//! What becomes of a write for certain, by what is durable: once a version is replaced it never becomes current
//! again, so a write that names such a version is refused whatever the writer decides meanwhile. It need not
//! wait for the writer, and the writer not for it.

use std::sync::Arc;

use detente_core::rules::Claim;
use detente_core::{
    Condition, Decision, Head, Key, Lock, Refusal, Seq, State, Stored, VersionTag, decide,
};

use super::{Terms, Write};
use crate::Service;
use crate::reading::Reading;

impl Write {
    /// The refusal of a write that is stale already; `None`: the writer decides.
    pub(super) fn foreseen(&self, service: &Service, terms: &Terms) -> Option<Decision> {
        // Those need facts that only the writer has: what was performed before, what is settled.
        if terms.once.is_some() || terms.settles.is_some() || terms.is_rehearsal {
            return None;
        }
        // Where others write as well, memory may be behind, and their store may have gone back to an older state.
        if !service.reading.has_one_log() {
            return None;
        }
        let refusal = self.stale_by_now(service)?;
        service.writer.refused();
        Some(Decision::Refuse(refusal))
    }

    /// The refusal by the newest version that is durable, if it is one for certain.
    pub(super) fn stale_by_now(&self, service: &Service) -> Option<Box<Refusal>> {
        let command = &self.prepared.command;
        let Some(Condition::Tags(tags)) = &command.preconditions.if_match else {
            return None;
        };
        let newest = service.reading.recall_newest(&command.key)?;
        let is_replaced = |tag: VersionTag| tag.seq < newest.seq;
        let are_replaced = |tag| VersionTag::from_entity_tag(tag).is_some_and(is_replaced);
        if self.prepared.fallback.is_some() || !tags.iter().all(are_replaced) {
            return None;
        }
        let durable = Durable {
            reading: &service.reading,
            head: newest.head(),
        };
        let now = service.writer.time().now;
        let rules = &self.collection.rules;
        match decide(&durable, rules, &self.prepared, newest.seq, now) {
            Ok(Decision::Refuse(refusal)) if matches!(*refusal, Refusal::Stale { .. }) => {
                Some(refusal)
            }
            _ => None,
        }
    }
}

/// What is durable of one document, as far as memory has it.
struct Durable<'a> {
    reading: &'a Reading,
    head: Head,
}

/// Memory does not tell.
struct Unknown;

impl State for Durable<'_> {
    type Error = Unknown;

    fn head(&self, _: &Key) -> Result<Option<Head>, Unknown> {
        Ok(Some(self.head))
    }

    fn stored(&self, _: Seq) -> Result<Arc<Stored>, Unknown> {
        Err(Unknown)
    }

    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, Unknown> {
        Ok(self.reading.lock(key))
    }

    fn locks_below(&self, _: &Key) -> Result<Vec<Arc<Lock>>, Unknown> {
        Err(Unknown)
    }

    fn holder(&self, _: &Key, _: &Claim) -> Result<Option<String>, Unknown> {
        Err(Unknown)
    }
}
