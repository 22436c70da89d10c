//! Which places of a document its schema leaves no room for.

use serde_json::{Map, Value};

use super::Schema;
use crate::json::Pointer;

/// References that are followed one after another: a schema may refer to itself.
const MAX_REFERENCES: usize = 64;

impl Schema {
    /// Whether no document that keeps to the schema can have a value at a place. What cannot be told
    /// for sure is not excluded.
    pub fn excludes(&self, place: &Pointer) -> bool {
        let shape = Shape {
            root: self.source(),
            references: MAX_REFERENCES,
        };
        // A document is an object, whether its schema says so or not.
        match (self.source(), place.tokens()) {
            (Value::Object(members), [name, rest @ ..]) => {
                shape.combined_exclude(members, place.tokens())
                    || shape.object_excludes(members, name, rest)
            }
            (schema, tokens) => shape.excludes(schema, tokens),
        }
    }
}

#[derive(Clone, Copy)]
struct Shape<'a> {
    root: &'a Value,
    references: usize,
}

impl Shape<'_> {
    fn excludes(self, schema: &Value, tokens: &[String]) -> bool {
        match (schema, tokens) {
            (Value::Bool(is_anything), _) => !is_anything,
            (Value::Object(members), [token, rest @ ..]) => {
                let can_be = |name| may_be(members, name);
                self.combined_exclude(members, tokens)
                    || (!can_be("object") || self.object_excludes(members, token, rest))
                        && (!can_be("array") || self.array_excludes(members, token, rest))
            }
            _ => false,
        }
    }

    /// By the schemas that a value must keep to as well.
    fn combined_exclude(self, members: &Map<String, Value>, tokens: &[String]) -> bool {
        let schemas = |name| members.get(name).and_then(Value::as_array);
        let excludes = |schema: &Value| self.excludes(schema, tokens);
        let all = schemas("allOf").is_some_and(|it| it.iter().any(excludes));
        let any = ["anyOf", "oneOf"].into_iter().filter_map(schemas);
        let mut any = any.map(|it| !it.is_empty() && it.iter().all(excludes));
        all || any.any(|it| it) || self.reference_excludes(members, tokens)
    }

    fn reference_excludes(self, members: &Map<String, Value>, tokens: &[String]) -> bool {
        let target = members.get("$ref").and_then(Value::as_str);
        let Some(target) = target.and_then(|it| self.root.pointer(it.strip_prefix('#')?)) else {
            return false;
        };
        let Some(references) = self.references.checked_sub(1) else {
            return false;
        };
        Shape { references, ..self }.excludes(target, tokens)
    }

    fn object_excludes(self, members: &Map<String, Value>, name: &str, rest: &[String]) -> bool {
        if let Some(schema) = members.get("properties").and_then(|it| it.get(name)) {
            return self.excludes(schema, rest);
        }
        if members.contains_key("patternProperties") {
            return false;
        }
        match members.get("additionalProperties") {
            Some(schema) => self.excludes(schema, rest),
            None => {
                let is_closed = members.get("unevaluatedProperties") == Some(&Value::Bool(false));
                is_closed && !MORE_PROPERTIES.iter().any(|it| members.contains_key(*it))
            }
        }
    }

    fn array_excludes(self, members: &Map<String, Value>, token: &str, rest: &[String]) -> bool {
        let Some(index) = Pointer::index(token) else {
            return true;
        };
        let first = members.get("prefixItems").and_then(|it| it.get(index));
        let schema = first.or_else(|| members.get("items"));
        schema.is_some_and(|schema| self.excludes(schema, rest))
    }
}

/// Keywords that may say of further members that they were evaluated.
const MORE_PROPERTIES: [&str; 8] = [
    "$ref",
    "$dynamicRef",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "dependentSchemas",
    "patternProperties",
];

fn may_be(members: &Map<String, Value>, wanted: &str) -> bool {
    match members.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn a_place_is_excluded_if_no_document_can_have_it() {
        let closed = r##"{"properties":{"name":{"type":"string"},
            "maker":{"type":"object","properties":{"city":{}},"additionalProperties":false},
            "lines":{"type":"array","items":{"$ref":"#/$defs/line"}},
            "any":{},"next":{"$ref":"#"},"never":false},
            "additionalProperties":false,
            "$defs":{"line":{"type":"object","properties":{"sku":{}},"additionalProperties":false}}}"##;
        let combined = r##"{"allOf":[{"$ref":"#/$defs/a"}],"unevaluatedProperties":false,
            "$defs":{"a":{"properties":{"b":{}}}}}"##;
        let cases = [
            (closed, "/name", false),
            (closed, "/nme", true),
            (closed, "/name/first", true),
            (closed, "/maker/city", false),
            (closed, "/maker/city/x", false),
            (closed, "/maker/town", true),
            (closed, "/lines/0/sku", false),
            (closed, "/lines/0/price", true),
            (closed, "/lines/sku", true),
            (closed, "/any/thing", false),
            (closed, "/next/next/name", false),
            (closed, "/next/next/nme", true),
            (closed, "/never", true),
            (combined, "/c", false),
            (
                r#"{"unevaluatedProperties":false,"properties":{"a":{}}}"#,
                "/b",
                true,
            ),
            (r#"{"properties":{"a":{}}}"#, "/b", false),
            (
                r#"{"additionalProperties":false,"patternProperties":{"^x-":{}}}"#,
                "/b",
                false,
            ),
            (r#"{"additionalProperties":{"type":"string"}}"#, "/b", false),
            (
                r#"{"additionalProperties":{"type":"string"}}"#,
                "/b/c",
                true,
            ),
            (
                r#"{"anyOf":[{"additionalProperties":false},{"properties":{"a":{}}}]}"#,
                "/b",
                false,
            ),
            (
                r#"{"oneOf":[{"type":"object","additionalProperties":false}]}"#,
                "/b",
                true,
            ),
            (
                r##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}"##,
                "/b",
                false,
            ),
            ("true", "/b", false),
        ];
        for (schema, place, excluded) in cases {
            let schema = Schema::compile(&parse(schema.as_bytes()).unwrap());
            let Ok(schema) = schema else {
                panic!("{schema:?}")
            };
            let place: Pointer = place.parse().unwrap();
            assert_eq!(schema.excludes(&place), excluded, "{place} by {schema:?}");
        }
    }
}
