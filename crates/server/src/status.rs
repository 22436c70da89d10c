use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use tokio::time::timeout;

use crate::app::App;
use crate::call::{Answer, Call};
use crate::metrics::Readings;
use crate::problem::Problem;
use crate::representation::{NO_CACHE, NO_STORE};
use crate::resource::{DEFAULT_SPACE, PathParts};

/// How long the store may take to say that it can be read.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the process lives.
pub(crate) async fn health(_: &App, _: &PathParts, _: &Parts) -> Answer {
    Ok(of_the_moment("ok\n"))
}

/// Whether requests should be sent here: the store can be read, and no shutdown has begun.
pub(crate) async fn readiness(app: &App, _: &PathParts, _: &Parts) -> Answer {
    if app.closing.has_begun() {
        return Err(Problem::unavailable("The server is shutting down.").into());
    }
    if app.service.health().is_overgrown() {
        let detail = "The store's write-ahead log cannot be written to its database, and grows.";
        return Err(Problem::unavailable(detail).into());
    }
    match timeout(PATIENCE, app.service.ping()).await {
        Ok(read) => read?,
        Err(_) => return Err(Problem::unavailable("The store does not answer.").into()),
    }
    Ok(of_the_moment("ready\n"))
}

fn of_the_moment(text: impl IntoResponse) -> Response {
    let mut response = text.into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// A page for people.
pub(crate) fn html(text: String) -> Response {
    let mut response = Html(text).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, NO_CACHE);
    response
}

pub(crate) async fn metrics(call: &mut Call) -> Answer {
    let app = &call.app;
    let writer = app.service.writer();
    let counters = writer.counters();
    let readings = Readings {
        commits: counters.batches(),
        versions: counters.versions(),
        refusals: counters.refusals(),
        last_seq: app.service.last_seq(DEFAULT_SPACE),
        waiting: writer.waiting(),
        waiting_conflicts: writer.waiting_conflicts(),
        longest_hold: counters.longest_hold(),
        health: app.service.health(),
    };
    let text = app.metrics.text(readings).map_err(Problem::internal)?;
    let mut response = of_the_moment(text);
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}
