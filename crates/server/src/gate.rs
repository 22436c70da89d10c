//! Credentials become a principal here, before anything else happens to a request.

use std::sync::{Arc, LazyLock};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use detente_gate::{Class, Unknown};
use detente_service::{Action, MAX_ACTOR, Outcome, Place, Principal, Rights, is_actor};

use crate::app::App;
use crate::explanation::Refused;
use crate::operations::{Operation, Parameter, Scope};
use crate::pace::{self, Asker};
use crate::parameters::parameters;
use crate::problem::{Problem, ProblemKind};
use crate::resource::Whereabouts;

const ACTOR: HeaderName = HeaderName::from_static("x-actor");

/// Longest name of a program that is kept, in bytes.
const MAX_AGENT: usize = 255;

/// What the gate let through, or did not.
#[derive(Debug)]
pub(crate) struct Entry {
    /// By whose name requests are counted.
    pub(crate) asker: Asker,
    /// `None`: nobody knows who asks.
    pub(crate) principal: Option<Principal>,
    /// Why the operation must not run, if so.
    pub(crate) refused: Option<Refused>,
}

/// Who asks, and whether they may perform the operation there: one of its actions, where several can be
/// meant. The service asks again for the one that it is.
pub(crate) async fn admit(
    app: &App,
    operation: &Operation,
    place: Whereabouts<'_>,
    request: &Parts,
) -> Entry {
    let address = pace::stranger(app, request);
    // A page cannot put credentials on a WebSocket: they come with its first message.
    let comes_later = place.scope == Scope::Graphql
        && opens_socket(&request.method, &request.headers)
        && !app.settings.gate.is_open();
    let is_open = place.is_open(&request.method) || comes_later;
    let has_credentials = request.headers.contains_key(header::AUTHORIZATION);
    let known = match is_open && !has_credentials {
        // Whatever they call themselves, nobody knows them yet.
        true if comes_later => nobody(&HeaderMap::new()),
        true => nobody(&request.headers),
        false if app.settings.gate.is_open() => somebody(&request.headers),
        false => Box::pin(principal(app, &address, &request.headers)).await,
    };
    let mut principal = match known {
        Ok(principal) => principal,
        Err(problem) => {
            return Entry {
                asker: address,
                principal: None,
                refused: Some(problem.into()),
            };
        }
    };
    if operation.action.class() != Some(Class::Reads) {
        principal.agent = agent(&request.headers);
    }
    let is_true = |parameter: &Parameter| {
        let query = request.uri.query().unwrap_or_default();
        parameters(query).any(|(name, value)| name == parameter.name && value == "true")
    };
    let actions = operation.action.actions(is_true);
    // Whoever names a version means to change what is there.
    let changes = request.headers.contains_key(header::IF_MATCH);
    let is_meant = |action: &&Action| changes && **action == Action::Update;
    let meant = actions.iter().find(is_meant).or(actions.first());
    let refused = match is_open {
        true => None,
        false => must(&principal, actions, meant, place).err(),
    };
    Entry {
        // Without credentials, a name is what somebody says.
        asker: match app.settings.gate.is_open() || is_open {
            true => address,
            false => Asker::Name(Arc::clone(&principal.name)),
        },
        principal: Some(principal),
        refused: refused.map(Refused::from),
    }
}

/// Whether somebody may do one of some actions; `meant` is the one that they lack where they may do none.
///
/// # Errors
///
/// That they may not.
pub(crate) fn must<'a>(
    principal: &Principal,
    actions: &[Action],
    meant: Option<&Action>,
    place: impl Into<Place<'a>>,
) -> Outcome<()> {
    let place = place.into();
    match meant {
        Some(meant) if !actions.iter().any(|it| principal.may(*it, place)) => {
            principal.must(*meant, place)
        }
        _ => Ok(()),
    }
}

/// Somebody without credentials, who may do what anybody may.
fn nobody(headers: &HeaderMap) -> Result<Principal, Problem> {
    Ok(Principal {
        name: actor(headers)?,
        rights: Arc::new(Rights::none()),
        caller: None,
        until: None,
        agent: None,
    })
}

/// Whoever asks where no credentials are taken: they may do anything.
fn somebody(headers: &HeaderMap) -> Result<Principal, Problem> {
    static ALL: LazyLock<Arc<Rights>> = LazyLock::new(|| Arc::new(Rights::ALL));
    Ok(Principal {
        name: actor(headers)?,
        rights: Arc::clone(&ALL),
        caller: None,
        until: None,
        agent: None,
    })
}

/// Whether a request wants to go on as a WebSocket (RFC 6455, section 4.1): then it does, or is refused.
pub(crate) fn opens_socket(method: &Method, headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).map(|it| it.as_bytes());
    *method == Method::GET && upgrade.is_some_and(|it| it.eq_ignore_ascii_case(b"websocket"))
}

/// Who asks, by a bearer token (RFC 6750); by `X-Actor` where no credentials are taken.
///
/// # Errors
///
/// That nobody knows them.
pub(crate) async fn principal(
    app: &App,
    address: &Asker,
    headers: &HeaderMap,
) -> Result<Principal, Problem> {
    let gate = &app.settings.gate;
    if gate.is_open() {
        return somebody(headers);
    }
    // Whoever tries one token after the other is held up before it is looked at.
    pace::may_fail(app, address)?;
    let secret = bearer(headers)
        .ok_or_else(|| unauthenticated("This server wants a bearer token.", REALM))?;
    let now = || app.service.writer().time().now;
    match gate.know(secret, now).await {
        Ok(known) => Ok(Principal {
            name: known.name,
            rights: known.rights,
            caller: Some(known.caller),
            until: known.until,
            agent: None,
        }),
        Err(unknown @ Unknown::KeysAway) => Err(Problem::unavailable(&unknown.to_string())),
        Err(unknown) => {
            let detail = unknown.to_string();
            // A quoted string (RFC 9110, section 5.6.4). Names of claims are the configuration's.
            let quoted = |it: char| if matches!(it, '"' | '\\') { '\'' } else { it };
            let said: String = detail.chars().filter(char::is_ascii).map(quoted).collect();
            let challenge =
                format!("{REALM}, error=\"invalid_token\", error_description=\"{said}\"");
            Err(unauthenticated(&detail, &challenge))
        }
    }
}

/// What asks for credentials (RFC 6750, section 3).
const REALM: &str = "Bearer realm=\"detente\"";

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
        let detail =
            format!("X-Actor must be 1 to {MAX_ACTOR} bytes of UTF-8 without control characters.");
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
