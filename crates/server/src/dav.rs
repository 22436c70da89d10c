//! Files over WebDAV (RFC 4918), classes 1 and 2: for programs of the desktop that know a disk and no API.

mod find; // PROPFIND
mod if_field; // what a request says of states
mod locking; // LOCK and UNLOCK
mod patch; // PROPPATCH
mod place; // the URLs of this face
mod property; // what is known of a file, as properties
pub(crate) mod xml; // bodies

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use detente_core::Key;
use detente_service::{FileTerms, OnCollision, Transfer, What};

use crate::call::{Answer, Call};
use crate::explanation::Refused;
use crate::fields;
use crate::file::{self, Target};
use crate::problem::{Problem, ProblemKind};
use crate::representation::{NO_STORE, bodiless};

pub(crate) use find::find;
pub(crate) use locking::{lock, unlock};
pub(crate) use patch::patch;

/// What `DAV` says of a server with all that is here.
pub(crate) const CLASSES: &str = "1, 2";

/// A file.
pub(crate) async fn put(call: &mut Call) -> Answer {
    let Target { key, means_folder } = Target::of(call)?;
    if means_folder {
        let detail = "A path that ends with a slash is that of a folder: MKCOL makes one.";
        return Err(Problem::malformed(detail).into());
    }
    let terms = terms(call)?;
    let stored = file::receive(call, key.clone(), ("PUT", terms), OnCollision::Refuse).await;
    answer(call, stored, &[&key], |call, stored| {
        file::answer(call, &stored.done)
    })
}

/// A file, or a folder with all that is in it.
pub(crate) async fn delete(call: &mut Call) -> Answer {
    let Target { key, .. } = Target::of(call)?;
    must_be_deep(call.inbound.headers(), "DELETE")?;
    let terms = of_what_is_there(terms(call)?);
    let service = &call.app.service;
    let removed = service.remove_file(&call.principal, &key, &terms, None);
    answer(call, removed.await, &[&key], |call, done| {
        file::answer(call, &done)
    })
}

/// A folder.
pub(crate) async fn make(call: &mut Call) -> Answer {
    let Target { key, .. } = Target::of(call)?;
    if !call.inbound.is_empty() {
        let detail = "MKCOL has no body: what it would mean is not known here.";
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, detail).into());
    }
    let terms = terms(call)?;
    let service = &call.app.service;
    let made = service.make_folder(&call.principal, &key, &terms).await;
    let made = made.map_err(|explanation| match &explanation.what {
        What::PreconditionFailed(..) => taken(),
        What::NotAFolder(path) if path == key.id() => taken(),
        _ => Refused::from(explanation),
    });
    answer(call, made, &[&key], |call, done| file::answer(call, &done))
}

fn taken() -> Refused {
    let allow = crate::operations::dav_allow();
    let problem = Problem::new(
        ProblemKind::MethodNotAllowed,
        "There is something at this path already.",
    );
    problem.header(header::ALLOW, &allow).into()
}

/// A copy of a file, or of a folder with all that is in it.
pub(crate) async fn copy(call: &mut Call) -> Answer {
    let is_shallow = match depth(call.inbound.headers())? {
        Some(Depth::One) => return Err(bad_depth("0 or infinity").into()),
        depth => depth == Some(Depth::Zero),
    };
    transfer(call, false, is_shallow).await
}

/// A file or a folder, to another place.
pub(crate) async fn relocate(call: &mut Call) -> Answer {
    must_be_deep(call.inbound.headers(), "MOVE")?;
    transfer(call, true, false).await
}

async fn transfer(call: &mut Call, is_move: bool, is_shallow: bool) -> Answer {
    let Target { key: from, .. } = Target::of(call)?;
    let headers = call.inbound.headers();
    let to = place::destination(call, from.space())?;
    let replaces = match headers.get("overwrite").map(HeaderValue::as_bytes) {
        None | Some(b"T" | b"t") => true,
        Some(b"F" | b"f") => false,
        Some(_) => {
            let problem = Problem::malformed("Overwrite must be T or F.");
            return Err(problem.with("header", "Overwrite").into());
        }
    };
    let terms = terms(call)?;
    let wanted = Transfer {
        from: from.clone(),
        to: to.clone(),
        is_move,
        replaces,
        is_shallow,
    };
    let service = &call.app.service;
    let done = service.transfer(&call.principal, &wanted, &terms).await;
    answer(call, done, &[&from, &to], |call, transferred| {
        let status = match transferred.created {
            true => StatusCode::CREATED,
            false => StatusCode::NO_CONTENT,
        };
        bodiless(status, &transferred.done.stored, &call.site).map(Body::from)
    })
}

/// What the fields of a request say that a write depends on.
fn terms(call: &Call) -> Result<FileTerms, Problem> {
    let headers = call.inbound.headers();
    Ok(FileTerms {
        conditions: fields::preconditions(headers)?,
        states: if_field::state_lists(headers, |url| place::file_of(call, url))?,
        in_folder: true,
        // Most programs of the desktop know no tags. What they replace stays in the history.
        may_be_unconditional: true,
        ..FileTerms::default()
    })
}

/// The same, of a request that makes nothing: where there is no folder, there is no file.
fn of_what_is_there(terms: FileTerms) -> FileTerms {
    FileTerms {
        in_folder: false,
        ..terms
    }
}

/// How far a request reaches (RFC 4918, section 10.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Zero,
    One,
    Infinity,
}

fn depth(headers: &HeaderMap) -> Result<Option<Depth>, Problem> {
    let Some(value) = headers.get("depth") else {
        return Ok(None);
    };
    Ok(Some(match value.as_bytes() {
        b"0" => Depth::Zero,
        b"1" => Depth::One,
        it if it.eq_ignore_ascii_case(b"infinity") => Depth::Infinity,
        _ => return Err(bad_depth("0, 1 or infinity")),
    }))
}

fn bad_depth(may_be: &str) -> Problem {
    Problem::malformed(format!("Depth must be {may_be}.")).with("header", "Depth")
}

fn must_be_deep(headers: &HeaderMap, method: &str) -> Result<(), Problem> {
    match depth(headers)? {
        None | Some(Depth::Infinity) => Ok(()),
        Some(_) => Err(bad_depth(&format!("infinity for {method}"))),
    }
}

/// The answer to a request, or a refusal in the words of WebDAV where it has some.
fn answer<T>(
    call: &Call,
    done: Result<T, impl Into<Refused>>,
    keys: &[&Key],
    render: impl FnOnce(&Call, T) -> Response,
) -> Answer {
    match done {
        Ok(done) => Ok(render(call, done)),
        Err(refused) => Err(told(call, refused.into(), keys)),
    }
}

/// A refusal; where a lock stands in the way, it names what that is the lock of (RFC 4918, section 16).
fn told(call: &Call, refused: Refused, keys: &[&Key]) -> Refused {
    told_as(call, refused, keys, "lock-token-submitted")
}

fn told_as(call: &Call, refused: Refused, keys: &[&Key], condition: &str) -> Refused {
    let Refused::Explained(explanation) = &refused else {
        return refused;
    };
    let What::Locked(lock) = &explanation.what else {
        return refused;
    };
    let service = &call.app.service;
    let all = keys.iter().copied().chain(&explanation.key);
    let mut roots = all.filter_map(|key| service.root_of_lock(key, &lock.token));
    let root = roots.next().or_else(|| explanation.key.clone());
    let mut text = format!("<D:{condition}>");
    if let Some(root) = root {
        property::push_href(&mut text, call.site.prefix(), &root, false);
    }
    text.push_str(&format!("</D:{condition}>"));
    refused.told(&call.site).with_condition(text).into()
}

/// What the body of a refusal is that names which condition of RFC 4918 does not hold.
pub(crate) const XML: &str = "application/xml; charset=utf-8";

/// Such a body. The members of the problem are in it as XML (RFC 7807, appendix A).
pub(crate) fn error(condition: &str, members: &[(&str, String)]) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:error xmlns:D=\"DAV:\">{condition}"
    );
    text.push_str("<problem xmlns=\"urn:ietf:rfc:7807\">");
    for (name, value) in members {
        text.push_str(&format!("<{name}>"));
        xml::push_text(&mut text, value);
        text.push_str(&format!("</{name}>"));
    }
    text.push_str("</problem></D:error>\n");
    text
}

/// A refusal for which there is no kind of problem.
fn bare_error(status: StatusCode, condition: &str, detail: &str) -> Response {
    let members = [
        (
            "title",
            status.canonical_reason().unwrap_or_default().to_owned(),
        ),
        ("status", status.as_str().to_owned()),
        ("detail", detail.to_owned()),
    ];
    let text = error(&format!("<D:{condition}/>"), &members);
    xml_response(status, text.into(), None)
}

/// XML, `text` being one element.
fn xml_response(status: StatusCode, text: Body, lock_token: Option<HeaderValue>) -> Response {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_static(XML);
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    if let Some(token) = lock_token {
        headers.insert("lock-token", token);
    }
    response
}
