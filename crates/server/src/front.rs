//! What the web page tells where no script runs: where to go from here, on a server with this
//! configuration.

use axum::http::header;
use axum::http::request::Parts;
use detente_service::{Policy, Undeclared};

use crate::app::App;
use crate::settings::Settings;
use crate::site::{Site, is_host};

/// A collection that nobody declared, for examples.
const EXAMPLE: &str = "documents";

/// The server of examples, where a request does not say how it was reached.
const ORIGIN: &str = "http://127.0.0.1:4090";

/// As HTML, for the answer to a request.
pub(crate) fn front(app: &App, site: &Site, parts: &Parts) -> String {
    let text = text(&app.service.policy, &app.settings, &origin(site, parts));
    site.page(&text)
}

fn text(policy: &Policy, settings: &Settings, origin: &str) -> String {
    include_str!("front.html")
        .replace("<!-- collections -->", &collections(policy))
        .replace("<!-- attempt -->", &attempt(policy, settings, origin))
        .replace("<!-- door -->", door(settings))
}

/// What the URLs of this server begin with, as its client knows it. Whether a proxy in front speaks
/// TLS is not known unless it says so, or the settings do.
fn origin(site: &Site, parts: &Parts) -> String {
    if site.host().is_some() {
        return site.base().to_owned();
    }
    let field = || parts.headers.get(header::HOST)?.to_str().ok();
    let host = parts.uri.authority().map(|it| it.as_str()).or_else(field);
    match host.filter(|host| is_host(host)) {
        Some(host) => format!("http://{host}{}", site.base()),
        None => ORIGIN.to_owned(),
    }
}

// Names of collections need no escaping: they are letters, digits, `-` and `_`.
fn collections(policy: &Policy) -> String {
    let name =
        |name: &String| format!("<li><a href=\"/api/{name}\"><code>/api/{name}</code></a></li>");
    let mut list: String = policy.collections.keys().map(name).collect();
    if takes_any(policy) {
        let what = match policy.collections.is_empty() {
            true => "<code>/api/{collection}</code>, whatever you call it",
            false => "<code>/api/{collection}</code>: any other name, too",
        };
        list.push_str(&format!("<li>{what}</li>"));
    }
    list
}

fn takes_any(policy: &Policy) -> bool {
    matches!(policy.undeclared, Undeclared::Allow(_))
}

/// A request that this server takes: a new document where no schema stands in the way, else a list.
fn attempt(policy: &Policy, settings: &Settings, origin: &str) -> String {
    let token = match settings.gate.is_open() {
        false => "-H 'Authorization: Bearer YOUR-TOKEN' ",
        true => "",
    };
    let mut declared = policy.collections.iter();
    let free = declared.find(|(_, collection)| {
        let rules = &collection.rules.rules;
        rules.schema.is_none() && rules.lifecycle.is_none() && rules.checks.is_empty()
    });
    let free = free.map(|(name, _)| name.as_str());
    let free = free.or_else(|| takes_any(policy).then_some(EXAMPLE));
    let first = policy.collections.keys().next();
    match (free, first) {
        (Some(name), _) => format!(
            "<pre>curl -i -X POST {token}-H 'Content-Type: application/json' \\\n  \
             -d '{{\"title\":\"Draft\"}}' {origin}/api/{name}</pre>\n\
             <p>The answer names the document in <code>Location</code> and its version in <code>ETag</code>. \
             Send that tag back in <code>If-Match</code> when you change the document, and nobody's work is \
             overwritten unseen.</p>"
        ),
        (None, Some(name)) => format!(
            "<pre>curl -i {token}{origin}/api/{name}</pre>\n\
             <p>What a document must look like says <a href=\"/openapi.json\"><code>/openapi.json</code></a>. \
             The answer to each write has the version in <code>ETag</code>. Send that tag back in \
             <code>If-Match</code> when you change the document, and nobody's work is overwritten unseen.</p>"
        ),
        (None, None) => String::new(),
    }
}

fn door(settings: &Settings) -> &'static str {
    match settings.gate.is_open() {
        false => {
            "<p>All but this page, the description of the API and the health of the server wants a \
             bearer token.</p>"
        }
        true => "",
    }
}

#[cfg(test)]
mod tests {
    use detente_core::CollectionRules;
    use detente_core::rules::{Rules, Schema};
    use detente_service::Collection;

    use super::*;
    use detente_gate::{Gate, Tokens};

    #[test]
    fn the_page_shows_what_this_server_takes() {
        let schema = Schema::compile(&detente_core::json::parse(b"{}").unwrap()).unwrap();
        let rules = Rules {
            schema: Some(schema),
            ..Rules::default()
        };
        let strict = Collection {
            rules: CollectionRules {
                rules,
                ..CollectionRules::default()
            }
            .into(),
            ..Collection::default()
        };
        let of = |names: &[&str], undeclared| Policy {
            collections: names
                .iter()
                .map(|it| ((*it).into(), Default::default()))
                .collect(),
            undeclared,
            ..Policy::default()
        };
        let open = Settings::default();
        let closed = Settings {
            gate: Gate {
                tokens: Some(Tokens::default()),
                ..Gate::default()
            },
            ..Settings::default()
        };
        let any = Policy::default();
        assert!(text(&any, &open, ORIGIN).contains(&format!("{ORIGIN}/api/documents</pre>")));
        assert!(!text(&any, &open, ORIGIN).contains("Bearer"));
        assert!(text(&any, &closed, ORIGIN).contains("-H 'Authorization: Bearer"));
        let notes = of(&["notes"], Undeclared::Reject);
        let page = text(&notes, &open, ORIGIN);
        assert!(page.contains(&format!("{ORIGIN}/api/notes</pre>")) && !page.contains("documents"));
        let mut only_strict = of(&[], Undeclared::Reject);
        only_strict
            .collections
            .insert("users".into(), strict.into());
        let page = text(&only_strict, &open, ORIGIN);
        assert!(
            page.contains("curl -i http") && !page.contains("POST"),
            "{page}"
        );
    }

    #[test]
    fn examples_ask_the_server_that_was_asked() {
        let public = Site::parse("https://example.org/store").unwrap();
        let cases = [
            // (site, host, origin)
            (Site::default(), Some("localhost:1"), "http://localhost:1"),
            (Site::default(), Some("<b>"), ORIGIN),
            (Site::default(), None, ORIGIN),
            (public, Some("localhost:1"), "https://example.org/store"),
        ];
        for (site, host, expected) in cases {
            let mut request = axum::http::Request::new(());
            if let Some(host) = host {
                let field = host.parse().unwrap();
                request.headers_mut().insert(header::HOST, field);
            }
            let (parts, ()) = request.into_parts();
            assert_eq!(origin(&site, &parts), expected, "{host:?}");
        }
    }
}
