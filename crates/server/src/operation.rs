use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{Html, IntoResponse, Response};

use crate::app::App;
use crate::caller::Caller;
use crate::metrics::Readings;
use crate::problem::Problem;
use crate::resource::READ_ONLY;

/// Whether the process lives.
pub(crate) async fn health(request: Request) -> Result<Response, Problem> {
    read_only(request.method())?.map_or_else(|| Ok("ok\n".into_response()), Ok)
}

/// Whether requests should be sent here: the store can be read, and no shutdown has begun.
pub(crate) async fn readiness(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(response) = read_only(request.method())? {
        return Ok(response);
    }
    if app.closing.has_begun() {
        return Err(Problem::unavailable("The server is shutting down."));
    }
    app.read(|reader| reader.ping()).await?;
    Ok("ready\n".into_response())
}

pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(response) = read_only(request.method())? {
        return Ok(response);
    }
    Caller::of(&app.settings, request.headers())?.must_read()?;
    let load = app.writer.load();
    let readings = Readings {
        commits: load.batches(),
        versions: load.versions(),
        refusals: load.refusals(),
        last_seq: app.reader.last_seq(),
        waiting: app.writer.waiting(),
        waiting_conflicts: load.waiting_conflicts(),
    };
    let mut response = app
        .metrics
        .text(readings)
        .map_err(Problem::internal)?
        .into_response();
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}

/// Where to go from here.
pub(crate) async fn front(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(response) = read_only(request.method())? {
        return Ok(response);
    }
    let name =
        |name: &String| format!("<li><a href=\"/api/{name}\"><code>/api/{name}</code></a></li>");
    let mut collections: String = app.settings.collections.keys().map(name).collect();
    if collections.is_empty() {
        collections.push_str("<li><code>/api/{collection}</code>, whatever you call it</li>");
    }
    let page = include_str!("front.html").replace("<!-- collections -->", &collections);
    Ok(Html(page).into_response())
}

/// `None` for GET and HEAD; the answer to OPTIONS; otherwise 405.
pub(crate) fn read_only(method: &Method) -> Result<Option<Response>, Problem> {
    match *method {
        Method::GET | Method::HEAD => Ok(None),
        _ => READ_ONLY.otherwise(method).map(Some),
    }
}
