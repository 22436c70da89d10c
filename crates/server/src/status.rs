use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

use crate::app::App;
use crate::call::{Answer, Call};
use crate::metrics::Readings;
use crate::problem::Problem;
use crate::representation::{NO_CACHE, NO_STORE};
use crate::resource::PathParts;
use crate::site::Site;

/// Whether the process lives.
pub(crate) async fn health(_: &App, _: &PathParts, _: &Parts) -> Answer {
    Ok(of_the_moment("ok\n"))
}

/// Whether requests should be sent here: the store can be read, and no shutdown has begun.
pub(crate) async fn readiness(app: &App, _: &PathParts, _: &Parts) -> Answer {
    if app.closing.has_begun() {
        return Err(Problem::unavailable("The server is shutting down.").into());
    }
    app.service.ping().await?;
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
pub(crate) fn page(text: &str, site: &Site) -> Response {
    let mut response = Html(site.page(text)).into_response();
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
        last_seq: app.service.last_seq(),
        waiting: writer.waiting(),
        waiting_conflicts: counters.waiting_conflicts(),
        damaged: app.service.health().damaged,
    };
    let text = app.metrics.text(readings).map_err(Problem::internal)?;
    let mut response = of_the_moment(text);
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}
