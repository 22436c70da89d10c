//! Credentials become a principal here, before anything else happens to a request.

use std::sync::{Arc, LazyLock};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use detente_service::{MAX_ACTOR, Place, Principal, Rights, is_actor};

use crate::explanation::Refused;
use crate::operations::{Operation, Parameter};
use crate::parameters::parameters;
use crate::problem::{Problem, ProblemKind};
use crate::settings::Settings;

const ACTOR: HeaderName = HeaderName::from_static("x-actor");

/// Longest name of a program that is kept, in bytes.
const MAX_AGENT: usize = 255;

/// Who asks, if they may perform the operation there: one of its actions, where several can be meant.
/// The service asks again for the one that it is. A refusal comes with who it was, if that is known.
pub(crate) fn admit(
    settings: &Settings,
    operation: &Operation,
    place: Place<'_>,
    request: &Parts,
) -> Result<Principal, (Option<Principal>, Refused)> {
    let principal = principal(settings, &request.headers);
    let mut principal = principal.map_err(|problem| (None, problem.into()))?;
    if operation.action.is_write() {
        principal.agent = agent(&request.headers);
    }
    let is_true = |parameter: &Parameter| {
        let query = request.uri.query().unwrap_or_default();
        parameters(query).any(|(name, value)| name == parameter.name && value == "true")
    };
    let actions = operation.action.actions(is_true);
    match actions.first() {
        Some(first) if !actions.iter().any(|action| principal.may(*action, place)) => {
            match principal.must(*first, place) {
                Ok(()) => Ok(principal),
                Err(denied) => Err((Some(principal), denied.into())),
            }
        }
        _ => Ok(principal),
    }
}

/// Who asks, by the bearer token (RFC 6750); without tokens in the settings by `X-Actor`.
fn principal(settings: &Settings, headers: &HeaderMap) -> Result<Principal, Problem> {
    static ALL: LazyLock<Arc<Rights>> = LazyLock::new(|| Arc::new(Rights::ALL));
    let Some(tokens) = &settings.tokens else {
        return Ok(Principal {
            name: actor(headers)?,
            rights: Arc::clone(&ALL),
            caller: None,
            until: None,
            agent: None,
        });
    };
    let secret = bearer(headers)
        .ok_or_else(|| unauthenticated("This server wants a bearer token.", "Bearer"))?;
    let invalid = "Bearer error=\"invalid_token\"";
    let token = tokens
        .find(secret)
        .ok_or_else(|| unauthenticated("The bearer token is not known here.", invalid))?;
    Ok(Principal {
        name: Arc::clone(&token.name),
        rights: Arc::clone(&token.rights),
        caller: None,
        until: None,
        agent: None,
    })
}

fn agent(headers: &HeaderMap) -> Option<Arc<str>> {
    let name = headers.get(header::USER_AGENT)?.as_bytes();
    let name = String::from_utf8_lossy(&name[..name.len().min(MAX_AGENT)]);
    Some(name.into())
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
    if !is_actor(name) {
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
