use serde_json::{Map, Value, json};

use super::document::Description;

/// Schemas within schemas are followed this far; recursive ones end there.
const MOST_DEPTH: usize = 8;
/// Combinations of schemas are followed this far; one that contains itself ends there.
const MOST_NESTED: usize = 64;
/// A few required members that are like the whole would make billions.
const MOST_VALUES: usize = 10_000;
/// What the tester fills in with something new each time.
const NEW: &str = "{{nonce}}";

/// A value that fits a schema: an example that it gives, or else one made from what it asks.
///
/// Free texts hold `{{nonce}}`, so that what has to be unique is. Left out are read-only members, and ids that are not
/// required: the server gives them.
pub(super) fn sample(description: &Description, schema: &Value) -> Value {
    let mut sampler = Sampler {
        description,
        left: MOST_VALUES,
        nested: 0,
    };
    sampler.make(schema, 0)
}

struct Sampler<'a> {
    description: &'a Description,
    /// How many more values may be made.
    left: usize,
    /// In how many schemas the one at hand is nested, also those of `allOf` and the like.
    nested: usize,
}

impl Sampler<'_> {
    fn make(&mut self, schema: &Value, depth: usize) -> Value {
        if self.left == 0 || self.nested == MOST_NESTED {
            return Value::Null;
        }
        self.left -= 1;
        self.nested += 1;
        let made = self.made(schema, depth);
        self.nested -= 1;
        made
    }

    fn made(&mut self, schema: &Value, depth: usize) -> Value {
        let schema = self.description.resolve(schema);
        for given in ["const", "example", "default"] {
            if let Some(value) = schema.get(given) {
                return value.clone();
            }
        }
        for given in ["/examples/0", "/enum/0"] {
            if let Some(value) = schema.pointer(given) {
                return value.clone();
            }
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(first) = schema.get(choice).and_then(|list| list.get(0)) {
                return combine(self.make(first, depth), self.own(schema, depth));
            }
        }
        if let Some(Value::Array(parts)) = schema.get("allOf") {
            let own = self.own(schema, depth);
            let parts = parts.iter().map(|part| self.make(part, depth));
            return parts.fold(own, combine);
        }
        self.own(schema, depth)
    }

    /// What the schema itself asks for, without what it is combined with.
    fn own(&mut self, schema: &Value, depth: usize) -> Value {
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => string(schema),
            "integer" => json!(number(schema).ceil() as i64),
            "number" => json!(number(schema)),
            "boolean" => json!(false),
            _ => Value::Null,
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut object = Map::new();
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let property = self.description.resolve(property);
            let is_read_only = property.get("readOnly") == Some(&Value::Bool(true));
            let is_required = required.contains(&name.as_str());
            // Beyond what is required, plain members only: they are what can be written and told apart.
            let is_plain = matches!(kind(property), "string" | "integer" | "number" | "boolean");
            let is_given = depth == 0 && is_id(name) && !is_required;
            if is_read_only || is_given || depth >= MOST_DEPTH || !(is_required || is_plain) {
                continue;
            }
            object.insert(name.clone(), self.make(property, depth + 1));
        }
        Value::Object(object)
    }

    fn array(&mut self, schema: &Value, depth: usize) -> Value {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let items = schema.get("items").unwrap_or(&Value::Null);
        if depth >= MOST_DEPTH {
            return Value::Array(Vec::new());
        }
        (0..least.min(16))
            .map(|_| self.make(items, depth + 1))
            .collect()
    }
}

fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
            .unwrap_or("null"),
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "null",
    }
}

/// Whether a member of a resource is its id.
pub(super) fn is_id(name: &str) -> bool {
    matches!(name, "id" | "_id")
}

fn string(schema: &Value) -> Value {
    let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    let most = schema
        .get("maxLength")
        .and_then(Value::as_u64)
        .unwrap_or(u64::MAX);
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("email" | "idn-email") => format!("{NEW}@example.org"),
        Some("uuid") => "3f0c2f62-7d2a-4a86-9f0e-6d1f4a5b7c8d".into(),
        Some("date-time") => "2026-01-02T03:04:05Z".into(),
        Some("date") => "2026-01-02".into(),
        Some("time") => "03:04:05Z".into(),
        Some("duration") => "PT1H".into(),
        Some("uri" | "url" | "iri") => format!("https://example.org/{NEW}"),
        Some("hostname") => "example.org".into(),
        Some("ipv4") => "192.0.2.1".into(),
        Some("ipv6") => "2001:db8::1".into(),
        Some("byte") => "ZGV0ZW50ZQ==".into(),
        // A nonce is some 12 letters and digits; too long is no better than not new.
        _ if most < 24 || schema.get("pattern").is_some() => {
            "a".repeat(usize::try_from(least.clamp(1, 24).min(most)).unwrap_or(1))
        }
        _ => NEW.to_owned() + &"x".repeat(usize::try_from(least.min(4096)).unwrap_or(0)),
    };
    text.into()
}

fn number(schema: &Value) -> f64 {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let least = match (bound("minimum"), bound("exclusiveMinimum")) {
        (Some(least), _) => least,
        (None, Some(least)) => least + 1.0,
        (None, None) => bound("maximum").map_or(1.0, |most| most.min(1.0)),
    };
    match bound("multipleOf") {
        Some(step) if step > 0.0 => (least / step).ceil() * step,
        _ => least,
    }
}

fn combine(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            one.extend(other);
            Value::Object(one)
        }
        (Value::Null, other) => other,
        (one, _) => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_fit_their_schemas() {
        let description = Description::parse(
            r##"{"openapi": "3.1.0", "paths": {"/a": {}}, "components": {"schemas": {
                "Name": {"type": "string", "minLength": 3},
                "Tree": {"type": "object", "required": ["next"],
                         "properties": {"next": {"$ref": "#/components/schemas/Tree"}}},
                "Self": {"allOf": [{"$ref": "#/components/schemas/Self"}, {"$ref": "#/components/schemas/Self"}]},
                "Mutual": {"anyOf": [{"oneOf": [{"$ref": "#/components/schemas/Mutual"}]}]},
                "Many": {"type": "array", "minItems": 16, "items": {"$ref": "#/components/schemas/Many"}},
                "Wide": {"type": "object", "required": ["a", "b", "c", "d"], "properties": {
                    "a": {"$ref": "#/components/schemas/Wide"}, "b": {"$ref": "#/components/schemas/Wide"},
                    "c": {"$ref": "#/components/schemas/Wide"}, "d": {"$ref": "#/components/schemas/Wide"}}},
                "Bushy": {"type": "object", "properties": {"x": {"type": "string"}},
                          "allOf": [{"$ref": "#/components/schemas/Many"}, {"$ref": "#/components/schemas/Wide"}]}}}}"##,
        )
        .expect("it is one");
        let cases = [
            json!({"type": "object", "required": ["name", "age"], "properties": {
                "name": {"$ref": "#/components/schemas/Name"}, "age": {"type": "integer", "minimum": 18},
                "at": {"type": "string", "format": "date-time"}, "kind": {"enum": ["b", "a"]}}}),
            json!({"allOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
                             {"type": "object", "required": ["b"], "properties": {"b": {"type": "boolean"}}}]}),
            json!({"oneOf": [{"type": "object", "required": ["x"], "properties": {"x": {"const": 1}}}]}),
            json!({"type": "array", "minItems": 2, "items": {"type": "number", "multipleOf": 0.5}}),
            json!({"type": ["string", "null"], "maxLength": 5}),
            json!({"type": "integer", "exclusiveMinimum": 3, "maximum": 9}),
        ];
        for schema in cases {
            let value = sample(&description, &schema);
            let mut whole = schema.clone();
            whole["components"] = json!({"schemas": {"Name": {"type": "string", "minLength": 3}}});
            assert!(jsonschema::is_valid(&whole, &value), "{value} for {schema}");
        }
        let with_id = |required| {
            json!({"type": "object", "required": required, "properties": {
                "id": {"type": "string"},
                "owner": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}}})
        };
        let ids = [
            (with_id(json!(["owner"])), json!({"owner": {"id": NEW}})),
            (
                with_id(json!(["id", "owner"])),
                json!({"id": NEW, "owner": {"id": NEW}}),
            ),
        ];
        for (schema, expected) in ids {
            assert_eq!(sample(&description, &schema), expected, "{schema}");
        }
        // One that has no end, or too much in it, has none that fits; it is not looked for for ever.
        for endless in ["Tree", "Self", "Mutual", "Many", "Wide", "Bushy"] {
            let schema = json!({"$ref": format!("#/components/schemas/{endless}")});
            assert!(
                sample(&description, &schema).to_string().len() < 1_000_000,
                "{endless}"
            );
        }
    }
}
