use std::collections::BTreeMap;

use crate::model::{Exchange, Reply, Report};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use regex::bytes::{Captures, Regex};

/// Fields whose values are nobody's business.
const SECRET: [&str; 5] = [
    "authorization",
    "cookie",
    "set-cookie",
    "proxy-authorization",
    "x-api-key",
];

/// What stands in place of a secret, for a reader and for a shell: `$AUTHORIZATION`.
pub fn placeholder(name: &str) -> String {
    format!("${}", name.to_uppercase().replace('-', "_"))
}

/// Whether the field, by its name in lowercase, carries what nobody is to see.
pub fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

/// Whether something was taken out of the text.
pub fn hides(text: &str) -> bool {
    SECRET.iter().any(|name| text.contains(&placeholder(name)))
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

/// A shorter text stands in many places by chance.
const SHORTEST: usize = 6;

/// What requests carried to log in, and what stands in place of each.
struct Secrets {
    placeholders: BTreeMap<Vec<u8>, String>,
    pattern: Regex,
}

impl Report {
    /// Takes out of it whatever repeats what requests carried to log in: a server may echo a token in a body or a field.
    ///
    /// Fields that carry a secret are left out of every form anyway.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        let Some(secrets) = Secrets::of(&self.exchanges) else {
            return self;
        };
        for argument in &mut self.arguments {
            secrets.hide_in_text(argument);
        }
        for exchange in &mut self.exchanges {
            secrets.hide_in(exchange);
        }
        for probe in &mut self.probes {
            secrets.hide_in_text(&mut probe.reason);
            for evidence in &mut probe.evidence {
                secrets.hide_in_text(&mut evidence.note);
                secrets.hide_in(&mut evidence.exchange);
            }
        }
        self
    }
}

impl Secrets {
    /// `None` if nobody logged in.
    fn of(exchanges: &[Exchange]) -> Option<Self> {
        let mut placeholders = BTreeMap::new();
        for exchange in exchanges {
            let fields = &exchange.request.headers;
            for (name, value) in fields.iter().filter(|(name, _)| is_secret(name.as_str())) {
                for secret in parts(value.as_bytes()) {
                    let is_long = secret.len() >= SHORTEST;
                    if is_long && !placeholders.contains_key(&secret) {
                        placeholders.insert(secret, placeholder(name.as_str()));
                    }
                }
            }
        }
        // The first that fits is taken: the longer ones hold the shorter ones.
        let mut all: Vec<_> = placeholders.keys().collect();
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let all: Vec<_> = all
            .into_iter()
            .filter_map(|secret| std::str::from_utf8(secret).ok())
            .map(regex::escape)
            .collect();
        if all.is_empty() {
            return None;
        }
        let pattern = Regex::new(&all.join("|")).ok()?;
        Some(Self {
            placeholders,
            pattern,
        })
    }

    fn hide_in(&self, exchange: &mut Exchange) {
        self.hide_in_body(&mut exchange.request.body);
        self.hide_in_fields(&mut exchange.request.headers);
        if let Reply::Received(response) = &mut exchange.reply {
            self.hide_in_body(&mut response.body);
            self.hide_in_fields(&mut response.headers);
        }
    }

    fn hide_in_body(&self, body: &mut Bytes) {
        if self.pattern.is_match(body) {
            *body = self.hidden(body).into();
        }
    }

    fn hide_in_fields(&self, headers: &mut HeaderMap) {
        for (name, value) in headers.iter_mut() {
            // Those are left out by their names.
            if !is_secret(name.as_str())
                && self.pattern.is_match(value.as_bytes())
                && let Ok(hidden) = HeaderValue::from_bytes(&self.hidden(value.as_bytes()))
            {
                *value = hidden;
            }
        }
    }

    fn hide_in_text(&self, text: &mut String) {
        if self.pattern.is_match(text.as_bytes()) {
            *text = String::from_utf8_lossy(&self.hidden(text.as_bytes())).into_owned();
        }
    }

    fn hidden(&self, bytes: &[u8]) -> Vec<u8> {
        let of = |found: &Captures<'_>| self.placeholders[&found[0]].clone().into_bytes();
        self.pattern.replace_all(bytes, of).into_owned()
    }
}

/// A field's value; the token after its scheme, and the password in that; the values of cookies.
fn parts(value: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![value.to_vec()];
    let Ok(text) = std::str::from_utf8(value) else {
        return parts;
    };
    if let Some((_, token)) = text.split_once(' ') {
        parts.push(token.as_bytes().to_vec());
        let login = STANDARD.decode(token).unwrap_or_default();
        if let Some(colon) = login.iter().position(|byte| *byte == b':') {
            parts.push(login[colon + 1..].to_vec());
        }
    }
    let cookies = text.split(';').filter_map(|cookie| cookie.split_once('='));
    parts.extend(cookies.map(|(_, value)| value.trim().as_bytes().to_vec()));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_has_parts_that_are_secret_alone() {
        let cases: &[(&str, &[&str])] = &[
            ("Bearer t0ken", &["t0ken"]),
            (
                "Basic dGVzdGVyOnMzY3JldA==",
                &["dGVzdGVyOnMzY3JldA==", "s3cret"],
            ),
            ("theme=dark; session=0123abcd", &["dark", "0123abcd"]),
            ("0123abcd", &[]),
        ];
        for (value, expected) in cases {
            let found = parts(value.as_bytes());
            for part in [&[*value], *expected].concat() {
                assert!(
                    found.iter().any(|it| it == part.as_bytes()),
                    "{value}: {part}"
                );
            }
        }
    }
}
