use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::app::App;
use crate::exchange::Exchange;
use crate::inbound::Inbound;
use crate::operations::{RESOURCES, Resource, is_for_all_origins};
use crate::problem::Problem;
use crate::resource::{MOST_PARTS, PathParts};
use crate::segment::respell;
use crate::site::Site;

/// What stands for the URLs of one form.
struct Route {
    resource: &'static Resource,
    /// Those of the variable parts, in the order of the path.
    names: Vec<String>,
}

/// All forms that URLs have.
static ROUTES: LazyLock<matchit::Router<Route>> = LazyLock::new(|| {
    let mut routes = matchit::Router::new();
    for resource in RESOURCES {
        for template in resource.templates() {
            let names = template.split('{').skip(1);
            let names = names.filter_map(|it| it.split('}').next());
            let names: Vec<_> = names
                .map(|it| it.trim_start_matches('*').to_owned())
                .collect();
            assert!(names.len() <= MOST_PARTS, "{template} has too many parts");
            let route = Route { resource, names };
            routes.insert(template, route).expect("every form is new");
        }
    }
    routes
});

/// What lets pages of other origins in, by the settings.
#[derive(Debug)]
pub(crate) struct Router {
    app: Arc<App>,
    cors: Option<CorsLayer>,
    /// Without credentials, any page of the internet could ask whatever is in reach of a browser.
    may_be_for_all: bool,
}

impl Router {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self {
            cors: cors(&app.settings.cors_origins),
            may_be_for_all: !app.settings.gate.is_open(),
            app,
        }
    }

    /// Answers a request. It is boxed, since it goes from future to future.
    pub(crate) async fn answer(self: Arc<Self>, request: Box<Request>) -> Response {
        match self.cors.as_ref().filter(|_| self.shares(&request)) {
            None => self.exchange(request).await,
            Some(cors) => {
                let own = Arc::clone(&self);
                let bare = service_fn(move |request| {
                    let own = Arc::clone(&own);
                    async move { Ok::<_, Infallible>(own.exchange(Box::new(request)).await) }
                });
                // Boxed, as all that is rare: each request has room for the longest way that it may take.
                let Ok(response) = Box::pin(cors.layer(bare).oneshot(*request)).await;
                response.map(Body::new)
            }
        }
    }

    /// Whether it is shared with the pages of the settings. The layer takes every OPTIONS for a preflight; one without
    /// the field that makes it one (Fetch, section 3.2.2) is for the resource.
    fn shares(&self, request: &Request) -> bool {
        let is_preflight = request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        !(request.method() == Method::OPTIONS && !is_preflight || self.is_for_all(request))
    }

    fn is_for_all(&self, request: &Request) -> bool {
        self.may_be_for_all && is_for_all_origins(request.uri().path())
    }

    async fn exchange(&self, mut request: Box<Request>) -> Response {
        let (exchange, admitted) = Exchange::begin(&self.app, &mut request);
        let response = match admitted {
            Ok(()) => self.dispatch(request).await,
            Err(problem) => problem.into_response(),
        };
        exchange.end(&self.app, response)
    }

    async fn dispatch(&self, request: Box<Request>) -> Response {
        if !self.is_for_all(&request) {
            return self.perform(request).await.into_response();
        }
        let bare = service_fn(async |request| {
            Ok::<_, Infallible>(self.perform(Box::new(request)).await.into_response())
        });
        let Ok(response) = Box::pin(cors_for_all().layer(bare).oneshot(*request)).await;
        response
    }

    /// Has the resource that a URL stands for perform what is asked of it.
    async fn perform(&self, request: Box<Request>) -> Result<Response, Problem> {
        let Ok(found) = ROUTES.at(request.uri().path()) else {
            return Err(nothing_here(&self.app, &request));
        };
        let Route { resource, names } = found.value;
        let path = PathParts::decode(names, found.params.iter().map(|(_, part)| part))?;
        let inbound = Inbound::new(*request, &self.app);
        resource.perform(&self.app, path, inbound).await
    }
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

fn nothing_here(app: &App, request: &Request) -> Problem {
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
