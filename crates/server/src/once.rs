use axum::http::{HeaderMap, HeaderName};
use detente_core::Once;
use detente_store::NoTurn;
use sha2::{Digest, Sha256};

use crate::problem::{Problem, ProblemKind};

const FIELD: &str = "Idempotency-Key";
const FIELD_NAME: HeaderName = HeaderName::from_static("idempotency-key");

/// Longest key that is taken, in bytes.
const MAX_KEY: usize = 255;

/// Why a request cannot have its turn now.
pub(crate) fn no_turn(why: NoTurn) -> Problem {
    match why {
        NoTurn::InProgress => {
            let detail = "A request with this Idempotency-Key is still being worked on.";
            let problem = Problem::new(ProblemKind::RequestInProgress, detail);
            problem.header(axum::http::header::RETRY_AFTER, "1")
        }
        NoTurn::Reused => key_reuse(),
    }
}

pub(crate) fn key_reuse() -> Problem {
    let detail = "This Idempotency-Key came with another request before. Use a new key for a new \
                  request.";
    Problem::new(ProblemKind::KeyReuse, detail).with("header", FIELD)
}

/// What a request is to be recognized by if it is to be performed once; `None` if it says nothing
/// of that.
pub(crate) fn once(
    headers: &HeaderMap,
    caller: &str,
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<Option<Once>, Problem> {
    let mut lines = headers.get_all(FIELD_NAME).into_iter();
    let Some(value) = lines.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(read_key);
    let key = key.filter(|_| lines.next().is_none()).ok_or_else(|| {
        let detail = format!(
            "{FIELD} is one string in quotes (RFC 8941, section 3.3.3) of 1 to {MAX_KEY} characters."
        );
        Problem::malformed(detail).with("header", FIELD)
    })?;
    let media_type = headers
        .get(axum::http::header::CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    Ok(Some(Once {
        scope: digest(&[
            caller.as_bytes(),
            method.as_bytes(),
            path.as_bytes(),
            key.as_bytes(),
        ]),
        payload: digest(&[media_type, body]),
    }))
}

/// Of parts that cannot run into each other.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
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
