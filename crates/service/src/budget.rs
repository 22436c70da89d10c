use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use detente_core::Stored;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::explanation::{Explanation, What};
use crate::{Ask, Outcome, Service};

/// How many bytes of JSON are worked on at one time, in edits and in explanations each. A tree takes
/// up to thirty times the bytes of its text, so this bounds what requests hold in memory together.
const WORKED_ON: usize = 16 * 1024 * 1024;

/// An edit of so few bytes is worked on whatever else is.
const SMALL: usize = 4 * 1024;

/// How many bytes the operations of one batch may have to do with: others must get on beside it.
pub(crate) const MAX_BATCH: usize = WORKED_ON / 2;

/// How many bytes of documents and values the refusals of one batch show together.
const SHOWN: usize = 4 * 1024 * 1024;

/// How long an edit waits for its share.
const PATIENCE: Duration = Duration::from_secs(10);

/// What requests may work on at one time. Whoever explains a refusal has a share of the edits
/// already, so explanations have shares of their own: nobody waits for what a waiter holds.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    edits: Arc<Semaphore>,
    explanations: Arc<Semaphore>,
}

/// What one request may work on; given back when it is dropped. Small ones need none.
pub(crate) type Share = Option<OwnedSemaphorePermit>;

impl Budget {
    pub(crate) fn new() -> Self {
        Self {
            edits: Arc::new(Semaphore::new(WORKED_ON)),
            explanations: Arc::new(Semaphore::new(WORKED_ON)),
        }
    }

    /// Waits for a share of the edits.
    pub(crate) async fn edit(&self, bytes: usize) -> Outcome<Share> {
        if bytes <= SMALL {
            return Ok(None);
        }
        let wait = tokio::time::timeout(PATIENCE, share(&self.edits, bytes));
        let share = Box::pin(wait).await.map_err(|_| What::Busy)?;
        Ok(Some(share))
    }

    /// Waits for a share of the explanations, however long: whoever has one gives it back soon, and
    /// a refusal that is decided must come to the conflict log.
    pub(crate) async fn explanation(&self, bytes: usize) -> Share {
        match bytes <= SMALL {
            true => None,
            false => Some(Box::pin(share(&self.explanations, bytes)).await),
        }
    }
}

/// Whatever is larger than all takes all.
async fn share(from: &Arc<Semaphore>, bytes: usize) -> OwnedSemaphorePermit {
    let count = bytes.min(WORKED_ON) as u32;
    let share = Arc::clone(from).acquire_many_owned(count).await;
    share.expect("these semaphores are never closed")
}

/// About how many bytes an edit of `sent` bytes has to do with where it is joined with what is
/// stored.
pub(crate) fn joined_bytes(sent: usize, stored: Option<&Arc<Stored>>) -> usize {
    sent + stored.map_or(0, |stored| 2 * stored.body.len())
}

impl Service {
    /// About how many bytes a write has to do with: those that were sent, and those that they are
    /// joined with.
    pub(crate) async fn weigh(&self, ask: &Ask) -> Outcome<usize> {
        let sent = ask.edit.sent().len();
        let on_conflict = ask.on_conflict.or_else(|| {
            let collection = self.policy.collection(ask.key.collection())?;
            Some(collection.on_conflict)
        });
        if !ask.edit.builds_on_what_is_stored(on_conflict) {
            return Ok(sent);
        }
        let stored = self.reading.newest(&ask.key).await?;
        Ok(joined_bytes(sent, stored.as_ref()))
    }
}

/// How much the refusals of one batch may still show.
pub(crate) struct Room(AtomicUsize);

impl Room {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(SHOWN))
    }

    /// Leaves documents and values out where there is no room for them.
    pub(crate) fn fit(&self, explanation: Box<Explanation>) -> Box<Explanation> {
        let bytes = explanation.shown_bytes();
        let take = |room: usize| room.checked_sub(bytes);
        match self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        {
            Ok(_) => explanation,
            Err(_) => Box::new(explanation.without_documents()),
        }
    }
}
