use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use detente_core::json::{self, Object, Pointer, Value, object};
use detente_core::{Key, Lock, LockAction, LockCommand, LockDecision, LockRefusal, Moment};

use crate::app::App;
use crate::caller::Caller;
use crate::conflict::{lock_lost, locked};
use crate::document::gone;
use crate::inbound::Inbound;
use crate::list::parameters;
use crate::problem::Problem;
use crate::resource::{JSON, LOCK, Names, PathParts};
use crate::write::not_written;

/// How long a lock is held if nobody says, and at the longest, in seconds.
pub(crate) const DEFAULT_LIFE_S: u64 = 60;
pub(crate) const MAX_LIFE_S: u64 = 24 * 60 * 60;

/// Longest owner, in bytes.
pub(crate) const MAX_OWNER: usize = 255;

/// The lock of a document: GET shows it, POST takes or renews it, DELETE releases or breaks it.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let mut inbound = Inbound::new(parts, body, app.settings.limits.body_bytes);
    let answer = answer(&app, &Names::of(&path), &mut inbound).await;
    if answer.is_err() {
        inbound.drain().await;
    }
    answer
}

async fn answer(
    app: &Arc<App>,
    names: &Names<'_>,
    inbound: &mut Inbound,
) -> Result<Response, Problem> {
    let is_known = [Method::GET, Method::HEAD, Method::POST, Method::DELETE];
    if !is_known.contains(&inbound.parts.method) {
        return LOCK.otherwise(&inbound.parts.method);
    }
    let caller = Caller::of(&app.settings, inbound.headers())?;
    let key = names.key()?;
    app.collection(key.collection())?;
    match inbound.parts.method {
        Method::POST => take(app, key, &caller, inbound).await,
        Method::DELETE => free(app, key, &caller, inbound).await,
        _ => show(app, &key, &caller),
    }
}

fn show(app: &Arc<App>, key: &Key, caller: &Caller) -> Result<Response, Problem> {
    caller.must_read()?;
    let now = Moment::from(SystemTime::now());
    let lock = app.reader.lock(key).filter(|lock| lock.is_held(now));
    let lock = lock.ok_or_else(|| {
        let detail = format!("Nobody holds a lock of {:?}.", key.id());
        Problem::not_found(detail)
    })?;
    Ok(told(StatusCode::OK, describe(&lock)))
}

async fn take(
    app: &Arc<App>,
    key: Key,
    caller: &Caller,
    inbound: &mut Inbound,
) -> Result<Response, Problem> {
    caller.must_write()?;
    let held = inbound.lock_token()?;
    let asked = Asked::read(inbound, caller).await?;
    let life_ms = asked.life_s * 1000;
    let is_new = held.is_none();
    let action = match held {
        Some(token) => LockAction::Renew { token, life_ms },
        None => LockAction::Take {
            token: format!("urn:uuid:{}", uuid::Uuid::new_v4()).into(),
            owner: asked.owner,
            life_ms,
        },
    };
    let lock = change(app, key, caller, action).await?;
    let mut members = object([("token", lock.token.to_string().into())]);
    members.extend(describe(&lock));
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(told(status, members))
}

async fn free(
    app: &Arc<App>,
    key: Key,
    caller: &Caller,
    inbound: &Inbound,
) -> Result<Response, Problem> {
    caller.must_write()?;
    let held = inbound.lock_token()?;
    let action = if asks_to_break(inbound.query())? {
        caller.must_break_locks()?;
        LockAction::Break
    } else {
        let token = held.ok_or_else(|| {
            let detail = "Say which lock to release: its token, in Lock-Token. ?break=true takes a \
                          lock away from whoever holds it.";
            Problem::malformed(detail).with("header", "Lock-Token")
        })?;
        LockAction::Release { token }
    };
    let is_break = matches!(action, LockAction::Break);
    let lock = change(app, key.clone(), caller, action).await?;
    if is_break {
        tracing::warn!(
            document = key.as_str(),
            by = &*caller.name,
            owner = lock.owner,
            fencing = lock.fencing,
            "a lock was broken"
        );
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn change(
    app: &Arc<App>,
    key: Key,
    caller: &Caller,
    action: LockAction,
) -> Result<Arc<Lock>, Problem> {
    let command = LockCommand {
        key: key.clone(),
        by: Arc::clone(&caller.name),
        action,
    };
    match app.writer.lock(command).await.map_err(not_written)? {
        LockDecision::Held(lock) | LockDecision::Freed(lock) => Ok(lock),
        LockDecision::Refused(refusal) => Err(refused(app, &key, &refusal).await?),
    }
}

async fn refused(app: &Arc<App>, key: &Key, refusal: &LockRefusal) -> Result<Problem, Problem> {
    Ok(match refusal {
        LockRefusal::Missing => Problem::not_found(format!(
            "{} has no document {:?} that could be locked.",
            key.collection(),
            key.id()
        )),
        LockRefusal::Deleted { head } => {
            let tombstone = app.version(head.seq).await?;
            gone(
                &*tombstone
                    .ok_or_else(|| Problem::internal("a deleted document has no tombstone"))?,
            )
        }
        LockRefusal::Locked(lock) => {
            app.metrics.waited_for_lock();
            locked(lock, key)
        }
        LockRefusal::Lost => lock_lost(),
        LockRefusal::Free => Problem::not_found("Nobody holds a lock that could be broken."),
    })
}

/// The token is for its holder alone.
fn describe(lock: &Lock) -> Object {
    object([
        ("fencing", lock.fencing.into()),
        ("owner", lock.owner.as_str().into()),
        ("by", lock.by.to_string().into()),
        ("expires_at", lock.expires_at.to_string().into()),
    ])
}

fn told(status: StatusCode, members: Object) -> Response {
    let body = Value::Object(members).to_text();
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}

fn asks_to_break(query: &str) -> Result<bool, Problem> {
    let mut asks = false;
    for (name, value) in parameters(query) {
        match (&*name, &*value) {
            ("break", "true" | "false") => asks = value == "true",
            (other, _) => {
                let detail = format!("A lock has no parameter {other:?} of this form: break=true.");
                return Err(Problem::malformed(detail).with("parameter", other));
            }
        }
    }
    Ok(asks)
}

/// What a request for a lock says.
struct Asked {
    life_s: u64,
    owner: String,
}

impl Asked {
    /// An empty body asks for what is usual.
    async fn read(inbound: &mut Inbound, caller: &Caller) -> Result<Self, Problem> {
        let mut asked = Self {
            life_s: DEFAULT_LIFE_S,
            owner: caller.name.to_string(),
        };
        if inbound.is_empty() {
            return Ok(asked);
        }
        inbound.must_be(&[JSON], "accept-post")?;
        let body = inbound.read_json().await?;
        let value = json::parse(&body).map_err(|error| crate::inbound::not_json(&error))?;
        let members = value.as_object().ok_or_else(|| mistake("", "an object"))?;
        for (name, value) in members {
            match (name.as_str(), value) {
                ("ttl_s", Value::Number(number)) => {
                    let life_s = number.as_whole().filter(|it| (1..=MAX_LIFE_S).contains(it));
                    asked.life_s = life_s.ok_or_else(|| {
                        mistake("/ttl_s", "a whole number of seconds from 1 to 86400")
                    })?;
                }
                ("ttl_s", _) => return Err(mistake("/ttl_s", "a number of seconds")),
                ("owner", Value::String(owner)) => {
                    let is_fine =
                        (1..=MAX_OWNER).contains(&owner.len()) && !owner.contains(char::is_control);
                    if !is_fine {
                        return Err(mistake("/owner", "1 to 255 bytes, no control characters"));
                    }
                    asked.owner.clone_from(owner);
                }
                ("owner", _) => return Err(mistake("/owner", "a text")),
                (other, _) => {
                    let detail = format!("A lock has no member {other:?}: ttl_s, owner.");
                    return Err(Problem::malformed(detail)
                        .with("member", Pointer::root().child(other).to_string()));
                }
            }
        }
        Ok(asked)
    }
}

fn mistake(place: &str, wanted: &str) -> Problem {
    let what = if place.is_empty() { "The body" } else { place };
    Problem::malformed(format!("{what} is {wanted}.")).with("member", place)
}
