//! The shell of the web page. It is the same at all places of the page, whatever their names are: its
//! script reads from the URL what to show, and asks the API for it with the credentials that it has.

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};

use crate::app::App;
use crate::call::Answer;
use crate::front::front;
use crate::resource::PathParts;
use crate::site::Site;
use crate::status::html;

/// What it is built to be, with the markers below.
const SHELL: &str = include_str!("../page/index.html");

/// Where the base of its URLs comes in: the places of the page lie at several depths, and perhaps
/// below the prefix of a proxy.
const BASE: &str = "<!-- base -->";

/// Where that comes in which is told without a script.
const FRONT: &str = "<!-- front -->";

/// Only this server's own files run and show, and no page of others frames it: whatever a document
/// holds stays text.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
);

pub(crate) const NOSNIFF: (HeaderName, HeaderValue) = (
    header::X_CONTENT_TYPE_OPTIONS,
    HeaderValue::from_static("nosniff"),
);

/// Names of documents in its URLs are nobody else's business.
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

pub(crate) async fn read(app: &App, _: &PathParts, parts: &Parts) -> Answer {
    let site = Site::found(&app.settings, &parts.extensions);
    let mut response = html(shell(&site, &front(app, &site, parts)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(NOSNIFF.0, NOSNIFF.1);
    headers.insert(header::REFERRER_POLICY, NO_REFERRER);
    Ok(response)
}

/// A prefix and a host are letters, digits and a few signs, none of which HTML needs escaped.
fn shell(site: &Site, front: &str) -> String {
    // The path alone: a page must load its files from where it came from itself, by whatever name.
    let base = format!("<base href=\"{}/\">", site.prefix());
    SHELL.replacen(BASE, &base, 1).replacen(FRONT, front, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_has_each_marker_once_and_nothing_that_its_policy_forbids() {
        for marker in [BASE, FRONT] {
            assert_eq!(SHELL.matches(marker).count(), 1, "{marker}");
        }
        for forbidden in [
            "<style", "style=", "<script>", "onclick=", "<base", "href=\"/", "src=\"/",
        ] {
            assert!(!SHELL.contains(forbidden), "{forbidden}");
        }
        let front = SHELL.find(FRONT).unwrap();
        let noscript = SHELL.find("<noscript>").unwrap()..SHELL.find("</noscript>").unwrap();
        assert!(noscript.contains(&front));
        // Whatever has a URL comes after the base that it is relative to.
        assert!(SHELL.find(BASE) < SHELL.find("href=") && SHELL.find(BASE) < SHELL.find("src="));
    }

    #[test]
    fn the_base_is_a_path() {
        let cases = [
            ("https://example.org/store", "<base href=\"/store/\">"),
            ("https://example.org", "<base href=\"/\">"),
        ];
        for (url, base) in cases {
            let shell = shell(&Site::parse(url).unwrap(), "<p>start</p>");
            assert!(shell.contains(base), "{url}: {shell}");
            assert!(
                shell.contains("<noscript><p>start</p></noscript>"),
                "{shell}"
            );
        }
    }
}
