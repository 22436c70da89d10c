//! The null server, with every PUT in one bare file: the limit of what can be durable.

use std::fs::File;
use std::io::Write;
use std::path::Path as FilePath;
use std::{process, thread};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::null;

/// The most writes in one commit.
const BATCH: usize = 512;
/// Writes that may wait for the next commit.
const QUEUE: usize = 4096;

/// A write on its way to the file; its version comes back once it is durable.
struct Append {
    id: String,
    body: Bytes,
    done: oneshot::Sender<u64>,
}

/// Serves until standard input ends.
///
/// # Errors
///
/// When it cannot listen, or the file cannot be made.
pub(crate) fn serve_file(path: &FilePath) -> Result<()> {
    let file =
        File::create(path).with_context(|| format!("{} cannot be created", path.display()))?;
    let (queue, appends) = mpsc::channel(QUEUE);
    thread::spawn(move || {
        if let Err(error) = commit_all(file, appends) {
            // What is on disk is unknown now, so nothing more may be promised.
            eprintln!("could not write: {error}");
            process::exit(1);
        }
    });
    let routes = get(null::read).put(write).with_state(queue);
    null::serve(Router::new().route("/api/{collection}/{id}", routes))
}

async fn write(
    State(queue): State<mpsc::Sender<Append>>,
    Path((_collection, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(refusal) = null::check(&headers, &body) {
        return refusal.into_response();
    }
    match append(&queue, id, body.clone()).await {
        Some(version) => null::accepted(version, &headers, body),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn append(queue: &mpsc::Sender<Append>, id: String, body: Bytes) -> Option<u64> {
    let (done, version) = oneshot::channel();
    queue.send(Append { id, body, done }).await.ok()?;
    version.await.ok()
}

/// Group commit without lingering: whatever came while the last commit ran is the next one.
fn commit_all(mut file: File, mut appends: mpsc::Receiver<Append>) -> std::io::Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut buffer = Vec::new();
    let mut version = 0;
    while appends.blocking_recv_many(&mut batch, BATCH) > 0 {
        buffer.clear();
        for append in &batch {
            buffer.extend_from_slice(append.id.as_bytes());
            buffer.push(b' ');
            buffer.extend_from_slice(&append.body);
            buffer.push(b'\n');
        }
        file.write_all(&buffer)?;
        file.sync_data()?;
        for append in batch.drain(..) {
            version += 1;
            // Whoever asked may have gone; the write stays.
            let _ = append.done.send(version);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_once_its_bytes_are_in_the_file() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("log");
        let (queue, appends) = mpsc::channel(QUEUE);
        let mut versions = Vec::new();
        for id in ["a", "b"] {
            let (done, version) = oneshot::channel();
            let body = Bytes::from_static(b"{}");
            let append = Append {
                id: id.to_owned(),
                body,
                done,
            };
            queue.try_send(append).expect("the queue has room");
            versions.push(version);
        }
        drop(queue);
        let file = File::create(&path).expect("the directory is there");
        commit_all(file, appends).expect("the file can be written");
        let told: Vec<_> = versions.iter_mut().map(|v| v.try_recv()).collect();
        assert_eq!(told, [Ok(1), Ok(2)]);
        assert_eq!(
            std::fs::read(&path).expect("it was written"),
            b"a {}\nb {}\n"
        );
    }
}
