//! What one answer is, held against what it is to be.

use detente_core::Patch;
use detente_core::json::Pointer;
use http::{Method, StatusCode};
use serde_json::Value;

use super::edit::{carries, from_core, to_core};
use super::expectation::{Answer, Body};
use super::fill::json_of;
use super::matcher::Matcher;
use super::template::{Lookup, Unfilled, plain};
use crate::lab::remove;
use crate::{Effect, Exchange, Outcome, Request, Response};

impl Answer {
    /// What is wrong with an answer; `None` if nothing is.
    pub(super) fn complaint(
        &self,
        exchange: &Exchange,
        lookup: Lookup<'_>,
    ) -> Result<Option<String>, Unfilled> {
        let response = match &exchange.outcome {
            Outcome::Answered(response) => response,
            Outcome::Unanswered(unsure) => return Ok(Some(unsure.to_string())),
        };
        if let Some(complaint) = self.content_complaint(response, lookup)? {
            return Ok(Some(complaint));
        }
        let took = exchange.ended.saturating_sub(exchange.begun);
        Ok(self
            .within
            .filter(|within| took > *within)
            .map(|within| format!("the answer took {took:?}, and was to take at most {within:?}")))
    }

    /// As [`Answer::complaint`], of what is in it alone.
    pub(super) fn content_complaint(
        &self,
        response: &Response,
        lookup: Lookup<'_>,
    ) -> Result<Option<String>, Unfilled> {
        if !self.admits(response.status) {
            let statuses: Vec<_> = self.statuses.iter().map(ToString::to_string).collect();
            let (wanted, found) = (statuses.join(" or "), response.status.as_u16());
            return Ok(Some(format!(
                "the status is to be {wanted}, and is {found}"
            )));
        }
        for (name, matcher) in &self.headers {
            let value = response.headers.get(name);
            let value = value.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
            let value = value.map(Value::String);
            if let Some(complaint) = matcher.complaint(name.as_str(), value.as_ref(), lookup)? {
                return Ok(Some(complaint));
            }
        }
        if let Some(body) = &self.body
            && let Some(complaint) = body.complaint(response, lookup)?
        {
            return Ok(Some(complaint));
        }
        let text = String::from_utf8_lossy(&response.body);
        match &self.text {
            Some(matcher) => matcher.complaint("the text", Some(&text.into()), lookup),
            None => Ok(None),
        }
    }

    pub(super) fn admits(&self, status: StatusCode) -> bool {
        self.statuses.is_empty() || self.statuses.iter().any(|it| it.admits(status))
    }

    /// Whether it names this status, or its class.
    pub(super) fn names(&self, status: StatusCode) -> bool {
        self.statuses.iter().any(|it| it.admits(status))
    }
}

impl Body {
    fn complaint(
        &self,
        response: &Response,
        lookup: Lookup<'_>,
    ) -> Result<Option<String>, Unfilled> {
        match self {
            Self::Empty => {
                Ok((!response.body.is_empty()).then(|| "the body is not empty".to_owned()))
            }
            Self::Conflict => Ok(conflict_complaint(response)),
            Self::Problem => Ok(problem_complaint(response)),
            Self::Members(members) => members_complaint(members, response, lookup),
        }
    }
}

fn members_complaint(
    members: &[(Pointer, Matcher)],
    response: &Response,
    lookup: Lookup<'_>,
) -> Result<Option<String>, Unfilled> {
    let json = response.json();
    for (pointer, matcher) in members {
        let pointer = pointer.to_string();
        let found = json.as_ref().and_then(|json| json.pointer(&pointer));
        let name = if pointer.is_empty() {
            "the body"
        } else {
            &pointer
        };
        if let Some(complaint) = matcher.complaint(name, found, lookup)? {
            let note = if json.is_none() {
                " (the body is not JSON)"
            } else {
                ""
            };
            return Ok(Some(complaint + note));
        }
    }
    Ok(None)
}

/// Words for what went wrong, and words for something to go on with, as members are called.
const EXPLANATIONS: [&str; 9] = [
    "type",
    "title",
    "detail",
    "error",
    "errors",
    "message",
    "code",
    "reason",
    "description",
];
const WAYS_ON: [&str; 14] = [
    "current", "version", "etag", "revision", "conflict", "field", "path", "link", "href", "url",
    "yours", "allowed", "resolv", "holder",
];

/// A refusal that says nothing leaves its reader no better than a lost update would.
pub(super) fn conflict_complaint(response: &Response) -> Option<String> {
    if response.body.is_empty() {
        return Some("the refusal has no body (RFC 9110, section 15.5.10)".to_owned());
    }
    let json = response.json();
    let Some(Value::Object(members)) = &json else {
        return Some("the refusal's body is not a JSON object".to_owned());
    };
    if let Some(complaint) = status_complaint(response, &json) {
        return Some(complaint);
    }
    let names: Vec<_> = members.keys().map(|name| name.to_lowercase()).collect();
    let explains = |name: &String| EXPLANATIONS.contains(&name.as_str());
    if !names.iter().any(explains) {
        return Some("the refusal does not say what went wrong".to_owned());
    }
    let leads_on = |name: &String| WAYS_ON.iter().any(|word| name.contains(word));
    let has_tag = response.headers.contains_key(http::header::ETAG);
    if !has_tag && !names.iter().any(leads_on) && !nested_names(members).iter().any(leads_on) {
        let wanted = "a current version or tag, the fields in conflict, or a link";
        return Some(format!("the refusal has nothing to go on with: {wanted}"));
    }
    None
}

/// Some answer with `{"error": {…}}`.
fn nested_names(members: &serde_json::Map<String, Value>) -> Vec<String> {
    let objects = members.values().filter_map(Value::as_object);
    let names = objects.flat_map(|object| object.keys());
    names.map(|name| name.to_lowercase()).collect()
}

fn status_complaint(response: &Response, json: &Option<Value>) -> Option<String> {
    let told = json.as_ref()?.get("status")?.as_u64()?;
    let is = response.status.as_u16();
    (told != u64::from(is)).then(|| format!("the body says status {told}, and the status is {is}"))
}

fn problem_complaint(response: &Response) -> Option<String> {
    let media_type = response.header("content-type").unwrap_or("nothing");
    if !media_type.starts_with("application/problem+json") {
        return Some(format!(
            "Content-Type is to be application/problem+json (RFC 9457), and is {media_type}"
        ));
    }
    let json = response.json();
    if !matches!(json, Some(Value::Object(_))) {
        return Some("the problem is not a JSON object".to_owned());
    }
    status_complaint(response, &json)
}

/// How a request fared.
///
/// `wins` tells what an accepted one is like, where its status does not.
pub(super) fn effect(
    exchange: &Exchange,
    wins: Option<&Answer>,
    lookup: Lookup<'_>,
) -> Result<Effect, Unfilled> {
    let by_status = exchange.effect();
    let (Some(wins), Some(response)) = (wins, exchange.response()) else {
        return Ok(by_status);
    };
    let is_won = wins.content_complaint(response, lookup)?.is_none();
    Ok(match (is_won, by_status) {
        (true, _) => Effect::Accepted,
        (false, Effect::Accepted) => Effect::Refused,
        (false, other) => other,
    })
}

/// A resource as somebody read it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) status: StatusCode,
    pub(super) json: Option<Value>,
    pub(super) body: bytes::Bytes,
}

impl Reading {
    pub(super) fn of(response: &Response) -> Self {
        Self {
            status: response.status,
            json: response.json(),
            body: response.body.clone(),
        }
    }

    /// Whether it is what a request makes of `before`; members that it does not speak of are the
    /// server's own affair, and so are those of `except`.
    pub(super) fn is_made_by(&self, request: &Request, before: &Self, except: &[Pointer]) -> bool {
        if request.method == Method::DELETE {
            return matches!(self.status, StatusCode::NOT_FOUND | StatusCode::GONE);
        }
        if !self.status.is_success() {
            return false;
        }
        let media_type = request.headers.get(http::header::CONTENT_TYPE);
        let media_type = media_type
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        let json = json_of(request).map(|sent| match &self.json {
            Some(found) if !media_type.starts_with("application/json-patch+json") => {
                overlooking(except, sent, found)
            }
            _ => sent,
        });
        match (json, &self.json) {
            (Some(sent), Some(found)) if media_type.starts_with("application/json-patch+json") => {
                let result = patched(&sent, before);
                result.is_some_and(|it| has(found, &overlooking(except, it, found)))
            }
            (Some(sent), Some(found)) if media_type.starts_with("application/merge-patch+json") => {
                carries(found, &sent)
            }
            (Some(sent), Some(found)) => has(found, &sent),
            _ if media_type.starts_with("application/x-www-form-urlencoded") => {
                self.has_form(&request.body)
            }
            _ => self.body == request.body,
        }
    }

    fn has_form(&self, form: &[u8]) -> bool {
        url::form_urlencoded::parse(form).all(|(name, value)| {
            let found = self.json.as_ref().and_then(|json| json.get(name.as_ref()));
            found.is_none_or(|found| plain(found.clone()) == value)
        })
    }

    /// But for the members of `except`.
    pub(super) fn differs_from(&self, other: &Self, except: &[Pointer]) -> bool {
        match (&self.json, &other.json) {
            (Some(a), Some(b)) => {
                let without = |value: &Value| {
                    let mut value = value.clone();
                    for pointer in except {
                        remove(&mut value, &pointer.to_string());
                    }
                    value
                };
                !super::value::same(&without(a), &without(b))
            }
            _ => self.status != other.status || self.body != other.body,
        }
    }
}

/// What is compared with `found`, with the members of `except` as they are there.
fn overlooking(except: &[Pointer], mut value: Value, found: &Value) -> Value {
    for pointer in except.iter().map(ToString::to_string) {
        match (value.pointer_mut(&pointer), found.pointer(&pointer)) {
            (Some(place), Some(found)) => *place = found.clone(),
            (Some(_), None) => remove(&mut value, &pointer),
            (None, _) => {}
        }
    }
    value
}

fn patched(patch: &Value, before: &Reading) -> Option<Value> {
    const MAX_BYTES: usize = 16 << 20;
    let patch = detente_core::JsonPatch::from_value(&to_core(patch)?).ok()?;
    let target = to_core(before.json.as_ref()?)?;
    from_core(&Patch::Json(patch).apply(&target, MAX_BYTES).ok()?)
}

/// Whether `found` has all members of `sent`, also deep within.
fn has(found: &Value, sent: &Value) -> bool {
    match (found, sent) {
        (Value::Object(found), Value::Object(sent)) => sent
            .iter()
            .all(|(name, value)| found.get(name).is_some_and(|it| has(it, value))),
        (Value::Array(found), Value::Array(sent)) => {
            found.len() == sent.len() && found.iter().zip(sent).all(|(a, b)| has(a, b))
        }
        _ => super::value::same(found, sent),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn response(status: u16, media_type: &str, body: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, media_type.parse().unwrap());
        Response {
            status: status.try_into().unwrap(),
            headers,
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn a_conflict_says_what_went_wrong_and_how_to_go_on() {
        let cases = [
            // (body, complaint)
            (
                "",
                Some("the refusal has no body (RFC 9110, section 15.5.10)"),
            ),
            ("Conflict", Some("the refusal's body is not a JSON object")),
            ("{}", Some("the refusal does not say what went wrong")),
            (
                r#"{"title": "Conflict", "status": 500}"#,
                Some("the body says status 500, and the status is 409"),
            ),
            (
                r#"{"error": "Conflict"}"#,
                Some(
                    "the refusal has nothing to go on with: a current version or tag, the fields in conflict, or a link",
                ),
            ),
            (r#"{"error": "Conflict", "current_version": 3}"#, None),
            (r#"{"error": {"code": "E", "fields": ["a"]}}"#, None),
            (
                r#"{"title": "Conflict", "status": 409, "conflicts": []}"#,
                None,
            ),
        ];
        for (body, complaint) in cases {
            let found = conflict_complaint(&response(409, "application/json", body));
            assert_eq!(found.as_deref(), complaint, "{body}");
        }
    }

    #[test]
    fn a_state_is_the_one_that_a_request_made() {
        let request = |method: Method, media_type: &str, body: &str| {
            let mut request = Request::new(method, "http://a/x".parse().unwrap());
            request
                .headers
                .insert(http::header::CONTENT_TYPE, media_type.parse().unwrap());
            request.body = body.to_owned().into();
            request
        };
        let before = Reading::of(&response(200, "application/json", r#"{"a": 1, "b": 1}"#));
        let json = "application/json";
        let merge = "application/merge-patch+json";
        let cases = [
            // (method, media type, sent, status, found, whether)
            (
                Method::PUT,
                json,
                r#"{"a": 2}"#,
                200,
                r#"{"a": 2, "version": 3}"#,
                true,
            ),
            (Method::PUT, json, r#"{"a": 2}"#, 200, r#"{"a": 1}"#, false),
            (
                Method::PUT,
                json,
                r#"{"a": [1]}"#,
                200,
                r#"{"a": [1, 2]}"#,
                false,
            ),
            (Method::PUT, json, r#"{"a": 2}"#, 404, "{}", false),
            (
                Method::PATCH,
                merge,
                r#"{"a": null}"#,
                200,
                r#"{"b": 1}"#,
                true,
            ),
            (
                Method::PATCH,
                merge,
                r#"{"a": null}"#,
                200,
                r#"{"a": 1}"#,
                false,
            ),
            (
                Method::PATCH,
                "application/json-patch+json",
                r#"[{"op": "remove", "path": "/a"}, {"op": "add", "path": "/c", "value": 1}]"#,
                200,
                r#"{"b": 1, "c": 1}"#,
                true,
            ),
            (Method::DELETE, json, "", 404, "", true),
            (Method::DELETE, json, "", 200, "{}", false),
            (Method::PUT, "text/plain", "abc", 200, "abc", true),
            (Method::PUT, "text/plain", "abc", 200, "abd", false),
            (
                Method::POST,
                "application/x-www-form-urlencoded",
                "a=2&x=1",
                200,
                r#"{"a": 2}"#,
                true,
            ),
            (
                Method::POST,
                "application/x-www-form-urlencoded",
                "a=2",
                200,
                r#"{"a": 3}"#,
                false,
            ),
        ];
        for (method, media_type, sent, status, found, is_made) in cases {
            let request = request(method.clone(), media_type, sent);
            let reading = Reading::of(&response(status, json, found));
            assert_eq!(
                reading.is_made_by(&request, &before, &[]),
                is_made,
                "{method} {sent} {found}"
            );
        }
    }

    /// A version that is sent as it was read comes back as the next one.
    #[test]
    fn members_that_the_server_sets_are_not_compared() {
        let reading = |body: &str| Reading::of(&response(200, "application/json", body));
        let before = reading(r#"{"a": 1, "v": 1}"#);
        let except = ["/v".parse().unwrap(), "/deep/v".parse().unwrap()];
        let cases = [
            // (media type, sent, found, whether)
            (
                "application/json",
                r#"{"a": 2, "v": 1}"#,
                r#"{"a": 2, "v": 2}"#,
                true,
            ),
            (
                "application/json",
                r#"{"a": 2, "v": 1}"#,
                r#"{"a": 2}"#,
                true,
            ),
            (
                "application/json",
                r#"{"a": 2, "v": 1}"#,
                r#"{"a": 1, "v": 2}"#,
                false,
            ),
            (
                "application/json",
                r#"{"deep": {"v": 1, "a": 1}}"#,
                r#"{"deep": {"v": 2, "a": 1}}"#,
                true,
            ),
            (
                "application/merge-patch+json",
                r#"{"a": 2, "v": 1}"#,
                r#"{"a": 2, "v": 2}"#,
                true,
            ),
            (
                "application/json-patch+json",
                r#"[{"op": "replace", "path": "/a", "value": 2}]"#,
                r#"{"a": 2, "v": 2}"#,
                true,
            ),
        ];
        for (media_type, sent, found, is_made) in cases {
            let mut request = Request::new(Method::PUT, "http://a/x".parse().unwrap());
            let media_type = media_type.parse().unwrap();
            request
                .headers
                .insert(http::header::CONTENT_TYPE, media_type);
            request.body = sent.to_owned().into();
            assert_eq!(
                reading(found).is_made_by(&request, &before, &except),
                is_made,
                "{sent} {found}"
            );
        }
        assert!(!reading(r#"{"a": 1, "v": 2}"#).differs_from(&before, &except));
        assert!(reading(r#"{"a": 1, "v": 2}"#).differs_from(&before, &[]));
        assert!(reading(r#"{"a": 2, "v": 2}"#).differs_from(&before, &except));
    }
}
