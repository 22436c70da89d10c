//! The schema of a collection, inside the description.

use serde_json::{Map, Value};

use super::label::type_name;

/// The keywords under which a schema keeps its definitions.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// A collection's schema as the component `name`, and its definitions as components beside it:
/// generators look for types nowhere else.
///
/// Inside the description the schema is not a document of its own. So a reference to `#` must point
/// into the component, and `$id` and `$schema` are left out. OpenAPI 3.1 reads schemas as JSON
/// Schema 2020-12, and so does the server. A document is an object, whether its schema says so or
/// not.
pub(super) fn embed(source: &Value, name: &str) -> Vec<(String, Value)> {
    let embedding = Embedding {
        source,
        own: source["$id"].as_str().unwrap_or_default(),
        name,
        definitions: definitions(source, name),
    };
    let mut schema = source.clone();
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("$id");
        members.shift_remove("$schema");
        for keyword in DEFINITIONS {
            members.shift_remove(keyword);
        }
        members.insert("type".to_owned(), "object".into());
    }
    embedding.schema(&mut schema);
    let mut components = vec![(name.to_owned(), schema)];
    for (pointer, component) in &embedding.definitions {
        let mut schema = source.pointer(pointer).cloned().unwrap_or_default();
        embedding.schema(&mut schema);
        components.push((component.clone(), schema));
    }
    components
}

/// The definitions of a schema by their JSON Pointers, and the components that they become.
fn definitions(source: &Value, name: &str) -> Vec<(String, String)> {
    let mut definitions: Vec<(String, String)> = Vec::new();
    for keyword in DEFINITIONS {
        let none = Map::new();
        let members = source[keyword].as_object().unwrap_or(&none);
        for key in members.keys() {
            let plain: String = key
                .chars()
                .map(|it| if it.is_ascii_alphanumeric() { it } else { '_' })
                .collect();
            let wanted = format!("{name}{}", type_name(&plain));
            let numbered = (2..).map(|number| format!("{wanted}{number}"));
            let is_free = |component: &String| {
                component != name
                    && !definitions
                        .iter()
                        .any(|(_, other)| other.eq_ignore_ascii_case(component))
            };
            let component = std::iter::once(wanted.clone())
                .chain(numbered)
                .find(is_free)
                .unwrap_or(wanted);
            definitions.push((format!("/{keyword}/{}", escape(key)), component));
        }
    }
    definitions
}

fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// A schema, and the place where it is embedded.
struct Embedding<'a> {
    source: &'a Value,
    own: &'a str,
    name: &'a str,
    definitions: Vec<(String, String)>,
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
            *target = self.place(&pointer);
        }
    }

    /// Where a part of the schema is in the description.
    fn place(&self, pointer: &str) -> String {
        let within = |start: &str| {
            let rest = pointer.strip_prefix(start)?;
            (rest.is_empty() || rest.starts_with('/')).then_some(rest)
        };
        let mut definitions = self.definitions.iter();
        let found =
            definitions.find_map(|(start, component)| Some((component.as_str(), within(start)?)));
        let (component, rest) = found.unwrap_or((self.name, pointer));
        format!("#/components/schemas/{component}{rest}")
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
            ("#", "#/components/schemas/UsersDocument"),
            ("#/$defs/a~1b", "#/components/schemas/UsersDocumentAB"),
            (
                "#/$defs/a~1b/items",
                "#/components/schemas/UsersDocumentAB/items",
            ),
            (
                "#/properties/const",
                "#/components/schemas/UsersDocument/properties/const",
            ),
            (
                "https://example.org/user.json#/$defs/a~1b",
                "#/components/schemas/UsersDocumentAB",
            ),
            (
                "https://example.org/user.json",
                "#/components/schemas/UsersDocument",
            ),
            ("#anchor", "#/components/schemas/UsersDocumentAB"),
            ("#none", "#none"),
            (
                "https://json-schema.org/draft/2020-12/schema",
                "https://json-schema.org/draft/2020-12/schema",
            ),
        ];
        for (target, expected) in cases {
            let source = json!({
                "$id": own,
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "properties": {"const": {"items": [{"$ref": target}]}},
                "$defs": {"a/b": {"$anchor": "anchor", "not": {"$ref": target}}},
            });
            let users = json!({
                "type": "object",
                "properties": {"const": {"items": [{"$ref": expected}]}},
            });
            let definition = json!({"$anchor": "anchor", "not": {"$ref": expected}});
            let expected = [
                ("UsersDocument".to_owned(), users),
                ("UsersDocumentAB".to_owned(), definition),
            ];
            assert_eq!(embed(&source, "UsersDocument"), expected, "{target}");
        }
    }

    #[test]
    fn what_only_looks_like_a_reference_stays() {
        for schema in [
            json!({"const": {"$ref": "#/a"}, "type": "object"}),
            json!({"enum": [{"$ref": "#/a"}], "type": "object"}),
            json!({"properties": {"a": {"$id": "a", "$ref": "#/b"}}, "type": "object"}),
        ] {
            assert_eq!(embed(&schema, "X"), [("X".to_owned(), schema)]);
        }
    }

    #[test]
    fn definitions_whose_names_are_nearly_one_stay_apart() {
        let source = json!({"$defs": {"a-b": {}, "a_b": {}, "": {}}, "definitions": {"aB": {}}});
        let names: Vec<_> = embed(&source, "X").into_iter().map(|it| it.0).collect();
        assert_eq!(names, ["X", "XAB", "XAB2", "X2", "XAB3"]);
    }
}
