//! A server that notes when it had the last byte of each request, and tells.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::null::{announce, end_with_parent};

/// The first bytes of a connection on HTTP/2 (RFC 9113, section 3.4), as far as is needed to know them.
const PREFACE: &[u8] = b"PRI ";
/// The end of each request on HTTP/1.1: its content.
const LAST: &[u8] = b"last";

/// Answers wait until all of a volley have come: whoever is busy with answering notes the others too late.
const PAUSE: Duration = Duration::from_millis(3);

/// When requests were complete, since the server began.
#[derive(Clone)]
struct Stamps {
    begun: Instant,
    micros: Arc<Mutex<Vec<f64>>>,
}

impl Stamps {
    /// Notes one that is complete; returns after [`PAUSE`].
    ///
    /// Whoever is the first of a volley keeps the process awake for as long: to fall asleep and be woken again for each
    /// of 32 takes longer than it takes to send them, so what would be measured is this server.
    async fn note(&self) {
        let noted = Instant::now();
        let is_first = {
            let mut micros = self.micros.lock().expect("no holder panics");
            micros.push((noted - self.begun).as_secs_f64() * 1e6);
            micros.len() == 1
        };
        if !is_first {
            sleep(PAUSE).await;
        }
        while noted.elapsed() < PAUSE {
            yield_now().await;
        }
    }

    /// From the first to the last since somebody asked before, in µs.
    fn spread(&self) -> String {
        let mut micros = self.micros.lock().expect("no holder panics");
        let least = micros.iter().copied().fold(f64::INFINITY, f64::min);
        let most = micros.iter().copied().fold(0.0, f64::max);
        let spread = (most - least).max(0.0);
        format!("{} {spread}", std::mem::take(&mut *micros).len())
    }
}

/// Serves until standard input ends: PUT is noted, GET tells how far apart the PUTs since the last GET were.
///
/// # Errors
///
/// When it cannot listen.
pub(crate) fn serve_stamps() -> Result<()> {
    end_with_parent();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        announce(listener.local_addr()?)?;
        let stamps = Stamps {
            begun: Instant::now(),
            micros: Arc::default(),
        };
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let stamps = stamps.clone();
            tokio::spawn(async move {
                // Whoever asks notices an answer that does not come.
                let _ = serve(stream, &stamps).await;
            });
        }
    })
}

async fn serve(stream: TcpStream, stamps: &Stamps) -> Result<()> {
    let mut first = [0; 4];
    loop {
        match stream.peek(&mut first).await? {
            0 => return Ok(()),
            1..4 => tokio::task::yield_now().await,
            _ => break,
        }
    }
    if first == PREFACE {
        serve_http2(stream, stamps).await
    } else {
        serve_http1(stream, stamps).await
    }
}

async fn serve_http1(mut stream: TcpStream, stamps: &Stamps) -> Result<()> {
    let mut read = Vec::with_capacity(4096);
    while stream.read_buf(&mut read).await? > 0 {
        let is_get = read.starts_with(b"GET ") && read.ends_with(b"\r\n\r\n");
        let is_put = read.starts_with(b"PUT ") && read.ends_with(LAST);
        if !is_get && !is_put {
            continue;
        }
        let content = if is_get {
            stamps.spread()
        } else {
            stamps.note().await;
            String::new()
        };
        read.clear();
        let length = content.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{content}");
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

async fn serve_http2(stream: TcpStream, stamps: &Stamps) -> Result<()> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(request) = connection.accept().await {
        let (request, mut answer) = request?;
        let stamps = stamps.clone();
        tokio::spawn(async move {
            let mut content = request.into_body();
            while let Some(Ok(data)) = content.data().await {
                let _ = content.flow_control().release_capacity(data.len());
            }
            stamps.note().await;
            let head = axum::http::Response::new(());
            if let Ok(mut stream) = answer.send_response(head, false) {
                let _ = stream.send_data(Bytes::new(), true);
            }
        });
    }
    Ok(())
}
