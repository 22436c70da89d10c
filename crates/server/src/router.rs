use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::app::App;
use crate::problem::Problem;
use crate::{document, exchange, feed, history, list, openapi, operation, problem_page};

pub(crate) fn router(app: Arc<App>) -> Router {
    let cors = cors(&app.settings.cors_origins);
    let router = Router::new()
        .nest("/api", resources())
        .nest("/spaces/{space}/api", resources())
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
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// What stands under `/api`, in each space.
fn resources() -> Router<Arc<App>> {
    Router::new()
        .route("/_changes", any(feed::of_space))
        .route("/{collection}", any(list::handle))
        .route("/{collection}/_changes", any(feed::of_collection))
        .route("/{collection}/{id}", any(document::handle))
        .route("/{collection}/{id}/versions", any(history::list))
        .route(
            "/{collection}/{id}/versions/{version}",
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
