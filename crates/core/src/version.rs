use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_64;

use crate::{EntityTag, Moment};

/// The position of a version in the log: 1 for the first write to the store, then 2 and so on.
pub type Seq = u64;

const DIGEST_DIGITS: usize = 12;

/// A version of 20 digits, a dash, a seq of 16, a digest.
const LONGEST: usize = 20 + 1 + 16 + DIGEST_DIGITS;

/// 48 bits of the XXH3 hash of a content. It is no defence against attackers: it prevents a store
/// that was restored from an old backup from giving two contents the same tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub u64);

impl Digest {
    /// The digest of a body.
    pub fn of(body: &[u8]) -> Self {
        Checksum::of(body).digest()
    }
}

/// The XXH3 hash of a content: what tells whether it is still what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum(pub u64);

impl Checksum {
    /// The digest of these bytes.
    pub fn of(content: &[u8]) -> Self {
        Self(xxh3_64(content))
    }

    /// The part of it that tags hold.
    pub fn digest(self) -> Digest {
        Digest(self.0 >> 16)
    }
}

/// Whether a version is a document or a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Document,
    Tombstone,
}

/// The newest version of a document, without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: Seq,
    /// 1, 2, 3 …, counting tombstones, and never starting again.
    pub version: u64,
    pub digest: Digest,
    pub kind: Kind,
    pub at: Moment,
}

impl Head {
    /// The tag of the version.
    pub fn tag(&self) -> VersionTag {
        VersionTag {
            version: self.version,
            seq: self.seq,
            digest: self.digest,
        }
    }

    /// Whether the version is not a tombstone.
    pub fn is_document(&self) -> bool {
        self.kind == Kind::Document
    }
}

/// The content of our strong entity tags: `{version}-{seq}{digest}`, the latter two in hexadecimal.
///
/// `seq` finds the version at once; together with the digest it never names two contents.
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

    /// The tag of the representation itself: one of ours, without what a content coding put behind
    /// it. That is our own `+gzip`, or what a proxy that compresses adds (`-gzip`, `--gzip`, `;br`).
    /// All of it lies outside the alphabet of our tags. Tags that are not ours stay as they are.
    pub fn without_suffix(tag: EntityTag) -> EntityTag {
        let opaque = tag.opaque();
        let length = own_length(opaque.as_bytes());
        if length == opaque.len() || opaque[..length].parse::<Self>().is_err() {
            return tag;
        }
        tag.cut(length)
    }

    /// The strong entity tag.
    pub fn to_entity_tag(self) -> EntityTag {
        EntityTag::strong(self.write(&mut [0; LONGEST]))
    }

    /// Writes the digits by hand, from the end: every answer has a tag, and the formatting of the
    /// standard library costs as much as finding the document.
    fn write(self, buffer: &mut [u8; LONGEST]) -> &str {
        let at = put_digits(buffer, LONGEST, self.digest.0, 16, DIGEST_DIGITS);
        let at = put_digits(buffer, at, self.seq, 16, 1) - 1;
        buffer[at] = b'-';
        let at = put_digits(buffer, at, self.version, 10, 1);
        std::str::from_utf8(&buffer[at..]).expect("digits and a dash are ASCII")
    }
}

/// Writes at least `least` digits that end before `end`, and returns where they begin.
fn put_digits(buffer: &mut [u8], end: usize, mut value: u64, base: u64, least: usize) -> usize {
    let mut at = end;
    while value > 0 || end - at < least {
        at -= 1;
        buffer[at] = b"0123456789abcdef"[(value % base) as usize];
        value /= base;
    }
    at
}

/// How many bytes at the beginning could be a tag of ours: digits, a dash, hexadecimal digits.
fn own_length(opaque: &[u8]) -> usize {
    let version = opaque.iter().take_while(|byte| byte.is_ascii_digit());
    let dash = version.count();
    if opaque.get(dash) != Some(&b'-') {
        return 0;
    }
    let is_digit = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let rest = opaque[dash + 1..].iter().take_while(is_digit);
    dash + 1 + rest.count()
}

impl fmt::Display for VersionTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.write(&mut [0; LONGEST]))
    }
}

/// The text is not one of our tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs;

impl FromStr for VersionTag {
    type Err = NotOurs;

    /// Accepts exactly what `Display` writes, so that one version has one tag. Stores count with 63 bits, so none has a
    /// larger number.
    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let parsed = parts(text).ok_or(NotOurs)?;
        let is_countable = |number: u64| i64::try_from(number).is_ok();
        let can_be = is_countable(parsed.seq) && is_countable(parsed.version);
        if can_be && parsed.to_string() == text {
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
    fn numbers_that_no_store_counts_to_are_none_of_ours() {
        let largest = "9223372036854775807-7fffffffffffffff000000000000";
        assert!(largest.parse::<VersionTag>().is_ok());
        for text in [
            "1-ffffffffffffffff000000000000",
            "9223372036854775808-1000000000000",
        ] {
            assert_eq!(text.parse::<VersionTag>(), Err(NotOurs), "{text}");
        }
    }

    #[test]
    fn tags_name_version_place_and_content() {
        let tag = VersionTag {
            version: 7,
            seq: 0x1f3,
            digest: Digest(0xa9c02),
        };
        assert_eq!(tag.to_string(), "7-1f30000000a9c02");
        assert_eq!("7-1f30000000a9c02".parse(), Ok(tag));
        let largest = VersionTag {
            version: u64::MAX,
            seq: u64::MAX,
            digest: Digest(u64::MAX >> 16),
        };
        let text = "18446744073709551615-ffffffffffffffffffffffffffff";
        assert_eq!(largest.to_string(), text);
        let least = VersionTag {
            version: 0,
            seq: 0,
            digest: Digest(0),
        };
        assert_eq!(least.to_string(), "0-0000000000000");
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

    #[test]
    fn what_a_coding_put_behind_a_tag_of_ours_comes_off() {
        let own = "7-1f30000000a9c02";
        let suffixes = [
            "",
            "+gzip",
            "-gzip",
            "--gzip",
            "-br",
            "-zstd",
            "-deflate",
            ";gzip",
            "+gzip-gzip",
            ":0",
            "gzip",
        ];
        let read = |tag: String| EntityTag::parse_list(tag.as_bytes()).unwrap().remove(0);
        for suffix in suffixes {
            for weak in ["", "W/"] {
                let tag = read(format!("{weak}\"{own}{suffix}\""));
                let plain = VersionTag::without_suffix(tag).to_string();
                assert_eq!(plain, format!("{weak}\"{own}\""), "{suffix}");
            }
        }
        for other in [
            "",
            "x-gzip",
            "7-",
            "7-gzip",
            "7-0-gzip",
            "07-1f30000000a9c02-gzip",
            "abc+gzip",
        ] {
            let tag = read(format!("\"{other}\""));
            assert_eq!(VersionTag::without_suffix(tag.clone()), tag, "{other}");
        }
    }
}
