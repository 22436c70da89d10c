use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use detente_core::{EntityTag, Field, Key, Selected, Stored, Verdict, evaluate};

use crate::app::App;
use crate::caller::Caller;
use crate::inbound::Inbound;
use crate::problem::{Problem, ProblemKind};
use crate::representation::{self, Coding, bodiless, field};
use crate::resource::{COLLECTION, DOCUMENT, Names, PathParts};
use crate::write::Write;

/// One document.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let mut inbound = Inbound::new(parts, body, app.settings.limits.body_bytes);
    let answer = answer(&app, &Names::of(&path), &mut inbound).await;
    if answer.is_err() {
        inbound.drain().await;
    }
    answer
}

async fn answer(
    app: &Arc<App>,
    names: &Names<'_>,
    inbound: &mut Inbound,
) -> Result<Response, Problem> {
    match inbound.parts.method {
        Method::GET | Method::HEAD => read(app, names, inbound).await,
        Method::PUT | Method::PATCH | Method::DELETE => {
            let caller = Caller::of(&app.settings, inbound.headers())?;
            caller.must_write()?;
            let key = names.key()?;
            // Boxed: a write's future is large, and a read would have to carry its room around.
            Box::pin(Write::perform(app, key, caller, inbound)).await
        }
        ref method => DOCUMENT.otherwise(method),
    }
}

/// A new document in a collection, under an id of the server's choice.
pub(crate) async fn create(
    app: &Arc<App>,
    names: &Names<'_>,
    inbound: &mut Inbound,
) -> Result<Response, Problem> {
    let caller = Caller::of(&app.settings, inbound.headers())?;
    caller.must_write()?;
    let id = uuid::Uuid::now_v7().to_string();
    let key = names.collection()?.key(&id).map_err(Problem::internal)?;
    Box::pin(Write::perform(app, key, caller, inbound)).await
}

async fn read(app: &Arc<App>, names: &Names<'_>, inbound: &Inbound) -> Result<Response, Problem> {
    Caller::of(&app.settings, inbound.headers())?.must_read()?;
    let key = names.key()?;
    app.collection(key.collection())?;
    let stored = app.newest(&key).await?.ok_or_else(|| no_document(&key))?;
    if !stored.head().is_document() {
        return Err(gone(&stored));
    }
    respond_conditionally(app, &stored, inbound).await
}

/// A version, or 304 or a refusal if the preconditions say so (RFC 9110, section 13.2.2).
pub(crate) async fn respond_conditionally(
    app: &Arc<App>,
    stored: &Arc<Stored>,
    inbound: &Inbound,
) -> Result<Response, Problem> {
    let conditions = inbound.preconditions()?;
    let selected = Selected {
        tag: stored.head().tag().to_entity_tag(),
        modified: stored.at,
        shares_its_second: conditions.ask_for_dates() && shares_its_second(app, stored).await?,
    };
    match evaluate(&conditions, Some(&selected), true) {
        Verdict::Proceed => {
            representation::document(StatusCode::OK, stored, &selected.tag, inbound.headers()).await
        }
        Verdict::Fail(Field::IfNoneMatch | Field::IfModifiedSince) => {
            Ok(not_modified(stored, &selected.tag, inbound))
        }
        Verdict::Fail(field) => {
            let detail = format!(
                "{} names another version than {}.",
                field.name(),
                selected.tag
            );
            let problem = Problem::new(ProblemKind::PreconditionFailed, detail);
            let problem = problem.with("current_etag", selected.tag.to_string());
            Err(problem
                .with("current_version", stored.version)
                .header(header::ETAG, &selected.tag.to_string()))
        }
    }
}

async fn shares_its_second(app: &Arc<App>, stored: &Stored) -> Result<bool, Problem> {
    let prev = match stored.prev {
        Some(prev) => app.version(prev).await?,
        None => None,
    };
    Ok(prev.is_some_and(|prev| prev.at.second() == stored.at.second()))
}

/// Names the form of the representation that the client has, if it said so, else the one it would get.
fn not_modified(stored: &Stored, tag: &EntityTag, inbound: &Inbound) -> Response {
    let coded = Coding::Gzip.tag(tag).to_string();
    let lines = || inbound.headers().get_all(header::IF_NONE_MATCH).into_iter();
    let names =
        |form: &str| lines().any(|line| line.to_str().is_ok_and(|line| line.contains(form)));
    let is_coded = match (names(&coded), names(&tag.to_string())) {
        (true, false) => true,
        (false, true) => false,
        _ => Coding::negotiate(inbound.headers(), stored.body.len()) == Coding::Gzip,
    };
    let mut response = bodiless(StatusCode::NOT_MODIFIED, stored);
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if is_coded {
        headers.insert(header::ETAG, field(coded));
    }
    response
}

fn no_document(key: &Key) -> Problem {
    let detail = format!("{} has no document {:?}.", key.collection(), key.id());
    Problem::not_found(detail)
}

pub(crate) fn gone(stored: &Stored) -> Problem {
    let detail = format!("{} deleted this document.", stored.by);
    let problem = Problem::new(ProblemKind::Gone, detail);
    problem
        .with("deleted_at", stored.at.to_string())
        .with("deleted_by", stored.by.to_string())
        .with("current_version", stored.version)
}

/// POST to a collection, whose other methods are for lists.
pub(crate) fn otherwise(method: &Method) -> Result<Response, Problem> {
    COLLECTION.otherwise(method)
}
