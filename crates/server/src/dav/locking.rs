use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use detente_core::{Key, Lock, LockTerms};
use detente_service::{Explanation, FileTerms, LockAsk, LockWish, LockedFile, State, What};
use roxmltree::Node;

use super::find::reader;
use super::property::discovery;
use super::xml::{child, is_dav, parse, push_whole, text_in};
use super::{Depth, bad_depth, bare_error, depth, terms, told, told_as, xml_response};
use crate::call::{Answer, Call};
use crate::file::Target;
use crate::lock::MAX_LIFE_S;
use crate::problem::Problem;
use crate::representation::field;

/// How long a lock is held if nobody says, in seconds: programs renew it as long as a file is open.
const LIFE_S: u64 = 3600;

/// How much an owner may say, in bytes.
const MAX_OWNER: usize = 2048;

/// Takes the lock of a file or a folder, or holds it for longer.
pub(crate) async fn lock(call: &mut Call) -> Answer {
    let Target { key, .. } = Target::of(call)?;
    let life_ms = life_s(call.inbound.headers()) * 1000;
    let body = call.inbound.read().await?;
    if body.is_empty() {
        return renew(call, &key, life_ms).await;
    }
    let is_deep = match depth(call.inbound.headers())? {
        Some(Depth::One) => return Err(bad_depth("0 or infinity").into()),
        depth => depth != Some(Depth::Zero),
    };
    let (owner, is_shared) = wanted(&body)?;
    let wish = LockWish::Take {
        owner,
        life_ms,
        terms: LockTerms { is_deep, is_shared },
    };
    let terms = terms(call)?;
    let service = &call.app.service;
    let taken = service.lock_file(&call.principal, &key, &terms, wish).await;
    match taken {
        Ok(LockedFile { lock, created }) => {
            let status = match created {
                true => StatusCode::CREATED,
                false => StatusCode::OK,
            };
            Ok(held(call, status, &key, lock, true))
        }
        Err(explanation) => {
            let refused = explanation.into();
            Err(told_as(call, refused, &[&key], "no-conflicting-lock"))
        }
    }
}

/// The lock is named by the only token in `If` (RFC 4918, section 9.10.2).
async fn renew(call: &mut Call, key: &Key, life_ms: u64) -> Answer {
    let terms = terms(call)?;
    let token = only_token(&terms).ok_or_else(|| {
        let detail = "A lock is taken with a body, and renewed with its token in If, and nothing else in it.";
        Problem::malformed(detail).with("header", "If")
    })?;
    let service = &call.app.service;
    let lost = || Box::<Explanation>::from(What::NoListHolds);
    let root = service.root_of_lock(key, &token).ok_or_else(lost)?;
    let ask = LockAsk {
        key: root.clone(),
        wish: LockWish::Renew { token, life_ms },
    };
    match service.lock(&call.principal, ask).await {
        Ok(Some(lock)) => Ok(held(call, StatusCode::OK, &root, lock, false)),
        Ok(None) => Err(lost().into()),
        Err(explanation) => Err(told(call, explanation.into(), &[key])),
    }
}

fn only_token(terms: &FileTerms) -> Option<Arc<str>> {
    let mut conditions = terms.states.0.iter().flat_map(|list| &list.conditions);
    let first = conditions.next()?;
    match (&first.state, conditions.next()) {
        (State::Token(token), None) if !first.is_not => Some(Arc::clone(token)),
        _ => None,
    }
}

fn held(call: &Call, status: StatusCode, root: &Key, lock: Arc<Lock>, is_new: bool) -> Response {
    let token = is_new.then(|| field(format!("<{}>", lock.token)));
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:prop xmlns:D=\"DAV:\"><D:lockdiscovery>{}</D:lockdiscovery></D:prop>\n",
        discovery(&[(root.clone(), lock)], &reader(call))
    );
    xml_response(status, text.into(), token)
}

/// Releases a lock.
pub(crate) async fn unlock(call: &mut Call) -> Answer {
    let Target { key, .. } = Target::of(call)?;
    let token = crate::fields::lock_token(call.inbound.headers())?;
    let token = token.ok_or_else(|| {
        let problem =
            Problem::malformed("Lock-Token must be the token of the lock, in angle brackets.");
        problem.with("header", "Lock-Token")
    })?;
    let service = &call.app.service;
    let other = || {
        let detail = "This is the token of no lock that the file is under.";
        bare_error(
            StatusCode::CONFLICT,
            "lock-token-matches-request-uri",
            detail,
        )
    };
    let Some(root) = service.root_of_lock(&key, &token) else {
        return Ok(other());
    };
    let ask = LockAsk {
        key: root,
        wish: LockWish::Release { token },
    };
    match service.lock(&call.principal, ask).await {
        Ok(_) => {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        Err(explanation) if matches!(explanation.what, What::Locked(_)) => Ok(other()),
        Err(explanation) => Err(explanation.into()),
    }
}

/// How long a lock is wanted; the first that can be heeded of what `Timeout` says (RFC 4918, section 10.7).
fn life_s(headers: &HeaderMap) -> u64 {
    let text = headers.get("timeout").and_then(|it| it.to_str().ok());
    let wishes = text.into_iter().flat_map(|text| text.split(','));
    let life = wishes.map(str::trim).find_map(|wish| {
        if wish.eq_ignore_ascii_case("infinite") {
            return Some(MAX_LIFE_S);
        }
        let (unit, number) = wish.split_once('-')?;
        let number = number.parse::<u64>().ok()?;
        unit.eq_ignore_ascii_case("second").then_some(number)
    });
    life.unwrap_or(LIFE_S).clamp(1, MAX_LIFE_S)
}

/// Who is to hold a lock, and whether others may as well.
fn wanted(body: &[u8]) -> Result<(String, bool), Problem> {
    let mistake = || {
        Problem::malformed(
            "The body must be a lockinfo element: a lockscope that is exclusive or shared, and the locktype write.",
        )
    };
    let document = parse(text_in(body)?)?;
    let root = document.root_element();
    if !is_dav(root, "lockinfo") {
        return Err(mistake());
    }
    let scope = child(root, "lockscope").ok_or_else(mistake)?;
    let is_write = child(root, "locktype").is_some_and(|it| child(it, "write").is_some());
    let is_shared = child(scope, "shared").is_some();
    if !is_write || is_shared == child(scope, "exclusive").is_some() {
        return Err(mistake());
    }
    let owner = child(root, "owner").map(owner).unwrap_or_default();
    if owner.len() > MAX_OWNER {
        let detail = format!("The owner of a lock may have at most {MAX_OWNER} bytes.");
        return Err(Problem::malformed(detail));
    }
    Ok((owner, is_shared))
}

/// What is in it: text, or XML if there are elements in it.
fn owner(node: Node<'_, '_>) -> String {
    let has_elements = node.children().any(|it| it.is_element());
    let mut out = String::new();
    for child in node.children() {
        match has_elements {
            true if child.is_element() => push_whole(&mut out, child, None),
            true => {}
            false => out.push_str(child.text().unwrap_or_default()),
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read() {
        for (text, seconds) in [
            ("Second-30", 30),
            ("Infinite, Second-4100000000", MAX_LIFE_S),
            ("Second-4100000000", MAX_LIFE_S),
            ("Extend, second-7", 7),
            ("Second-0", 1),
            ("x", LIFE_S),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("timeout", text.parse().unwrap());
            assert_eq!(life_s(&headers), seconds, "{text}");
        }
        assert_eq!(life_s(&HeaderMap::new()), LIFE_S);
    }

    #[test]
    fn a_wish_for_a_lock_is_read() {
        let body = |inner: &str| format!("<D:lockinfo xmlns:D=\"DAV:\">{inner}</D:lockinfo>");
        let plain = "<D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype>";
        let read = |inner: String| wanted(body(&inner).as_bytes());
        assert_eq!(read(plain.into()).unwrap(), (String::new(), true));
        let text = format!("{plain}<D:owner> a &lt; b </D:owner>");
        assert_eq!(read(text).unwrap().0, "a < b");
        let xml = format!("{plain}<D:owner><D:href>mailto:a@b</D:href></D:owner>");
        assert_eq!(
            read(xml).unwrap().0,
            "<href xmlns=\"DAV:\">mailto:a@b</href>"
        );
        for other in [
            "",
            "<D:lockscope/>",
            "<D:lockscope><D:shared/><D:exclusive/></D:lockscope>",
        ] {
            assert!(read(other.into()).is_err(), "{other}");
        }
    }
}
