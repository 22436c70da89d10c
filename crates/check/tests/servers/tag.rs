use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::dialect::{Dates, Dialect, Tags};
use super::store::Version;

/// An entity tag: of the text between the quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) weak: bool,
    pub(crate) text: String,
    /// Without quotes: no entity tag at all.
    pub(crate) bare: bool,
}

impl Tag {
    /// The tag of a version, if the dialect has tags.
    pub(crate) fn of(version: &Version, dialect: &Dialect) -> Option<Self> {
        let content = version.content.as_ref();
        let text = match dialect.tags {
            Tags::None => return None,
            Tags::Counter | Tags::Bare => version.number.to_string(),
            Tags::Hash => format!("{:016x}", hash(content)),
            Tags::Random => format!("{:016x}", version.mark),
            Tags::Time => version.stamp.as_micros().to_string(),
            Tags::Generation => revision(version),
            Tags::Second => version.stamp.as_secs().to_string(),
            Tags::Items => format!(
                "{:016x}",
                hash(content.and_then(|content| content.get("items")))
            ),
            Tags::Constant => "v1".into(),
            Tags::Restless => restless(version.number, fastrand::u32(..)),
        };
        Some(Self {
            weak: dialect.weak,
            text,
            bare: dialect.tags == Tags::Bare,
        })
    }

    pub(crate) fn is_used(dialect: &Dialect) -> bool {
        dialect.tags != Tags::None
    }

    /// What Last-Modified says of a version, if the dialect has dates.
    pub(crate) fn date(version: &Version, dialect: &Dialect) -> Option<SystemTime> {
        // 2001-09-09, and a second for each version: always in the past, and never the same twice.
        const FIRST: u64 = 1_000_000_000;
        let seconds = match dialect.dates {
            Dates::None => return None,
            Dates::Logical => FIRST + version.number,
            Dates::Clock => version.stamp.as_secs(),
        };
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    pub(crate) fn field(&self) -> String {
        if self.bare {
            return self.text.clone();
        }
        let prefix = if self.weak { "W/" } else { "" };
        format!("{prefix}\"{}\"", self.text)
    }

    /// Whether both tell the same version; weak or strong is not looked at.
    pub(crate) fn has_text(&self, text: &str, dialect: &Dialect) -> bool {
        if dialect.tags == Tags::Restless {
            let sent = parsed(&self.text);
            return sent.is_some() && sent == parsed(text);
        }
        self.text == text
    }

    /// What is in a field like If-Match, but for what is no tag.
    pub(crate) fn list(field: &str) -> Vec<Self> {
        let mut tags = Vec::new();
        let mut rest = field;
        while let Some((before, after)) = rest.split_once('"') {
            let Some((text, after)) = after.split_once('"') else {
                break;
            };
            tags.push(Self {
                weak: before.trim_end().ends_with("W/"),
                text: text.into(),
                bare: false,
            });
            rest = after;
        }
        tags
    }
}

/// The number of a version, a salt, and a sum of both, so that none can be made up.
fn restless(number: u64, salt: u32) -> String {
    let mut hasher = DefaultHasher::new();
    (number, salt).hash(&mut hasher);
    format!("{number}.{salt:08x}.{:016x}", hasher.finish())
}

/// The number in a restless tag.
fn parsed(text: &str) -> Option<u64> {
    let (number, rest) = text.split_once('.')?;
    let (salt, _) = rest.split_once('.')?;
    let number = number.parse().ok()?;
    let salt = u32::from_str_radix(salt, 16).ok()?;
    (restless(number, salt) == text).then_some(number)
}

/// `3-0f1e2d3c4b5a6978`
pub(crate) fn revision(version: &Version) -> String {
    let hash = hash(version.content.as_ref());
    format!("{}-{hash:016x}", version.generation)
}

/// Of its text, so that the order of members counts.
pub(crate) fn hash(content: Option<&Value>) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.map(Value::to_string).hash(&mut hasher);
    hasher.finish()
}
