use axum::http::{HeaderMap, HeaderName};
use base64::prelude::{BASE64_STANDARD, Engine};
use detente_blobs::ContentHash;

use crate::problem::Problem;

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// What the client says that its content is. Algorithms other than SHA-256 are passed over (RFC 9530,
/// section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected(Option<(&'static str, ContentHash)>);

impl Expected {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        for (field, name) in [
            (CONTENT_DIGEST, "Content-Digest"),
            (REPR_DIGEST, "Repr-Digest"),
        ] {
            let lines = headers.get_all(&field).into_iter();
            for line in lines {
                let malformed = || {
                    let detail = format!("{name} must be as in RFC 9530: sha-256=:…:.");
                    Problem::malformed(detail).with("header", name)
                };
                let line = line.to_str().map_err(|_| malformed())?;
                if let Some(found) = sha256_in(line).ok_or_else(malformed)? {
                    return Ok(Self(Some((name, found))));
                }
            }
        }
        Ok(Self(None))
    }

    pub(super) fn must_be(self, hash: ContentHash) -> Result<(), Problem> {
        match self.0 {
            Some((name, expected)) if expected != hash => {
                let detail = format!(
                    "The content that arrived is not what {name} says: its SHA-256 is {}.",
                    written(hash)
                );
                Err(Problem::malformed(detail).with("header", name))
            }
            _ => Ok(()),
        }
    }
}

/// The digest by SHA-256 in a dictionary of digests (RFC 8941, section 3.2), if it has one; `None` if it is
/// no dictionary of byte sequences.
fn sha256_in(line: &str) -> Option<Option<ContentHash>> {
    let mut found = None;
    for member in line.split(',') {
        let (name, value) = member.trim().split_once('=')?;
        let value = value.split(';').next()?.trim();
        let value = value.strip_prefix(':')?.strip_suffix(':')?;
        if name == "sha-256" {
            let bytes = BASE64_STANDARD.decode(value).ok()?;
            found = Some(ContentHash::from_bytes(bytes.try_into().ok()?));
        }
    }
    Some(found)
}

/// A hash as these fields have it.
pub(super) fn written(hash: ContentHash) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(hash.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_among_others() {
        let hash = ContentHash::of(b"abc");
        let ours = written(hash);
        let others = format!("sha-512=:YWJj:, {ours};x=1");
        for (line, expected) in [
            (ours.as_str(), Some(Some(hash))),
            (&others, Some(Some(hash))),
            ("sha-512=:YWJj:", Some(None)),
            ("sha-256=:YWJj:", None),
            ("sha-256=abc", None),
            ("", None),
        ] {
            assert_eq!(sha256_in(line), expected, "{line}");
        }
    }
}
