use std::sync::{Arc, LazyLock};

use axum::http::{HeaderMap, HeaderName, header};

use crate::problem::{Problem, ProblemKind};
use crate::settings::{Access, Settings};

const ACTOR: HeaderName = HeaderName::from_static("x-actor");

/// Longest name that `X-Actor` may give, in bytes.
const MAX_ACTOR: usize = 128;

/// Who asks, and what they may.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: Arc<str>,
    access: Access,
    may_break_locks: bool,
}

impl Caller {
    /// From the bearer token (RFC 6750); without tokens in the settings from `X-Actor`.
    pub(crate) fn of(settings: &Settings, headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(tokens) = &settings.tokens else {
            return Ok(Self {
                name: actor(headers)?,
                access: Access::ReadWrite,
                may_break_locks: true,
            });
        };
        let secret = bearer(headers)
            .ok_or_else(|| unauthenticated("This server wants a bearer token.", "Bearer"))?;
        let invalid = "Bearer error=\"invalid_token\"";
        let token = tokens
            .find(secret)
            .ok_or_else(|| unauthenticated("The bearer token is not known here.", invalid))?;
        Ok(Self {
            name: Arc::clone(&token.name),
            access: token.access,
            may_break_locks: token.may_break_locks,
        })
    }

    pub(crate) fn may_read(&self) -> bool {
        self.access.may_read()
    }

    pub(crate) fn must_read(&self) -> Result<(), Problem> {
        self.must(self.access.may_read(), "read")
    }

    pub(crate) fn must_write(&self) -> Result<(), Problem> {
        self.must(self.access.may_write(), "write")
    }

    pub(crate) fn must_break_locks(&self) -> Result<(), Problem> {
        self.must(self.may_break_locks, "break locks")
    }

    fn must(&self, may: bool, what: &str) -> Result<(), Problem> {
        if may {
            return Ok(());
        }
        let detail = format!("The token of {} does not allow to {what}.", self.name);
        Err(Problem::new(ProblemKind::Forbidden, detail))
    }
}

fn unauthenticated(detail: &str, challenge: &str) -> Problem {
    let problem = Problem::new(ProblemKind::Unauthenticated, detail);
    problem.header(header::WWW_AUTHENTICATE, challenge)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

fn actor(headers: &HeaderMap) -> Result<Arc<str>, Problem> {
    let Some(value) = headers.get(ACTOR) else {
        static ANONYMOUS: LazyLock<Arc<str>> = LazyLock::new(|| "anonymous".into());
        return Ok(Arc::clone(&ANONYMOUS));
    };
    let name = std::str::from_utf8(value.as_bytes())
        .unwrap_or_default()
        .trim();
    if name.is_empty() || name.len() > MAX_ACTOR || name.contains(char::is_control) {
        let detail = format!("X-Actor is 1 to {MAX_ACTOR} bytes of UTF-8, no control characters.");
        return Err(Problem::malformed(detail).with("header", "X-Actor"));
    }
    Ok(name.into())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn an_actor_is_a_name_that_can_be_shown() {
        let long = "x".repeat(MAX_ACTOR + 1);
        let cases: &[(&[u8], Option<&str>)] = &[
            (b"alice", Some("alice")),
            (b" Alice B. ", Some("Alice B.")),
            ("Zoë".as_bytes(), Some("Zoë")),
            (b"Zo\xeb", None),
            (b"a\tb", None),
            ("a\u{85}b".as_bytes(), None),
            (b"", None),
            (long.as_bytes(), None),
        ];
        for (value, name) in cases {
            let mut headers = HeaderMap::new();
            headers.insert("x-actor", HeaderValue::from_bytes(value).unwrap());
            let found = actor(&headers).ok();
            assert_eq!(found.as_deref(), *name, "{value:?}");
        }
        assert_eq!(&*actor(&HeaderMap::new()).unwrap(), "anonymous");
    }
}
