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
}

impl Tag {
    /// The tag of a version, if the dialect has tags.
    pub(crate) fn of(version: &Version, dialect: &Dialect) -> Option<Self> {
        let content = version.content.as_ref();
        let text = match dialect.tags {
            Tags::None => return None,
            Tags::Counter => version.number.to_string(),
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
            Tags::Restless => format!("{}.{:016x}", version.number, fastrand::u64(..)),
        };
        Some(Self {
            weak: dialect.weak,
            text,
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
        let prefix = if self.weak { "W/" } else { "" };
        format!("{prefix}\"{}\"", self.text)
    }

    /// Whether both tell the same version; weak or strong is not looked at.
    pub(crate) fn has_text(&self, text: &str, dialect: &Dialect) -> bool {
        let told = |text: &str| match dialect.tags {
            Tags::Restless => text.split('.').next().map(str::to_owned),
            _ => Some(text.to_owned()),
        };
        told(&self.text) == told(text)
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
            });
            rest = after;
        }
        tags
    }
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
