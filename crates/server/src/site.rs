//! Where links lead: behind a proxy the clients know the server by another URL.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderName};
use detente_core::Key;
use ipnet::IpNet;

use crate::problem::Problem;
use crate::resource::{conflict_href, document_href, push_part_href};
use crate::settings::Settings;

const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What all links begin with, without a slash at the end: nothing, the path of a prefix, or a URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site(Option<Arc<str>>);

/// The proxies whose `X-Forwarded-…` fields are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// Marks the requests of a connection that one of them opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromProxy;

impl Site {
    /// A URL of the configuration: `http` or `https`, a host, perhaps a port and a path.
    pub fn parse(url: &str) -> Option<Self> {
        let (proto, rest) = url.split_once("://")?;
        let (host, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Self::of_parts(Some((proto, host)), prefix)
    }

    fn of_parts(origin: Option<(&str, &str)>, prefix: &str) -> Option<Self> {
        let prefix = prefix.trim_end_matches('/');
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/".contains(&byte);
        let is_path = prefix.is_empty() || (prefix.starts_with('/') && !prefix.contains("//"));
        if !is_path || !prefix.bytes().all(is_plain) {
            return None;
        }
        let base = match origin {
            None => prefix.to_owned(),
            Some((proto @ ("http" | "https"), host)) if is_host(host) => {
                format!("{proto}://{host}{prefix}")
            }
            Some(_) => return None,
        };
        Some(Self((!base.is_empty()).then(|| base.into())))
    }

    /// The site of a request: that of the settings, or what a trusted proxy says of its own.
    ///
    /// # Errors
    ///
    /// The field of the proxy that is malformed.
    pub(crate) fn of_request(settings: &Settings, request: &mut Request) -> Result<Self, Problem> {
        if settings.trusted_proxies.is_empty() || !is_from_proxy(request) {
            return Ok(settings.site.clone());
        }
        let site = Self::forwarded(request.headers())?;
        request.extensions_mut().insert(site.clone());
        Ok(site)
    }

    /// The site that [`Site::of_request`] found before.
    pub(crate) fn found(settings: &Settings, extensions: &Extensions) -> Self {
        if settings.trusted_proxies.is_empty() {
            return settings.site.clone();
        }
        let found = extensions.get::<Self>();
        found.unwrap_or(&settings.site).clone()
    }

    /// Scheme and host count together: Apache tells the host alone, and a guess at the scheme would
    /// lead clients astray.
    fn forwarded(headers: &HeaderMap) -> Result<Self, Problem> {
        let prefix = last(headers, &PREFIX)?.unwrap_or_default();
        let origin = last(headers, &PROTO)?.zip(last(headers, &HOST)?);
        if let Some(site) = Self::of_parts(origin, prefix) {
            return Ok(site);
        }
        let is_prefix = Self::of_parts(None, prefix).is_some();
        let (name, what) = match is_prefix {
            false => ("X-Forwarded-Prefix", "the path of a prefix, such as /store"),
            true if origin.is_some_and(|(_, host)| is_host(host)) => {
                ("X-Forwarded-Proto", "http or https")
            }
            true => ("X-Forwarded-Host", "a host, perhaps with a port"),
        };
        Err(Problem::malformed(format!("{name} must be {what}.")).with("header", name))
    }

    /// What links begin with.
    pub(crate) fn base(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The host of what links begin with, perhaps with a port; none if they begin with a path.
    pub(crate) fn host(&self) -> Option<&str> {
        let (_, rest) = self.base().split_once("://")?;
        rest.split('/').next()
    }

    /// The link to a path.
    pub(crate) fn link(&self, path: &str) -> String {
        let base = self.base();
        format!("{base}{path}")
    }

    /// The path in what links begin with, without a slash at the end.
    pub(crate) fn prefix(&self) -> &str {
        let base = self.base();
        base.find("://").map_or(base, |at| {
            let after = &base[at + 3..];
            &after[after.find('/').unwrap_or(after.len())..]
        })
    }

    /// The path that a link leads to, whether it carries the base or not.
    pub(crate) fn path<'a>(&self, link: &'a str) -> &'a str {
        let rest = link
            .strip_prefix(self.base())
            .or_else(|| link.strip_prefix(self.prefix()));
        rest.filter(|rest| rest.starts_with('/')).unwrap_or(link)
    }

    pub(crate) fn document(&self, key: &Key) -> String {
        self.link(&document_href(key))
    }

    /// The link to something that belongs to a document.
    pub(crate) fn push_part(&self, out: &mut String, key: &Key, part: &str) {
        out.push_str(self.base());
        push_part_href(out, key, part);
    }

    /// The link to a conflict of the log.
    pub(crate) fn conflict(&self, space: &str, id: &str) -> String {
        self.link(&conflict_href(space, id))
    }

    /// A page whose links carry the base.
    pub(crate) fn page(&self, html: &str) -> String {
        let base = self.base();
        html.replace("href=\"/", &format!("href=\"{base}/"))
    }
}

/// Whether a trusted proxy passed a request on.
pub(crate) fn is_from_proxy(request: &Request) -> bool {
    request.extensions().get::<FromProxy>().is_some()
}

/// The last value: the one that the proxy in front of this server added.
fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let Some(line) = headers.get_all(name).into_iter().next_back() else {
        return Ok(None);
    };
    let unreadable = || {
        let detail = format!("{name} must be ASCII.");
        Problem::malformed(detail).with("header", name.as_str())
    };
    let line = line.to_str().map_err(|_| unreadable())?;
    Ok(line.rsplit(',').next().map(str::trim))
}

/// A name or an address, perhaps with a port.
pub(crate) fn is_host(host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !host.is_empty() && host.bytes().all(is_plain)
}

impl TrustedProxies {
    /// Adds an address, or a network such as `10.0.0.0/8`; whether it is one.
    pub fn add(&mut self, text: &str) -> bool {
        let network = text.parse::<IpNet>().ok();
        let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        self.0.extend(network);
        network.is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_urls_of_servers() {
        let cases = [
            ("https://example.org", Some("https://example.org")),
            ("https://example.org/", Some("https://example.org")),
            ("http://[::1]:8080/a/b/", Some("http://[::1]:8080/a/b")),
            ("example.org/a", None),
            ("ftp://example.org", None),
            ("https:///a", None),
            ("https://ann@example.org", None),
            ("https://example.org/?a", None),
            ("https://example.org//a", None),
            ("https://example.org/\"x", None),
        ];
        for (url, base) in cases {
            let site = Site::parse(url);
            assert_eq!(site.as_ref().map(Site::base), base, "{url}");
        }
    }

    #[test]
    fn a_proxy_tells_its_prefix_and_where_it_is() {
        type Fields<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(Fields<'_>, Option<&str>)] = &[
            (&[], Some("")),
            (&[("x-forwarded-prefix", "/store/")], Some("/store")),
            (&[("x-forwarded-prefix", "/evil, /store")], Some("/store")),
            (&[("x-forwarded-host", "example.org")], Some("")),
            (
                &[
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-host", "evil, example.org"),
                    ("x-forwarded-prefix", "/a"),
                ],
                Some("https://example.org/a"),
            ),
            (&[("x-forwarded-prefix", "//evil")], None),
            (&[("x-forwarded-prefix", "store")], None),
            (
                &[("x-forwarded-proto", "x"), ("x-forwarded-host", "a")],
                None,
            ),
        ];
        for (fields, base) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in *fields {
                headers.append(*name, value.parse().unwrap());
            }
            let site = Site::forwarded(&headers).ok();
            assert_eq!(site.as_ref().map(Site::base), *base, "{fields:?}");
        }
    }

    #[test]
    fn a_link_leads_back_to_its_path() {
        let site = Site::parse("https://example.org/store").unwrap();
        let cases = [
            ("https://example.org/store/api/a/1", "/api/a/1"),
            ("/store/api/a/1", "/api/a/1"),
            ("/api/a/1", "/api/a/1"),
            ("/stores/a", "/stores/a"),
        ];
        for (link, path) in cases {
            assert_eq!(site.path(link), path, "{link}");
        }
        assert_eq!(Site::default().path("/api/a/1"), "/api/a/1");
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let mut proxies = TrustedProxies::default();
        assert!(proxies.add("10.0.0.0/8") && proxies.add("::1") && proxies.add("192.0.2.7"));
        assert!(!proxies.add("example.org") && !proxies.add("10.0.0.0/33"));
        let cases = [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("::1", true),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
        ];
        for (address, is_trusted) in cases {
            let address = address.parse().unwrap();
            assert_eq!(proxies.contains(address), is_trusted, "{address}");
        }
    }
}
