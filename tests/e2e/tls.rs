//! HTTPS: both protocols, mistakes of either side, certificates that are replaced.

mod authority; // certificates for a test
mod secure; // clients

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{Folder, Server, follow, program};
use authority::{Authority, write};
use secure::{Secure, curl, text};

const PATH: &str = "/api/notes/1";

fn start() -> Server {
    let (folder, _) = Authority::new("Ann's").folder("");
    Server::start_in(folder)
}

/// What curl is answered: version of HTTP, status, tag, body.
fn ask(server: &Server, path: &str, arguments: &[&str]) -> (String, u16, String, String) {
    let output = curl(&server.path("ca.pem"))
        .args(["-w", "\n%{http_version} %{http_code} %header{etag}"])
        .args(arguments)
        .arg(format!("{}{path}", server.url()))
        .output()
        .unwrap();
    let (out, errors) = text(&output);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    let (body, told) = out.rsplit_once('\n').unwrap();
    let mut told = told.split(' ');
    let mut next = || told.next().unwrap().to_owned();
    (next(), next().parse().unwrap(), next(), body.to_owned())
}

/// Waits for a line of the log.
fn told(server: &Server, part: &str) -> String {
    loop {
        let line = server.log.recv_timeout(Duration::from_secs(30));
        let line = line.unwrap_or_else(|_| panic!("no line says {part:?}"));
        if line.contains(part) {
            return line;
        }
    }
}

#[test]
fn writes_are_guarded_over_both_protocols() {
    let server = start();
    let versions = [("--http1.1", "1.1"), ("--http2", "2")];
    for (flag, version) in versions {
        for newest in ["1.2", "1.3"] {
            let path = format!("{PATH}-{version}-{newest}");
            let put = |guard: &str, body: &str| {
                let tls = ["--tls-max", newest, flag];
                let write = [
                    "-X",
                    "PUT",
                    "-H",
                    "Content-Type: application/json",
                    "-d",
                    body,
                ];
                ask(&server, &path, &[&tls[..], &write, &["-H", guard]].concat())
            };
            let (spoken, status, tag, _) = put("If-None-Match: *", r#"{"n":0}"#);
            assert_eq!((spoken.as_str(), status), (version, 201));
            let guard = format!("If-Match: {tag}");
            let (_, status, newer, _) = put(&guard, r#"{"n":1}"#);
            assert_eq!(status, 200);
            let (spoken, status, _, body) = put(&guard, r#"{"n":2}"#);
            assert_eq!((spoken.as_str(), status), (version, 409));
            let problem: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(problem["error"], "UpdateConflict");
            assert_eq!(problem["current_etag"], newer);
        }
    }
}

#[test]
fn events_come_over_tls_as_they_happen() {
    let server = start();
    let put = |n: &str| {
        let write = ["-X", "PUT", "-H", "If-None-Match: *", "--json"];
        ask(
            &server,
            &format!("{PATH}{n}"),
            &[&write[..], &["{}"]].concat(),
        )
    };
    assert_eq!(put("1").1, 201);
    for flag in ["--http1.1", "--http2"] {
        let mut curl = curl(&server.path("ca.pem"))
            .args(["-N", flag, "-H", "Accept: text/event-stream"])
            .arg(format!("{}/api/_changes", server.url()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = follow(curl.stdout.take().unwrap());
        let wait_for = |part: &str| loop {
            let line = lines.recv_timeout(Duration::from_secs(20)).expect(part);
            if line.starts_with("data: ") && line.contains(part) {
                return;
            }
        };
        wait_for(r#""id":"11""#);
        assert_eq!(put(flag).1, 201);
        wait_for(flag);
        curl.kill().unwrap();
        curl.wait().unwrap();
    }
}

#[test]
fn a_chain_leads_to_whom_the_client_trusts_and_to_nobody_else() {
    let root = Authority::new("Ann's");
    let middle = root.below("Ben's");
    let (folder, issued) = middle.folder("");
    write(&folder, "root.pem", &root.pem());
    write(&folder, "other.pem", &Authority::new("Cem's").pem());
    write(
        &folder,
        "cert.pem",
        &format!("{}{}", issued.certificate, middle.pem()),
    );
    let server = Server::start_in(folder);
    let status = |ca: &str| {
        let mut curl = curl(&server.path(ca));
        let output = curl.arg(format!("{}/healthz", server.url())).output();
        output.unwrap().status.code()
    };
    assert_eq!(status("root.pem"), Some(0));
    // 60: nobody whom curl trusts vouches for it.
    assert_eq!(status("other.pem"), Some(60));
}

/// The greeting of a client that knows TLS 1.1 at most, which newer ones do not send.
#[test]
fn tls_1_1_is_refused() {
    let server = start();
    let mut hello = vec![1, 0, 0, 51, 3, 2];
    hello.extend([7; 32]);
    // No session; one cipher suite, ECDHE_ECDSA with AES-128 and SHA-1; no compression; one extension,
    // without which nothing else is looked at: signatures by ECDSA with P-256.
    hello.extend([0, 0, 2, 0xc0, 0x09, 1, 0]);
    hello.extend([0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
    let mut socket = TcpStream::connect(server.address()).unwrap();
    let length = u8::try_from(hello.len()).unwrap();
    socket.write_all(&[22, 3, 1, 0, length]).unwrap();
    socket.write_all(&hello).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    // A fatal alert: protocol_version (RFC 8446, section 6.2).
    assert_eq!((answer[0], &answer[5..]), (21, &[2, 70][..]), "{answer:?}");
}

#[test]
fn plain_http_is_told_where_it_is() {
    let server = start();
    for request in [
        "GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let begun = Instant::now();
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.ends_with("https://.\n"), "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(ask(&server, "/healthz", &[]).1, 200);
}

/// Whoever does not come to an end with their greeting holds up nobody else.
#[test]
fn unfinished_handshakes_make_room_for_others() {
    let (folder, _) = Authority::new("Ann's").folder("[limits]\nconnections = 8\n");
    let server = Server::start_in(folder);
    let mut silent = Vec::new();
    for n in 0..60 {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        let begun: &[u8] = [
            &b""[..],
            b"\x16",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ][n % 3];
        let _ = socket.write_all(begun);
        silent.push(socket);
        if n % 10 == 9 {
            let begun = Instant::now();
            assert_eq!(ask(&server, "/api", &[]).1, 200, "after {n}");
            assert!(begun.elapsed() < Duration::from_secs(10), "after {n}");
        }
    }
}

#[test]
fn a_certificate_may_be_replaced_while_the_server_runs() {
    let authority = Authority::new("Ann's");
    let (folder, first) = authority.folder("");
    let server = Server::start_in(folder);
    let replace = |name: &str, text: &str| {
        std::fs::write(server.path("new"), text).unwrap();
        std::fs::rename(server.path("new"), server.path(name)).unwrap();
    };
    let shown = || {
        let mut secure = Secure::open(&server);
        assert_eq!(secure.get("/healthz"), 200);
        secure.certificate().to_vec()
    };
    let mut old = Secure::open(&server);
    assert_eq!(old.get("/healthz"), 200);
    assert_eq!(old.certificate(), first.der);
    // One file after the other, as programs do it.
    let second = authority.issue();
    replace("cert.pem", &second.certificate);
    let warning = told(&server, "the former one is kept");
    assert!(
        warning.contains("WARN") && warning.contains("key.pem:1: this key is not that"),
        "{warning}"
    );
    assert_eq!(shown(), first.der);
    replace("key.pem", &second.key);
    let line = told(&server, "there is a new certificate");
    assert!(
        line.contains("cert.pem") && line.contains("ends=4096-01-01T"),
        "{line}"
    );
    assert_eq!(shown(), second.der);
    assert_eq!(old.get("/healthz"), 200);
    // What is of no use changes nothing.
    replace("cert.pem", "nothing");
    let warning = told(&server, "the former one is kept");
    assert!(
        warning.contains("cert.pem:1: there is no certificate"),
        "{warning}"
    );
    assert_eq!(shown(), second.der);
    assert_eq!(old.get("/healthz"), 200);
}

#[test]
fn a_shutdown_ends_connections_with_a_word() {
    let server = start();
    let mut secure = Secure::open(&server);
    assert_eq!(secure.get("/healthz"), 200);
    let _greeting = TcpStream::connect(server.address()).unwrap();
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(secure.rest().unwrap(), 0);
}

#[test]
fn pages_of_the_server_itself_are_at_home() {
    let server = start();
    let cases = [
        (server.url().to_owned(), 201),
        (server.url().replace("127.0.0.1", "localhost"), 403),
        ("https://evil.example".to_owned(), 403),
    ];
    for (origin, expected) in cases {
        let field = format!("Origin: {origin}");
        let status = ask(&server, "/api/notes", &["-H", &field, "--json", "{}"]).1;
        assert_eq!(status, expected, "{origin}");
    }
    assert_eq!(ask(&server, "/api", &["-H", "Host: evil.example"]).1, 421);
}

/// The tester, which takes the roots that it trusts from the environment.
fn tester(server: &Server, arguments: &[&str]) -> String {
    let output = program()
        .env("SSL_CERT_FILE", server.path("ca.pem"))
        .args(arguments)
        .output()
        .unwrap();
    let (out, errors) = text(&output);
    assert!(output.status.success(), "{out}{errors}");
    out
}

#[test]
fn of_32_writers_with_one_tag_one_is_applied() {
    let server = start();
    let url = format!("{}{PATH}", server.url());
    let (_, _, mut tag, _) = ask(&server, PATH, &["-X", "PUT", "--json", r#"{"n":0}"#]);
    for version in ["1.1", "2", "2", "2", "2"] {
        let guard = format!("If-Match: {tag}");
        let race = [
            "race", "-n", "32", "--http", version, "-X", "PUT", "-H", &guard,
        ];
        let told = tester(
            &server,
            &[&race[..], &["-d", r#"{"n":{{index}}}"#, &url]].concat(),
        );
        assert!(told.contains("\n    1 × 200"), "{told}");
        assert!(told.contains("\n   31 × 409"), "{told}");
        tag = ask(&server, PATH, &[]).2;
    }
    let told = tester(&server, &["check", &url]);
    assert!(told.contains("  A+   https://"), "{told}");
    assert!(told.contains("HTTP/2"), "{told}");
}

/// Runs `serve` in a folder, which must fail.
fn refused(folder: &Folder, arguments: &[&str]) -> String {
    let mut command = folder.command(&[&["serve"], arguments].concat());
    let output = command.current_dir(folder.path()).output().unwrap();
    let (_, errors) = text(&output);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    errors
}

#[test]
fn flags_speak_tls_without_a_file() {
    let issued = Authority::new("Ann's").issue();
    let folder = Folder::new();
    write(&folder, "a.pem", &issued.certificate);
    write(&folder, "b.pem", &issued.key);
    let pair = ["--tls-certificate", "a.pem", "--tls-key"];
    let alone = refused(&folder, &pair[..2]);
    assert!(alone.contains("--tls-key"), "{alone}");
    let wrong = refused(&folder, &[&pair[..], &["a.pem"]].concat());
    assert!(wrong.contains("a.pem:1: there is no key here"), "{wrong}");
    let unix = ["--listen", "unix:http.sock"];
    let plain = refused(&folder, &[&unix[..], &pair[..], &["b.pem"]].concat());
    assert!(plain.contains("--listen unix:http.sock"), "{plain}");
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .current_dir(folder.path())
        .env("DETENTE_TLS_CERTIFICATE", "a.pem")
        .env("DETENTE_TLS_KEY", "b.pem");
    let server = Server::start_as(folder, command);
    assert!(server.url().starts_with("https://127.0.0.1:"));
    assert_eq!(ask_insecure(server.url()), "ok\n");
}

fn ask_insecure(url: &str) -> String {
    let mut curl = curl(Path::new("/dev/null"));
    let output = curl
        .args(["-k", &format!("{url}/healthz")])
        .output()
        .unwrap();
    text(&output).0
}

#[test]
fn mistakes_are_told_before_the_start_and_by_config_check() {
    let (folder, _) = Authority::new("Ann's").folder("");
    write(&folder, "key.pem", &Authority::new("Ben's").issue().key);
    let expected = "key.pem:1:1: this key is not that of the certificate in ";
    let errors = refused(&folder, &[]);
    assert!(errors.contains(expected), "{errors}");
    let checked = program()
        .args(["config", "check"])
        .arg(folder.path().join("detente.toml"))
        .output()
        .unwrap();
    assert_eq!(checked.status.code(), Some(2));
    assert!(text(&checked).1.contains(expected));
    // A copy of the store needs no certificate.
    let mut export = folder.command(&["export"]);
    let (_, errors) = text(&export.output().unwrap());
    assert!(!errors.contains("key.pem"), "{errors}");
}
