use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::any;
use tower::ServiceExt;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::app::App;
use crate::problem::Problem;
use crate::{
    batch, conflict_log, conflict_statistics, document, exchange, feed, history, list, lock,
    merging, openapi, operation, problem_page,
};

pub(crate) fn router(app: Arc<App>) -> Router {
    let cors = cors(&app.settings.cors_origins);
    let router = Router::new()
        .merge(resources("/api"))
        .merge(resources("/spaces/{space}/api"))
        .route("/openapi.json", any(openapi::handle))
        .route("/problems/{slug}", any(problem_page::handle))
        .route("/metrics", any(operation::metrics))
        .route("/healthz", any(operation::health))
        .route("/readyz", any(operation::readiness))
        .route("/", any(operation::front))
        .fallback(nothing_here)
        .with_state(Arc::clone(&app))
        .layer(from_fn_with_state(app, exchange::exchange));
    match cors {
        Some(cors) => with_cors(&router, cors),
        None => router,
    }
}

/// The layer takes every OPTIONS for a preflight; one without the field that makes it one
/// (Fetch, section 3.2.2) is for the resource.
fn with_cors(router: &Router, cors: CorsLayer) -> Router {
    let bare = router.clone();
    let pass_by = move |request: Request, next: Next| {
        let bare = bare.clone();
        async move {
            let is_preflight = request
                .headers()
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
            if request.method() == Method::OPTIONS && !is_preflight {
                return bare.oneshot(request).await.into_response();
            }
            next.run(request).await
        }
    };
    router.clone().layer(cors).layer(from_fn(pass_by))
}

/// What stands under `/api`, in each space. Written out, not nested: nesting rewrites the URL of
/// every request.
fn resources(prefix: &str) -> Router<Arc<App>> {
    let at = |path: &str| format!("{prefix}{path}");
    Router::new()
        .route(&at("/_changes"), any(feed::of_space))
        .route(&at("/_batch"), any(batch::handle))
        .route(&at("/_conflicts"), any(conflict_log::list))
        .route(&at("/_conflicts/stats"), any(conflict_statistics::handle))
        .route(&at("/_conflicts/{conflict}"), any(conflict_log::one))
        .route(
            &at("/_conflicts/{conflict}/resolve"),
            any(conflict_log::resolve),
        )
        .route(&at("/{collection}"), any(list::handle))
        .route(&at("/{collection}/_changes"), any(feed::of_collection))
        .route(&at("/{collection}/{id}"), any(document::handle))
        .route(&at("/{collection}/{id}/_changes"), any(feed::of_document))
        .route(&at("/{collection}/{id}/lock"), any(lock::handle))
        .route(&at("/{collection}/{id}/merge"), any(merging::handle))
        .route(&at("/{collection}/{id}/versions"), any(history::list))
        .route(
            &at("/{collection}/{id}/versions/{version}"),
            any(history::version),
        )
}

async fn nothing_here() -> Problem {
    Problem::not_found("No resource has this URL.")
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
        HeaderName::from_static("document-version"),
        HeaderName::from_static("preference-applied"),
        HeaderName::from_static("merged-etag"),
        HeaderName::from_static("merged-versions"),
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
