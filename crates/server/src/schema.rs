//! Short functions that make JSON Schemas.

use serde_json::{Map, Value, json};

/// A JSON Pointer (RFC 6901).
pub(crate) const POINTER: &str = "^(/([^/~]|~[01])*)*$";

/// No `/` and no control characters. The first is not `_`, and the whole is neither `.` nor `..`.
pub(crate) const ID: &str = "^([^_./\\u0000-\\u001f\\u007f-\\u009f]|\\.[^./\\u0000-\\u001f\\u007f-\\u009f]\
    |\\.\\.[^/\\u0000-\\u001f\\u007f-\\u009f])[^/\\u0000-\\u001f\\u007f-\\u009f]*$";

/// An id as it stands in a path. Percent-encoded, it may come to anything.
pub(crate) const ID_SEGMENT: &str = "([A-Za-z0-9~@:-]|%[0-9A-Fa-f]{2}|\\.[A-Za-z0-9._~@:%-])\
    ([A-Za-z0-9._~@:-]|%[0-9A-Fa-f]{2})*";

/// A reference to a schema of the components.
pub(crate) fn named(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Any value.
pub(crate) fn anything() -> Value {
    json!({})
}

/// This text or number alone. Not `const`, which many generators do not know, nor for a boolean, of
/// which they make no enumeration.
pub(crate) fn exactly(value: impl Into<Value>) -> Value {
    let value = value.into();
    let kind = if value.is_string() {
        "string"
    } else {
        "integer"
    };
    json!({"type": kind, "enum": [value]})
}

pub(crate) fn text() -> Value {
    json!({"type": "string"})
}

pub(crate) fn text_like(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

/// Where the server counts bytes, `max_length` is right for ASCII and not too small for anything.
pub(crate) fn short_text_like(pattern: &str, max_length: usize) -> Value {
    json!({"type": "string", "pattern": pattern, "maxLength": max_length})
}

pub(crate) fn text_in(format: &str) -> Value {
    json!({"type": "string", "format": format})
}

pub(crate) fn one_word_of(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

pub(crate) fn moment() -> Value {
    text_in("date-time")
}

pub(crate) fn href() -> Value {
    text_in("uri-reference")
}

pub(crate) fn id() -> Value {
    short_text_like(ID, 255)
}

pub(crate) fn pointer() -> Value {
    text_like(POINTER)
}

/// A whole number.
pub(crate) fn whole(minimum: u64) -> Value {
    json!({"type": "integer", "minimum": minimum})
}

pub(crate) fn number() -> Value {
    json!({"type": "number", "minimum": 0})
}

pub(crate) fn flag() -> Value {
    json!({"type": "boolean"})
}

pub(crate) fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

pub(crate) fn one_of<const N: usize>(schemas: [Value; N]) -> Value {
    json!({"oneOf": schemas.to_vec()})
}

/// An object with any members.
pub(crate) fn any_object() -> Value {
    json!({"type": "object", "additionalProperties": true})
}

/// An object with these members, and perhaps others. If a name ends with `?`, the member is optional.
pub(crate) fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in members {
        let optional = name.strip_suffix('?');
        if optional.is_none() {
            required.push(name);
        }
        properties.insert(optional.unwrap_or(name).to_owned(), schema);
    }
    let mut object = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// An object with these members and no others.
pub(crate) fn closed<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    object(members).and("additionalProperties", false)
}

/// More keywords for a schema.
pub(crate) trait Saying {
    fn and(self, keyword: &str, value: impl Into<Value>) -> Self;

    fn about(self, description: &str) -> Self;

    /// Allows null too. The schema must name a type.
    fn or_null(self) -> Self;
}

impl Saying for Value {
    fn and(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        self[keyword] = value.into();
        self
    }

    fn about(self, description: &str) -> Self {
        self.and("description", description)
    }

    fn or_null(mut self) -> Self {
        self["type"] = json!([self["type"].take(), "null"]);
        self
    }
}
