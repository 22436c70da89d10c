use std::borrow::Cow;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use detente_core::json::{self, Object, Pointer, Value, object};
use detente_core::{Lock, LockTerms};
use detente_service::{LockAsk, LockWish, Principal};

use crate::call::{Answer, Call};
use crate::dav::xml::text_of;
use crate::explanation::Refused;
use crate::fields::lock_token;
use crate::inbound::{Inbound, not_json};
use crate::parameters::switch_in;
use crate::problem::Problem;
use crate::representation::NO_STORE;
use crate::resource::JSON;

/// How long a lock is held if nobody says, and at the longest, in seconds.
pub(crate) const DEFAULT_LIFE_S: u64 = 60;
pub(crate) const MAX_LIFE_S: u64 = 24 * 60 * 60;

/// Longest owner, in bytes.
pub(crate) const MAX_OWNER: usize = 255;

/// What `break` is for.
const BREAK: &str = "whether to take the lock away from whoever holds it";

/// The lock, without its token.
pub(crate) async fn show(call: &mut Call) -> Answer {
    let key = call.names().key()?;
    let lock = call.app.service.lock_of(&call.principal, &key).await?;
    Ok(told(StatusCode::OK, describe(&lock)))
}

/// Takes the lock, or holds it for longer.
pub(crate) async fn take(call: &mut Call) -> Answer {
    let key = call.names().key()?;
    call.app.service.collection(key.collection())?;
    let held = lock_token(call.inbound.headers())?;
    let wanted = Wanted::read(&mut call.inbound, &call.principal).await?;
    let life_ms = wanted.life_s * 1000;
    let status = match held {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    let wish = match held {
        Some(token) => LockWish::Renew { token, life_ms },
        None => LockWish::Take {
            owner: wanted.owner,
            life_ms,
            // Whoever has a folder has what is in it.
            terms: LockTerms {
                is_deep: key.is_of_files(),
                is_shared: false,
            },
        },
    };
    let lock = change(call, LockAsk { key, wish }).await?;
    let lock = lock.ok_or_else(|| Problem::internal("a lock that was taken is not there"))?;
    let mut members = object([("token", lock.token.to_string().into())]);
    members.extend(describe(&lock));
    Ok(told(status, members))
}

/// Releases the lock, or breaks it.
pub(crate) async fn free(call: &mut Call) -> Answer {
    let key = call.names().key()?;
    call.app.service.collection(key.collection())?;
    let held = lock_token(call.inbound.headers())?;
    let wish = if switch_in(call.inbound.query(), "break", BREAK)? == Some(true) {
        LockWish::Break
    } else {
        let token = held.ok_or_else(|| {
            let detail = "Say which lock to release: its token, in Lock-Token. ?break=true takes a \
                          lock away from whoever holds it.";
            Problem::malformed(detail).with("header", "Lock-Token")
        })?;
        LockWish::Release { token }
    };
    change(call, LockAsk { key, wish }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn change(call: &Call, ask: LockAsk) -> Result<Option<Arc<Lock>>, Refused> {
    Ok(call.app.service.lock(&call.principal, ask).await?)
}

/// The token is for its holder alone.
fn describe(lock: &Lock) -> Object {
    object([
        ("fencing", lock.fencing.into()),
        ("owner", (&*owner_in_words(&lock.owner)).into()),
        ("by", lock.by.to_string().into()),
        ("expires_at", lock.expires_at.to_string().into()),
    ])
}

/// Who holds a lock, for people: programs say it in XML (RFC 4918, section 14.17).
pub(crate) fn owner_in_words(owner: &str) -> Cow<'_, str> {
    match text_of(owner) {
        Some(text) => text.trim().to_owned().into(),
        None => owner.into(),
    }
}

fn told(status: StatusCode, members: Object) -> Response {
    let body = Value::Object(members).to_text() + "\n";
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(JSON)),
        (header::CACHE_CONTROL, NO_STORE),
    ];
    (status, headers, body).into_response()
}

/// What a request wants of a lock.
struct Wanted {
    life_s: u64,
    owner: String,
}

impl Wanted {
    /// An empty body asks for what is usual.
    async fn read(inbound: &mut Inbound, principal: &Principal) -> Result<Self, Problem> {
        let mut wanted = Self {
            life_s: DEFAULT_LIFE_S,
            owner: principal.name.to_string(),
        };
        if inbound.is_empty() {
            return Ok(wanted);
        }
        inbound.must_be(&[JSON], "accept-post")?;
        let body = inbound.read_json().await?;
        let value = json::parse(&body).map_err(|error| not_json(&error))?;
        let members = value.as_object();
        let members = members.ok_or_else(|| Problem::mistake("", "must be an object"))?;
        for (name, value) in members {
            match (name.as_str(), value) {
                ("ttl_s", Value::Number(number)) => {
                    let life_s = number.as_whole().filter(|it| (1..=MAX_LIFE_S).contains(it));
                    wanted.life_s = life_s.ok_or_else(not_a_life)?;
                }
                ("ttl_s", _) => return Err(not_a_life()),
                ("owner", Value::String(owner)) => {
                    let is_fine =
                        (1..=MAX_OWNER).contains(&owner.len()) && !owner.contains(char::is_control);
                    if !is_fine {
                        return Err(not_an_owner());
                    }
                    wanted.owner.clone_from(owner);
                }
                ("owner", _) => return Err(not_an_owner()),
                (other, _) => {
                    let detail = format!("A lock has no member {other:?}: ttl_s, owner.");
                    return Err(Problem::malformed(detail)
                        .with("member", Pointer::root().child(other).to_string()));
                }
            }
        }
        Ok(wanted)
    }
}

fn not_a_life() -> Problem {
    let what = format!("must be a whole number of seconds from 1 to {MAX_LIFE_S}");
    Problem::mistake("/ttl_s", &what)
}

fn not_an_owner() -> Problem {
    let what = format!("must be a string of 1 to {MAX_OWNER} bytes without control characters");
    Problem::mistake("/owner", &what)
}
