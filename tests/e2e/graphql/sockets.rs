//! WebSockets, byte by byte: what no library would send. What libraries do is tested with them (tests/graphql).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::Server;

const TOKENS: &str =
    "[collections.notes]\n[[tokens]]\nname = \"ann\"\nsecret = \"secret-of-ann\"\n";

/// A socket that was opened, and has nothing read of it yet.
fn open(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let head = format!(
        "GET /graphql HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
        server.address()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    stream
}

/// Sends a message (RFC 6455, section 5.2), masked with zeros.
fn say(stream: &mut TcpStream, message: &Value) {
    let text = message.to_string();
    let length = u16::try_from(text.len()).unwrap();
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    stream.write_all(&frame).unwrap();
}

/// The code that the socket is closed with, whatever comes before.
fn closed_with(stream: &mut TcpStream) -> u16 {
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head).unwrap();
        let length = match head[1] & 0x7f {
            126 => {
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                u64::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                stream.read_exact(&mut length).unwrap();
                u64::from_be_bytes(length)
            }
            length => u64::from(length),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).unwrap();
        if head[0] & 0x0f == 8 {
            return u16::from_be_bytes([payload[0], payload[1]]);
        }
    }
}

/// Credentials may come later on a socket alone, and nothing is performed before they do.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_performed_for_somebody_who_only_says_they_open_a_socket() {
    let server = Server::with_config(TOKENS);
    let client = server.client();
    let query = r#"{"query": "{ __schema { queryType { name } } }"}"#;
    let post = || {
        client
            .post("/graphql", query)
            .header("Upgrade", "websocket")
    };
    assert_eq!(post().by("ann").send().await.status, 401);
    let get = || {
        client
            .ask("GET", "/graphql?query=%7B__typename%7D")
            .header("Upgrade", "websocket")
    };
    let refused = get().by("ann").send().await;
    assert_eq!(
        (refused.status, refused.json()["header"].clone()),
        (400, json!("Upgrade"))
    );
    let known = "Bearer secret-of-ann";
    assert_eq!(
        post().header("Authorization", known).send().await.status,
        200
    );
    let foreign = get()
        .header("Authorization", known)
        .header("Origin", "https://evil.example");
    assert_eq!(foreign.send().await.status, 403);
    // Before the first message, and with a wrong one.
    let mut early = open(&server);
    say(
        &mut early,
        &json!({"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}}),
    );
    assert_eq!(closed_with(&mut early), 4401);
    let mut wrong = open(&server);
    say(
        &mut wrong,
        &json!({"type": "connection_init", "payload": {"Authorization": "Bearer guess", "X-Actor": "ann"}}),
    );
    assert_eq!(closed_with(&mut wrong), 4403);
}

/// Guesses over sockets are held up as guesses over requests are.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_tokens_over_sockets_must_wait() {
    let server = Server::with_config(&format!(
        "{TOKENS}\n[rates]\nrefusals = {{ per_second = 0.01, burst = 3 }}\n"
    ));
    for _ in 0..4 {
        let mut guess = open(&server);
        say(
            &mut guess,
            &json!({"type": "connection_init", "payload": {"Authorization": "Bearer guess"}}),
        );
        assert_eq!(closed_with(&mut guess), 4403);
    }
    let known = server
        .client()
        .post("/graphql", r#"{"query": "{ __typename }"}"#);
    let answer = known
        .header("Authorization", "Bearer secret-of-ann")
        .send()
        .await;
    assert_eq!(answer.status, 429, "{answer:?}");
}

/// A client that reads nothing is in nobody's way: not in that of the server when it stops.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_nobody_reads_ends_with_the_server() {
    let server = Server::with_config("[collections.notes]\n");
    let client = server.client();
    let body = json!({"text": "x".repeat(900_000)}).to_string();
    for id in 0..40 {
        client.create(&format!("/api/notes/{id}"), &body).await;
    }
    let mut deaf = open(&server);
    say(&mut deaf, &json!({"type": "connection_init"}));
    let query = "subscription { changes(since: \"0\") { id document { json } } }";
    for id in 0..5 {
        say(
            &mut deaf,
            &json!({"type": "subscribe", "id": id.to_string(), "payload": {"query": query}}),
        );
    }
    // Others are served, and a stop waits for nobody who does not read.
    assert_eq!(client.get("/api/notes/1").await.status, 200);
    let begun = std::time::Instant::now();
    server.stop();
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    drop(deaf);
}
