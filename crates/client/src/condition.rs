use reqwest::header::{HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH};

use crate::tag::Tag;

/// What must hold for a write to be applied (RFC 9110, section 13.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The document must still be at this version.
    Tag(Tag),
    /// The document must exist, at any version: a deliberate overwrite.
    Exists,
    /// The document must not exist yet.
    Absent,
    /// No condition. Most servers, including Detente, then refuse to overwrite an existing
    /// document.
    None,
}

impl Condition {
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let any = HeaderValue::from_static("*");
        match self {
            Self::Tag(tag) => {
                headers.insert(IF_MATCH, tag.as_header().clone());
            }
            Self::Exists => {
                headers.insert(IF_MATCH, any);
            }
            Self::Absent => {
                headers.insert(IF_NONE_MATCH, any);
            }
            Self::None => {}
        }
    }

    /// Whether a request that is received twice can be applied only once: the first application
    /// makes the condition false.
    pub(crate) fn holds_once(&self) -> bool {
        matches!(self, Self::Tag(_) | Self::Absent)
    }
}

impl From<Tag> for Condition {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl From<&Tag> for Condition {
    fn from(tag: &Tag) -> Self {
        Self::Tag(tag.clone())
    }
}
