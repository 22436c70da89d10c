use std::collections::HashMap;
use std::sync::Arc;

use detente_core::rules::Claim;
use detente_core::{Applied, Head, Key, Seq, State, Stored};

use crate::{Store, StoreError};

/// Writes that were decided together and are to be appended together. Each command is decided on
/// the store and on the writes of this batch before it, so a race within a batch has one winner.
pub(crate) struct Batch<'a, S> {
    store: &'a S,
    first_seq: Seq,
    applied: Vec<Applied>,
    /// The newest write of this batch for each document, by its place in `applied`.
    heads: HashMap<Key, usize>,
    /// Who holds a key after the writes of this batch; `None` if it was released.
    holders: HashMap<Place, Option<String>>,
}

/// Space, collection, constraint, value.
type Place = (Box<str>, Box<str>, String, String);

impl<'a, S: Store> Batch<'a, S> {
    pub(crate) fn new(store: &'a S, last_seq: Seq) -> Self {
        Self {
            store,
            first_seq: last_seq + 1,
            applied: Vec::new(),
            heads: HashMap::new(),
            holders: HashMap::new(),
        }
    }

    /// The place in the log of the next write.
    pub(crate) fn next_seq(&self) -> Seq {
        self.first_seq + self.applied.len() as Seq
    }

    pub(crate) fn add(&mut self, applied: Applied) {
        let key = applied.stored.key.clone();
        for claim in &applied.released {
            self.holders.insert(place(&key, claim), None);
        }
        for claim in &applied.claimed {
            self.holders
                .insert(place(&key, claim), Some(key.id().to_owned()));
        }
        self.heads.insert(key, self.applied.len());
        self.applied.push(applied);
    }

    pub(crate) fn into_applied(self) -> Vec<Applied> {
        self.applied
    }
}

fn place(key: &Key, claim: &Claim) -> Place {
    (
        key.space().into(),
        key.collection().into(),
        claim.constraint.clone(),
        claim.value.clone(),
    )
}

impl<S: Store> State for Batch<'_, S> {
    type Error = StoreError;

    fn head(&self, key: &Key) -> Result<Option<Head>, StoreError> {
        match self.heads.get(key) {
            Some(index) => Ok(Some(self.applied[*index].head)),
            None => self.store.head(key),
        }
    }

    fn stored(&self, seq: Seq) -> Result<Arc<Stored>, StoreError> {
        if let Some(index) = seq.checked_sub(self.first_seq)
            && let Some(applied) = usize::try_from(index)
                .ok()
                .and_then(|it| self.applied.get(it))
        {
            return Ok(Arc::clone(&applied.stored));
        }
        let missing = || StoreError::Damaged(format!("version {seq} is named but not there"));
        self.store.version(seq)?.ok_or_else(missing)
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, StoreError> {
        if !self.holders.is_empty()
            && let Some(holder) = self.holders.get(&place(key, claim))
        {
            return Ok(holder.clone());
        }
        self.store.holder(key, claim)
    }
}
