use std::time::Duration;

use detente_check::client::Settings;
use detente_check::{Reply, Request, Unsure};
use http::Method;

use super::peer::{Answer, Peer, Then};
use super::{client, client_with, told};

/// Whatever the answer looks like, it is understood as RFC 9112 says, or said not to be one.
#[tokio::test]
async fn answers_are_understood_or_refused() {
    use Method as M;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let fields = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(1000));
    let head = format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(100_000));
    let cases: Vec<(M, Vec<&str>, &str)> = vec![
        // (method, what is sent piece by piece before closing, what it is)
        (
            M::GET,
            vec!["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"],
            "200 ok",
        ),
        (
            M::GET,
            vec!["HTTP/1.1 200 OK\r\ncontent-le", "ngth: 2\r\n\r", "\no", "k"],
            "200 ok",
        ),
        (
            M::GET,
            vec![chunked, "1\r\no\r\n1;name=\"value\"\r\nk\r\n0\r\n\r\n"],
            "200 ok",
        ),
        (
            M::GET,
            vec![
                chunked,
                "2",
                "\r",
                "\nok\r",
                "\n0\r\nx: y\r\nz: 1\r\n",
                "\r\n",
            ],
            "200 ok",
        ),
        (
            M::GET,
            vec!["HTTP/1.1 200 OK\r\n\r\n", "until", " the end"],
            "200 until the end",
        ),
        (M::GET, vec!["HTTP/1.0 200 OK\r\n\r\n", "old"], "200 old"),
        (
            M::GET,
            vec![
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n",
                "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            ],
            "200 ",
        ),
        (
            M::HEAD,
            vec!["HTTP/1.1 200 OK\r\ncontent-length: 700\r\n\r\n"],
            "200 ",
        ),
        (M::PUT, vec!["HTTP/1.1 204 No Content\r\n\r\n"], "204 "),
        (
            M::GET,
            vec!["HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n"],
            "304 ",
        ),
        (
            M::GET,
            vec!["HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok"],
            "200 ok",
        ),
        (
            M::GET,
            vec!["HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok"],
            "the answer is not HTTP: it has two lengths",
        ),
        (
            M::GET,
            vec!["HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok"],
            "the answer is not HTTP: its length is no number",
        ),
        (
            M::GET,
            vec!["HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nok"],
            "the answer is not HTTP: its content is larger than 64 MiB",
        ),
        (
            M::GET,
            vec![chunked, "two\r\nok\r\n"],
            "the answer is not HTTP: the size of a chunk is none",
        ),
        (
            M::GET,
            vec![chunked, "2\r\nokok"],
            "the answer is not HTTP: a chunk does not end where it should",
        ),
        (
            M::GET,
            vec!["220 mail.example ESMTP\r\n"],
            "the answer is not HTTP: invalid HTTP version",
        ),
        (
            M::GET,
            vec![&fields],
            "the answer is not HTTP: too many headers",
        ),
        (
            M::GET,
            vec![&head],
            "the answer is not HTTP: its head does not end",
        ),
        (
            M::GET,
            vec![],
            "the connection was lost: closed before an answer",
        ),
        (
            M::GET,
            vec!["HTTP/1.1 200 OK\r\n"],
            "the connection was lost: closed before an answer",
        ),
        (
            M::GET,
            vec!["HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok"],
            "the connection was lost: closed in the midst of an answer",
        ),
        (
            M::GET,
            vec![chunked, "2\r\nok\r\n"],
            "the connection was lost: closed in the midst of an answer",
        ),
    ];
    for (method, pieces, expected) in cases {
        let answer = Answer::of(&pieces).then(Then::Close);
        let peer = Peer::start(move |_| answer.clone()).await;
        let request = Request::new(method, peer.url.clone());
        let exchange = client().actor("alice").send(request).await;
        let exchange = exchange.expect("it was sent");
        assert_eq!(told(&exchange), expected, "{:.200}", pieces.concat());
    }
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_not_waited_for() {
    let timeout = Duration::from_millis(50);
    let cases = [
        Answer::of(&[]),
        Answer::of(&["HTTP/1.1 200 OK\r\n"]),
        Answer::of(&["HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok"]),
    ];
    for answer in cases {
        let answer = answer.then(Then::Hang);
        let peer = Peer::start(move |_| answer.clone()).await;
        let client = client_with(Settings {
            timeout,
            ..Settings::usual()
        });
        let sent = client.actor("alice").send(Request::get(peer.url)).await;
        let exchange = sent.expect("it was sent");
        let timed_out =
            |it: &Reply| matches!(it, Reply::Missing(Unsure::TimedOut(after)) if *after == timeout);
        assert!(timed_out(&exchange.reply), "{}", told(&exchange));
        assert!(exchange.ended - exchange.begun >= timeout);
    }
}
