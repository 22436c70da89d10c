use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use detente_core::Stored;
use detente_service::{FileFacts, Outgoing};
use futures_util::stream::unfold;

use super::digest::written;
use super::range::{Part, part};
use crate::call::{Answer, Call};
use crate::problem::{Problem, ProblemKind};
use crate::representation::{NO_CACHE, describe, field};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// A version of a file, or the part of it that is asked for.
pub(crate) async fn file(call: &Call, stored: &Stored, facts: &FileFacts) -> Answer {
    let request = call.inbound.headers();
    let size = facts.size;
    let wanted = match call.inbound.parts.method.is_safe() {
        true => part(request, stored, size),
        false => Part::Whole,
    };
    let (status, from, length) = match wanted {
        Part::Whole => (StatusCode::OK, 0, size),
        Part::Of(from, length) => (StatusCode::PARTIAL_CONTENT, from, length),
        Part::None => {
            let detail = format!("The file has {size} bytes.");
            let problem = Problem::new(ProblemKind::RangeNotSatisfiable, detail);
            let problem = problem.with("size", size);
            return Err(problem
                .header(header::CONTENT_RANGE, &format!("bytes */{size}"))
                .into());
        }
    };
    let service = &call.app.service;
    let content = service.content(stored, facts, (from, length)).await?;
    let mut response = Response::new(body(content));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let tag = stored.head().tag().to_entity_tag();
    describe(headers, stored, &tag, &call.site);
    let media_type = HeaderValue::try_from(&facts.media_type);
    let media_type = media_type.map_err(Problem::internal)?;
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    let digest = field(written(facts.hash));
    match status {
        StatusCode::PARTIAL_CONTENT => {
            let last = from + length - 1;
            let range = field(format!("bytes {from}-{last}/{size}"));
            headers.insert(header::CONTENT_RANGE, range);
        }
        _ => {
            headers.insert(CONTENT_DIGEST, digest.clone());
        }
    }
    headers.insert(REPR_DIGEST, digest);
    // Whatever somebody stored, it is not a page of this server: no script of it runs here.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'",
        ),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    Ok(response)
}

/// Piece by piece, as the client takes them.
fn body(content: Outgoing) -> Body {
    match content {
        Outgoing::Here(bytes) => Body::from(bytes),
        content => Body::from_stream(unfold(Some(content), async |content| {
            let mut content = content?;
            match content.next().await {
                Ok(piece) => piece.map(|piece| (Ok(piece), Some(content))),
                Err(error) => {
                    tracing::error!(%error, "a content cannot be read to its end");
                    Some((Err(error), None))
                }
            }
        })),
    }
}
