use std::time::Duration;

use detente_check::client::Settings;
use detente_check::{Protocol, Reply, RunError, Unsure};
use h2::server::Builder;

use super::peer::{Answer, Peer};
use super::peer_http2::{self, Manner};
use super::{client, client_with, put, speaking, told};

#[tokio::test]
async fn more_content_than_the_window_takes_arrives_whole() {
    let mut builder = Builder::new();
    builder
        .initial_window_size(1000)
        .initial_connection_window_size(70_000);
    let peer = peer_http2::start(builder, Manner::Answer).await;
    let actor = client_with(speaking(Protocol::Http2)).actor("alice");
    for content in [999, 1000, 1001, 300_000] {
        let sent = actor.send(put(&peer.url, vec![b'x'; content])).await;
        assert_eq!(told(&sent.expect("it was sent")), "200 ok", "{content}");
        let arrivals = peer.log.arrivals();
        assert_eq!(arrivals.last().map(|it| it.content), Some(content));
        assert_eq!(arrivals.last().map(|it| it.connection), Some(0));
    }
}

#[tokio::test]
async fn a_reset_stream_is_unsure_and_hurts_no_other() {
    let peer = peer_http2::start(Builder::new(), Manner::Reset).await;
    let actor = client_with(speaking(Protocol::Http2)).actor("alice");
    for _ in 0..2 {
        let sent = actor.send(put(&peer.url, "x")).await.expect("it was sent");
        let lost = matches!(&sent.reply, Reply::Missing(Unsure::Lost(_)));
        assert!(lost, "{}", told(&sent));
    }
    assert_eq!(peer.log.arrivals().last().map(|it| it.connection), Some(0));
}

/// A server that has answered resets what it does not want to read any more; the answer counts (RFC 9113, section 8.1).
///
/// The head leaves while the content is handed over, so that the reset may come in between: hence so often.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_before_the_content_counts_though_the_stream_is_reset() {
    let peer = peer_http2::start(Builder::new(), Manner::AnswerEarly).await;
    let client = client_with(speaking(Protocol::Http2));
    let actor = client.actor("alice");
    for content in [1, 10_000, 300_000].repeat(100) {
        let sent = actor.send(put(&peer.url, vec![b'x'; content])).await;
        assert_eq!(told(&sent.expect("it was sent")), "200 ok", "{content}");
    }
    for content in [1, 10_000].repeat(10) {
        let sends = (0..8).map(|_| (client.actor("one"), put(&peer.url, vec![b'x'; content])));
        let volley = client.volley(sends.collect()).await;
        for exchange in volley.expect("they were sent").exchanges {
            assert_eq!(told(&exchange), "200 ok", "{content}");
        }
    }
}

#[tokio::test]
async fn after_goaway_another_connection_is_opened() {
    let peer = peer_http2::start(Builder::new(), Manner::GoAway).await;
    let actor = client_with(speaking(Protocol::Http2)).actor("alice");
    for _ in 0..3 {
        let sent = actor.send(put(&peer.url, "x")).await.expect("it was sent");
        assert_eq!(told(&sent), "200 ok");
    }
    let connections = peer.log.arrivals().iter().map(|it| it.connection).max();
    assert!(connections > Some(0));
}

#[tokio::test]
async fn protocols_are_found_out_by_asking() {
    let old =
        Peer::start(|_| Answer::of(&["HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"]));
    let old = old.await;
    let new = peer_http2::start(Builder::new(), Manner::Answer).await;
    for (url, expected) in [
        (&old.url, vec![Protocol::Http1]),
        (&new.url, vec![Protocol::Http2]),
    ] {
        let client = client_with(Settings {
            timeout: Duration::from_millis(500),
            ..Settings::usual()
        });
        let found = client.protocols(url).await.expect("it speaks one");
        assert_eq!(found, expected);
    }
    let silent = Peer::accept("http", |_, _, _| async {}).await;
    let none = client().protocols(&silent.url).await;
    let is_none = match &none {
        Ok(found) => found.is_empty(),
        Err(stop) => matches!(stop, RunError::Unreachable { .. }),
    };
    assert!(is_none, "{none:?}");
}
