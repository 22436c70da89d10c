//! A first scenario, made of a resource as it is.

use http::header;
use serde_json::{Map, Value, json};
use url::Url;

use crate::{Exchange, Response};

/// Why there is nothing to make a scenario of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFirst {
    #[error("there was no answer")]
    Unanswered,
    #[error("the answer was {0}: give the URL of a resource that is there")]
    NotThere(u16),
    #[error("{allowed} is allowed, and neither PUT nor PATCH: there is nothing to edit")]
    ReadOnly { allowed: String },
    #[error("the answer is a JSON {0}: give the URL of one resource, not of a list")]
    NoObject(&'static str),
    #[error("the answer is not JSON, and the server allows no PUT")]
    NoContent,
}

/// Two editors and one winner, on the resource that was read.
///
/// `options` is the answer to OPTIONS, if there was one: its `Allow` tells PUT from PATCH.
///
/// # Errors
///
/// [`NoFirst`] if the resource cannot be edited, or it cannot be told how.
pub fn first(get: &Exchange, options: Option<&Exchange>) -> Result<String, NoFirst> {
    let response = get.response().ok_or(NoFirst::Unanswered)?;
    if !response.status.is_success() {
        return Err(NoFirst::NotThere(response.status.as_u16()));
    }
    let method = Editing::of(response, options)?;
    let document = match response.json() {
        Some(Value::Object(members)) => Some(members),
        Some(Value::Array(_)) => return Err(NoFirst::NoObject("array")),
        Some(_) => return Err(NoFirst::NoObject("value that is no object")),
        None if method == Editing::Put => None,
        None => return Err(NoFirst::NoContent),
    };
    Ok(written(
        &get.request.url,
        response,
        document.as_ref(),
        method,
    ))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Editing {
    Put,
    Patch,
}

impl Editing {
    fn of(response: &Response, options: Option<&Exchange>) -> Result<Self, NoFirst> {
        let options = options.and_then(Exchange::response);
        let allow = |response: &Response| response.header("allow").map(str::to_uppercase);
        let Some(allowed) = options.and_then(allow).or_else(|| allow(response)) else {
            // Nothing is said: a whole write is what most understand.
            return Ok(Self::Put);
        };
        let allows = |method: &str| allowed.split(',').any(|it| it.trim() == method);
        match (allows("PUT"), allows("PATCH")) {
            (true, _) => Ok(Self::Put),
            (false, true) => Ok(Self::Patch),
            (false, false) => Err(NoFirst::ReadOnly { allowed }),
        }
    }
}

fn written(
    url: &Url,
    response: &Response,
    document: Option<&Map<String, Value>>,
    editing: Editing,
) -> String {
    let base = url.origin().ascii_serialization();
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let base = quoted(&base);
    let path = quoted(path);
    let member = document.and_then(member_to_edit);
    let content = content(response, document, member.as_deref(), editing);
    let back = match (document, editing) {
        (Some(document), Editing::Put) => {
            format!("json: {}", flow(&Value::Object(document.clone())))
        }
        (Some(document), Editing::Patch) => {
            let name = member.clone().unwrap_or_default();
            let before = document.get(&name).cloned().unwrap_or(Value::Null);
            format!("merge-patch: {}", flow(&json!({name: before})))
        }
        (None, _) => content.clone(),
    };
    let method = match editing {
        Editing::Put => "PUT",
        Editing::Patch => "PATCH",
    };
    let (capture, condition, note) = condition(response);
    let edited = match &member {
        Some(member) => format!("Each changes `{member}`, to a text that nobody else sends."),
        None => "Each sends a text that nobody else sends.".to_owned(),
    };
    format!(
        "\
# Two editors read one resource, and both save. Made of what was there; change what does not fit.
# Run it with: detente check THIS-FILE --var base=http://…
base: {base}
scenario: two editors, one winner
# How often it is tried. A race that is lost once in a hundred times takes some hundred rounds to show.
repeat: 50
# Header fields for every request, such as a login:
# headers: {{Authorization: \"Bearer {{{{env.TOKEN}}}}\"}}
setup:
  - GET: {path}
{capture}{note}# {edited}
race:
  actors: [alice, bob]
  send:
    {method}: {path}
{condition}    {content}
expect:
  # One is accepted. The other is refused, and told what happened meanwhile.
  winners: 1
  losers: {{status: [409, 412], body: conflict}}
  # Reading it again gives what the winner sent.
  state: winner
teardown:
  # What was there before. Whatever the tag is now: this is on purpose.
  - {method}: {path}
    if_match: \"*\"
    {back}
"
    )
}

/// What to capture, how to send it, and what to say of it.
fn condition(response: &Response) -> (&'static str, &'static str, &'static str) {
    if response.headers.contains_key(header::ETAG) {
        return (
            "    capture: {etag: header ETag}\n",
            "    etag: \"{{etag}}\"\n",
            "",
        );
    }
    if response.headers.contains_key(header::LAST_MODIFIED) {
        return (
            "    capture: {modified: header Last-Modified}\n",
            "    headers: {If-Unmodified-Since: \"{{modified}}\"}\n",
            "# It has no ETag: a date tells no two writes within a second apart.\n",
        );
    }
    (
        "",
        "",
        "# It has neither ETag nor Last-Modified: nothing tells the server which version an edit began\n\
         # from, and both will be accepted. If the body has a version, send it back.\n",
    )
}

fn content(
    response: &Response,
    document: Option<&Map<String, Value>>,
    member: Option<&str>,
    editing: Editing,
) -> String {
    const NONCE: &str = "{{actor}}-{{nonce}}";
    let Some(document) = document else {
        let media_type = response.header("content-type").unwrap_or("text/plain");
        let media_type = quoted(media_type);
        return format!("headers: {{Content-Type: {media_type}}}\n    text: \"{NONCE}\"");
    };
    // Without a text to change, one is added; servers that refuse it say so at once.
    let member = member.unwrap_or("note");
    match editing {
        Editing::Patch => format!("merge-patch: {}", flow(&json!({member: NONCE}))),
        Editing::Put => {
            let mut edited = document.clone();
            edited.insert(member.to_owned(), NONCE.into());
            format!("json: {}", flow(&Value::Object(edited)))
        }
    }
}

/// A member that a person would edit: a text, best one with a telling name, and not one that the
/// server keeps itself.
fn member_to_edit(document: &Map<String, Value>) -> Option<String> {
    const TELLING: [&str; 9] = [
        "title",
        "name",
        "text",
        "body",
        "content",
        "description",
        "note",
        "comment",
        "label",
    ];
    const KEPT: [&str; 16] = [
        "id", "_id", "uuid", "etag", "_etag", "version", "_version", "rev", "_rev", "href", "url",
        "self", "type", "kind", "status", "state",
    ];
    let is_text = |name: &&str| document.get(*name).is_some_and(Value::is_string);
    if let Some(name) = TELLING.iter().find(|name| is_text(name)) {
        return Some((*name).to_owned());
    }
    let is_own = |name: &&str| {
        let lower = name.to_lowercase();
        let ends = ["id", "_at", "date", "time", "url", "email"];
        !KEPT.contains(&lower.as_str()) && !ends.iter().any(|end| lower.ends_with(end))
    };
    let mut names = document.keys().map(String::as_str);
    let found = names.find(|name| is_own(name) && is_text(name) && !name.ends_with("At"));
    found.map(str::to_owned)
}

/// JSON is YAML; `{{` in it would be filled in, and is written so that it is not.
fn flow(value: &Value) -> String {
    fn escaped(value: &Value) -> Value {
        match value {
            Value::String(text) if text != "{{actor}}-{{nonce}}" => escape(text).into(),
            Value::Array(items) => items.iter().map(escaped).collect(),
            Value::Object(members) => {
                let members = members.iter();
                let members = members.map(|(name, value)| (escape(name), escaped(value)));
                Value::Object(members.collect())
            }
            other => other.clone(),
        }
    }
    escaped(value).to_string()
}

fn escape(text: &str) -> String {
    text.replace("{{", "{{\"{{\"}}")
}

fn quoted(text: &str) -> String {
    Value::from(escape(text)).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use http::{HeaderMap, HeaderName};

    use super::super::suite::{Inputs, parse};
    use super::*;
    use crate::{Outcome, Protocol, Request};

    fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Exchange {
        let pairs = headers.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, value.parse().unwrap())
        });
        Exchange {
            number: 1,
            actor: "tester".into(),
            protocol: Protocol::Http1,
            request: Request::get("http://127.0.0.1:8080/docs/a%20b?x=1".parse().unwrap()),
            begun: Duration::ZERO,
            released: Duration::ZERO,
            ended: Duration::ZERO,
            outcome: Outcome::Answered(Response {
                status: status.try_into().unwrap(),
                headers: pairs.collect::<HeaderMap>(),
                body: body.to_owned().into(),
            }),
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let schema = serde_json::from_str(include_str!("../../schemas/scenario.json")).unwrap();
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        let json = ("content-type", "application/json");
        let tag = ("etag", "\"v1\"");
        let document =
            r#"{"id": 7, "name": "Lamp \"x\"", "text": "{{a}}", "tags": ["a"], "n": 1.5}"#;
        let put = answered(204, &[("allow", "GET, PUT, PATCH")], "");
        let patch = answered(204, &[("allow", "GET, patch")], "");
        let cases = [
            // (GET, OPTIONS, what stands in it)
            (
                answered(200, &[json, tag], document),
                None,
                "    PUT: \"/docs/a%20b?x=1\"\n    etag: \"{{etag}}\"\n",
            ),
            (
                answered(200, &[json, tag], document),
                Some(&put),
                r#""name":"{{actor}}-{{nonce}}""#,
            ),
            (
                answered(200, &[json, tag], document),
                Some(&patch),
                r#"merge-patch: {"name":"Lamp \"x\""}"#,
            ),
            (
                answered(200, &[json], document),
                None,
                "neither ETag nor Last-Modified",
            ),
            (
                answered(
                    200,
                    &[json, ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")],
                    "{}",
                ),
                None,
                "If-Unmodified-Since: \"{{modified}}\"",
            ),
            (
                answered(200, &[("content-type", "text/markdown"), tag], "# A"),
                None,
                "\"text/markdown\"",
            ),
        ];
        for (get, options, part) in cases {
            let text = first(&get, options).unwrap();
            assert!(text.contains(part), "{part}\n{text}");
            let suite = parse(Path::new("first.yaml"), &text, &Inputs::default());
            let suite = suite.unwrap_or_else(|it| panic!("{it}\n{text}"));
            assert_eq!(
                (suite.scenarios.len(), suite.warnings.len()),
                (1, 0),
                "{text}"
            );
            let document: Value = serde_saphyr::from_str(&text).unwrap();
            let errors: Vec<_> = schema
                .iter_errors(&document)
                .map(|it| it.to_string())
                .collect();
            assert!(errors.is_empty(), "{errors:?}\n{text}");
        }
    }

    #[test]
    fn what_cannot_be_edited_is_told() {
        let json = ("content-type", "application/json");
        let read = answered(200, &[("allow", "GET, HEAD")], "");
        let cases = [
            // (GET, OPTIONS, why not)
            (answered(404, &[], ""), None, NoFirst::NotThere(404)),
            (
                answered(200, &[json], "[]"),
                None,
                NoFirst::NoObject("array"),
            ),
            (
                answered(200, &[json], "{}"),
                Some(&read),
                NoFirst::ReadOnly {
                    allowed: "GET, HEAD".to_owned(),
                },
            ),
        ];
        for (get, options, error) in cases {
            assert_eq!(first(&get, options), Err(error));
        }
    }
}
