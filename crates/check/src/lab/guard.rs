use http::{HeaderValue, header};
use serde_json::Value;

use super::reading::Reading;
use crate::model::{Request, set};

/// How a write says which version it began from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// `If-Match` with the entity tag.
    Tag,
    /// `If-Unmodified-Since` with the date; it counts in seconds.
    Date,
    /// A member of the body, by its JSON Pointer.
    Member(String),
    /// `If-Match: *`, which holds for whatever is there: it guards nothing, but some ask for it.
    Any,
}

impl Guard {
    /// The word for what the guard goes by.
    pub(crate) fn validator(&self) -> &'static str {
        match self {
            Self::Tag => "entity tag",
            Self::Date => "date",
            Self::Member(_) => "version in the body",
            Self::Any => "wildcard",
        }
    }

    /// Whether a reading has what the guard needs.
    pub(crate) fn fits(&self, reading: &Reading) -> bool {
        match self {
            Self::Tag => reading.tag().is_some(),
            Self::Date => reading.modified().is_some(),
            Self::Member(pointer) => reading.is_there() && reading.member(pointer).is_some(),
            Self::Any => reading.is_there(),
        }
    }
}

/// What a write is to carry besides its body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    pub fields: Vec<(header::HeaderName, HeaderValue)>,
    /// JSON Pointer and value.
    pub members: Vec<(String, Value)>,
}

impl Condition {
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// That the resource is still what the reading saw, by `guard`; none if the reading has no such thing.
    pub(crate) fn unchanged(guard: &Guard, since: &Reading) -> Self {
        match guard {
            Guard::Tag => since.tag().map_or_else(Self::none, Self::if_match),
            Guard::Date => since
                .modified()
                .map_or_else(Self::none, Self::if_unmodified_since),
            Guard::Any => Self::if_match("*"),
            Guard::Member(pointer) => Self {
                fields: Vec::new(),
                members: since
                    .member(pointer)
                    .map(|version| (pointer.clone(), version))
                    .into_iter()
                    .collect(),
            },
        }
    }

    pub(crate) fn if_match(tags: &str) -> Self {
        Self::field(header::IF_MATCH, tags)
    }

    pub(crate) fn if_none_match(tags: &str) -> Self {
        Self::field(header::IF_NONE_MATCH, tags)
    }

    pub(crate) fn if_unmodified_since(date: &str) -> Self {
        Self::field(header::IF_UNMODIFIED_SINCE, date)
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        self.fields.extend(other.fields);
        self.members.extend(other.members);
        self
    }

    /// Sets its members in a body.
    pub(crate) fn set_in(&self, body: &mut Value) {
        for (pointer, value) in &self.members {
            set(body, pointer, value.clone());
        }
    }

    /// The request with its fields; its members are for whoever writes the body.
    pub(crate) fn carried_by(&self, request: Request) -> Request {
        self.fields.iter().fold(request, |request, (name, value)| {
            request.with(name.clone(), value.clone())
        })
    }

    /// `value` came from a field, or is text of ours: one that cannot be sent is left out.
    fn field(name: header::HeaderName, value: &str) -> Self {
        Self {
            fields: HeaderValue::from_str(value)
                .map(|value| (name, value))
                .into_iter()
                .collect(),
            members: Vec::new(),
        }
    }
}
