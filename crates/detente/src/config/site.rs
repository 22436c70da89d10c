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
