//! The page at `/`: where to go from here, on a server with this configuration.

use axum::http::request::Parts;
use detente_service::{Policy, Undeclared};

use crate::app::App;
use crate::call::Answer;
use crate::resource::PathParts;
use crate::settings::Settings;
use crate::site::Site;
use crate::status::page;

/// A collection that nobody declared, for examples.
const EXAMPLE: &str = "documents";

pub(crate) async fn read(app: &App, _: &PathParts, parts: &Parts) -> Answer {
    let text = text(&app.service.policy, &app.settings);
    let site = Site::found(&app.settings, &parts.extensions);
    Ok(page(&text, &site))
}

fn text(policy: &Policy, settings: &Settings) -> String {
    include_str!("front.html")
        .replace("<!-- collections -->", &collections(policy))
        .replace("<!-- attempt -->", &attempt(policy, settings))
        .replace("<!-- door -->", door(settings))
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
fn attempt(policy: &Policy, settings: &Settings) -> String {
    let token = match settings.tokens {
        Some(_) => "-H 'Authorization: Bearer YOUR-TOKEN' ",
        None => "",
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
             -d '{{\"title\":\"Draft\"}}' <span class=\"origin\">http://127.0.0.1:4090</span>/api/{name}</pre>\n\
             <p>The answer names the document in <code>Location</code> and its version in <code>ETag</code>. \
             Send that tag back in <code>If-Match</code> when you change the document, and nobody's work is \
             overwritten unseen.</p>"
        ),
        (None, Some(name)) => format!(
            "<pre>curl -i {token}<span class=\"origin\">http://127.0.0.1:4090</span>/api/{name}</pre>\n\
             <p>What a document must look like says <a href=\"/openapi.json\"><code>/openapi.json</code></a>. \
             The answer to each write has the version in <code>ETag</code>. Send that tag back in \
             <code>If-Match</code> when you change the document, and nobody's work is overwritten unseen.</p>"
        ),
        (None, None) => String::new(),
    }
}

fn door(settings: &Settings) -> &'static str {
    match settings.tokens {
        Some(_) => {
            "<p>All but this page, the description of the API and the health of the server wants a \
             bearer token.</p>"
        }
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use detente_core::CollectionRules;
    use detente_core::rules::{Rules, Schema};
    use detente_service::Collection;

    use super::*;
    use crate::settings::Tokens;

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
            tokens: Some(Tokens::default()),
            ..Settings::default()
        };
        let any = Policy::default();
        assert!(text(&any, &open).contains("</span>/api/documents</pre>"));
        assert!(!text(&any, &open).contains("Bearer"));
        assert!(text(&any, &closed).contains("-H 'Authorization: Bearer"));
        let notes = of(&["notes"], Undeclared::Reject);
        let page = text(&notes, &open);
        assert!(page.contains("</span>/api/notes</pre>") && !page.contains("documents"));
        let mut only_strict = of(&[], Undeclared::Reject);
        only_strict
            .collections
            .insert("users".into(), strict.into());
        let page = text(&only_strict, &open);
        assert!(
            page.contains("curl -i <span") && !page.contains("POST"),
            "{page}"
        );
    }
}
