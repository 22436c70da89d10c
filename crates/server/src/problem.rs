mod kind; // the ways to say no
mod member; // what a problem says beside what all problems say

mod access; // who asks, and for what
mod capacity; // what the server cannot take
mod condition; // what a request asks to hold, and does not hold
mod conflict; // what others did, or what is stored, is in the way
mod content; // what is wrong in the request itself

use std::borrow::Cow;
use std::ops::Range;

use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use detente_core::json::{Object, ToText};

use crate::representation::Reply;

pub(crate) use kind::{ProblemKind, ProblemType, problems};
pub(crate) use member::{agreements, settled_version};

/// What a problem tells beside what all problems tell, as text.
#[derive(Clone, Debug, Default)]
struct Members {
    /// The values, one after the other.
    text: String,
    names: Vec<Member>,
}

/// A name, and the place of its value.
type Member = (Cow<'static, str>, Range<usize>);

/// What the names of members take, about, and what their values take, in bytes.
const NAMES_ROOM: usize = 512;
const VALUES_ROOM: usize = 1024;

impl Members {
    /// What is told twice stays in its place; the later value counts.
    fn tell(&mut self, name: Cow<'static, str>, value: &dyn ToText) {
        let start = self.text.len();
        if start == 0 {
            self.text.reserve(VALUES_ROOM);
        }
        value.write_text(&mut self.text);
        let place = start..self.text.len();
        match self.names.iter_mut().find(|(other, _)| *other == name) {
            Some((_, before)) => *before = place,
            None => self.names.push((name, place)),
        }
    }

    /// As one object: these, and in their stead or behind them the members that are told of one
    /// problem, then the documents.
    fn into_body(self, told: &Self, documents: &[(&'static str, Bytes)]) -> Vec<u8> {
        let is_new = |(name, _): &&Member| !self.names.iter().any(|(other, _)| other == name);
        let general = self.names.iter().map(|(name, place)| {
            let instead = told.names.iter().find(|(other, _)| other == name);
            let value = instead.map_or(&self.text[place.clone()], |it| &told.text[it.1.clone()]);
            (&**name, value.as_bytes())
        });
        let special = told.names.iter().filter(is_new);
        let special = special.map(|(name, place)| (&**name, told.text[place.clone()].as_bytes()));
        let documents_len: usize = documents.iter().map(|(_, text)| text.len()).sum();
        let documents = documents.iter().map(|(name, text)| (*name, &**text));
        let mut body =
            Vec::with_capacity(self.text.len() + told.text.len() + NAMES_ROOM + documents_len);
        for (name, value) in general.chain(special).chain(documents) {
            body.push(if body.is_empty() { b'{' } else { b',' });
            let mut quoted = String::with_capacity(name.len() + 3);
            name.write_text(&mut quoted);
            quoted.push(':');
            body.extend_from_slice(quoted.as_bytes());
            body.extend_from_slice(value);
        }
        body.push(b'}');
        body
    }
}

/// A refusal, before it is written as a response (RFC 9457).
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    /// Instead of the `error` of its kind.
    error: Option<String>,
    detail: String,
    members: Members,
    /// Members that are whole documents, as JSON texts.
    documents: Vec<(&'static str, Bytes)>,
    // Boxed: most answers carry no problem, but all carry its room around.
    headers: Box<HeaderMap>,
    /// For the log alone.
    cause: Option<String>,
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            error: None,
            detail: detail.into(),
            members: Members::default(),
            documents: Vec::new(),
            headers: Box::default(),
            cause: None,
        }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Malformed, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::NotFound, detail)
    }

    /// What failed is in the log; the client learns that it may try again, and nothing else.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        let detail = "The server failed; what went wrong is in its log under the request id.";
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(ProblemKind::Internal, detail)
        }
    }

    /// What went wrong, if it is not for the client to know.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// To be tried again, as it is.
    pub(crate) fn unavailable(detail: &str) -> Self {
        let problem = Self::new(ProblemKind::Unavailable, detail);
        problem.header(header::RETRY_AFTER, "1")
    }

    pub(crate) fn named(mut self, error: String) -> Self {
        self.error = Some(error);
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToText) -> Self {
        self.members.tell(name.into(), &value);
        self
    }

    /// `text` must be JSON.
    pub(crate) fn with_document(mut self, name: &'static str, text: Bytes) -> Self {
        self.documents.push((name, text));
        self
    }

    pub(crate) fn with_all(mut self, members: Object) -> Self {
        for (name, value) in members {
            self.members.tell(name.into(), &value);
        }
        self
    }

    /// `value` must be a field value; what a client sent is not.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("our own field values are well-formed");
        self.headers.insert(name, value);
        self
    }

    /// The answer. `instance` is the path that was asked for; `plain` says that the client takes
    /// `application/json` and not `application/problem+json`.
    pub(crate) fn render(self, instance: &str, plain: bool) -> Reply {
        let described = self.kind.describe();
        let error = self.error.unwrap_or_else(|| described.error.to_owned());
        let mut all = Members::default();
        all.tell("type".into(), &described.path());
        all.tell("title".into(), &described.title);
        all.tell("status".into(), &u64::from(described.status.as_u16()));
        all.tell("detail".into(), &self.detail);
        all.tell("instance".into(), &instance);
        all.tell("error".into(), &error);
        all.tell("message".into(), &self.detail);
        let media_type = if plain {
            "application/json"
        } else {
            "application/problem+json"
        };
        let body = all.into_body(&self.members, &self.documents);
        let mut response = Reply::new(body.into());
        *response.status_mut() = described.status;
        response.headers_mut().extend(*self.headers);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    }
}

/// Carries the problem to the one place that knows the request and renders it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests;
