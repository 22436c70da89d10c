use serde_json::{Map, Value};

/// An OpenAPI description (3.0 or 3.1), as JSON.
#[derive(Clone, Debug)]
pub struct Description {
    root: Value,
}

/// Why a text is no description that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("not JSON and not YAML: {0}")]
    Syntax(String),
    #[error(
        "the member `openapi` is missing; an OpenAPI description of version 3.0 or 3.1 is needed"
    )]
    NotOpenApi,
    #[error("OpenAPI {0} is not supported, only 3.0 and 3.1")]
    Version(String),
    #[error("it describes no paths")]
    NoPaths,
}

/// References that lead to references are followed this far.
const MOST_STEPS: usize = 32;

impl Description {
    /// Reads JSON or YAML.
    ///
    /// # Errors
    ///
    /// [`Unreadable`], with the place where the syntax breaks.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let root: Value = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| Unreadable::Syntax(error.to_string()))?
        } else {
            serde_saphyr::from_str(text).map_err(|error| Unreadable::Syntax(error.to_string()))?
        };
        match root.get("openapi") {
            Some(Value::String(version)) if version.starts_with("3.") => {}
            Some(version) => return Err(Unreadable::Version(version.to_string())),
            None => return Err(Unreadable::NotOpenApi),
        }
        match root.get("paths") {
            Some(Value::Object(paths)) if !paths.is_empty() => Ok(Self { root }),
            _ => Err(Unreadable::NoPaths),
        }
    }

    /// The first server's URL, as it is written: it may be relative to where the description is.
    pub fn server(&self) -> Option<&str> {
        self.root.pointer("/servers/0/url")?.as_str()
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        self.root
            .get("paths")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(path, item)| Some((path.as_str(), self.resolve(item).as_object()?)))
    }

    /// The operation of a path, if it is described.
    pub(super) fn operation<'a>(&'a self, path: &str, method: &str) -> Option<&'a Value> {
        let item = self.root.get("paths")?.get(path)?;
        self.resolve(item).get(method)
    }

    /// What a value stands for: itself, or what its `$ref` leads to within this description.
    pub(super) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..MOST_STEPS {
            let Some(Value::String(reference)) = value.get("$ref") else {
                return value;
            };
            match reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer))
            {
                Some(target) => value = target,
                None => return value,
            }
        }
        value
    }

    /// Parameters of an operation, its path's included.
    pub(super) fn parameters<'a>(
        &'a self,
        path: &str,
        operation: &'a Value,
    ) -> impl Iterator<Item = &'a Value> {
        let of_path = self
            .root
            .get("paths")
            .and_then(|paths| paths.get(path))
            .and_then(|item| self.resolve(item).get("parameters"));
        [operation.get("parameters"), of_path]
            .into_iter()
            .flatten()
            .filter_map(Value::as_array)
            .flatten()
            .map(|parameter| self.resolve(parameter))
    }

    /// Whether an operation declares a header field.
    pub(super) fn declares(&self, path: &str, operation: &Value, field: &str) -> bool {
        let member = |parameter: &Value, name: &str| {
            parameter
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        self.parameters(path, operation).any(|parameter| {
            member(parameter, "in").as_deref() == Some("header")
                && member(parameter, "name").is_some_and(|name| name.eq_ignore_ascii_case(field))
        })
    }

    /// The JSON body of an operation: its media type and what describes it (schema, example).
    pub(super) fn body<'a>(&'a self, operation: &'a Value) -> Option<(&'a str, &'a Value)> {
        let content = self
            .resolve(operation.get("requestBody")?)
            .get("content")?
            .as_object()?;
        let is_json =
            |media_type: &str| media_type.contains("json") && !media_type.contains("patch");
        content
            .iter()
            .find(|(media_type, _)| *media_type == "application/json")
            .or_else(|| content.iter().find(|(media_type, _)| is_json(media_type)))
            .map(|(media_type, body)| (media_type.as_str(), self.resolve(body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_description_is_told() {
        let cases = [
            ("{", "not JSON and not YAML"),
            ("{}", "`openapi` is missing"),
            ("swagger: '2.0'", "`openapi` is missing"),
            ("openapi: 2.0.0\npaths: {}", "2.0"),
            ("openapi: 3.1.0\npaths: {}", "no paths"),
        ];
        for (text, message) in cases {
            let error = Description::parse(text).expect_err(text).to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn references_are_followed_and_circles_end() {
        let description = Description::parse(
            r##"{"openapi": "3.1.0", "paths": {"/a": {}},
                "components": {"schemas": {"A": {"$ref": "#/components/schemas/B"}, "B": {"type": "string"},
                "C": {"$ref": "#/components/schemas/C"}}}}"##,
        )
        .expect("it is one");
        let reference = serde_json::json!({"$ref": "#/components/schemas/A"});
        assert_eq!(description.resolve(&reference)["type"], "string");
        let circle = serde_json::json!({"$ref": "#/components/schemas/C"});
        assert!(description.resolve(&circle).get("type").is_none());
    }
}
