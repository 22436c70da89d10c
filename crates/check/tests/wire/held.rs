use std::time::{Duration, Instant};

use detente_check::{Protocol, Request};

use super::peer::{Answer, Peer};
use super::peer_http2::{self, Manner};
use super::{client_with, put, speaking, told};

/// How long the server may not have the request for: time enough for it to have come, were it on its way.
const HELD: Duration = Duration::from_millis(30);

async fn peer(protocol: Protocol) -> Peer {
    match protocol {
        Protocol::Http1 => Peer::start(|_| Answer::ok()).await,
        Protocol::Http2 => peer_http2::start(h2::server::Builder::new(), Manner::Answer).await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_request_is_not_complete_until_it_is_released() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for content in [0, 1, 2, 1000, 200_000] {
            let peer = peer(protocol).await;
            let client = client_with(speaking(protocol));
            let request = match content {
                0 => Request::get(peer.url.clone()),
                _ => put(&peer.url, vec![b'x'; content]),
            };
            let mut held = client.actor("alice").hold(request).await.expect("it began");
            let others = client.actor("bob").send(put(&peer.url, "y")).await;
            assert_eq!(told(&others.expect("it was sent")), "200 ok");
            let early = tokio::time::timeout(HELD, peer.log.until(2)).await;
            assert!(early.is_err(), "{protocol:?}, {content}: {early:?}");
            assert!(!held.answered_early(), "{protocol:?}, {content}");
            let released = Instant::now();
            let exchange = held.release().await.expect("it was sent");
            assert_eq!(told(&exchange), "200 ok", "{protocol:?}, {content}");
            assert_eq!(exchange.protocol, protocol);
            let arrivals = peer.log.arrivals();
            let last = arrivals.last().expect("two came");
            assert!(last.completed >= released, "{protocol:?}, {content}");
            assert_eq!(last.content, content, "{protocol:?}");
            assert!(exchange.begun + HELD <= exchange.released);
            assert!(exchange.released <= exchange.ended);
        }
    }
}

/// It hung up, or answered by the head alone: nothing that is released then was under way with others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_before_the_last_byte_is_noticed() {
    let peer = Peer::accept("http", |_, mut stream, _| async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut some = [0; 8];
        let _ = stream.read(&mut some).await;
        let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
        let _ = stream.write_all(refusal).await;
        let _ = stream.read(&mut some).await;
        std::future::pending::<()>().await;
    })
    .await;
    let early = peer_http2::start(h2::server::Builder::new(), Manner::AnswerEarly).await;
    for (protocol, url, expected) in [
        (Protocol::Http1, peer.url, "403 "),
        (Protocol::Http2, early.url, "200 ok"),
    ] {
        let actor = client_with(speaking(protocol)).actor("alice");
        let mut held = actor.hold(put(&url, "content")).await.expect("it began");
        let begun = Instant::now();
        while !held.answered_early() {
            assert!(begun.elapsed() < Duration::from_secs(5), "{protocol:?}");
            tokio::task::yield_now().await;
        }
        let exchange = held.release().await.expect("it was sent");
        assert_eq!(told(&exchange), expected, "{protocol:?}");
    }
}
