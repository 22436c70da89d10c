use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_64;

use crate::{EntityTag, Moment};

/// The place of a version in the log: 1 for the first write of the store, one more for each.
pub type Seq = u64;

const DIGEST_DIGITS: usize = 12;

/// 48 bits of a content's XXH3 hash. Not a defence: it keeps a store that was restored from an old
/// backup from naming two contents by one tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub u64);

impl Digest {
    pub fn of(body: &[u8]) -> Self {
        Self(xxh3_64(body) >> 16)
    }
}

/// What a version is: a document, or the mark that it was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Document,
    Tombstone,
}

/// The newest version of a document, without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: Seq,
    /// 1, 2, 3 … for ever, tombstones included.
    pub version: u64,
    pub digest: Digest,
    pub kind: Kind,
    pub at: Moment,
}

impl Head {
    pub fn tag(&self) -> VersionTag {
        VersionTag {
            version: self.version,
            seq: self.seq,
            digest: self.digest,
        }
    }

    pub fn is_document(&self) -> bool {
        self.kind == Kind::Document
    }
}

/// What our strong entity tags say: `{version}-{seq}{digest}`, the latter two in hexadecimal.
///
/// `seq` finds the row at once; together with the digest it never names two contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionTag {
    pub version: u64,
    pub seq: Seq,
    pub digest: Digest,
}

impl VersionTag {
    /// `None` for weak tags and for tags that this program did not make.
    pub fn from_entity_tag(tag: &EntityTag) -> Option<Self> {
        if tag.is_weak() {
            return None;
        }
        let tag = tag.opaque().parse::<Self>().ok()?;
        Some(tag)
    }

    pub fn to_entity_tag(self) -> EntityTag {
        EntityTag::strong(&self.to_string())
    }
}

impl fmt::Display for VersionTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            seq,
            digest: Digest(digest),
        } = self;
        write!(f, "{version}-{seq:x}{digest:012x}")
    }
}

/// The text is not one of our tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs;

impl FromStr for VersionTag {
    type Err = NotOurs;

    /// Accepts exactly what `Display` writes, so that one version has one tag.
    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let parsed = parts(text).ok_or(NotOurs)?;
        if parsed.to_string() == text {
            Ok(parsed)
        } else {
            Err(NotOurs)
        }
    }
}

fn parts(text: &str) -> Option<VersionTag> {
    let (version, opaque) = text.split_once('-')?;
    let split = opaque.len().checked_sub(DIGEST_DIGITS)?;
    let (seq, digest) = opaque.split_at_checked(split)?;
    Some(VersionTag {
        version: version.parse().ok()?,
        seq: Seq::from_str_radix(seq, 16).ok()?,
        digest: Digest(u64::from_str_radix(digest, 16).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_version_place_and_content() {
        let tag = VersionTag {
            version: 7,
            seq: 0x1f3,
            digest: Digest(0xa9c02),
        };
        assert_eq!(tag.to_string(), "7-1f30000000a9c02");
        assert_eq!("7-1f30000000a9c02".parse(), Ok(tag));
        for other in [
            "",
            "7",
            "7-",
            "7-0000000a9c02",
            "07-1f30000000a9c02",
            "7-1F30000000a9c02",
            "7-01f30000000a9c02",
            "+7-1f30000000a9c02",
            "7-1f30000000a9c02+gzip",
            "7-é0000000a9c02",
        ] {
            assert_eq!(other.parse::<VersionTag>(), Err(NotOurs), "{other}");
        }
    }
}
