use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use detente_core::is_label;
use detente_core::json::{Value, object};

use super::VERSION;
use crate::app::App;
use crate::call::Answer;
use crate::parameters::parameters;
use crate::problem::Problem;
use crate::representation::NO_CACHE;
use crate::resource::PathParts;
use crate::site::Site;

/// The relation of a person to their storage.
const STORAGE: &str = "http://tools.ietf.org/id/draft-dejong-remotestorage";

/// Where the storage of a person is (RFC 7033). That there is an answer does not say that there is such a person.
pub(crate) async fn finger(app: &App, _: &PathParts, parts: &Parts) -> Answer {
    if !app.service.files()?.has_remote_storage {
        return Err(Problem::not_found("This server has no remoteStorage.").into());
    }
    let query = parts.uri.query().unwrap_or_default();
    let resource = parameters(query).find(|(name, _)| name == "resource");
    let mistake = || {
        let detail = "resource must be a person of this server, as in acct:ann@example.org.";
        Problem::malformed(detail).with("parameter", "resource")
    };
    let (_, resource) = resource.ok_or_else(mistake)?;
    let address = resource.strip_prefix("acct:").ok_or_else(mistake)?;
    let (user, _) = address.split_once('@').ok_or_else(mistake)?;
    if !is_label(user) {
        return Err(mistake().into());
    }
    let wants = |relation: &str| {
        let mut wanted = parameters(query)
            .filter(|(name, _)| name == "rel")
            .peekable();
        wanted.peek().is_none() || wanted.any(|(_, value)| value == relation)
    };
    let base = base(app, parts);
    let link = object([
        ("rel", STORAGE.into()),
        ("href", format!("{base}/storage/{user}").into()),
        (
            "properties",
            Value::Object(object([
                ("http://remotestorage.io/spec/version", VERSION.into()),
                // Tokens are those of the configuration, and no page gives one. Where there is no address here,
                // applications pass over the token that they have.
                (
                    "http://tools.ietf.org/html/rfc6749#section-4.2",
                    format!("{base}/").into(),
                ),
                (
                    "http://tools.ietf.org/html/rfc6750#section-2.3",
                    Value::Null,
                ),
                ("http://tools.ietf.org/html/rfc7233", "GET".into()),
                ("http://remotestorage.io/spec/web-authoring", Value::Null),
            ])),
        ),
    ]);
    let links = wants(STORAGE).then(|| Value::Object(link));
    let text = Value::Object(object([
        ("subject", resource.as_ref().into()),
        ("links", Value::Array(links.into_iter().collect())),
    ]));
    let mut response = Response::new(Body::from(text.to_text() + "\n"));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/jrd+json"),
    );
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    Ok(response)
}

/// What the links of the answer begin with: the URL of the configuration, or the one that was asked.
fn base(app: &App, parts: &Parts) -> String {
    let site = Site::found(&app.settings, &parts.extensions);
    if site.host().is_some() {
        return site.base().to_owned();
    }
    let host = parts
        .headers
        .get(header::HOST)
        .and_then(|it| it.to_str().ok());
    let asked = parts.uri.authority().map(|it| it.as_str());
    let host = asked.or(host).unwrap_or_default();
    let scheme = parts.uri.scheme_str().unwrap_or("http");
    format!("{scheme}://{host}{}", site.base())
}
