use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::model::{Exchange, Reply, Report};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use detente_judge::history::History;
use http::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::bytes::{Captures, Regex};
use url::{Url, form_urlencoded};

/// Fields whose values are nobody's business.
const SECRET: [&str; 5] = [
    "authorization",
    "cookie",
    "set-cookie",
    "proxy-authorization",
    "x-api-key",
];

/// Fields that say how, not who: their values are shown, whoever gives them.
const PLAIN: [&str; 10] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "prefer",
    "user-agent",
];

/// Begins the variables of all secrets but those of [`SECRET`], so that they are known wherever they stand.
pub(super) const VARIABLE: &str = "SECRET_";

/// What stands in place of a secret, for a reader and for a shell: `$AUTHORIZATION`, `$SECRET_X_AUTH_TOKEN`.
pub fn placeholder(name: &str) -> String {
    let as_letter = |letter: char| match letter.is_ascii_alphanumeric() {
        true => letter.to_ascii_uppercase(),
        false => '_',
    };
    let variable: String = name.chars().map(as_letter).collect();
    match is_secret(name) {
        true => format!("${variable}"),
        false => format!("${VARIABLE}{variable}"),
    }
}

/// Whether the field, by its name in lowercase, carries what nobody is to see.
pub(super) fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

/// Whether the value of a field that somebody gives may be shown, by the field's name in lowercase.
pub fn is_plain(name: &str) -> bool {
    PLAIN.contains(&name)
}

/// Whether something was taken out of the text.
pub fn hides(text: &str) -> bool {
    let names = SECRET.iter().map(|name| placeholder(name));
    let mut starts = names.chain([format!("${VARIABLE}")]);
    starts.any(|start| text.contains(&start))
}

/// What a run was given to get into a server, by whatever way: nobody is to see it.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Of fields, by their names in lowercase.
    fields: Vec<(String, String)>,
    /// Of a URL's query, decoded.
    queries: Vec<(String, String)>,
    /// Of variables, by their names.
    values: Vec<(String, String)>,
}

impl Credentials {
    /// A field of every request, or that somebody logs in by.
    pub fn add_field(&mut self, name: &str, value: &str) {
        if !is_plain(name) {
            self.fields.push((name.to_owned(), value.to_owned()));
        }
    }

    /// What a scenario reads from its environment. The URL of a server is no secret.
    pub fn add_value(&mut self, name: &str, value: &str) {
        match Url::parse(value) {
            Ok(url) if url.has_host() => self.add_url(&url),
            _ => self.values.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The values in a URL's query, and its password.
    pub fn add_url(&mut self, url: &Url) {
        let pairs = url.query_pairs().filter(|(_, value)| !value.is_empty());
        self.queries
            .extend(pairs.map(|(name, value)| (name.into(), value.into())));
        let password = url
            .password()
            .map(|it| ("password".to_owned(), it.to_owned()));
        self.values.extend(password);
    }

    fn placeholder_of_query(&self, name: &str, value: &str) -> Option<String> {
        let is_it = |(known, secret): &&(String, String)| known == name && secret == value;
        self.queries.iter().find(is_it).map(|_| placeholder(name))
    }
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

/// What is hidden, and what stands in place of each.
struct Secrets<'a> {
    given: &'a Credentials,
    placeholders: BTreeMap<Vec<u8>, String>,
    /// `None`: all are too short to be looked for.
    pattern: Option<Regex>,
}

impl Report {
    /// Takes out of it whatever was given to get into the server, or was carried by requests to log in, and whatever
    /// repeats it: a server may echo a token in a body or a field.
    ///
    /// Fields that carry a secret by their names are left out of every form anyway.
    #[must_use]
    pub fn without_secrets(mut self, given: &Credentials) -> Self {
        let secrets = Secrets::of(&self.exchanges, given);
        secrets.hide_in_text(&mut self.target);
        for argument in &mut self.arguments {
            secrets.hide_in_text(argument);
        }
        for exchange in &mut self.exchanges {
            secrets.hide_in(exchange);
        }
        for probe in &mut self.probes {
            secrets.hide_in_text(&mut probe.subject);
            secrets.hide_in_text(&mut probe.reason);
            for evidence in &mut probe.evidence {
                secrets.hide_in_text(&mut evidence.note);
                secrets.hide_in(&mut evidence.exchange);
            }
        }
        self.history = self
            .history
            .map(|history| secrets.hidden_in_history(&history));
        self
    }
}

impl<'a> Secrets<'a> {
    fn of(exchanges: &[Exchange], given: &'a Credentials) -> Self {
        let mut placeholders = BTreeMap::new();
        let mut add = |secret: Vec<u8>, name: &str| {
            if secret.len() >= SHORTEST {
                placeholders
                    .entry(secret)
                    .or_insert_with(|| placeholder(name));
            }
        };
        for exchange in exchanges {
            let fields = &exchange.request.headers;
            for (name, value) in fields.iter().filter(|(name, _)| is_secret(name.as_str())) {
                let found = parts(value.as_bytes()).into_iter();
                found.for_each(|secret| add(secret, name.as_str()));
            }
        }
        for (name, value) in &given.fields {
            let found = parts(value.as_bytes()).into_iter();
            found.for_each(|secret| add(secret, name));
        }
        for (name, value) in given.queries.iter().chain(&given.values) {
            add(value.as_bytes().to_vec(), name);
            let encoded = form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>();
            add(encoded.into_bytes(), name);
            add(
                utf8_percent_encode(value, NON_ALPHANUMERIC)
                    .to_string()
                    .into_bytes(),
                name,
            );
        }
        // The first that fits is taken: the longer ones hold the shorter ones.
        let mut all: Vec<_> = placeholders.keys().collect();
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let all: Vec<_> = all
            .into_iter()
            .filter_map(|secret| std::str::from_utf8(secret).ok())
            .map(regex::escape)
            .collect();
        let pattern = (!all.is_empty()).then(|| Regex::new(&all.join("|")).ok());
        Self {
            given,
            placeholders,
            pattern: pattern.flatten(),
        }
    }

    fn hide_in(&self, exchange: &mut Exchange) {
        self.hide_in_url(&mut exchange.request.url);
        self.hide_in_body(&mut exchange.request.body);
        self.hide_in_fields(&mut exchange.request.headers);
        if let Reply::Received(response) = &mut exchange.reply {
            self.hide_in_body(&mut response.body);
            self.hide_in_fields(&mut response.headers);
        }
    }

    fn hide_in_url(&self, url: &mut Url) {
        if url.password().is_some() {
            // Only a URL without a host has no place for it.
            let _ = url.set_password(Some(&placeholder("password")));
        }
        let hidden = String::from_utf8_lossy(&self.hidden(url.as_str().as_bytes())).into_owned();
        if let Ok(hidden) = Url::parse(&hidden) {
            *url = hidden;
        }
    }

    fn hide_in_body(&self, body: &mut Bytes) {
        if let Cow::Owned(hidden) = self.hidden(body) {
            *body = hidden.into();
        }
    }

    fn hide_in_fields(&self, headers: &mut HeaderMap) {
        for (name, value) in headers.iter_mut() {
            let name = name.as_str();
            // Those are left out by their names.
            if is_secret(name) {
                continue;
            }
            let is_given = |(known, secret): &(String, String)| {
                known == name && secret.as_bytes() == value.as_bytes()
            };
            let hidden = match self.given.fields.iter().any(is_given) {
                true => placeholder(name).into_bytes(),
                false => self.hidden(value.as_bytes()).into_owned(),
            };
            if let Ok(hidden) = HeaderValue::from_bytes(&hidden) {
                *value = hidden;
            }
        }
    }

    fn hide_in_text(&self, text: &mut String) {
        if let Cow::Owned(hidden) = self.hidden(text.as_bytes()) {
            *text = String::from_utf8_lossy(&hidden).into_owned();
        }
    }

    /// Its keys are URLs.
    fn hidden_in_history(&self, history: &History) -> History {
        let operations = history.iter().map(|mut operation| {
            self.hide_in_text(operation.key.to_mut());
            operation
        });
        operations.collect()
    }

    fn hidden<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let queries = self.without_queries(bytes);
        let Some(pattern) = &self.pattern else {
            return queries;
        };
        let of = |found: &Captures<'_>| self.placeholders[&found[0]].clone().into_bytes();
        match pattern.replace_all(&queries, of) {
            Cow::Owned(hidden) => Cow::Owned(hidden),
            Cow::Borrowed(_) => queries,
        }
    }

    /// Values of a query are known by their names, also short ones.
    fn without_queries<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        static PAIR: LazyLock<Regex> = LazyLock::new(|| {
            let pattern = r#"([?&])([^=&#?\s]+)=([^&#\s"'<>]+)"#;
            Regex::new(pattern).expect("it is a pattern")
        });
        if self.given.queries.is_empty() {
            return Cow::Borrowed(bytes);
        }
        PAIR.replace_all(bytes, |found: &Captures<'_>| {
            let pair = [&found[2], b"=", &found[3]].concat();
            let decoded = form_urlencoded::parse(&pair).next();
            let hidden = decoded.and_then(|(name, value)| {
                let hidden = self.given.placeholder_of_query(&name, &value)?;
                Some([&found[1], &found[2], b"=", hidden.as_bytes()].concat())
            });
            hidden.unwrap_or_else(|| found[0].to_vec())
        })
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
