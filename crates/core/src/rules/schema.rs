use jsonschema::error::ValidationErrorKind;

use crate::json::{Number, Value};

/// A JSON Schema (2020-12), compiled.
pub struct Schema {
    validator: jsonschema::Validator,
    /// The schema as written, for the description of the API.
    source: serde_json::Value,
}

/// One way in which a document breaks its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// A JSON Pointer into the document.
    pub path: String,
    pub keyword: String,
    pub message: String,
}

/// Why a document is not a schema; `path` is a JSON Pointer into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SchemaError {
    pub path: String,
    pub message: String,
}

impl Schema {
    /// Compiles a schema. References may point into it and to the metaschemas; nothing is fetched.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] for each place that breaks the metaschema or does not compile.
    pub fn compile(source: &Value) -> Result<Self, Vec<SchemaError>> {
        let source = to_serde(source);
        let describe = |error: jsonschema::ValidationError<'_>| SchemaError {
            path: error.instance_path().to_string(),
            message: error.to_string(),
        };
        let errors: Vec<_> = jsonschema::draft202012::meta::validator()
            .iter_errors(&source)
            .map(describe)
            .collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let options = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true);
        let validator = options
            .build(&source)
            .map_err(|error| vec![describe(error)])?;
        Ok(Self { validator, source })
    }

    /// The schema as written.
    pub fn source(&self) -> &serde_json::Value {
        &self.source
    }

    /// Every violation by a document, in the order of the schema.
    pub fn violations(&self, document: &Value) -> Vec<Violation> {
        let document = to_serde(document);
        let describe = |error: jsonschema::ValidationError<'_>| {
            let path = error.instance_path().to_string();
            let path = match error.kind() {
                ValidationErrorKind::Required { property } => child(&path, property.as_str()),
                _ => path,
            };
            Violation {
                path,
                keyword: error.kind().keyword().to_owned(),
                message: error.to_string(),
            }
        };
        self.validator
            .iter_errors(&document)
            .map(describe)
            .collect()
    }
}

/// The path of a missing member, rather than that of its parent.
fn child(path: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")),
        None => path.to_owned(),
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Schema").field(&self.source).finish()
    }
}

/// For the library, which uses this type. Numbers that do not fit into 64 bits become doubles.
fn to_serde(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => to_serde_number(number),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(to_serde).collect(),
        Value::Object(members) => {
            let pair = |(name, value): (&String, &Value)| (name.clone(), to_serde(value));
            serde_json::Value::Object(members.iter().map(pair).collect())
        }
    }
}

fn to_serde_number(number: &Number) -> serde_json::Value {
    let text = number.as_str();
    let whole = text.parse::<i64>().map(serde_json::Value::from);
    let whole = whole.or_else(|_| text.parse::<u64>().map(serde_json::Value::from));
    whole.unwrap_or_else(|_| {
        // The largest double replaces larger numbers: it breaks the same bounds.
        number.as_f64().clamp(f64::MIN, f64::MAX).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn value(text: &str) -> Value {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn every_violation_is_told_with_its_path() {
        let schema = Schema::compile(&value(
            r#"{"type":"object","required":["email","a/b"],"properties":{
                "email":{"type":"string","format":"email"},"age":{"type":"integer","minimum":0}}}"#,
        ))
        .unwrap();
        let found = schema.violations(&value(r#"{"email":"nobody","age":-1}"#));
        let mut found: Vec<_> = found
            .iter()
            .map(|it| (it.path.as_str(), it.keyword.as_str()))
            .collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("/age", "minimum"),
                ("/a~1b", "required"),
                ("/email", "format")
            ]
        );
        assert_eq!(
            schema.violations(&value(r#"{"email":"a@b.org","a/b":1}"#)),
            []
        );
        assert_eq!(schema.violations(&value("[]"))[0].keyword, "type");
    }

    #[test]
    fn mistakes_in_a_schema_name_their_place() {
        let errors = Schema::compile(&value(r#"{"type":"objct","minimum":"x"}"#)).unwrap_err();
        let mut paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["/minimum", "/type"]);
        assert!(Schema::compile(&value(r##"{"$ref":"#/$defs/none"}"##)).is_err());
    }
}
