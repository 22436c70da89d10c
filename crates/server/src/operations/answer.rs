use serde_json::Value;

use super::Link;

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) is_required: bool,
    pub(crate) contents: &'static [Content],
}

impl Body {
    pub(super) const fn of(contents: &'static [Content]) -> Self {
        Self {
            is_required: true,
            contents,
        }
    }
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    /// The names of its header fields, in groups.
    pub(crate) headers: &'static [&'static [&'static str]],
    /// The names of fields that it may leave out, even if other answers always have them.
    pub(crate) perhaps: &'static [&'static str],
    pub(crate) contents: &'static [Content],
    pub(crate) links: &'static [Link],
}

impl Answer {
    pub(super) const BARE: Self = Self {
        status: 200,
        description: "",
        headers: &[],
        perhaps: &[],
        contents: &[],
        links: &[],
    };

    pub(super) const fn of(description: &'static str, contents: &'static [Content]) -> Self {
        Self {
            description,
            contents,
            ..Self::BARE
        }
    }
}

/// One form of a body.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) media_type: &'static str,
    pub(crate) shape: Shape,
    /// An example. It is given the name of a collection to use.
    pub(crate) example: Option<fn(&str) -> Value>,
}

impl Content {
    pub(super) const fn new(media_type: &'static str, shape: Shape) -> Self {
        Self {
            media_type,
            shape,
            example: None,
        }
    }
}

/// What a body looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A document of the collection.
    Document,
    /// A page of them.
    DocumentPage,
    DocumentOr(&'static str),
    /// A schema of the components, by its name.
    Named(&'static str),
    /// An object with any members.
    Object,
    Text,
}
