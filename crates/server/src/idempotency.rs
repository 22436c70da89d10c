use axum::http::{HeaderMap, HeaderName, header};
use detente_service::OnceKey;

use crate::inbound::Inbound;
use crate::problem::Problem;
use crate::segment::respell;

const FIELD: &str = "Idempotency-Key";
const FIELD_NAME: HeaderName = HeaderName::from_static("idempotency-key");

/// Longest key that is taken, in bytes.
const MAX_KEY: usize = 255;

/// The value of Idempotency-Key.
#[derive(Clone, Debug)]
pub(crate) struct OnceField(String);

impl OnceField {
    /// `None` if the request does not say that it must be performed once.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut lines = headers.get_all(FIELD_NAME).into_iter();
        let Some(value) = lines.next() else {
            return Ok(None);
        };
        let key = value.to_str().ok().and_then(read_key);
        let key = key.filter(|_| lines.next().is_none());
        let key = key.ok_or_else(|| {
            let detail = format!(
                "{FIELD} must be one string in quotes (RFC 8941, section 3.3.3) of 1 to {MAX_KEY} characters."
            );
            Problem::malformed(detail).with("header", FIELD)
        })?;
        Ok(Some(Self(key)))
    }

    /// A key without quotes.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        let is_key = (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(is_plain);
        is_key.then(|| Self(text.to_owned()))
    }

    /// What makes a request the same one, however it is sent.
    pub(crate) fn with<'a>(
        &'a self,
        method: &'a str,
        path: &'a str,
        media_type: &'a [u8],
    ) -> OnceKey<'a> {
        OnceKey {
            verb: method,
            place: respell(path),
            key: &self.0,
            media_type,
        }
    }

    /// What makes a request the same one.
    pub(crate) fn of<'a>(&'a self, inbound: &'a Inbound) -> OnceKey<'a> {
        let method = inbound.parts.method.as_str();
        self.at(method, inbound.path(), inbound.headers())
    }

    /// The same, of an operation of a batch.
    pub(crate) fn at<'a>(
        &'a self,
        method: &'a str,
        path: &'a str,
        headers: &'a HeaderMap,
    ) -> OnceKey<'a> {
        let media_type = headers.get(header::CONTENT_TYPE);
        let media_type = media_type.map_or(&b""[..], |value| value.as_bytes());
        self.with(method, path, media_type)
    }
}

/// A structured-field string, parameters passed over; or the bare text that many clients send.
fn read_key(text: &str) -> Option<String> {
    let text = text.trim();
    let key = match text.strip_prefix('"') {
        Some(rest) => read_string(rest)?,
        None => {
            let is_bare = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
            text.bytes().all(is_bare).then(|| text.to_owned())?
        }
    };
    (1..=MAX_KEY).contains(&key.len()).then_some(key)
}

/// What follows the opening quote.
fn read_string(text: &str) -> Option<String> {
    let mut key = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => break,
            '\\' => key.push(letters.next().filter(|it| matches!(it, '"' | '\\'))?),
            letter if letter == ' ' || letter.is_ascii_graphic() => key.push(letter),
            _ => return None,
        }
    }
    let rest = letters.as_str().trim_start();
    (rest.is_empty() || rest.starts_with(';')).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_strings_in_quotes_or_bare() {
        let long = "x".repeat(MAX_KEY + 1);
        let quoted = format!("\"{long}\"");
        let cases = [
            ("\"8e03978e\"", Some("8e03978e")),
            ("\"a \\\"b\\\" \\\\ c\"", Some("a \"b\" \\ c")),
            ("\"a\"; x=1", Some("a")),
            ("8e03978e-40d5", Some("8e03978e-40d5")),
            ("\"\"", None),
            ("", None),
            ("\"a", None),
            ("\"a\" b", None),
            ("\"a\\n\"", None),
            ("a, b", None),
            ("a b", None),
            (&quoted, None),
        ];
        for (text, key) in cases {
            assert_eq!(read_key(text).as_deref(), key, "{text}");
        }
    }
}
