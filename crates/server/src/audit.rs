//! Who wrote what, and who was turned away: a line of the log for each. No line has a secret, or what
//! a document holds.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::exchange::REQUEST_ID;
use crate::operations::Operation;
use crate::problem::Problem;
use crate::settings::Audit;

/// What a line says of a request that was asked for by somebody.
#[derive(Clone, Debug)]
pub(crate) struct Audited {
    /// `None`: nobody knows.
    by: Option<Arc<str>>,
    operation: &'static str,
}

/// Marks an answer that is none of a denial, but tells of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HasDenial;

/// Marks an answer to something that wrote, although its operation need not have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrote;

/// A write under way. If it is dropped before it is over, since its client went away, its line says so: the write may
/// have been performed.
pub(crate) struct UnderWay {
    is_over: bool,
    by: Arc<str>,
    operation: &'static str,
    request_id: Option<HeaderValue>,
    method: Method,
    uri: Uri,
}

impl UnderWay {
    /// `None`: nothing is to be told of it.
    pub(crate) fn of(
        audit: Audit,
        operation: &Operation,
        by: &Arc<str>,
        parts: &Parts,
    ) -> Option<Box<Self>> {
        let is_told = audit.tells(operation.action.is_write(), false);
        is_told.then(|| {
            Box::new(Self {
                is_over: false,
                by: Arc::clone(by),
                operation: operation.id,
                request_id: parts.headers.get(REQUEST_ID).cloned(),
                method: parts.method.clone(),
                uri: parts.uri.clone(),
            })
        })
    }

    /// It is over: its answer has the line.
    pub(crate) fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let request_id = self.request_id.as_ref().and_then(|id| id.to_str().ok());
        tracing::info!(
            target: "detente::audit",
            request_id = request_id.unwrap_or_default(),
            by = &*self.by,
            operation = self.operation,
            method = %self.method,
            path = self.uri.path(),
            "unanswered"
        );
    }
}

/// Whether an answer is a denial, or tells of one.
pub(crate) fn denies(answer: &Result<Response, Problem>) -> bool {
    match answer {
        Ok(response) => response.extensions().get::<HasDenial>().is_some(),
        Err(problem) => problem.is_denial(),
    }
}

/// What an operation came to, with what its line says if it has one.
pub(crate) fn audited(
    audit: Audit,
    operation: &Operation,
    by: Option<&Arc<str>>,
    is_denial: bool,
    answer: Result<Response, Problem>,
) -> Result<Response, Problem> {
    let is_write = operation.action.is_write() || wrote(&answer);
    if !audit.tells(is_write, is_denial) {
        return answer;
    }
    let mut response = answer.into_response();
    let (by, operation) = (by.map(Arc::clone), operation.id);
    response.extensions_mut().insert(Audited { by, operation });
    Ok(response)
}

fn wrote(answer: &Result<Response, Problem>) -> bool {
    let response = answer.as_ref().ok();
    response.is_some_and(|it| it.extensions().get::<Wrote>().is_some())
}

/// The same, of an operation over a socket, which is no request of its own.
pub(crate) fn note_within(audit: Audit, by: &str, path: &str, is_write: bool, is_denial: bool) {
    if audit.tells(is_write, is_denial) {
        let became = if is_denial { "refused" } else { "done" };
        tracing::info!(target: "detente::audit", by, operation = "sendGraphql", path, "{became}");
    }
}

impl Audited {
    pub(crate) fn note(
        &self,
        request_id: &HeaderValue,
        method: &Method,
        path: &str,
        status: StatusCode,
        problem: Option<&'static str>,
    ) {
        tracing::info!(
            target: "detente::audit",
            request_id = request_id.to_str().unwrap_or_default(),
            by = self.by.as_deref().unwrap_or_default(),
            operation = self.operation,
            %method,
            path,
            status = status.as_u16(),
            problem,
            "{}",
            match problem {
                None => "done",
                Some(_) => "refused",
            }
        );
    }
}
