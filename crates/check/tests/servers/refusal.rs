use http::Method;
use serde_json::{Value, json};

use super::dialect::{Dialect, Form};

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not JSON, not an object, not UTF-8.
    Unreadable(String),
    /// It cannot be stored, whatever is stored now.
    Invalid(String),
    Unauthorized,
    Absent,
    MethodNotAllowed,
    ConditionRequired,
    Stale(Stale),
    /// Another one has this value of the member.
    Taken(&'static str),
    OutOfStock,
    /// It is not open any more.
    Closed,
    /// The balance is too low.
    Uncovered,
    /// The Idempotency-Key came with another payload before.
    KeyReused,
    /// The first request with this key is not done yet.
    KeyBusy,
    TooMany,
    Unavailable,
    Crashed,
}

/// A precondition that failed: what the client needs to recover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stale {
    /// The tag, the date or the number that is current; `None` if the resource is absent.
    pub(crate) current: Option<String>,
    /// What was sent.
    pub(crate) sent: String,
    /// By the version in the body: always 409.
    pub(crate) by_body: bool,
}

impl Refusal {
    pub(crate) fn status(&self, dialect: &Dialect, method: &Method, two_codes: bool) -> u16 {
        match self {
            Self::Unreadable(_) => 400,
            Self::Invalid(_) | Self::KeyReused => 422,
            Self::Unauthorized => 401,
            Self::Absent => 404,
            Self::MethodNotAllowed => 405,
            Self::ConditionRequired => 428,
            Self::Stale(_) if two_codes && *method == Method::PATCH => 409,
            Self::Stale(stale) if stale.by_body => 409,
            Self::Stale(_) => dialect.stale,
            Self::Taken(_) | Self::OutOfStock | Self::Closed | Self::Uncovered | Self::KeyBusy => {
                409
            }
            Self::TooMany => 429,
            Self::Unavailable => 503,
            Self::Crashed => 500,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Invalid(_) => "invalid",
            Self::Unauthorized => "unauthorized",
            Self::Absent => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::ConditionRequired => "precondition_required",
            Self::Stale(_) => "stale",
            Self::Taken(_) => "duplicate",
            Self::OutOfStock => "out_of_stock",
            Self::Closed => "closed",
            Self::Uncovered => "uncovered",
            Self::KeyReused => "key_reused",
            Self::KeyBusy => "key_in_use",
            Self::TooMany => "too_many_requests",
            Self::Unavailable => "unavailable",
            Self::Crashed => "internal",
        }
    }

    fn message(&self, dialect: &Dialect) -> String {
        match self {
            Self::Unreadable(why) | Self::Invalid(why) => why.clone(),
            Self::Unauthorized => "Send a token that is known.".into(),
            Self::Absent => "There is nothing here.".into(),
            Self::MethodNotAllowed => format!("Use one of {}.", dialect.allow()),
            Self::ConditionRequired => {
                "Read the resource, and send its ETag or version with the write: If-Match.".into()
            }
            Self::Stale(Stale { current: None, .. }) => "The resource is gone.".into(),
            Self::Stale(_) => "The resource was changed since you read it. Read it again.".into(),
            Self::Taken(member) => format!("Another one has this {member}."),
            Self::OutOfStock => "There are not that many left.".into(),
            Self::Closed => "It is not open any more.".into(),
            Self::Uncovered => "The balance is too low.".into(),
            Self::KeyReused => "This key was used with another request.".into(),
            Self::KeyBusy => "The first request with this key is not done yet.".into(),
            Self::TooMany => "Ask again in a second.".into(),
            Self::Unavailable => "Ask again.".into(),
            Self::Crashed => "Something went wrong.".into(),
        }
    }

    /// The media type and the body.
    ///
    /// `path` is the resource, `leaks` makes the message quote a statement of the database.
    pub(crate) fn body(
        &self,
        dialect: &Dialect,
        status: u16,
        path: &str,
        leaks: bool,
        bare: bool,
    ) -> (&'static str, String) {
        let mut message = self.message(dialect);
        if leaks && matches!(self, Self::Stale(_)) {
            message = format!(
                "UPDATE notes SET body = $1 WHERE id = $2 AND version = $3: 0 rows affected\n   \
                 at NoteRepository.save (/srv/app/src/notes/repository.js:42:17) [{path}]"
            );
        }
        if bare && *self == Self::ConditionRequired {
            message = "Precondition Required".into();
        }
        match dialect.form {
            Form::Problem => (
                "application/problem+json",
                self.problem(status, path, &message).to_string(),
            ),
            Form::House => ("application/json", self.house(path, &message).to_string()),
            Form::Flat => ("application/json", self.flat(&message).to_string()),
            Form::Curt => (
                "application/json",
                json!({ "error": self.code() }).to_string(),
            ),
            Form::Text => ("text/plain; charset=utf-8", self.text(&message)),
            Form::Html => (
                "text/html; charset=utf-8",
                format!("<html><body><h1>Error</h1><p>{message}</p></body></html>"),
            ),
            Form::Empty => ("text/plain", String::new()),
        }
    }

    fn problem(&self, status: u16, path: &str, message: &str) -> Value {
        let mut problem = json!({
            "type": format!("/problems/{}", self.code()),
            "title": self.code().replace('_', " "),
            "status": status,
            "detail": message,
            "instance": format!("/{path}"),
            "code": self.code(),
        });
        if let Self::Stale(stale) = self {
            problem["current_etag"] = json!(stale.current);
            problem["your_etag"] = json!(stale.sent);
        }
        problem
    }

    fn house(&self, path: &str, message: &str) -> Value {
        let mut error = json!({ "code": self.code(), "message": message });
        if let Self::Stale(stale) = self {
            error["currentVersion"] = json!(stale.current);
            error["yourVersion"] = json!(stale.sent);
            error["href"] = json!(format!("/{path}"));
        }
        json!({ "error": error })
    }

    fn flat(&self, message: &str) -> Value {
        let mut error = json!({ "error": self.code(), "reason": message });
        if let Self::Stale(stale) = self {
            error["rev"] = json!(stale.current);
            error["sent"] = json!(stale.sent);
        }
        error
    }

    fn text(&self, message: &str) -> String {
        match self {
            Self::Stale(stale) => format!(
                "{}: {message}\ncurrent: {}\nyours: {}\n",
                self.code(),
                stale.current.as_deref().unwrap_or("none"),
                stale.sent
            ),
            _ => format!("{}: {message}\n", self.code()),
        }
    }
}
