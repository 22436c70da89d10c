//! The schema of a collection, inside the description.

use serde_json::Value;

/// Whether a schema itself says that a document is an object, which the server requires.
pub(super) fn is_of_objects(schema: &Value) -> bool {
    schema["type"] == "object"
}

/// A collection's schema as the component `name`.
///
/// Inside the description the schema is not a document of its own. So a reference to `#` must point
/// into the component, and `$id` and `$schema` are left out. OpenAPI 3.1 reads schemas as JSON
/// Schema 2020-12, and so does the server.
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

/// A schema, and the place where it is embedded.
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
        // A schema with its own base: its references point into itself.
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

/// The JSON Pointer of the schema with an anchor.
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
    use serde_json::json;

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
