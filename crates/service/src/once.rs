use std::borrow::Cow;

use detente_core::Once;
use detente_store::{NoTurn, Turn};
use sha2::{Digest, Sha256};

use crate::explanation::What;
use crate::{Outcome, Service};

/// The key of a request that must be performed once, however often it is sent, and what makes it
/// the same request.
#[derive(Clone, Debug)]
pub struct OnceKey<'a> {
    /// How it was asked for, and of what: the same key stands for another request elsewhere.
    pub verb: &'a str,
    pub place: Cow<'a, str>,
    pub key: &'a str,
    /// The media type of what was sent.
    pub media_type: &'a [u8],
}

impl Service {
    /// Enters a request among those in progress, for as long as the turn lives; none if it has no key.
    ///
    /// # Errors
    ///
    /// [`What::InProgress`] if the same request is in progress already, [`What::KeyReused`] if
    /// another is under the same key.
    pub(crate) fn enter(&self, once: Option<&Once>) -> Outcome<Option<Turn>> {
        let turn = once.map(|once| self.writer.enter(once)).transpose();
        turn.map_err(|why| match why {
            NoTurn::InProgress => What::InProgress.into(),
            NoTurn::Reused => What::KeyReused.into(),
        })
    }
}

impl OnceKey<'_> {
    /// By what the request is recognized, sent by `by` with `body`.
    pub(crate) fn once(&self, by: &str, body: &[u8]) -> Once {
        let scope = [by, self.verb, &self.place, self.key].map(str::as_bytes);
        Once {
            scope: digest(&scope),
            payload: digest(&[self.media_type, body]),
        }
    }
}

/// Of parts that cannot run into each other.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_for_one_request_of_one_caller_in_one_place() {
        let key = OnceKey {
            verb: "PUT",
            place: "/api/a/1".into(),
            key: "k",
            media_type: b"application/json",
        };
        let first = key.once("ann", b"{}");
        assert_eq!(key.once("ann", b"{}"), first);
        assert_eq!(key.once("ann", b"[]").scope, first.scope);
        assert_ne!(key.once("ann", b"[]").payload, first.payload);
        let others = [
            OnceKey {
                verb: "PATCH",
                ..key.clone()
            }
            .once("ann", b"{}"),
            OnceKey {
                place: "/api/a/12".into(),
                key: "",
                ..key.clone()
            }
            .once("ann", b"{}"),
            key.once("bob", b"{}"),
        ];
        for other in others {
            assert_ne!(other.scope, first.scope);
        }
    }
}
