use std::borrow::Cow;
use std::ops::Range;

use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use detente_core::json::{Object, ToText};

/// What is wrong, as a client tells it apart: `type` and `error` in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProblemKind {
    StaleVersion,
    Deleted,
    DuplicateEntry,
    StateConflict,
    PatchConflict,
    BaseGone,
    ConflictSettled,
    RequestInProgress,
    PreconditionFailed,
    LockLost,
    Locked,
    PreconditionRequired,
    InvalidDocument,
    KeyReuse,
    NotPerformed,
    Malformed,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Gone,
    ContentTooLarge,
    UnsupportedMediaType,
    HeadersTooLarge,
    Unavailable,
    StorageFull,
    Internal,
}

/// One row of the table of problems.
#[derive(Debug)]
pub(crate) struct ProblemType {
    pub(crate) kind: ProblemKind,
    pub(crate) slug: &'static str,
    pub(crate) error: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
}

impl ProblemType {
    /// Whether two writers collided: such refusals of writes are kept in the conflict log.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(
            self.status,
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED | StatusCode::LOCKED
        )
    }
}

const fn row(
    kind: ProblemKind,
    slug: &'static str,
    error: &'static str,
    status: StatusCode,
    title: &'static str,
) -> ProblemType {
    ProblemType {
        kind,
        slug,
        error,
        status,
        title,
    }
}

/// Every way to say no. Status codes of refusals appear here and nowhere deeper.
pub(crate) const PROBLEMS: &[ProblemType] = &[
    row(
        ProblemKind::StaleVersion,
        "stale-version",
        "UpdateConflict",
        StatusCode::CONFLICT,
        "The document changed since you read it",
    ),
    row(
        ProblemKind::Deleted,
        "deleted",
        "DeletedConflict",
        StatusCode::CONFLICT,
        "The document was deleted since you read it",
    ),
    row(
        ProblemKind::DuplicateEntry,
        "duplicate-entry",
        "DuplicateEntry",
        StatusCode::CONFLICT,
        "Another document already has this value",
    ),
    row(
        ProblemKind::StateConflict,
        "state-conflict",
        "StateConflict",
        StatusCode::CONFLICT,
        "The document's state does not allow this",
    ),
    row(
        ProblemKind::PatchConflict,
        "patch-conflict",
        "PatchConflict",
        StatusCode::CONFLICT,
        "The patch does not fit the document",
    ),
    row(
        ProblemKind::BaseGone,
        "base-gone",
        "BaseGone",
        StatusCode::CONFLICT,
        "The version you began from is no longer kept",
    ),
    row(
        ProblemKind::ConflictSettled,
        "conflict-settled",
        "ConflictSettled",
        StatusCode::CONFLICT,
        "Somebody settled this conflict before you",
    ),
    row(
        ProblemKind::RequestInProgress,
        "request-in-progress",
        "RequestInProgress",
        StatusCode::CONFLICT,
        "The same request is still being worked on",
    ),
    row(
        ProblemKind::PreconditionFailed,
        "precondition-failed",
        "PreconditionFailed",
        StatusCode::PRECONDITION_FAILED,
        "A precondition does not hold",
    ),
    row(
        ProblemKind::LockLost,
        "lock-lost",
        "LockLost",
        StatusCode::PRECONDITION_FAILED,
        "You do not hold the lock any more",
    ),
    row(
        ProblemKind::Locked,
        "locked",
        "Locked",
        StatusCode::LOCKED,
        "Somebody else holds the lock",
    ),
    row(
        ProblemKind::PreconditionRequired,
        "precondition-required",
        "PreconditionRequired",
        StatusCode::PRECONDITION_REQUIRED,
        "Say which version you are changing",
    ),
    row(
        ProblemKind::InvalidDocument,
        "invalid-document",
        "ValidationFailed",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The document is not valid",
    ),
    row(
        ProblemKind::KeyReuse,
        "key-reuse",
        "IdempotencyKeyReuse",
        StatusCode::UNPROCESSABLE_ENTITY,
        "This Idempotency-Key stands for another request",
    ),
    row(
        ProblemKind::NotPerformed,
        "not-performed",
        "NotPerformed",
        StatusCode::FAILED_DEPENDENCY,
        "Not performed, since another operation of the batch was refused",
    ),
    row(
        ProblemKind::Malformed,
        "malformed",
        "MalformedRequest",
        StatusCode::BAD_REQUEST,
        "The request cannot be understood",
    ),
    row(
        ProblemKind::Unauthenticated,
        "unauthenticated",
        "Unauthenticated",
        StatusCode::UNAUTHORIZED,
        "Say who you are",
    ),
    row(
        ProblemKind::Forbidden,
        "forbidden",
        "Forbidden",
        StatusCode::FORBIDDEN,
        "You may not do this",
    ),
    row(
        ProblemKind::NotFound,
        "not-found",
        "NotFound",
        StatusCode::NOT_FOUND,
        "There is nothing here",
    ),
    row(
        ProblemKind::MethodNotAllowed,
        "method-not-allowed",
        "MethodNotAllowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "This resource does not know the method",
    ),
    row(
        ProblemKind::Gone,
        "gone",
        "Gone",
        StatusCode::GONE,
        "The document was deleted",
    ),
    row(
        ProblemKind::ContentTooLarge,
        "content-too-large",
        "ContentTooLarge",
        StatusCode::PAYLOAD_TOO_LARGE,
        "The body is too large",
    ),
    row(
        ProblemKind::UnsupportedMediaType,
        "unsupported-media-type",
        "UnsupportedMediaType",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body's media type is not accepted here",
    ),
    row(
        ProblemKind::HeadersTooLarge,
        "headers-too-large",
        "HeadersTooLarge",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The header fields are too large",
    ),
    row(
        ProblemKind::Unavailable,
        "unavailable",
        "Unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "Try again in a moment",
    ),
    row(
        ProblemKind::StorageFull,
        "storage-full",
        "StorageFull",
        StatusCode::INSUFFICIENT_STORAGE,
        "There is no room to store this",
    ),
    row(
        ProblemKind::Internal,
        "internal",
        "InternalError",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server failed",
    ),
];

impl ProblemKind {
    pub(crate) fn describe(self) -> &'static ProblemType {
        let found = PROBLEMS.iter().find(|row| row.kind == self);
        found.expect("every kind of problem has its row")
    }
}

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
    pub(crate) fn render(self, instance: &str, plain: bool) -> Response {
        let described = self.kind.describe();
        let error = self.error.unwrap_or_else(|| described.error.to_owned());
        let mut all = Members::default();
        let path = format!("/problems/{}", described.slug);
        all.tell("type".into(), &path);
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
        let mut response = all
            .into_body(&self.members, &self.documents)
            .into_response();
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
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row() {
        for row in PROBLEMS {
            assert_eq!(row.kind.describe().slug, row.slug);
            let twins = PROBLEMS
                .iter()
                .filter(|it| it.slug == row.slug || it.error == row.error);
            assert_eq!(twins.count(), 1, "{}", row.slug);
        }
    }
}
