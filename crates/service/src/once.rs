use std::borrow::Cow;

use detente_core::{Once, json};
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
    /// By what the request is recognized, sent by `by` with `body`. JSON is recognized by its value,
    /// as everywhere else: clients write the same in more than one way.
    pub(crate) fn once(&self, by: &str, body: &[u8]) -> Once {
        let scope = [by, self.verb, &self.place, self.key].map(str::as_bytes);
        let media_type = plain_media_type(self.media_type);
        let value = json::parse(body).map(|value| value.canonical());
        let body = value.as_ref().map_or(body, |text| text.as_bytes());
        Once {
            scope: digest(&scope),
            payload: digest(&[media_type.as_bytes(), body]),
        }
    }
}

/// A media type as all write it that mean it. JSON has no charset but UTF-8 (RFC 8259, section 11).
fn plain_media_type(media_type: &[u8]) -> String {
    let text = String::from_utf8_lossy(media_type).to_ascii_lowercase();
    let parts = text.split(';').map(str::trim);
    let is_utf8 = |part: &str| {
        let charset = part.strip_prefix("charset=");
        charset.is_some_and(|charset| charset.trim_matches('"') == "utf-8")
    };
    let parts: Vec<_> = parts
        .filter(|part| !part.is_empty() && !is_utf8(part))
        .collect();
    parts.join(";")
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
        let same: [(&[u8], &[u8]); 4] = [
            (b"application/json", b"{\"a\": 1.0, \"b\":\"x\"}"),
            (
                b"application/json; charset=utf-8",
                b"{\"b\":\"\\u0078\",\"a\":1}",
            ),
            (
                b"Application/JSON ;charset=\"UTF-8\"",
                b" {\"b\":\"x\",\"a\":1e0}\n",
            ),
            (b"application/json;", b"{\"a\":1,\"b\":\"x\"}"),
        ];
        let payloads = same.map(|(media_type, body)| {
            OnceKey {
                media_type,
                ..key.clone()
            }
            .once("ann", body)
            .payload
        });
        assert!(payloads.iter().all(|it| *it == payloads[0]));
        let unlike: [(&[u8], &[u8]); 3] = [
            (b"application/json", b"{\"a\":2,\"b\":\"x\"}"),
            (
                b"application/json; charset=latin1",
                b"{\"a\":1,\"b\":\"x\"}",
            ),
            (b"application/merge-patch+json", b"{\"a\":1,\"b\":\"x\"}"),
        ];
        for (media_type, body) in unlike {
            let other = OnceKey {
                media_type,
                ..key.clone()
            }
            .once("ann", body)
            .payload;
            assert_ne!(other, payloads[0]);
        }
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
