use http::HeaderMap;

/// Fields whose values are nobody's business.
const SECRET: [&str; 5] = [
    "authorization",
    "cookie",
    "set-cookie",
    "proxy-authorization",
    "x-api-key",
];

/// What stands in place of a secret, for a reader and for a shell: `$AUTHORIZATION`.
pub(super) fn placeholder(name: &str) -> String {
    format!("${}", name.to_uppercase().replace('-', "_"))
}

pub(super) fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

/// Fields as they may be shown, in their order.
pub(super) fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = if is_secret(name.as_str()) {
                placeholder(name.as_str())
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.as_str().to_owned(), value)
        })
        .collect()
}
