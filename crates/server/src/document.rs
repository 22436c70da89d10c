use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::Bytes;
use detente_core::{EntityTag, Stored};
use detente_service::Read;

use crate::call::{Answer, Call};
use crate::fields;
use crate::idempotency::OnceField;
use crate::problem::Problem;
use crate::representation::{self, Coding, Reply, bodiless, field};
use crate::write::{self, WriteHead};

/// The current version.
pub(crate) async fn read(call: &mut Call) -> Answer {
    let key = call.names().key()?;
    let conditions = fields::preconditions(call.inbound.headers())?;
    let service = &call.app.service;
    let read = service.read(&call.principal, &key, &conditions).await?;
    Ok(respond(read, call.inbound.headers()).await?.map(Body::from))
}

/// PUT, PATCH, DELETE.
pub(crate) async fn write(call: &mut Call) -> Answer {
    let key = call.names().key()?;
    perform(call, key).await
}

/// A new document in a collection, under an id of the server's choice.
pub(crate) async fn create(call: &mut Call) -> Answer {
    let id = uuid::Uuid::now_v7().to_string();
    let key = call.names().collection()?.key(&id);
    perform(call, key.map_err(Problem::internal)?).await
}

async fn perform(call: &mut Call, key: detente_core::Key) -> Answer {
    let Call {
        app,
        principal,
        inbound,
        ..
    } = call;
    app.service.collection(key.collection())?;
    let head = WriteHead::read(key, &inbound.parts.method, inbound.headers())?;
    let body = match head.has_body() {
        true => inbound.read().await?,
        false => Bytes::new(),
    };
    let once = OnceField::read(inbound.headers())?;
    let once = once.as_ref().map(|once| once.of(inbound));
    let done = app.service.write(principal, head.with(body)?, once).await?;
    let reply = write::answer(done, &inbound.parts.method, inbound.headers()).await?;
    Ok(reply.map(Body::from))
}

/// A version, or 304 where the client knows it.
pub(crate) async fn respond(read: Read, headers: &HeaderMap) -> Result<Reply, Problem> {
    let Read {
        stored,
        tag,
        is_known,
    } = read;
    if is_known {
        return Ok(not_modified(&stored, &tag, headers));
    }
    representation::document(StatusCode::OK, &stored, &tag, headers).await
}

/// Names the form of the representation that the client has, if it said so, else the one it would get.
fn not_modified(stored: &Stored, tag: &EntityTag, request: &HeaderMap) -> Reply {
    let coded = Coding::Gzip.tag(tag).to_string();
    let lines = || request.get_all(header::IF_NONE_MATCH).into_iter();
    let names =
        |form: &str| lines().any(|line| line.to_str().is_ok_and(|line| line.contains(form)));
    let is_coded = match (names(&coded), names(&tag.to_string())) {
        (true, false) => true,
        (false, true) => false,
        _ => Coding::negotiate(request, stored.body.len()) == Coding::Gzip,
    };
    let mut reply = bodiless(StatusCode::NOT_MODIFIED, stored);
    let headers = reply.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if is_coded {
        headers.insert(header::ETAG, field(coded));
    }
    reply
}
