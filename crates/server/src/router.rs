use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::any;
use tower::ServiceExt;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::app::App;
use crate::exchange;
use crate::operations::{RESOURCES, is_for_all_origins};
use crate::problem::Problem;
use crate::resource::PathParts;
use crate::segment::respell;
use crate::site::Site;

pub(crate) fn router(app: Arc<App>) -> Router {
    let cors = cors(&app.settings.cors_origins);
    let mut router = Router::new();
    // Without credentials, any page of the internet could ask whatever is in reach of a browser.
    let may_be_for_all = !app.settings.gate.is_open();
    for resource in RESOURCES {
        let is_for_all = may_be_for_all && resource.is_for_all_origins();
        // Written out, not nested: nesting rewrites the URL of every request.
        for template in resource.templates() {
            let perform = |State(app): State<Arc<App>>, path: PathParts, request: Request| {
                resource.perform(app, path, request)
            };
            let route = any(perform);
            router = router.route(
                &template,
                match is_for_all {
                    true => route.layer(cors_for_all()),
                    false => route,
                },
            );
        }
    }
    let router = router
        .fallback(nothing_here)
        .with_state(Arc::clone(&app))
        .layer(from_fn_with_state(app, exchange::exchange));
    match cors {
        Some(cors) => with_cors(&router, cors, may_be_for_all),
        None => router,
    }
}

/// The layer takes every OPTIONS for a preflight; one without the field that makes it one
/// (Fetch, section 3.2.2) is for the resource.
fn with_cors(router: &Router, cors: CorsLayer, may_be_for_all: bool) -> Router {
    let bare = router.clone();
    let pass_by = move |request: Request, next: Next| {
        let bare = bare.clone();
        async move {
            let is_preflight = request
                .headers()
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
            let is_for_all = may_be_for_all && is_for_all_origins(request.uri().path());
            if request.method() == Method::OPTIONS && !is_preflight || is_for_all {
                return bare.oneshot(request).await.into_response();
            }
            next.run(request).await
        }
    };
    router.clone().layer(cors).layer(from_fn(pass_by))
}

/// For pages of any origin (draft-dejong-remotestorage-26, section 4): they come with a token, or read what anybody
/// may.
fn cors_for_all() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods([Method::GET, Method::HEAD, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::CONTENT_LENGTH,
            header::ORIGIN,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::RANGE,
            HeaderName::from_static("x-requested-with"),
        ])
        .expose_headers([
            header::ETAG,
            header::CONTENT_TYPE,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::LAST_MODIFIED,
        ])
        .max_age(std::time::Duration::from_secs(600))
}

async fn nothing_here(State(app): State<Arc<App>>, request: Request) -> Problem {
    let site = Site::found(&app.settings, request.extensions());
    let bare = request.uri().path().strip_suffix('/');
    let bare = bare.filter(|bare| RESOURCES.iter().any(|it| it.has_path(bare)));
    Problem::not_found(match bare {
        Some(bare) => format!(
            "No resource has this URL, because of the slash at its end: {} is the right one.",
            site.link(&respell(bare))
        ),
        None => "No resource has this URL.".to_owned(),
    })
}

fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            origins
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        )
    };
    let exposed = [
        header::ETAG,
        header::LAST_MODIFIED,
        header::LINK,
        header::LOCATION,
        header::ALLOW,
        header::RETRY_AFTER,
        HeaderName::from_static("ratelimit"),
        HeaderName::from_static("ratelimit-policy"),
        HeaderName::from_static("document-version"),
        HeaderName::from_static("preference-applied"),
        HeaderName::from_static("merged-etag"),
        HeaderName::from_static("merged-versions"),
        HeaderName::from_static("merged-places"),
        HeaderName::from_static("idempotent-replayed"),
        HeaderName::from_static("x-request-id"),
    ];
    let cors = CorsLayer::new()
        .allow_origin(origin)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(ExposeHeaders::list(exposed))
        .max_age(std::time::Duration::from_secs(600));
    Some(cors)
}
