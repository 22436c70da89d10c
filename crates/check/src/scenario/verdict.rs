//! What one answer is, held against what it is to be.

use detente_core::json::Pointer;
use http::StatusCode;
use serde_json::Value;

use super::expectation::{Answer, Body};
use super::matcher::Matcher;
use super::template::{Lookup, Unfilled};
use crate::model::{Effect, Exchange, Reply, Response};

impl Answer {
    /// What is wrong with an answer; `None` if nothing is.
    pub(super) fn complaint(
        &self,
        exchange: &Exchange,
        lookup: Lookup<'_>,
    ) -> Result<Option<String>, Unfilled> {
        let response = match &exchange.reply {
            Reply::Received(response) => response,
            Reply::Missing(unsure) => return Ok(Some(unsure.to_string())),
        };
        if let Some(complaint) = self.content_complaint(response, lookup)? {
            return Ok(Some(complaint));
        }
        let took = exchange.ended.saturating_sub(exchange.begun);
        Ok(self
            .within
            .filter(|within| took > *within)
            .map(|within| format!("the answer took {took:?}, but may take at most {within:?}")))
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
            return Ok(Some(format!("the status must be {wanted}, but is {found}")));
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
        return Some(format!(
            "the refusal does not say how to go on; it needs {wanted}"
        ));
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
    (told != u64::from(is))
        .then(|| format!("the body says that the status is {told}, but it is {is}"))
}

fn problem_complaint(response: &Response) -> Option<String> {
    let media_type = response.header("content-type").unwrap_or("nothing");
    if !media_type.starts_with("application/problem+json") {
        return Some(format!(
            "Content-Type must be application/problem+json (RFC 9457), but is {media_type}"
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

#[cfg(test)]
pub(super) mod tests {
    use http::HeaderMap;

    use super::*;

    pub(in crate::scenario) fn response(status: u16, media_type: &str, body: &str) -> Response {
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
                Some("the body says that the status is 500, but it is 409"),
            ),
            (
                r#"{"error": "Conflict"}"#,
                Some(
                    "the refusal does not say how to go on; it needs a current version or tag, the fields in conflict, or a link",
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
}
