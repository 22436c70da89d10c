use std::fmt;
use std::time::Duration;

use detente_core::json::{Object, Value, parse};
use reqwest::StatusCode;

/// A refusal as the server sent it (RFC 9457), with all its members.
///
/// If the server sent no body, or none in JSON, the problem has only a status.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    members: Object,
    retry_after: Option<Duration>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Self {
        let members = match parse(body) {
            Ok(Value::Object(members)) => members,
            _ => Object::new(),
        };
        Self {
            status,
            members,
            retry_after,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The kind, in one word: `stale-version` for `/problems/stale-version`. Empty if there is
    /// none.
    pub fn kind(&self) -> &str {
        let uri = self.text("type").unwrap_or_default();
        uri.rsplit('/').next().unwrap_or_default()
    }

    /// The kind in a word for programs: `UpdateConflict`, or the name of the rule that refused.
    pub fn error(&self) -> Option<&str> {
        self.text("error")
    }

    /// The kind, for people.
    pub fn title(&self) -> &str {
        let reason = self.status.canonical_reason().unwrap_or("refused");
        self.text("title").unwrap_or(reason)
    }

    /// What happened in this case, for people.
    pub fn detail(&self) -> Option<&str> {
        self.text("detail").or_else(|| self.text("message"))
    }

    /// Any member, such as `allowed_transitions` or `existing`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// All members.
    pub fn members(&self) -> &Object {
        &self.members
    }

    /// How long the server asks to wait (RFC 9110, section 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        number(self.get(name)?)
    }

    pub(crate) fn items(&self, name: &str) -> &[Value] {
        match self.get(name) {
            Some(Value::Array(items)) => items,
            _ => &[],
        }
    }
}

pub(crate) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            Some(detail) => f.write_str(detail),
            None => write!(f, "{} {}", self.status(), self.title()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_all_sorts() {
        let cases = [
            // (body, kind, error, told)
            (
                r#"{"type":"/problems/duplicate-entry","error":"EmailTaken","detail":"Ann has it."}"#,
                "duplicate-entry",
                Some("EmailTaken"),
                "Ann has it.",
            ),
            (r#"{"message":"no"}"#, "", None, "no"),
            (r#"{"title":"No"}"#, "", None, "409 No"),
            (r#"["no"]"#, "", None, "409 Conflict"),
            ("<html>", "", None, "409 Conflict"),
            ("", "", None, "409 Conflict"),
        ];
        for (body, kind, error, told) in cases {
            let problem = Problem::new(StatusCode::CONFLICT, body.as_bytes(), None);
            let found = (problem.kind(), problem.error(), &*problem.to_string());
            assert_eq!(found, (kind, error, told), "{body}");
        }
    }
}
