use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::response::Response;

use crate::app::App;
use crate::audit::Audited;
use crate::digits::push_number;
use crate::origin;
use crate::problem::{Problem, ProblemKind};
use crate::site::Site;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id that is taken over from a client, in bytes.
const MAX_REQUEST_ID: usize = 64;

/// What stands around every request: it has an id, a refusal becomes its answer, all is counted and logged.
#[derive(Debug)]
pub(crate) struct Exchange {
    start: Instant,
    id: HeaderValue,
    method: Method,
    uri: Uri,
    /// Whether the client takes no other JSON than the plain one.
    is_plain: bool,
    site: Site,
}

impl Exchange {
    /// Before a request is looked at: whether it goes on.
    pub(crate) fn begin(app: &App, request: &mut Request) -> (Self, Result<(), Problem>) {
        let (site, admitted) = match admit(app, request) {
            Ok(site) => (site, Ok(())),
            Err(problem) => (app.settings.site.clone(), Err(problem)),
        };
        let exchange = Self {
            start: Instant::now(),
            id: request_id(request.headers()),
            method: request.method().clone(),
            uri: request.uri().clone(),
            is_plain: takes_only_plain_json(request.headers()),
            site,
        };
        if app.settings.audit.tells(true, false) {
            let id = exchange.id.clone();
            request.headers_mut().insert(REQUEST_ID, id);
        }
        (exchange, admitted)
    }

    /// Once it is answered.
    pub(crate) fn end(self, app: &App, mut response: Response) -> Response {
        let Self {
            start,
            id,
            method,
            uri,
            is_plain,
            site,
        } = self;
        let audited = response.extensions_mut().remove::<Audited>();
        let mut slug = None;
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            slug = Some(problem.kind.describe().slug);
            note_problem(app, &problem, &id, &method, uri.path());
            let mut told = problem.render(&site, uri.path(), is_plain).map(Body::from);
            // Whoever may read an answer may read a refusal.
            let cors = response.headers().iter();
            let cors = cors.filter(|(name, _)| name.as_str().starts_with("access-control-"));
            told.headers_mut()
                .extend(cors.map(|(name, value)| (name.clone(), value.clone())));
            response = told;
        }
        response.headers_mut().insert(REQUEST_ID, id.clone());
        if let Some(audited) = audited {
            audited.note(&id, &method, uri.path(), response.status(), slug);
        }
        let status = response.status().as_u16();
        app.metrics.answered(&method, status, start.elapsed());
        tracing::debug!(
            request_id = id.to_str().unwrap_or_default(),
            %method,
            path = uri.path(),
            status,
            micros = start.elapsed().as_micros() as u64,
            "answered"
        );
        match method == Method::HEAD {
            true => without_body(response),
            false => response,
        }
    }
}

/// The answer to a HEAD: all that a GET would have said, and its length, but not the body (RFC 9110, section 9.3.2).
fn without_body(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact()
        && length > 0
    {
        let length = HeaderValue::from(length);
        head.headers.entry(header::CONTENT_LENGTH).or_insert(length);
    }
    Response::from_parts(head, Body::empty())
}

/// What is refused whatever is asked for; and where the links of the answer lead.
fn admit(app: &App, request: &mut Request) -> Result<Site, Problem> {
    let limit = app.settings.limits.header_bytes;
    if header_bytes(request.headers()) > limit {
        return Err(headers_too_large(limit));
    }
    let site = Site::of_request(&app.settings, request)?;
    origin::admit(&app.hosts, &app.settings, &site, request)?;
    Ok(site)
}

/// A refusal is everyday business; a failure is told at once, with its cause.
fn note_problem(app: &App, problem: &Problem, id: &HeaderValue, method: &Method, path: &str) {
    let kind = problem.kind.describe();
    app.metrics.refused(kind.slug);
    let request_id = id.to_str().unwrap_or_default();
    if problem.kind == ProblemKind::Internal {
        let cause = problem.cause().unwrap_or_default();
        tracing::error!(request_id, %method, path, problem = kind.slug, cause, "failed");
    } else {
        tracing::debug!(request_id, %method, path, problem = kind.slug, "refused");
    }
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

fn headers_too_large(limit: usize) -> Problem {
    let detail = format!("The header fields may have at most {limit} bytes together.");
    Problem::new(ProblemKind::HeadersTooLarge, detail).with("limit_bytes", limit as u64)
}

/// The client's own id if it is a plain one, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_plain = |value: &&HeaderValue| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
        !value.is_empty() && value.len() <= MAX_REQUEST_ID && value.as_bytes().iter().all(plain)
    };
    match headers.get(REQUEST_ID).filter(is_plain) {
        Some(id) => id.clone(),
        None => new_request_id(),
    }
}

/// Unique within the process, and by the time of its start nearly so across processes.
fn new_request_id() -> HeaderValue {
    static STARTED: LazyLock<String> = LazyLock::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        format!("{:x}-", now.unwrap_or_default().as_micros())
    });
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut id = String::with_capacity(STARTED.len() + 20);
    id.push_str(&STARTED);
    push_number(&mut id, count);
    HeaderValue::try_from(id).expect("digits are a field value")
}

/// Whether the client takes `application/json` and would not take `application/problem+json`.
fn takes_only_plain_json(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get_all(header::ACCEPT)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim());
    let mut plain = false;
    for range in accepted {
        match range {
            "application/json" => plain = true,
            "*/*" | "application/*" | "application/problem+json" => return false,
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_json_is_sent_to_those_who_take_nothing_else() {
        let cases = [
            ("application/json", true),
            ("application/json; q=0.9, text/html", true),
            ("application/json, */*", false),
            ("application/json, application/problem+json", false),
            ("text/html", false),
        ];
        for (accept, plain) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(takes_only_plain_json(&headers), plain, "{accept}");
        }
        assert!(!takes_only_plain_json(&HeaderMap::new()));
    }
}
