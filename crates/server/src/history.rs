use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use detente_core::{Key, Stored};
use detente_store::{Reader, StoreError};

use crate::app::App;
use crate::caller::Caller;
use crate::document::respond_conditionally;
use crate::envelope::{self, Row};
use crate::inbound::Inbound;
use crate::list::{limit, parameters, whole_number};
use crate::operation::read_only;
use crate::problem::{Problem, ProblemKind};
use crate::representation::{self, Coding};
use crate::resource::{Names, PathParts};

const DEFAULT_LIMIT: usize = 100;

/// A past version stays what it is.
const FOR_EVER: HeaderValue = HeaderValue::from_static("max-age=31536000, immutable");

/// The versions of a document, the newest first; also of one that was deleted.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(response) = read_only(request.method())? {
        return Ok(response);
    }
    let (inbound, key) = asked(&app, &path, request)?;
    let asked = Asked::parse(inbound.query())?;
    let newest = newest(&app, &key).await?;
    let page = app.read(move |reader| asked.run(reader, &newest)).await?;
    let coding = Coding::negotiate(inbound.headers(), page.len());
    representation::json(Bytes::from(page), coding).await
}

/// One version of a document.
pub(crate) async fn version(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(response) = read_only(request.method())? {
        return Ok(response);
    }
    let (inbound, key) = asked(&app, &path, request)?;
    let text = Names::of(&path).version.unwrap_or_default().to_owned();
    let number = parse_number(&text)
        .ok_or_else(|| Problem::malformed(format!("{text:?} is no version: 1, 2, 3 and so on.")))?;
    let newest = newest(&app, &key).await?;
    let found = app
        .read(move |reader| reader.numbered(&newest, number))
        .await?;
    let stored = found
        .ok_or_else(|| Problem::not_found(format!("{} has no version {number}.", key.id())))?;
    if !stored.head().is_document() {
        let detail = format!("In version {number} {} deleted the document.", stored.by);
        return Err(Problem::new(ProblemKind::Gone, detail)
            .with("deleted_at", stored.at.to_string())
            .with("deleted_by", stored.by.to_string()));
    }
    let mut response = respond_conditionally(&app, &stored, &inbound).await?;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, FOR_EVER);
    Ok(response)
}

fn asked(app: &Arc<App>, path: &PathParts, request: Request) -> Result<(Inbound, Key), Problem> {
    let (parts, body) = request.into_parts();
    let inbound = Inbound::new(parts, body, app.settings.limits.body_bytes);
    Caller::of(&app.settings, inbound.headers())?.must_read()?;
    let key = Names::of(path).key()?;
    app.collection(key.collection())?;
    Ok((inbound, key))
}

async fn newest(app: &Arc<App>, key: &Key) -> Result<Arc<Stored>, Problem> {
    let newest = app.newest(key).await?;
    newest.ok_or_else(|| {
        Problem::not_found(format!(
            "{} never had a document {:?}.",
            key.collection(),
            key.id()
        ))
    })
}

fn parse_number(text: &str) -> Option<u64> {
    whole_number(text).filter(|number| *number > 0)
}

/// What a history was asked for.
#[derive(Debug)]
struct Asked {
    limit: usize,
    /// Only versions below this one.
    before: Option<u64>,
}

impl Asked {
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut asked = Self {
            limit: DEFAULT_LIMIT,
            before: None,
        };
        for (name, value) in parameters(query) {
            match &*name {
                "limit" => asked.limit = limit(&value)?,
                "cursor" => {
                    let before = parse_number(&value).ok_or_else(|| {
                        let problem = Problem::malformed("The cursor is not one of this server's.");
                        problem.with("parameter", "cursor")
                    })?;
                    asked.before = Some(before);
                }
                other => {
                    let detail = format!("A history has no parameter {other:?}: limit, cursor.");
                    return Err(Problem::malformed(detail).with("parameter", other));
                }
            }
        }
        Ok(asked)
    }

    fn run(&self, reader: &dyn Reader, newest: &Arc<Stored>) -> Result<String, StoreError> {
        let mut next = match self.before {
            Some(before) if before <= newest.version => reader.numbered(newest, before - 1)?,
            _ => Some(Arc::clone(newest)),
        };
        let mut rows = Vec::new();
        while let Some(stored) = next.take() {
            if rows.len() == self.limit {
                next = Some(stored);
                break;
            }
            next = match stored.prev {
                Some(prev) => reader.version(prev)?,
                None => None,
            };
            rows.push(stored);
        }
        let cursor = rows
            .last()
            .filter(|_| next.is_some())
            .map(|last| last.version.to_string());
        Ok(envelope::page(
            &rows,
            Row::Document,
            &[("next", cursor.into())],
        ))
    }
}
