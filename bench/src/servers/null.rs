//! The same HTTP stack, storing nothing: the limit that storage cannot beat.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::{process, thread};

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::runtime;

use crate::driver::Body;

/// Serves until standard input ends.
///
/// # Errors
///
/// When it cannot listen.
pub(crate) fn serve_null() -> Result<()> {
    let versions = Arc::new(AtomicU64::new(1));
    let routes = get(read).put(write).with_state(versions);
    serve(Router::new().route("/api/{collection}/{id}", routes))
}

/// Serves `api` on a free port of the loopback, with the address on standard output.
///
/// The worker threads are tokio's choice, which is `TOKIO_WORKER_THREADS`.
pub(super) fn serve(api: Router) -> Result<()> {
    end_with_parent();
    let app = api.route("/readyz", get(|| async { StatusCode::OK }));
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        announce(listener.local_addr()?)?;
        let listener = listener.tap_io(|stream| {
            // Without it a small answer can wait for an acknowledgement; with an error the stream is closed already.
            let _ = stream.set_nodelay(true);
        });
        Ok(axum::serve(listener, app).await?)
    })
}

pub(super) fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening on http://{address}")?;
    out.flush()
}

/// Standard input is a pipe from the driver: it ends when the driver does, however that came about.
pub(super) fn end_with_parent() {
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        process::exit(0);
    });
}

async fn write(
    State(versions): State<Arc<AtomicU64>>,
    Path((_collection, _id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match check(&headers, &body) {
        Ok(()) => accepted(versions.fetch_add(1, Ordering::Relaxed), &headers, body),
        Err(refusal) => refusal.into_response(),
    }
}

/// The least that any server of conditional writes has to look at: one precondition, and that the body is JSON.
pub(super) fn check(headers: &HeaderMap, body: &[u8]) -> Result<(), StatusCode> {
    if !headers.contains_key(IF_MATCH) && !headers.contains_key(IF_NONE_MATCH) {
        return Err(StatusCode::PRECONDITION_REQUIRED);
    }
    serde_json::from_slice::<&RawValue>(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(())
}

/// The answer to a write: its tag, and the body unless the driver asked to leave it out. It sends no other preference.
pub(super) fn accepted(version: u64, request: &HeaderMap, body: Bytes) -> Response {
    let tag = (ETAG, format!("\"{version}-0123456789abcdef\""));
    if request.contains_key("prefer") {
        return (StatusCode::NO_CONTENT, [tag]).into_response();
    }
    let fields = [tag, (CONTENT_TYPE, "application/json".to_owned())];
    (fields, body).into_response()
}

/// One document stands for all of them, at every version that somebody asks for.
pub(super) async fn read(
    Path((_collection, _id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    static DOCUMENT: LazyLock<Bytes> =
        LazyLock::new(|| Bytes::copy_from_slice(Body::new().of(0, 0)));
    let tag = (ETAG, "\"1-0123456789abcdef\"");
    if headers.contains_key(IF_NONE_MATCH) {
        return (StatusCode::NOT_MODIFIED, [tag]).into_response();
    }
    let fields = [tag, (CONTENT_TYPE, "application/json")];
    (fields, DOCUMENT.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_without_condition_or_without_json_is_refused() {
        let mut headers = HeaderMap::new();
        assert_eq!(
            check(&headers, b"{}"),
            Err(StatusCode::PRECONDITION_REQUIRED)
        );
        headers.insert(IF_MATCH, "\"1-a\"".parse().expect("it is visible ASCII"));
        assert_eq!(check(&headers, b"{}"), Ok(()));
        assert_eq!(check(&headers, b"{"), Err(StatusCode::BAD_REQUEST));
    }
}
