use std::error::Error;

use jsonschema::error::ValidationErrorKind;
use jsonschema::meta::MetaValidator;
use jsonschema::{Draft, ReferencingError, Retrieve, Uri, ValidationError};

use crate::json::{Number, Value};

/// A JSON Schema, compiled: of the dialect that its `$schema` names, 2020-12 where it names none.
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
        let draft = dialect(&source).map_err(|error| vec![error])?;
        let mut errors: Vec<SchemaError> = Vec::new();
        for error in metaschema(draft).iter_errors(&source).map(describe) {
            // Several vocabularies may object to one place: the first says enough.
            if !errors.iter().any(|it| it.path == error.path) {
                errors.push(error);
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let options = jsonschema::options()
            .with_draft(draft)
            .with_retriever(Nowhere)
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

/// The dialects that `$schema` may name, with or without an empty fragment.
const DIALECTS: [(&str, Draft); 5] = [
    (
        "https://json-schema.org/draft/2020-12/schema",
        Draft::Draft202012,
    ),
    (
        "https://json-schema.org/draft/2019-09/schema",
        Draft::Draft201909,
    ),
    ("http://json-schema.org/draft-07/schema", Draft::Draft7),
    ("http://json-schema.org/draft-06/schema", Draft::Draft6),
    ("http://json-schema.org/draft-04/schema", Draft::Draft4),
];

fn dialect(schema: &serde_json::Value) -> Result<Draft, SchemaError> {
    let Some(named) = schema.get("$schema") else {
        return Ok(Draft::Draft202012);
    };
    let uri = named.as_str().map(|it| it.strip_suffix('#').unwrap_or(it));
    let found = DIALECTS.iter().find(|(it, _)| Some(*it) == uri);
    found.map(|(_, draft)| *draft).ok_or_else(|| {
        let known: Vec<_> = DIALECTS.iter().map(|(uri, _)| *uri).collect();
        SchemaError {
            path: "/$schema".into(),
            message: format!(
                "{named} is no known dialect of JSON Schema; known are {}",
                known.join(", ")
            ),
        }
    })
}

fn metaschema(draft: Draft) -> MetaValidator<'static> {
    match draft {
        Draft::Draft4 => jsonschema::draft4::meta::validator(),
        Draft::Draft6 => jsonschema::draft6::meta::validator(),
        Draft::Draft7 => jsonschema::draft7::meta::validator(),
        Draft::Draft201909 => jsonschema::draft201909::meta::validator(),
        _ => jsonschema::draft202012::meta::validator(),
    }
}

fn describe(error: ValidationError<'_>) -> SchemaError {
    let message = match error.kind() {
        ValidationErrorKind::Referencing(ReferencingError::Unretrievable { uri, .. }) => format!(
            "a $ref names {uri}, which is not in this schema; nothing is fetched, so put a copy into $defs"
        ),
        _ => error.to_string(),
    };
    SchemaError {
        path: error.instance_path().to_string(),
        message,
    }
}

/// Fetches nothing.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<serde_json::Value, Box<dyn Error + Send + Sync>> {
        Err(format!("{uri} is not fetched").into())
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

    #[test]
    fn a_schema_is_of_the_dialect_that_it_names() {
        let pair = |dialect: &str| {
            let schema = format!(r#"{{"$schema":"{dialect}","items":[{{"type":"string"}}]}}"#);
            Schema::compile(&value(&schema))
        };
        let old = pair("http://json-schema.org/draft-07/schema#").unwrap();
        assert_eq!(old.violations(&value("[7]")).len(), 1);
        assert!(pair("https://json-schema.org/draft/2019-09/schema").is_ok());
        let errors = pair("https://json-schema.org/draft/2020-12/schema").unwrap_err();
        let places: Vec<_> = errors.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(places, ["/items"], "one mistake, told once: {errors:?}");
        for unknown in [
            "https://example.com/dialect",
            "http://json-schema.org/draft-08/schema#",
        ] {
            let errors = pair(unknown).unwrap_err();
            assert_eq!((errors.len(), &*errors[0].path), (1, "/$schema"));
            assert!(errors[0].message.contains(unknown), "{errors:?}");
        }
        let number = Schema::compile(&value(r#"{"$schema":7}"#)).unwrap_err();
        assert_eq!(number[0].path, "/$schema");
    }

    #[test]
    fn a_mistake_is_told_once_in_every_dialect() {
        for (dialect, _) in DIALECTS {
            let schema = format!(
                r#"{{"$schema":"{dialect}","type":"object","properties":{{"a":{{"type":"strin"}}}}}}"#
            );
            let errors = Schema::compile(&value(&schema)).unwrap_err();
            let places: Vec<_> = errors.iter().map(|it| it.path.as_str()).collect();
            assert_eq!(places, ["/properties/a/type"], "{dialect}: {errors:?}");
        }
    }

    #[test]
    fn nothing_is_fetched_and_no_message_names_a_feature_of_a_library() {
        for uri in [
            "https://example.com/a.json",
            "file:///etc/passwd",
            "urn:x:y",
        ] {
            let schema = format!(r#"{{"properties":{{"a":{{"$ref":"{uri}"}}}}}}"#);
            let errors = Schema::compile(&value(&schema)).unwrap_err();
            let message = &errors[0].message;
            assert!(
                message.contains(uri) && message.contains("$defs"),
                "{message}"
            );
            assert!(!message.contains("feature"), "{message}");
        }
    }

    /// Of each format, a text that has it and one that has not.
    #[test]
    fn every_format_of_the_standard_is_checked() {
        let cases = [
            ("date-time", "2026-11-29T01:02:03Z", "2026-11-29"),
            ("date", "2026-11-29", "2026-13-29"),
            ("time", "01:02:03Z", "1:2:3"),
            ("duration", "P1D", "1D"),
            ("email", "a@example.com", "a"),
            ("idn-email", "ü@exämple.com", "ü"),
            ("hostname", "example.com", "-a.example"),
            ("idn-hostname", "exämple.com", "〮한국"),
            ("ipv4", "127.0.0.1", "256.0.0.1"),
            ("ipv6", "::1", "::g"),
            ("uri", "https://example.com/a", "a b"),
            ("uri-reference", "/a", "\\\\a"),
            ("iri", "https://exämple.com/ü", "ü b"),
            ("iri-reference", "/ü", "\\\\ü"),
            ("uuid", "01a2242e-244d-7689-b518-8059568eebca", "01a2242e"),
            ("uri-template", "/a/{b}", "/a/{b"),
            ("json-pointer", "/a/b", "a/b"),
            ("relative-json-pointer", "1/a", "/a"),
            ("regex", "^a+$", "^(a"),
        ];
        for (format, valid, invalid) in cases {
            let schema = Schema::compile(&value(&format!(r#"{{"format":"{format}"}}"#))).unwrap();
            let count = |text: &str| schema.violations(&Value::from(text)).len();
            assert_eq!((count(valid), count(invalid)), (0, 1), "{format}");
        }
    }
}
