use std::time::Duration;

use detente_check::client::Settings;
use detente_check::{Protocol, Reply, Request, RunError, Unsure};
use http::{HeaderValue, Method, header};

use super::peer::{Answer, Log, Peer, Then};
use super::peer_http2::{self, Manner};
use super::{client, client_with, put, speaking, told};

#[tokio::test]
async fn a_connection_is_used_again_unless_it_says_otherwise() {
    let cases = [
        // (what the server says, how many connections two requests need)
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 1),
        ("HTTP/1.1 204 No Content\r\n\r\n", 1),
        (
            "HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 0\r\n\r\n",
            2,
        ),
        ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", 2),
        (
            "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
            1,
        ),
        // More than was asked for: whose answer would the rest be?
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n",
            2,
        ),
    ];
    for (text, connections) in cases {
        let peer = Peer::start(move |_| Answer::of(&[text])).await;
        let actor = client().actor("alice");
        for _ in 0..2 {
            let sent = actor.send(put(&peer.url, "x")).await.expect("it was sent");
            assert!(sent.is_accepted(), "{text:?}: {}", told(&sent));
        }
        let arrivals = peer.log.arrivals();
        let last = arrivals.last().expect("two came");
        assert_eq!(last.connection + 1, connections, "{text:?}");
    }
}

/// A server can tell the tester's requests from those of people, however they are sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_names_the_tester() {
    let old = Peer::start(|_| Answer::ok()).await;
    let new = peer_http2::start(h2::server::Builder::new(), Manner::Answer).await;
    for (protocol, peer) in [(Protocol::Http1, old), (Protocol::Http2, new)] {
        let client = client_with(speaking(protocol));
        let alice = client.actor("alice");
        let request = || put(&peer.url, "x");
        alice.send(request()).await.expect("it was sent");
        let held = alice.hold(request()).await.expect("it was sent");
        held.release().await.expect("it was sent");
        let sends = ["bob", "carol"].map(|name| (client.actor(name), request()));
        client.volley(sends.into()).await.expect("it was sent");
        alice
            .abandon(request(), Duration::ZERO)
            .await
            .expect("it was sent");
        let own = HeaderValue::from_static("mine");
        let named = request().with(header::USER_AGENT, own);
        alice.send(named).await.expect("it was sent");
        let mut seen: Vec<_> = peer.log.until(6).await;
        let tester = concat!("detente-check/", env!("CARGO_PKG_VERSION"));
        let other = seen.pop().map(|it| it.user_agent);
        assert_eq!(other.as_deref(), Some("mine"), "{protocol:?}");
        assert!(seen.iter().all(|it| it.user_agent == tester), "{seen:?}");
    }
}

/// The server closes a connection just as it takes a second request from it (RFC 9110, section 9.2.2).
#[tokio::test]
async fn only_what_is_safe_is_sent_again() {
    for (method, expected) in [
        (Method::GET, "200 ok"),
        (
            Method::PUT,
            "the connection was lost: closed before an answer",
        ),
        (
            Method::DELETE,
            "the connection was lost: closed before an answer",
        ),
    ] {
        let peer = Peer::start(|arrival| match arrival.path.as_str() {
            "/second" if arrival.connection == 0 => Answer::of(&[]).then(Then::Close),
            _ => Answer::ok(),
        })
        .await;
        let actor = client().actor("alice");
        let first = actor.send(Request::get(peer.url.clone())).await;
        assert_eq!(told(&first.expect("it was sent")), "200 ok");
        let second = peer.url.join("/second").expect("it is a path");
        let sent = actor.send(Request::new(method.clone(), second)).await;
        assert_eq!(told(&sent.expect("it was sent")), expected, "{method}");
        let tried = if method == Method::GET { 3 } else { 2 };
        assert_eq!(peer.log.arrivals().len(), tried, "{method}");
    }
}

/// Seen before anything is sent on it, so that even a write loses nothing.
#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_left_alone() {
    let peer = Peer::start(|arrival| match arrival.connection {
        0 => Answer::ok().then(Then::Close),
        _ => Answer::ok(),
    })
    .await;
    let actor = client().actor("alice");
    let first = actor.send(put(&peer.url, "x")).await.expect("it was sent");
    assert_eq!(told(&first), "200 ok");
    // The end follows the answer on its way; the answer to another tells that it is here.
    let other = client().actor("bob").send(put(&peer.url, "x")).await;
    assert_eq!(told(&other.expect("it was sent")), "200 ok");
    let sent = actor.send(put(&peer.url, "y")).await.expect("it was sent");
    assert_eq!(told(&sent), "200 ok");
}

#[tokio::test]
async fn nothing_is_sent_beyond_the_budget() {
    let peer = Peer::start(|_| Answer::ok()).await;
    let client = client_with(Settings {
        budget: 3,
        ..Settings::usual()
    });
    let actor = client.actor("alice");
    actor.send(put(&peer.url, "x")).await.expect("it was sent");
    let volley = (0..3)
        .map(|_| (actor.clone(), put(&peer.url, "x")))
        .collect();
    let refused = client.volley(volley).await.err();
    assert!(
        matches!(refused, Some(RunError::BudgetSpent)),
        "{refused:?}"
    );
    assert_eq!(
        client.remaining(),
        2,
        "a volley is sent as a whole or not at all"
    );
    let pair = (0..2)
        .map(|_| (actor.clone(), put(&peer.url, "x")))
        .collect();
    client.volley(pair).await.expect("two are left");
    let refused = actor.send(put(&peer.url, "x")).await.err();
    assert!(
        matches!(refused, Some(RunError::BudgetSpent)),
        "{refused:?}"
    );
    assert_eq!(peer.log.arrivals().len(), 3);
}

/// What the client sends again by itself is a request like any other.
#[tokio::test]
async fn what_is_sent_again_is_charged_again() {
    let cases = [
        // (budget, what the second GET comes to, what is left, what came)
        (5, "200 ok", 2, 3),
        (2, "the connection was lost: closed before an answer", 0, 2),
    ];
    for (budget, expected, left, came) in cases {
        let peer = Peer::start(|arrival| match arrival.path.as_str() {
            "/second" if arrival.connection == 0 => Answer::of(&[]).then(Then::Close),
            _ => Answer::ok(),
        })
        .await;
        let client = client_with(Settings {
            budget,
            ..Settings::usual()
        });
        let actor = client.actor("alice");
        let first = actor.send(Request::get(peer.url.clone())).await;
        assert_eq!(told(&first.expect("it was sent")), "200 ok");
        let second = peer.url.join("/second").expect("it is a path");
        let sent = actor.send(Request::get(second)).await.expect("it was sent");
        assert_eq!(told(&sent), expected, "{budget}");
        assert_eq!(client.remaining(), left, "{budget}");
        assert_eq!(peer.log.arrivals().len(), came, "{budget}");
    }
}

#[tokio::test]
async fn other_machines_have_to_be_allowed() {
    // An address for documentation (RFC 5737): nobody is there, and nobody is asked.
    let url: url::Url = "http://192.0.2.1/".parse().expect("it is a URL");
    let refused = client().actor("alice").send(Request::get(url)).await.err();
    assert!(
        matches!(&refused, Some(RunError::RemoteNotAllowed { host }) if host == "192.0.2.1"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_no_http_is_not_asked() {
    let url: url::Url = "ftp://localhost/".parse().expect("it is a URL");
    let refused = client().actor("alice").send(Request::get(url)).await.err();
    assert!(
        matches!(refused, Some(RunError::NotHttp { .. })),
        "{refused:?}"
    );
}

/// A server that takes no bytes any more is not waited for longer than one that gives none.
#[tokio::test]
async fn sending_is_bound_by_the_time_out_too() {
    let peer = Peer::accept("http", |_, stream, _log: std::sync::Arc<Log>| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let settings = Settings {
        timeout: Duration::from_millis(100),
        ..speaking(Protocol::Http1)
    };
    let body = vec![b'x'; 64 << 20];
    let sent = client_with(settings)
        .actor("alice")
        .send(put(&peer.url, body))
        .await;
    let exchange = sent.expect("it was sent");
    assert!(
        matches!(exchange.reply, Reply::Missing(Unsure::TimedOut(_))),
        "{}",
        told(&exchange)
    );
}

/// On HTTP/2 also where flow control lets it leave only piece by piece.
#[tokio::test]
async fn a_dropped_request_reaches_the_server_and_is_unsure() {
    let mut builder = h2::server::Builder::new();
    builder.initial_window_size(1000);
    for (protocol, peer) in [
        (
            Protocol::Http1,
            Peer::start(|_| Answer::of(&[]).then(Then::Hang)).await,
        ),
        (
            Protocol::Http2,
            peer_http2::start(builder, Manner::AnswerLate).await,
        ),
    ] {
        let actor = client_with(speaking(protocol)).actor("alice");
        for (before, content) in [0, 1, 100_000].into_iter().enumerate() {
            let request = put(&peer.url, vec![b'x'; content]);
            let sent = actor.abandon(request, Duration::ZERO).await;
            let exchange = sent.expect("it was sent");
            let is_dropped = matches!(exchange.reply, Reply::Missing(Unsure::Dropped));
            assert!(is_dropped, "{protocol:?}: {}", told(&exchange));
            assert_eq!(exchange.protocol, protocol);
            let arrivals = peer.log.until(before + 1).await;
            let last = arrivals.last().map(|it| (it.connection, it.content));
            assert_eq!(last, Some((before, content)), "{protocol:?}");
        }
    }
}
