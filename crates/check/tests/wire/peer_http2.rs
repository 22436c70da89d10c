use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use http::{Method, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};

use super::peer::{Arrival, LATE, Log, Peer};

/// What a server on HTTP/2 does with each request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Answer,
    AnswerLate,
    /// Answers without reading the content.
    AnswerEarly,
    Reset,
    /// Answers the first request of a connection, and lets no other follow.
    GoAway,
}

pub(crate) async fn start(builder: Builder, manner: Manner) -> Peer {
    Peer::accept("http", move |number, stream, log| {
        serve(number, stream, log, builder.clone(), manner)
    })
    .await
}

pub(crate) async fn serve(
    number: usize,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    log: Arc<Log>,
    builder: Builder,
    manner: Manner,
) {
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else {
        return;
    };
    while let Some(Ok((request, answer))) = connection.accept().await {
        if manner == Manner::GoAway {
            connection.graceful_shutdown();
        }
        tokio::spawn(respond(number, request, answer, Arc::clone(&log), manner));
    }
}

async fn respond(
    connection: usize,
    request: Request<h2::RecvStream>,
    mut answer: SendResponse<Bytes>,
    log: Arc<Log>,
    manner: Manner,
) {
    let (head, mut content) = request.into_parts();
    let user_agent = head.headers[http::header::USER_AGENT].to_str();
    let user_agent = user_agent.expect("it is text").to_owned();
    let mut length = 0;
    if manner != Manner::AnswerEarly {
        while let Some(data) = content.data().await {
            let Ok(data) = data else { return };
            length += data.len();
            if content.flow_control().release_capacity(data.len()).is_err() {
                return;
            }
        }
        log.push(Arrival {
            connection,
            path: head.uri.path().to_owned(),
            content: length,
            user_agent,
            completed: Instant::now(),
        });
    }
    if manner == Manner::AnswerLate {
        tokio::time::sleep(LATE).await;
    }
    if manner == Manner::Reset {
        answer.send_reset(h2::Reason::INTERNAL_ERROR);
        return;
    }
    let is_head = head.method == Method::HEAD;
    // Whoever hung up meanwhile does not want it.
    if let Ok(mut stream) = answer.send_response(Response::new(()), is_head)
        && !is_head
    {
        let _ = stream.send_data("ok".into(), true);
    }
}
