use detente_server::{Site, TrustedProxies};

use super::section::Section;

/// Where clients find the server.
pub(super) fn site(root: &Section<'_>) -> Site {
    let Some(url) = root.text("public_url") else {
        return Site::default();
    };
    let site = Site::parse(&url.value);
    if site.is_none() {
        let message = "public_url must be a URL with a host and perhaps a path, such as \
                       \"https://example.org/store\"";
        root.mistake(url.span, message);
    }
    site.unwrap_or_default()
}

/// By which names clients may call the server.
pub(super) fn hosts(root: &Section<'_>) -> Vec<String> {
    let message =
        "a host must be a name without a port, such as \"detente.example.org\", or \"*\" for all";
    listed(root, "hosts", is_host_name, message)
}

/// Whose pages may call the server.
pub(super) fn cors_origins(root: &Section<'_>) -> Vec<String> {
    let message = "an origin must be \"*\", or a scheme and a host with an optional port, such as \
                   \"https://example.org\"";
    listed(root, "cors_origins", is_origin, message)
}

/// The texts of a list that are what they must be; of each other one `message` tells.
fn listed(
    root: &Section<'_>,
    key: &'static str,
    is_one: fn(&str) -> bool,
    message: &str,
) -> Vec<String> {
    let texts = root.texts(key).map(|it| it.value).unwrap_or_default();
    let (kept, wrong): (Vec<_>, Vec<_>) = texts.into_iter().partition(|it| is_one(&it.value));
    for text in wrong {
        root.mistake(text.span, message);
    }
    kept.into_iter().map(|it| it.value).collect()
}

/// Whether a text is `*` or a name without a port. Addresses need not be named.
pub(crate) fn is_host_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    text == "*" || (!text.is_empty() && text.bytes().all(is_plain))
}

/// Whether a text is `*` or the origin of a page, as browsers send it (RFC 6454, section 7).
pub(crate) fn is_origin(text: &str) -> bool {
    text == "*"
        || text.split_once("://").is_some_and(|(scheme, host)| {
            matches!(scheme, "http" | "https")
                && !host.is_empty()
                && !host.contains('/')
                && host.bytes().all(|byte| byte.is_ascii_graphic())
        })
}

/// Whose `X-Forwarded-…` fields are believed.
pub(super) fn trusted_proxies(root: &Section<'_>) -> TrustedProxies {
    let listed = root.texts("trusted_proxies");
    let mut proxies = TrustedProxies::default();
    for proxy in listed.map(|it| it.value).unwrap_or_default() {
        if !proxies.add(&proxy.value) {
            let message =
                "a proxy must be an address or a network, such as \"10.0.0.7\" or \"10.0.0.0/8\"";
            root.mistake(proxy.span, message);
        }
    }
    proxies
}
