use crate::client::Client;
use crate::server::{Folder, Server};
use std::io::{Read, Write};
use std::net::TcpStream;

const PATH: &str = "/api/notes/1";
const SITE: &str = "https://public.example/store";

/// What a server says to the head of a request, which may be one that no client sends.
fn raw(server: &Server, head: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(stream, "{head}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_request_names_one_host() {
    let server = Server::start();
    let cases = [
        ("GET /healthz HTTP/1.1\r\nHost: localhost", 200),
        ("GET /healthz HTTP/1.1", 400),
        (
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost",
            400,
        ),
        ("GET /healthz HTTP/1.1\r\nHost: ann@localhost", 400),
        ("GET /healthz HTTP/1.1\r\nHost: local host", 400),
        ("GET /healthz HTTP/1.1\r\nHost: \u{e9}", 400),
        ("GET /healthz HTTP/1.0", 200),
        (
            "GET http://localhost/healthz HTTP/1.1\r\nHost: evil.example",
            200,
        ),
        (
            "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost",
            421,
        ),
    ];
    for (head, expected) in cases {
        assert_eq!(status(&raw(&server, head)), expected, "{head}");
    }
}

async fn statuses(client: &Client, host: &str) -> [u16; 3] {
    let read = client.ask("GET", PATH).header("Host", host);
    let write = client.put(PATH, "{}").header("Host", host);
    let health = client.ask("GET", "/healthz").header("Host", host);
    [
        read.send().await.status,
        write.send().await.status,
        health.send().await.status,
    ]
}

/// A foreign page that has its own name lead to this server is of the same origin for the browser.
#[tokio::test]
async fn a_name_that_is_not_the_servers_reaches_nothing() {
    let server = Server::start();
    let client = server.client();
    assert_eq!(statuses(&client, "evil.example:4090").await, [421; 3]);
    let refused = client.put(PATH, "{}").header("Host", "evil.example");
    let problem = refused.send().await.json();
    assert_eq!(problem["error"], "MisdirectedRequest");
    assert_eq!(problem["header"], "Host");
    for host in ["localhost:1", "app.localhost", "[::1]:4090", "10.0.0.7"] {
        let found = statuses(&client, host).await;
        assert!(!found.contains(&421), "{host}: {found:?}");
    }
}

#[tokio::test]
async fn a_server_has_the_names_of_its_configuration() {
    let named = format!("hosts = [\"detente.example\"]\npublic_url = {SITE:?}");
    let tokens = "[[tokens]]\nname = \"ann\"\nsecret = \"s\"";
    let cases = [
        (named.clone(), true),
        ("hosts = [\"*\"]".to_owned(), false),
        // Whoever has a token is no foreign page.
        (tokens.to_owned(), false),
        (format!("{named}\n{tokens}"), true),
    ];
    for (config, is_checked) in cases {
        let server = Server::with_config(&config);
        let site = match config.contains(SITE) {
            true => SITE,
            false => "",
        };
        let client = server.client().behind(site, &[]);
        let is_refused = |status: u16| status == 421;
        let foreign = statuses(&client, "evil.example").await;
        assert_eq!(foreign.map(is_refused), [is_checked; 3], "{config}");
        for host in ["detente.example", "Public.Example:443", "localhost"] {
            let own = statuses(&client, host).await;
            assert_eq!(own.map(is_refused), [false; 3], "{config} {host}");
        }
    }
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let server = Server::start();
    let client = server.client();
    client.create(PATH, r#"{"n":1}"#).await;
    let lock = format!("{PATH}/lock");
    let merge = format!("{PATH}/merge");
    let writes = [
        ("PUT", PATH),
        ("PATCH", PATH),
        ("DELETE", PATH),
        ("POST", "/api/notes"),
        ("POST", &lock),
        ("DELETE", &lock),
        ("POST", &merge),
        ("POST", "/api/_batch"),
        ("POST", "/api/_conflicts/dismiss"),
    ];
    let foreign = [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1:3000"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ];
    for (name, value) in foreign {
        for (method, path) in writes {
            let refused = client.ask(method, path).header(name, value).send().await;
            assert_eq!(refused.status, 403, "{method} {path} {name}: {value}");
            assert_eq!(refused.json()["error"], "ForeignOrigin");
        }
        let read = client.ask("GET", PATH).header(name, value).send().await;
        assert_eq!(read.json()["n"], 1);
        assert!(read.header("access-control-allow-origin").is_none());
    }
    assert_eq!(client.get(&lock).await.status, 404);
    let own = [
        ("Origin", server.url()),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Site", "none"),
    ];
    for (name, value) in own {
        let written = client.post("/api/notes", "{}").header(name, value);
        assert_eq!(written.send().await.status, 201, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_page_that_cors_lets_in_may_write() {
    let folder = Folder::with_config("cors_origins = [\"https://app.example\"]");
    let server = Server::start_in(folder);
    let client = server.client();
    let cases = [
        ("https://app.example", 201),
        ("https://app.example.evil.example", 403),
        ("http://app.example", 403),
    ];
    for (origin, expected) in cases {
        let written = client.post("/api/notes", "{}").header("Origin", origin);
        let written = written.header("Sec-Fetch-Site", "cross-site").send().await;
        assert_eq!(written.status, expected, "{origin}");
    }
}
