use axum::body::Body;
use axum::http::{HeaderValue, header};

use detente_core::json::Value;

use crate::call::{Answer, Call};
use crate::document::respond;
use crate::envelope::{self, Row};
use crate::fields;
use crate::parameters::{DEFAULT_LIMIT, limit, parameters, whole_number};
use crate::problem::Problem;
use crate::representation::{self, Coding};

/// A past version stays what it is.
const FOR_EVER: HeaderValue = HeaderValue::from_static("max-age=31536000, immutable");

/// The versions of a document, the newest first; also of one that was deleted.
pub(crate) async fn list(call: &mut Call) -> Answer {
    let key = call.names().key()?;
    let service = &call.app.service;
    service.collection(key.collection())?;
    let wanted = Wanted::parse(call.inbound.query())?;
    let history = service.history(&call.principal, &key, wanted.below, wanted.limit);
    let history = history.await?;
    let cursor = history.below.map(|below| below.to_string());
    let mut members = vec![("next", Value::from(cursor))];
    let has_more = history.below.is_some();
    members.extend(envelope::short(
        history.versions.len(),
        wanted.limit,
        has_more,
    ));
    let page = envelope::page(&history.versions, Row::Document, &members);
    let coding = Coding::negotiate(call.inbound.headers(), page.len());
    representation::json(page, coding).await
}

/// One version of a document.
pub(crate) async fn version(call: &mut Call) -> Answer {
    let key = call.names().key()?;
    let service = &call.app.service;
    service.collection(key.collection())?;
    let text = call.names().version.unwrap_or_default();
    let number = parse_number(text).ok_or_else(|| {
        let detail = format!("A version must be a number such as 1 or 2, not {text:?}.");
        Problem::malformed(detail)
    })?;
    let conditions = fields::preconditions(call.inbound.headers())?;
    let read = service.read_version(&call.principal, &key, number, &conditions);
    let mut reply = respond(read.await?, call.inbound.headers(), &call.site).await?;
    reply.headers_mut().insert(header::CACHE_CONTROL, FOR_EVER);
    Ok(reply.map(Body::from))
}

pub(crate) fn parse_number(text: &str) -> Option<u64> {
    whole_number(text).filter(|number| *number > 0)
}

/// What a request wants of a history.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) limit: usize,
    /// Only versions below this one.
    pub(crate) below: Option<u64>,
}

impl Wanted {
    pub(crate) fn parse(query: &str) -> Result<Self, Problem> {
        let mut wanted = Self {
            limit: DEFAULT_LIMIT,
            below: None,
        };
        for (name, value) in parameters(query) {
            match &*name {
                "limit" => wanted.limit = limit(&value)?,
                "cursor" => {
                    let below = parse_number(&value).ok_or_else(|| {
                        let problem = Problem::malformed("cursor must be the next of a page.");
                        problem.with("parameter", "cursor")
                    })?;
                    wanted.below = Some(below);
                }
                other => {
                    let detail = format!("A history has no parameter {other:?}: limit, cursor.");
                    return Err(Problem::malformed(detail).with("parameter", other));
                }
            }
        }
        Ok(wanted)
    }
}
