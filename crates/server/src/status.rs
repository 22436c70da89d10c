use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse};

use crate::app::App;
use crate::call::{Answer, Call};
use crate::metrics::Readings;
use crate::problem::Problem;
use crate::resource::PathParts;

/// Whether the process lives.
pub(crate) async fn health(_: &App, _: &PathParts, _: &Parts) -> Answer {
    Ok("ok\n".into_response())
}

/// Whether requests should be sent here: the store can be read, and no shutdown has begun.
pub(crate) async fn readiness(app: &App, _: &PathParts, _: &Parts) -> Answer {
    if app.closing.has_begun() {
        return Err(Problem::unavailable("The server is shutting down."));
    }
    app.service.ping().await?;
    Ok("ready\n".into_response())
}

pub(crate) async fn metrics(call: &mut Call) -> Answer {
    let app = &call.app;
    let writer = app.service.writer();
    let counters = writer.counters();
    let readings = Readings {
        commits: counters.batches(),
        versions: counters.versions(),
        refusals: counters.refusals(),
        last_seq: app.service.last_seq(),
        waiting: writer.waiting(),
        waiting_conflicts: counters.waiting_conflicts(),
    };
    let text = app.metrics.text(readings).map_err(Problem::internal)?;
    let mut response = text.into_response();
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}

/// Where to go from here.
pub(crate) async fn front(app: &App, _: &PathParts, _: &Parts) -> Answer {
    let name =
        |name: &String| format!("<li><a href=\"/api/{name}\"><code>/api/{name}</code></a></li>");
    let collections = &app.service.policy.collections;
    let mut collections: String = collections.keys().map(name).collect();
    if collections.is_empty() {
        collections.push_str("<li><code>/api/{collection}</code>, whatever you call it</li>");
    }
    let page = include_str!("front.html").replace("<!-- collections -->", &collections);
    Ok(Html(page).into_response())
}
