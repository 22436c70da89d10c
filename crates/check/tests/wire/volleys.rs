use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use detente_check::client::Client;
use detente_check::{Protocol, Request};
use h2::server::Builder;
use url::Url;

use super::peer::{Answer, Peer, Then};
use super::peer_http2::{self, Manner};
use super::{client_with, put, speaking, told};

const ALL: usize = 32;

/// As many writes, each of another length, so that they can be told apart at the server.
async fn fire(
    client: &Client,
    url: &Url,
    count: usize,
    least: usize,
) -> detente_check::client::Volley {
    let sends = (0..count).map(|place| {
        let actor = client.actor(&format!("actor-{place}"));
        (actor, put(url, vec![b'x'; least + place]))
    });
    client
        .volley(sends.collect())
        .await
        .expect("they were sent")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchanges_are_in_the_order_in_which_they_were_given() {
    let old = Peer::start(|_| Answer::ok()).await;
    let new = peer_http2::start(Builder::new(), Manner::Answer).await;
    for (protocol, peer) in [(Protocol::Http1, old), (Protocol::Http2, new)] {
        let client = client_with(speaking(protocol));
        for turn in 1..=3 {
            let volley = fire(&client, &peer.url, ALL, 1).await;
            for (place, exchange) in volley.exchanges.iter().enumerate() {
                assert_eq!(&*exchange.actor, format!("actor-{place}"));
                assert_eq!(exchange.request.body.len(), place + 1);
                assert_eq!(told(exchange), "200 ok");
                assert_eq!(exchange.protocol, protocol);
            }
            assert_eq!(client.spread().map(|it| it.volleys), Some(turn));
        }
        let numbers: HashSet<_> = client.record().iter().map(|it| it.number).collect();
        assert_eq!(numbers.len(), 3 * ALL);
        let arrivals = peer.log.arrivals();
        let lengths: HashSet<_> = arrivals.iter().map(|it| it.content).collect();
        assert_eq!((arrivals.len(), lengths.len()), (3 * ALL, ALL));
    }
}

/// The server answers nobody before it has all: so all were with it at one time, and no fewer may be counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_for_each_other_were_together() {
    let client = client_with(speaking(Protocol::Http1));
    let meeting = std::sync::Arc::new(tokio::sync::Barrier::new(ALL));
    let peer = Peer::accept("http", move |_, mut stream, log| {
        let meeting = std::sync::Arc::clone(&meeting);
        async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut read = Vec::new();
            while !read.ends_with(b"!") {
                let _ = stream.read_buf(&mut read).await;
            }
            drop(log);
            meeting.wait().await;
            // Slow, so that it is not over with the first before the last was looked at.
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            let _ = stream.write_all(answer).await;
            std::future::pending::<()>().await;
        }
    })
    .await;
    let sends = (0..ALL).map(|_| (client.actor("one"), put(&peer.url, "content!")));
    let volley = client
        .volley(sends.collect())
        .await
        .expect("they were sent");
    assert!(volley.exchanges.iter().all(|it| told(it) == "200 ok"));
    assert_eq!(volley.together, ALL);
}

/// Half of them are refused by their heads, or left before their last byte: they were together with nobody.
#[tokio::test]
async fn those_answered_early_are_not_counted() {
    let connections = AtomicUsize::new(0);
    let peer = Peer::accept("http", move |_, mut stream, _| {
        let is_early = connections
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(2);
        async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut read = Vec::new();
            while !is_early && !read.ends_with(b"!") {
                let _ = stream.read_buf(&mut read).await;
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            let _ = stream.write_all(answer).await;
            let _ = stream.read_to_end(&mut read).await;
        }
    })
    .await;
    let client = client_with(speaking(Protocol::Http1));
    let sends = (0..ALL).map(|_| (client.actor("one"), put(&peer.url, "content!")));
    let volley = client
        .volley(sends.collect())
        .await
        .expect("they were sent");
    assert!(volley.together <= ALL / 2, "{}", volley.together);
    assert!(volley.exchanges.iter().all(|it| told(it) == "200 ok"));
}

/// On one thread the runtime looks at no socket in the midst of a sweep; what came meanwhile is seen all the same.
#[test]
fn answers_are_seen_that_the_runtime_has_not_been_told_of() {
    let (tell, told_address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        tell.send(listener.local_addr().expect("it is bound"))
            .expect("somebody waits");
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.expect("it listens");
                let mut byte = [0];
                let mut is_complete = false;
                while !is_complete && stream.read_exact(&mut byte).is_ok() {
                    is_complete = byte == *b"!";
                }
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                let _ = stream.write_all(answer);
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    let address = told_address.recv().expect("it listens");
    let url: Url = format!("http://{address}/").parse().expect("it is a URL");
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = client_with(speaking(Protocol::Http1));
        let actor = client.actor("alice");
        let mut held = actor.hold(put(&url, "content")).await.expect("it began");
        assert!(!held.answered_early());
        drop(held);
        let mut held = actor.hold(put(&url, "content!?")).await.expect("it began");
        // Without giving the runtime a turn.
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(held.answered_early());
        assert_eq!(told(&held.release().await.expect("it was sent")), "200 ok");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_few_at_once_is_given_more_connections() {
    let mut builder = Builder::new();
    builder.max_concurrent_streams(5);
    let peer = peer_http2::start(builder, Manner::Answer).await;
    let client = client_with(speaking(Protocol::Http2));
    for _ in 0..2 {
        let volley = fire(&client, &peer.url, ALL, 1).await;
        assert!(volley.exchanges.iter().all(|it| told(it) == "200 ok"));
    }
    let arrivals = peer.log.arrivals();
    let connections: HashSet<_> = arrivals.iter().map(|it| it.connection).collect();
    // The second volley uses those of the first.
    assert_eq!(connections.len(), ALL.div_ceil(5));
}

/// Content beyond the window waits for the server to read; it reads, so all ends are ready to leave together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_larger_than_the_window_is_held_at_its_end() {
    let mut builder = Builder::new();
    builder.initial_window_size(1000);
    let peer = peer_http2::start(builder, Manner::AnswerLate).await;
    let client = client_with(speaking(Protocol::Http2));
    let volley = fire(&client, &peer.url, 8, 50_000).await;
    assert!(volley.exchanges.iter().all(|it| told(it) == "200 ok"));
    let arrivals = peer.log.arrivals();
    let first = arrivals
        .iter()
        .map(|it| it.completed)
        .min()
        .expect("eight came");
    let last = arrivals
        .iter()
        .map(|it| it.completed)
        .max()
        .expect("eight came");
    assert!(last - first < std::time::Duration::from_millis(500));
    assert_eq!(volley.together, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_content_is_held_and_released_too() {
    let old = Peer::start(|_| Answer::ok().then(Then::Close)).await;
    let new = peer_http2::start(Builder::new(), Manner::Answer).await;
    for (protocol, url) in [(Protocol::Http1, old.url), (Protocol::Http2, new.url)] {
        let client = client_with(speaking(protocol));
        let sends = (0..4).map(|_| (client.actor("one"), Request::get(url.clone())));
        let volley = client
            .volley(sends.collect())
            .await
            .expect("they were sent");
        assert!(
            volley.exchanges.iter().all(|it| told(it) == "200 ok"),
            "{protocol:?}"
        );
    }
}

/// More than the runtime lets a task do at a stretch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_volley_is_released_in_one_sweep_too() {
    let peer = Peer::start(|_| Answer::ok()).await;
    let client = client_with(speaking(Protocol::Http1));
    let volley = fire(&client, &peer.url, 200, 1).await;
    let lost = volley.exchanges.iter().filter(|it| told(it) != "200 ok");
    assert_eq!(lost.count(), 0);
}
