use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value};
use url::Url;

use super::document::Description;
use super::sample::{is_id, sample};
use crate::subject::Creation;

/// A resource that can be examined.
#[derive(Clone, Debug)]
pub struct Described {
    /// As described: `/articles/{id}`.
    pub path: String,
    /// How it is written, where only one of PUT and PATCH is described.
    pub method: Option<Method>,
    /// What makes the first one; its texts are filled in.
    pub first: Creation,
    /// What makes others, with `{{nonce}}` where something new is wanted; `None` where PUT does.
    pub create: Option<Creation>,
    /// Where the first one is, if that is known before it is made.
    pub place: Option<Url>,
    pub collection: Url,
    /// The description declares `Idempotency-Key` on what makes one.
    pub has_keys: bool,
}

/// A path that cannot be examined, and why.
#[derive(Clone, Debug)]
pub struct NotExamined {
    pub path: String,
    pub reason: String,
}

impl Description {
    /// What can be read and written, and made; and which paths only look like it.
    ///
    /// `run` makes the names of what is made differ from those of other runs.
    pub(super) fn resources(&self, base: &Url, run: u32) -> (Vec<Described>, Vec<NotExamined>) {
        let examples = self.parameter_examples();
        let mut described = Vec::new();
        let mut not_examined = Vec::new();
        for (path, item) in self.paths() {
            let is_written = item.contains_key("put") || item.contains_key("patch");
            if !item.contains_key("get") || !is_written {
                continue;
            }
            match self.resource(path, item, &examples, base, run) {
                Ok(resource) => described.push(resource),
                Err(reason) => not_examined.push(NotExamined {
                    path: path.into(),
                    reason,
                }),
            }
        }
        (described, not_examined)
    }

    fn resource(
        &self,
        path: &str,
        item: &Map<String, Value>,
        examples: &HashMap<&str, String>,
        base: &Url,
        run: u32,
    ) -> Result<Described, String> {
        let method = match (item.get("put"), item.get("patch")) {
            (Some(_), None) => Some(Method::PUT),
            (None, Some(_)) => Some(Method::PATCH),
            _ => None,
        };
        let (collection, last) = path.rsplit_once('/').unwrap_or(("", path));
        let filled = fill(collection, examples)?;
        let collection_url = join(base, &filled)?;
        if let Some(post) = self.operation(collection, "post") {
            let (media_type, body) = self
                .body(post)
                .ok_or("POST to its collection accepts no JSON")?;
            let create = Creation {
                method: Method::POST,
                url: collection_url.clone(),
                headers: content_type(media_type),
                body: self.example(body),
            };
            return Ok(Described {
                path: path.into(),
                method,
                first: create.with_nonce(run),
                create: Some(create),
                place: None,
                collection: collection_url,
                has_keys: self.declares(collection, post, "Idempotency-Key"),
            });
        }
        let put = item.get("put").ok_or(
            "the description does not say how to create one: there is no POST to its collection and no PUT",
        )?;
        let (media_type, body) = self.body(put).ok_or("its PUT accepts no JSON")?;
        let name = match last.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            Some(parameter) if self.is_number(path, put, parameter) => run.to_string(),
            Some(_) => format!("dt{run:x}"),
            None => last.to_owned(),
        };
        let place = join(base, &format!("{filled}/{name}"))?;
        let mut body = self.example(body);
        if last.starts_with('{') {
            body = named(body, &name);
        }
        let mut headers = content_type(media_type);
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        let first = Creation {
            method: Method::PUT,
            url: place.clone(),
            headers,
            body,
        };
        Ok(Described {
            path: path.into(),
            method,
            first: first.with_nonce(run),
            create: None,
            place: Some(place),
            collection: collection_url,
            has_keys: false,
        })
    }

    /// What stands for each parameter of a path: the first example that the description gives.
    fn parameter_examples(&self) -> HashMap<&str, String> {
        let mut examples = HashMap::new();
        for (path, item) in self.paths() {
            for operation in item.values() {
                for parameter in self.parameters(path, operation) {
                    let Some(name) = parameter.get("name").and_then(Value::as_str) else {
                        continue;
                    };
                    if !examples.contains_key(name)
                        && let Some(example) = self.parameter_example(parameter)
                    {
                        examples.insert(name, example);
                    }
                }
            }
        }
        examples
    }

    /// Whether a parameter of an operation's path is an integer.
    fn is_number(&self, path: &str, operation: &Value, name: &str) -> bool {
        let mut parameters = self.parameters(path, operation);
        let parameter = parameters.find(|it| it.get("name").and_then(Value::as_str) == Some(name));
        let schema = parameter.and_then(|it| it.get("schema"));
        schema.is_some_and(|schema| self.resolve(schema).get("type") == Some(&"integer".into()))
    }

    fn parameter_example(&self, parameter: &Value) -> Option<String> {
        let schema = parameter.get("schema").map(|schema| self.resolve(schema));
        let value = parameter
            .get("example")
            .or_else(|| schema?.get("example"))
            .or_else(|| schema?.get("default"))
            .or_else(|| schema?.pointer("/examples/0"))
            .or_else(|| schema?.pointer("/enum/0"))?;
        Some(match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// A body of a media type: an example that is given, or one made from the schema.
    fn example(&self, body: &Value) -> Bytes {
        let given = body.get("example").cloned().or_else(|| {
            let named = body.get("examples")?.as_object()?.values().next()?;
            self.resolve(named).get("value").cloned()
        });
        given
            .unwrap_or_else(|| sample(self, body.get("schema").unwrap_or(&Value::Null)))
            .to_string()
            .into()
    }
}

/// A path with its parameters replaced by examples.
fn fill(path: &str, examples: &HashMap<&str, String>) -> Result<String, String> {
    let filled = path.split('/').map(|segment| {
        let name = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match name {
            None => Ok(segment),
            Some(name) => examples.get(name).map(String::as_str).ok_or_else(|| {
                format!(
                    "the description gives no example of the parameter `{name}` that its path needs"
                )
            }),
        }
    });
    Ok(filled.collect::<Result<Vec<_>, _>>()?.join("/"))
}

impl Creation {
    fn with_nonce(&self, run: u32) -> Self {
        let text =
            String::from_utf8_lossy(&self.body).replace("{{nonce}}", &format!("dt{run:x}first"));
        Self {
            body: text.into(),
            ..self.clone()
        }
    }
}

/// A body whose id, if it has one, is the name that stands in its URL.
fn named(body: Bytes, name: &str) -> Bytes {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(&body) else {
        return body;
    };
    for (_, value) in members.iter_mut().filter(|(member, _)| is_id(member)) {
        *value = match name.parse::<u64>() {
            Ok(number) if value.is_number() => number.into(),
            _ => name.into(),
        };
    }
    Value::Object(members).to_string().into()
}

fn content_type(media_type: &str) -> HeaderMap {
    HeaderValue::from_str(media_type)
        .map(|value| (header::CONTENT_TYPE, value))
        .into_iter()
        .collect()
}

/// A path of the description below the base: `/api` and `/articles` make `/api/articles`.
fn join(base: &Url, path: &str) -> Result<Url, String> {
    let mut url = base.clone();
    url.set_query(None);
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    if url.cannot_be_a_base() {
        return Err(format!("{base} cannot be a base URL"));
    }
    Ok(url)
}
