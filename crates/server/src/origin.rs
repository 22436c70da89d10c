//! Which host was asked for, and which page asks. A browser sends requests in the name of pages of
//! other sites, and reaches servers that those sites do not.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};

use crate::gate::opens_socket;
use crate::listener::Listener;
use crate::problem::{Problem, ProblemKind};
use crate::settings::Settings;
use crate::site::{Site, is_from_proxy, is_host};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The hosts that a server answers for. A foreign page can have its own name lead to any address, and
/// then calls the server there as a page of the same origin ("DNS rebinding"): so the name is what
/// tells such a page from ours. An address can be rebound by nobody.
#[derive(Debug)]
pub(crate) enum Hosts {
    /// All: whoever calls needs a token, or comes by a socket that no page reaches.
    Any,
    Named {
        names: Vec<String>,
        /// Whether only this machine reaches the server. Beyond it, a name without a dot is one of the
        /// network's own, which no page of the internet has.
        is_of_this_machine: bool,
    },
}

/// From where a server can be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// Whether a browser can.
    has_url: bool,
    is_of_this_machine: bool,
}

impl Reach {
    /// By tests alone.
    #[cfg(test)]
    pub(crate) const NOWHERE: Self = Self {
        has_url: false,
        is_of_this_machine: true,
    };

    pub(crate) fn of(listener: &Listener) -> Self {
        Self {
            has_url: listener.url().is_some(),
            is_of_this_machine: listener.is_of_this_machine(),
        }
    }
}

impl Hosts {
    pub(crate) fn of(settings: &Settings, reach: Reach) -> Self {
        let listed = &settings.hosts;
        let is_open = settings.gate.is_open() && reach.has_url;
        if listed.iter().any(|name| name == "*") || (listed.is_empty() && !is_open) {
            return Self::Any;
        }
        let public = settings.site.host().map(name_of);
        let names = listed.iter().map(String::as_str).chain(public);
        Self::Named {
            names: names.map(str::to_owned).collect(),
            is_of_this_machine: reach.is_of_this_machine,
        }
    }

    fn have(&self, host: &str) -> bool {
        let Self::Named {
            names,
            is_of_this_machine,
        } = self
        else {
            return true;
        };
        let name = name_of(host);
        if is_address(name) {
            return true;
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        let top = name.rsplit('.').next().unwrap_or_default();
        let is_local = top.eq_ignore_ascii_case("localhost");
        let is_of_network = !is_of_this_machine && !name.is_empty() && !name.contains('.');
        is_local || is_of_network || names.iter().any(|it| it.eq_ignore_ascii_case(name))
    }
}

/// Refuses what was meant for another server (RFC 9110, section 7.4), and what a page of another
/// origin must not do.
///
/// # Errors
///
/// What is wrong with `Host`; that the server has another name; that a page asks that may not.
pub(crate) fn admit(
    hosts: &Hosts,
    settings: &Settings,
    site: &Site,
    request: &Request,
) -> Result<(), Problem> {
    let host = host(request)?;
    // A proxy calls the server by a name of its own, and is trusted to be called by its right one.
    if let Some(host) = host.filter(|host| !hosts.have(host) && !is_from_proxy(request)) {
        return Err(misdirected(host));
    }
    let headers = request.headers();
    // A browser lets any page open a WebSocket to anywhere, and much more than reads can go over it.
    if request.method().is_safe() && !opens_socket(request.method(), headers) {
        return Ok(());
    }
    let origin = headers.get(header::ORIGIN);
    // It is for pages of all origins, where they need credentials of their own.
    let is_for_all = !settings.gate.is_open() && request.uri().path().starts_with("/storage/");
    match is_foreign(headers, host, site) && !is_for_all && !is_let_in(settings, origin) {
        true => Err(foreign(origin)),
        false => Ok(()),
    }
}

/// The host that was asked for, perhaps with a port (RFC 9112, section 3.2; RFC 9113, section 8.3.1).
fn host(request: &Request) -> Result<Option<&str>, Problem> {
    let wrong = |detail: &str| Problem::malformed(detail).with("header", "Host");
    let mut fields = request.headers().get_all(header::HOST).into_iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(wrong("A request must have one Host."));
    }
    if field.is_none() && request.version() == Version::HTTP_11 {
        return Err(wrong("A request must have Host."));
    }
    let field = field.map(|value| {
        let text = value.to_str().ok();
        let text = text.filter(|text| text.is_empty() || is_host(text));
        text.ok_or_else(|| wrong("Host must be a name or an address, perhaps with a port."))
    });
    let field = field.transpose()?;
    // What the request line says counts more.
    Ok(request.uri().authority().map(|it| it.as_str()).or(field))
}

/// Whether a page of another origin asks. Programs that are no browsers send neither field.
///
/// `Sec-Fetch-Site` says so itself (Fetch Metadata Request Headers, section 2.4). Browsers that do not
/// send it send `Origin` with all but safe methods (Fetch, section 3.2).
fn is_foreign(headers: &HeaderMap, host: Option<&str>, site: &Site) -> bool {
    if let Some(relation) = headers.get(&FETCH_SITE) {
        return !matches!(relation.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let origin = origin.to_str().unwrap_or_default();
    let of_origin = origin.split_once("://").map(|(_, host)| host);
    // A proxy may speak TLS to the browser and not to us: the scheme says nothing.
    let is_ours = |ours: Option<&str>| match (of_origin, ours) {
        (Some(theirs), Some(ours)) => theirs.eq_ignore_ascii_case(ours),
        _ => false,
    };
    !is_ours(host) && !is_ours(site.host())
}

fn is_let_in(settings: &Settings, origin: Option<&HeaderValue>) -> bool {
    let mut allowed = settings.cors_origins.iter();
    allowed.any(|it| it == "*" || origin.is_some_and(|origin| origin == it.as_str()))
}

fn misdirected(host: &str) -> Problem {
    let name = name_of(host);
    let detail = format!(
        "This server is not known as {name:?}. If that is a name of it, its configuration must say so in \
         hosts."
    );
    Problem::new(ProblemKind::Misdirected, detail).with("header", "Host")
}

fn foreign(origin: Option<&HeaderValue>) -> Problem {
    let origin = origin.and_then(|origin| origin.to_str().ok());
    let who = match origin {
        Some(origin) => format!("A page of {origin}"),
        None => "A page of another origin".to_owned(),
    };
    let detail = format!("{who} may only read here. If it may write, cors_origins must name it.");
    Problem::new(ProblemKind::ForeignOrigin, detail).with("header", "Origin")
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

fn is_address(name: &str) -> bool {
    let inner = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => name.parse::<Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_the_names_that_it_was_given_and_its_addresses() {
        let hosts = |is_of_this_machine| Hosts::Named {
            names: vec!["detente.example".into()],
            is_of_this_machine,
        };
        let cases = [
            ("127.0.0.1:4090", true, true),
            ("[::1]:4090", true, true),
            ("[::1]", true, true),
            ("192.0.2.7", true, true),
            ("localhost:4090", true, true),
            ("LocalHost.", true, true),
            ("app.localhost:4090", true, true),
            ("Detente.Example:80", true, true),
            ("detente.example.", true, true),
            ("evil.example", false, false),
            ("detente.example.evil.example", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("localhost.evil.example", false, false),
            ("evillocalhost.example", false, false),
            ("detente", false, true),
            ("", false, false),
            ("1", false, true),
            ("[::1", false, true),
        ];
        for (host, here, beyond) in cases {
            assert_eq!(hosts(true).have(host), here, "{host}");
            assert_eq!(hosts(false).have(host), beyond, "{host}");
        }
    }

    #[test]
    fn a_browser_tells_whose_page_asks() {
        let site = Site::parse("https://public.example/store").unwrap();
        type Fields<'a> = &'a [(&'static str, &'a str)];
        let cases: &[(Fields<'_>, bool)] = &[
            (&[], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "")], true),
            (&[("origin", "http://127.0.0.1:4090")], false),
            (&[("origin", "https://public.example")], false),
            (&[("origin", "http://127.0.0.1:3000")], true),
            (&[("origin", "https://evil.example")], true),
            (&[("origin", "null")], true),
            (&[("origin", "")], true),
            // A proxy calls us by another name than the browser calls it.
            (
                &[
                    ("origin", "https://other.example"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
            ),
        ];
        for (fields, is) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in *fields {
                headers.insert(*name, value.parse().unwrap());
            }
            let found = is_foreign(&headers, Some("127.0.0.1:4090"), &site);
            assert_eq!(found, *is, "{fields:?}");
        }
    }
}
