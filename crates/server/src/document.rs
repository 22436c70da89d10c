use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::Bytes;
use detente_core::{EntityTag, Stored};
use detente_service::Read;

use crate::call::{Answer, Call};
use crate::explanation::Refused;
use crate::fields;
use crate::idempotency::OnceField;
use crate::problem::Problem;
use crate::representation::{self, Coding, GZIP_SUFFIX, NO_CACHE, Reply, bodiless, field};
use crate::site::Site;
use crate::write::{self, WriteHead};

/// The current version.
pub(crate) async fn read(call: &mut Call) -> Answer {
    let key = call.names().key()?;
    let conditions = fields::preconditions(call.inbound.headers())?;
    let service = &call.app.service;
    let read = service.read(&call.principal, &key, &conditions).await?;
    let reply = respond(read, call.inbound.headers(), &call.site).await?;
    Ok(reply.map(Body::from))
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
        site,
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
    let reply = write::answer(done, &inbound.parts.method, inbound.headers(), site);
    Ok(reply.map(Body::from))
}

/// A version, or 304 where the client knows it.
pub(crate) async fn respond(
    read: Read,
    headers: &HeaderMap,
    site: &Site,
) -> Result<Reply, Refused> {
    let Read {
        stored,
        tag,
        is_known,
    } = read;
    if is_known {
        return Ok(not_modified(&stored, &tag, headers, site));
    }
    representation::document(&stored, &tag, headers, site).await
}

/// Names the form of the representation that the client has, if it said so, else the one it would get.
fn not_modified(stored: &Stored, tag: &EntityTag, request: &HeaderMap, site: &Site) -> Reply {
    let is_coded = match forms_named(tag, request) {
        (true, false) => false,
        (false, true) => true,
        _ => Coding::negotiate(request, stored.body.len()) == Coding::Gzip,
    };
    let mut reply = bodiless(StatusCode::NOT_MODIFIED, stored, site);
    let headers = reply.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    if is_coded {
        headers.insert(header::ETAG, field(Coding::Gzip.tag(tag).to_field()));
    }
    reply
}

/// Whether If-None-Match names the plain form of a tag, and whether the compressed one. A proxy may
/// have put more behind either, which it also puts behind the tag of this answer.
fn forms_named(tag: &EntityTag, request: &HeaderMap) -> (bool, bool) {
    let stem = tag.to_field();
    let stem = stem.trim_end_matches('"');
    let lines = request.get_all(header::IF_NONE_MATCH).into_iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let (mut plain, mut coded) = (false, false);
    for rest in lines.flat_map(|line| line.split(stem).skip(1)) {
        match rest.starts_with(GZIP_SUFFIX) {
            true => coded = true,
            false => plain |= !rest.starts_with(|it: char| it.is_ascii_hexdigit()),
        }
    }
    (plain, coded)
}
