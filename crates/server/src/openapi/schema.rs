use serde_json::{Value, json};

use super::{Members, merge_schema};
use crate::schema::{ID, POINTER};

/// A reference to a schema of the components.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The schemas of bodies that are no refusals.
pub(super) fn components() -> Members {
    let document = json!({
        "type": "object",
        "description": "One JSON object. What is read is byte for byte what was written.",
    });
    let row = object(
        &["id", "version", "updated_at", "updated_by"],
        json!({
            "id": {"type": "string", "pattern": ID, "maxLength": 255},
            "version": {"type": "integer", "minimum": 1},
            "etag": {"type": "string", "description": "As `ETag` has it, quotes and all."},
            "updated_at": {"type": "string", "format": "date-time"},
            "updated_by": {"type": "string"},
        }),
    );
    let mut version = object(
        &[],
        json!({
            "data": reference("Document"),
            "deleted": {"const": true, "description": "Instead of `etag` and `data`: this version deleted the document."},
        }),
    );
    version["oneOf"] = json!([{"required": ["etag", "data"]}, {"required": ["deleted"]}]);
    let change = object(
        &["seq", "collection"],
        json!({
            "seq": {"type": "integer", "minimum": 1, "description": "The place in the log of all versions."},
            "collection": {"type": "string"},
            "paths": {
                "type": "array",
                "items": pointer(),
                "description": "The places that the version touched. Absent where that is not known, or would take long \
                                to find out.",
            },
            "merged": merge_schema::merged(),
        }),
    );
    let mut changes = page(reference("Change"));
    changes["required"] = json!(["items", "next", "last"]);
    changes["properties"]["last"] = json!({
        "type": "string",
        "description": "How far this page reads: `since` for what comes after it.",
    });
    let named = [
        ("Document", document),
        ("Row", row),
        ("Version", json!({"allOf": [reference("Row"), version]})),
        ("Change", json!({"allOf": [reference("Version"), change]})),
        ("VersionPage", page(reference("Version"))),
        ("ChangePage", changes),
        ("JsonPatch", json_patch()),
    ];
    let owned = |(name, schema): (&str, Value)| (name.to_owned(), schema);
    named.into_iter().map(owned).collect()
}

/// A page of documents.
pub(super) fn document_page(document: &Value) -> Value {
    let row = object(&["etag", "data"], json!({"data": document}));
    page(json!({"allOf": [reference("Row"), row]}))
}

pub(super) fn page(item: Value) -> Value {
    object(
        &["items", "next"],
        json!({
            "items": {"type": "array", "items": item},
            "next": {"type": ["string", "null"], "description": "Where the next page begins; null on the last."},
        }),
    )
}

/// RFC 6902, section 4.
fn json_patch() -> Value {
    let operation = |names: &[&str], more: &str, schema: Value| {
        let mut operation = object(
            &["op", "path"],
            json!({"op": {"enum": names}, "path": pointer()}),
        );
        if !more.is_empty() {
            operation["required"] = json!(["op", "path", more]);
            operation["properties"][more] = schema;
        }
        operation
    };
    json!({
        "type": "array",
        "description": "A JSON Patch (RFC 6902). One that holds a `test` needs no If-Match.",
        "items": {"oneOf": [
            operation(&["add", "replace", "test"], "value", json!({})),
            operation(&["move", "copy"], "from", pointer()),
            operation(&["remove"], "", Value::Null),
        ]},
    })
}

pub(super) fn pointer() -> Value {
    json!({"type": "string", "pattern": POINTER})
}

pub(super) fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

pub(super) fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// An object that takes no other members.
pub(super) fn closed(required: &[&str], properties: Value) -> Value {
    let mut closed = object(required, properties);
    closed["additionalProperties"] = false.into();
    closed
}

pub(super) fn object(required: &[&str], properties: Value) -> Value {
    let mut object = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// Whether a schema says itself that a document is an object, as the server wants it.
pub(super) fn is_of_objects(schema: &Value) -> bool {
    schema["type"] == "object"
}

/// A collection's schema as the component `name`.
///
/// Within the description it is no document of its own any more: what it refers to by `#` is found
/// below its component, and it has neither `$id` nor `$schema`. OpenAPI 3.1 reads schemas as
/// JSON Schema 2020-12, which is how the server reads them.
pub(super) fn embed(source: &Value, name: &str) -> Value {
    let embedding = Embedding {
        source,
        own: source["$id"].as_str().unwrap_or_default(),
        place: format!("#/components/schemas/{name}"),
    };
    let mut schema = source.clone();
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("$id");
        members.shift_remove("$schema");
    }
    embedding.schema(&mut schema);
    schema
}

/// Where a schema was, and where it is to be.
struct Embedding<'a> {
    source: &'a Value,
    own: &'a str,
    place: String,
}

impl Embedding<'_> {
    fn schema(&self, schema: &mut Value) {
        let Value::Object(members) = schema else {
            return;
        };
        // A schema with a base of its own: its references are about itself.
        if members.contains_key("$id") {
            return;
        }
        for (keyword, value) in members {
            match (keyword.as_str(), value) {
                ("$ref", Value::String(target)) => self.target(target),
                ("const" | "enum" | "default" | "examples", _) => {}
                (
                    "properties" | "patternProperties" | "$defs" | "definitions"
                    | "dependentSchemas",
                    Value::Object(schemas),
                ) => schemas.values_mut().for_each(|it| self.schema(it)),
                (_, Value::Array(schemas)) => schemas.iter_mut().for_each(|it| self.schema(it)),
                (_, value) => self.schema(value),
            }
        }
    }

    fn target(&self, target: &mut String) {
        let (document, fragment) = target.split_once('#').unwrap_or((target, ""));
        if !document.is_empty() && document != self.own {
            return;
        }
        let is_pointer = fragment.is_empty() || fragment.starts_with('/');
        let pointer = match is_pointer {
            true => Some(fragment.to_owned()),
            false => find_anchor(self.source, fragment),
        };
        if let Some(pointer) = pointer {
            *target = format!("{}{pointer}", self.place);
        }
    }
}

/// The JSON Pointer of the schema that has an anchor.
fn find_anchor(schema: &Value, anchor: &str) -> Option<String> {
    let below = |(token, value): (String, &Value)| {
        find_anchor(value, anchor).map(|rest| format!("/{token}{rest}"))
    };
    match schema {
        Value::Object(members) if members.get("$anchor").is_some_and(|it| it == anchor) => {
            Some(String::new())
        }
        Value::Object(members) => {
            let escape = |name: &String| name.replace('~', "~0").replace('/', "~1");
            let mut members = members.iter();
            members.find_map(|(name, value)| below((escape(name), value)))
        }
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, value)| below((index.to_string(), value)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_within_a_schema_follow_it() {
        let own = "https://example.org/user.json";
        let cases = [
            ("#", "#/components/schemas/users"),
            ("#/$defs/a", "#/components/schemas/users/$defs/a"),
            (
                "https://example.org/user.json#/$defs/a",
                "#/components/schemas/users/$defs/a",
            ),
            (
                "https://example.org/user.json",
                "#/components/schemas/users",
            ),
            ("#anchor", "#/components/schemas/users/$defs/a~1b"),
            ("#none", "#none"),
            (
                "https://json-schema.org/draft/2020-12/schema",
                "https://json-schema.org/draft/2020-12/schema",
            ),
        ];
        for (target, expected) in cases {
            let schema = |target: &str| {
                json!({
                    "properties": {"const": {"items": [{"$ref": target}]}},
                    "$defs": {"a/b": {"$anchor": "anchor"}},
                })
            };
            let mut source = schema(target);
            source["$id"] = own.into();
            source["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
            assert_eq!(embed(&source, "users"), schema(expected), "{target}");
        }
    }

    #[test]
    fn what_only_looks_like_a_reference_stays() {
        for schema in [
            json!({"const": {"$ref": "#/a"}}),
            json!({"enum": [{"$ref": "#/a"}]}),
            json!({"$defs": {"a": {"$id": "a", "$ref": "#/b"}}}),
            json!(true),
        ] {
            assert_eq!(embed(&schema, "users"), schema);
        }
    }
}
