use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderName, HeaderValue, Version, header};
use url::Position;

use super::frames::{Gate, Gated};
use super::stream::Stream;
use super::{MOST_CONTENT, USER_AGENT, lost};
use crate::model::{Request, Response, Unsure};

/// How long a server may take to say that it speaks HTTP/2 (RFC 9113, section 3.4).
const GREETING: Duration = Duration::from_secs(2);
/// How long a server may keep the end of a request from being ready to leave, by its flow control.
const READY: Duration = Duration::from_secs(2);

/// One connection that speaks HTTP/2 (RFC 9113), many requests at once.
#[derive(Clone)]
pub(crate) struct Http2 {
    sender: SendRequest<Bytes>,
    gate: Gate,
}

/// A request that was handed to the connection, and its answer to come.
pub(crate) struct Pending {
    stream: u32,
    answer: ResponseFuture,
}

impl Http2 {
    /// Begins to speak, and has it driven by a task that ends with the connection.
    ///
    /// # Errors
    ///
    /// If the server does not speak it.
    pub(crate) async fn begin(stream: Stream) -> io::Result<Self> {
        let (gated, gate) = Gated::new(stream);
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(1 << 20)
            .initial_connection_window_size(8 << 20)
            .enable_push(false)
            .handshake(gated)
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(async move {
            // How it ended is told by the requests that were on it.
            let _ = connection.await;
        });
        // Until then nothing is known of how many requests it takes at once.
        match tokio::time::timeout(GREETING, gate.has_greeted()).await {
            Ok(true) => Ok(Self { sender, gate }),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it does not speak HTTP/2",
            )),
        }
    }

    /// How many requests the server takes at once.
    pub(crate) fn room(&self) -> usize {
        self.sender.current_max_send_streams()
    }

    /// Whether a request may be sent.
    pub(crate) async fn is_ready(&self) -> bool {
        self.sender.clone().ready().await.is_ok()
    }

    pub(crate) fn close_gate(&self) {
        self.gate.close();
    }

    /// Waits until all of the requests but their ends have been sent; not for ever.
    pub(crate) async fn keeps(&self, requests: usize) {
        let _ = tokio::time::timeout(READY, self.gate.keeps(requests)).await;
    }

    /// Whether the end of a request was released and no part of an answer is here.
    pub(crate) fn is_under_way(&self, pending: &Pending) -> bool {
        self.gate.is_under_way(pending.stream)
    }

    /// Whether a part of an answer came already, or none can come.
    pub(crate) fn is_answered(&self, pending: &Pending) -> bool {
        self.gate.is_answered(pending.stream)
    }

    /// Sends the ends that were kept back, in one write; from when to when that took.
    ///
    /// # Errors
    ///
    /// Those of the connection.
    pub(crate) async fn open_gate(&self) -> io::Result<(Instant, Instant)> {
        self.gate.open().await
    }

    /// Hands over a request.
    ///
    /// # Errors
    ///
    /// [`Unsure`], if the connection broke.
    pub(crate) async fn send(&self, request: &Request) -> Result<Pending, Unsure> {
        let mut sender = self.sender.clone().ready().await.map_err(lost)?;
        let has_content = !request.body.is_empty();
        let head = head(request)?;
        let (answer, mut stream) = sender.send_request(head, !has_content).map_err(lost)?;
        if has_content {
            // h2 queues it, and sends as flow control allows. A server may have answered by the head alone, and reset
            // the stream since it wants no content (RFC 9113, section 8.1): then there is nothing to send it on, and
            // the answer counts. Whatever else closed the stream is told in place of the answer.
            let _ = stream.send_data(request.body.clone(), true);
        }
        Ok(Pending {
            stream: answer.stream_id().as_u32(),
            answer,
        })
    }

    /// Sends a request, and waits until its end has left. Nothing else is to be under way on the connection.
    ///
    /// # Errors
    ///
    /// [`Unsure`], if the connection broke.
    pub(crate) async fn send_whole(&self, request: &Request) -> Result<Pending, Unsure> {
        self.close_gate();
        let pending = self.send(request).await?;
        self.keeps(1).await;
        self.open_gate().await.map_err(lost)?;
        Ok(pending)
    }
}

impl Pending {
    /// Waits for the whole answer.
    ///
    /// # Errors
    ///
    /// [`Unsure`], if the stream or the connection breaks.
    pub(crate) async fn receive(&mut self) -> Result<Response, Unsure> {
        let response = (&mut self.answer).await.map_err(lost)?;
        let (head, mut stream) = response.into_parts();
        let mut content = Vec::new();
        while let Some(data) = stream.data().await {
            let data = data.map_err(lost)?;
            content.extend_from_slice(&data);
            if content.len() > MOST_CONTENT {
                return Err(Unsure::Malformed(format!(
                    "its content is larger than {} MiB",
                    MOST_CONTENT >> 20
                )));
            }
            // Read bytes make room for others.
            let _ = stream.flow_control().release_capacity(data.len());
        }
        Ok(Response {
            status: head.status,
            headers: head.headers,
            body: content.into(),
        })
    }
}

fn head(request: &Request) -> Result<http::Request<()>, Unsure> {
    let target = &request.url[..Position::AfterQuery];
    let mut head = http::Request::builder()
        .method(request.method.clone())
        .uri(target)
        .version(Version::HTTP_2)
        .body(())
        .map_err(|error| Unsure::Malformed(error.to_string()))?;
    for (name, value) in &request.headers {
        if !is_of_connection(name) {
            head.headers_mut().append(name, value.clone());
        }
    }
    head.headers_mut()
        .entry(header::USER_AGENT)
        .or_insert(HeaderValue::from_static(USER_AGENT));
    Ok(head)
}

/// Fields of one connection, which HTTP/2 does not have (RFC 9113, section 8.2.2).
fn is_of_connection(name: &HeaderName) -> bool {
    [
        header::CONNECTION,
        header::HOST,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::CONTENT_LENGTH,
    ]
    .contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}
