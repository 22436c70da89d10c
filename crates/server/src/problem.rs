mod kind; // the kinds of problems
mod member; // members that only some problems have

mod access; // callers, URLs and methods
mod capacity; // what the server cannot accept now or ever
mod condition; // conditions that do not hold
mod conflict; // conflicts with what is stored
mod content; // mistakes in the request

use std::borrow::Cow;
use std::ops::Range;

use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use detente_core::json::{Object, ToText};

use crate::dav;
use crate::representation::{NO_STORE, Reply};
use crate::segment::reference;
use crate::site::Site;

pub(crate) use kind::{ProblemKind, ProblemType, problems};
pub(crate) use member::{agreements, settled_reason, settled_version};

/// The members of a problem, as JSON texts.
#[derive(Clone, Debug, Default)]
struct Members {
    /// All values in a row.
    text: String,
    names: Vec<Member>,
}

/// A name, and the place of its value in the text.
type Member = (Cow<'static, str>, Range<usize>);

/// How many bytes the names and the values of members usually need.
const NAMES_ROOM: usize = 512;
const VALUES_ROOM: usize = 1024;

impl Members {
    /// A member that is already there keeps its place and gets the new value.
    fn set(&mut self, name: Cow<'static, str>, value: &dyn ToText) {
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

    /// One object: these members, then those of `own`, then the documents. A member of `own` replaces
    /// one of these with the same name.
    fn into_body(self, own: &Self, documents: &[(&'static str, Bytes)]) -> Vec<u8> {
        let is_new = |(name, _): &&Member| !self.names.iter().any(|(other, _)| other == name);
        let general = self.names.iter().map(|(name, place)| {
            let instead = own.names.iter().find(|(other, _)| other == name);
            let value = instead.map_or(&self.text[place.clone()], |it| &own.text[it.1.clone()]);
            (&**name, value.as_bytes())
        });
        let special = own.names.iter().filter(is_new);
        let special = special.map(|(name, place)| (&**name, own.text[place.clone()].as_bytes()));
        let documents_len: usize = documents.iter().map(|(_, text)| text.len()).sum();
        let documents = documents.iter().map(|(name, text)| (*name, &**text));
        let mut body =
            Vec::with_capacity(self.text.len() + own.text.len() + NAMES_ROOM + documents_len);
        for (name, value) in general.chain(special).chain(documents) {
            body.push(if body.is_empty() { b'{' } else { b',' });
            let mut quoted = String::with_capacity(name.len() + 3);
            name.write_text(&mut quoted);
            quoted.push(':');
            body.extend_from_slice(quoted.as_bytes());
            body.extend_from_slice(value);
        }
        body.extend_from_slice(b"}\n");
        body
    }
}

/// A refusal (RFC 9457), before it becomes a response.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    /// Replaces the `error` of the kind.
    error: Option<String>,
    detail: String,
    members: Members,
    /// Members whose values are whole documents, as JSON texts.
    documents: Vec<(&'static str, Bytes)>,
    // Boxed, to keep a `Result` with a problem small: most answers have none.
    headers: Box<HeaderMap>,
    /// Only for the log.
    cause: Option<String>,
    /// Which condition of RFC 4918 does not hold, as XML: then so is the answer.
    condition: Option<Box<str>>,
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
            condition: None,
        }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Malformed, detail)
    }

    /// A mistake in the body. `place` is a JSON Pointer, and `what` says of it what it must be.
    pub(crate) fn mistake(place: &str, what: &str) -> Self {
        let subject = if place.is_empty() { "The body" } else { place };
        Self::malformed(format!("{subject} {what}.")).with("member", place)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::NotFound, detail)
    }

    /// A failure of the server. The cause goes to the log, and never to the client.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        let detail = "The server failed; the cause is in its log under the request id.";
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(ProblemKind::Internal, detail)
        }
    }

    /// Whether somebody was turned away for who they are.
    pub(crate) fn is_denial(&self) -> bool {
        matches!(
            self.kind,
            ProblemKind::Unauthenticated | ProblemKind::Forbidden | ProblemKind::RateLimited
        )
    }

    /// What it says to people.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// What programs know it by.
    pub(crate) fn error(&self) -> &str {
        let error = self.error.as_deref();
        error.unwrap_or(self.kind.describe().error)
    }

    /// The cause of a failure, which the client must not see.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The client should send the same request again.
    pub(crate) fn unavailable(detail: &str) -> Self {
        let problem = Self::new(ProblemKind::Unavailable, detail);
        problem.header(header::RETRY_AFTER, "1")
    }

    pub(crate) fn named(mut self, error: String) -> Self {
        self.error = Some(error);
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToText) -> Self {
        self.members.set(name.into(), &value);
        self
    }

    /// `text` must be JSON.
    pub(crate) fn with_document(mut self, name: &'static str, text: Bytes) -> Self {
        self.documents.push((name, text));
        self
    }

    pub(crate) fn with_all(mut self, members: Object) -> Self {
        for (name, value) in members {
            self.members.set(name.into(), &value);
        }
        self
    }

    /// `condition` must be XML, in which the prefix `D` stands for RFC 4918.
    pub(crate) fn with_condition(mut self, condition: String) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// `value` must be a valid field value, so it cannot come from a client unchecked.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("our own field values are well-formed");
        self.headers.insert(name, value);
        self
    }

    /// The answer. `instance` is the path of the request, without the base of the site. `plain` means that the client accepts
    /// `application/json` but not `application/problem+json`.
    pub(crate) fn render(self, site: &Site, instance: &str, plain: bool) -> Reply {
        let described = self.kind.describe();
        let error = self.error.unwrap_or_else(|| described.error.to_owned());
        let mut all = Members::default();
        all.set("type".into(), &site.link(&described.path()));
        all.set("title".into(), &described.title);
        all.set("status".into(), &u64::from(described.status.as_u16()));
        all.set("detail".into(), &self.detail);
        all.set("instance".into(), &site.link(&reference(instance)));
        all.set("error".into(), &error);
        all.set("message".into(), &self.detail);
        let (media_type, body) = match &self.condition {
            Some(condition) => {
                let members = [
                    ("type", site.link(&described.path())),
                    ("title", described.title.to_owned()),
                    ("status", described.status.as_str().to_owned()),
                    ("detail", self.detail),
                    ("instance", site.link(&reference(instance))),
                ];
                (dav::XML, dav::error(condition, &members).into_bytes())
            }
            None => {
                let media_type = match plain {
                    true => "application/json",
                    false => "application/problem+json",
                };
                (media_type, all.into_body(&self.members, &self.documents))
            }
        };
        let mut response = Reply::new(body.into());
        *response.status_mut() = described.status;
        let headers = response.headers_mut();
        headers.extend(*self.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        // Caches may keep some statuses without being told to, such as 404 (RFC 9110, section 15.1).
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        response
    }
}

/// Passes the problem on to the place that knows the request and renders the answer.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests;
