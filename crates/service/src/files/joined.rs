use std::sync::Arc;

use bytes::BytesMut;
use detente_core::merge::merge_texts;
use detente_core::{Once, Stored};

use super::content::{Content, Received};
use super::put::{Became, PutFile, StoredFile};
use super::tree::{ATTEMPTS, pinned_to};
use super::{Entry, Outgoing};
use crate::explanation::{Explanation, What};
use crate::offload::offload;
use crate::{Outcome, Principal, Service};

/// Longer texts are not joined, in bytes.
const MAX_TEXT: u64 = 1024 * 1024;

impl Service {
    /// Joins a text with those that came since the version that its writer began from, and stores that. What
    /// cannot be joined is refused as it was.
    pub(super) async fn join_texts(
        &self,
        principal: &Principal,
        mut put: PutFile,
        mut collision: Box<Explanation>,
        once: Option<Once>,
    ) -> Outcome<StoredFile> {
        let base = |it: &Explanation| it.what.divergence()?.base.clone();
        let Some(base) = base(&collision) else {
            return Err(collision.log(self).await);
        };
        let base = self.text_of(principal, base.seq, &put).await?;
        let ours = self.text_in(&put.received).await?;
        let (Some(base), Some(ours)) = (base, ours) else {
            return Err(collision.log(self).await);
        };
        for _ in 0..ATTEMPTS {
            let current = collision
                .what
                .divergence()
                .and_then(|it| it.current.clone());
            let theirs = match &current {
                Some(current) => self.text_of(principal, current.seq, &put).await?,
                None => None,
            };
            let (Some(current), Some(theirs)) = (current, theirs) else {
                return Err(collision.log(self).await);
            };
            let texts = (base.clone(), ours.clone());
            let bytes = base.len() + ours.len() + theirs.len();
            let join = move || merge_texts(&texts.0, &texts.1, &theirs);
            let Some(joined) = offload(bytes, join).await? else {
                return Err(collision.log(self).await);
            };
            let mut incoming = self.receive()?;
            if incoming.must_fit(joined.len() as u64).is_err() {
                return Err(collision.log(self).await);
            }
            incoming.take(joined.into()).await?;
            put.received = incoming.finish().await?;
            put.terms.conditions = pinned_to(&current);
            match self.put_once(principal, &put, once).await {
                Ok(done) => {
                    return Ok(StoredFile {
                        done,
                        became: Became::Joined,
                    });
                }
                Err(explanation) if matches!(explanation.what, What::Stale(..)) => {
                    collision = explanation;
                }
                Err(explanation) => return Err(explanation.log(self).await),
            }
        }
        Err(What::Busy.into())
    }

    /// The text of a version, which whoever writes may see; `None` if it is none, or a long one.
    async fn text_of(
        &self,
        principal: &Principal,
        seq: u64,
        put: &PutFile,
    ) -> Outcome<Option<Arc<str>>> {
        let stored = self.reading.version(put.key.space(), seq).await?;
        let Some(stored) = stored.filter(|it| self.is_shown(principal, it)) else {
            return Ok(None);
        };
        let Entry::File(facts) = Entry::of(&stored)? else {
            return Ok(None);
        };
        if facts.size > MAX_TEXT {
            return Ok(None);
        }
        let content = self.content(&stored, &facts, (0, facts.size)).await?;
        read_text(content).await
    }

    fn is_shown(&self, principal: &Principal, stored: &Stored) -> bool {
        stored.head().is_document() && self.shows(principal, stored)
    }

    async fn text_in(&self, received: &Received) -> Outcome<Option<Arc<str>>> {
        if received.size > MAX_TEXT {
            return Ok(None);
        }
        let content = match &received.content {
            Content::Here(bytes) => Outgoing::Here(bytes.clone()),
            Content::Elsewhere => self.elsewhere(received.hash, received.size).await?,
        };
        read_text(content).await
    }
}

/// Text has no NUL.
async fn read_text(mut content: Outgoing) -> Outcome<Option<Arc<str>>> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = content.next().await.map_err(What::failed)? {
        bytes.extend_from_slice(&piece);
    }
    let text = std::str::from_utf8(&bytes).ok();
    Ok(text.filter(|it| !it.contains('\0')).map(Arc::from))
}
