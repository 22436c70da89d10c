use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use crate::server::{Folder, Server, program};
use crate::store::Embedded;

/// A write whose body is under way when the server is told to stop is finished and answered.
#[tokio::test]
async fn a_shutdown_lets_writes_under_way_finish() {
    let mut server = Server::start();
    let mut socket = TcpStream::connect(server.address()).unwrap();
    let body = r#"{"a":1}"#;
    let head = format!(
        "PUT /api/documents/1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(&body.as_bytes()[..3]).unwrap();
    // Another request over the same server is answered, so the first one's head has been read.
    assert_eq!(server.client().get("/healthz").await.status, 200);
    server.signal("TERM");
    assert!(server.log.recv().unwrap().contains("shutting down"));
    socket.write_all(&body.as_bytes()[3..]).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(server.wait().success());
    let folder = server.crash();
    let server = Server::start_in(folder);
    assert_eq!(server.client().get("/api/documents/1").await.text(), body);
}

/// Whoever stalls is cut off after the grace, and the process ends.
#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let mut server =
        Server::with_config("undeclared_collections = \"allow\"\n[limits]\nshutdown_grace_s = 0\n");
    let mut socket = TcpStream::connect(server.address()).unwrap();
    let head = "PUT /api/documents/1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    socket.write_all(head.as_bytes()).unwrap();
    assert_eq!(server.client().get("/healthz").await.status, 200);
    server.signal("TERM");
    assert!(server.wait().success());
    assert!(server.log.iter().any(|line| line.contains("cut off")));
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap_or_default();
    assert_eq!(answer, "");
}

/// A document that was in a later state of its lifecycle is put back as it was.
#[tokio::test]
async fn documents_are_restored_in_the_state_that_they_were_in() {
    let lifecycle = "[collections.orders.lifecycle]\nfield = \"/s\"\ninitial = [\"new\"]\nstates = { new = [\"done\"], done = [] }\n";
    let server = Server::with_config(lifecycle);
    let client = server.client();
    client.create("/api/orders/1", r#"{"s":"new"}"#).await;
    client
        .put("/api/orders/1", r#"{"s":"done"}"#)
        .if_match("*")
        .send()
        .await;
    let file = server.data().join("../backup.ndjson");
    let export = server
        .command(&["export"])
        .arg("--output")
        .arg(&file)
        .output()
        .unwrap();
    assert!(export.status.success());
    let target = Folder::with_config(lifecycle);
    let import = target.command(&["import"]).arg(&file).output().unwrap();
    assert!(
        import.status.success(),
        "{}",
        String::from_utf8_lossy(&import.stderr)
    );
    let restored = Server::start_in(target);
    assert_eq!(
        restored.client().get("/api/orders/1").await.text(),
        r#"{"s":"done"}"#
    );
}

#[test]
fn verify_makes_no_store_where_there_is_none() {
    if Embedded::File.is_absent() {
        return;
    }
    let folder = Folder::new();
    let verify = folder.command(&["verify"]).output().unwrap();
    assert_eq!(verify.status.code(), Some(3));
    assert!(!folder.data().exists());
}

#[test]
fn a_store_is_opened_by_one_process() {
    if Embedded::OneProcess.is_absent() {
        return;
    }
    let server = Server::start();
    let data = server.data();
    let second = program()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(3));
    let text = String::from_utf8(second.stderr).unwrap();
    assert!(text.contains("in use by another process"), "{text}");
}

#[test]
fn stores_that_are_not_ours_are_left_as_they_are() {
    if Embedded::File.is_absent() {
        return;
    }
    type Spoil = fn(&std::path::Path);
    let cases: [(&str, Spoil); 4] = [
        ("is not a Detente store", |path| {
            std::fs::write(path, "not a database, just some text").unwrap()
        }),
        ("is not a Detente store", |path| {
            let other = rusqlite::Connection::open(path).unwrap();
            other.execute_batch("CREATE TABLE theirs (x)").unwrap();
        }),
        ("was written by a newer version", |path| {
            let newer = rusqlite::Connection::open(path).unwrap();
            newer.pragma_update(None, "user_version", 999).unwrap();
        }),
        ("damaged", |path| {
            let shortened = rusqlite::Connection::open(path).unwrap();
            shortened.execute_batch("DELETE FROM versions").unwrap();
        }),
    ];
    for (index, (message, spoil)) in cases.into_iter().enumerate() {
        let folder = if index < 2 {
            let folder = Folder::new();
            std::fs::create_dir_all(folder.data()).unwrap();
            folder
        } else {
            let server = Server::start();
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async { server.client().create("/api/documents/1", "{}").await });
            server.stop()
        };
        let path = folder.data().join("detente.db");
        spoil(&path);
        let before = std::fs::read(&path).unwrap();
        let refused = folder
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .output()
            .unwrap();
        let text = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(3), "{message}: {text}");
        assert!(text.contains(message), "{message}: {text}");
        assert_eq!(
            std::fs::read(&path).unwrap(),
            before,
            "{message}: the file was changed"
        );
    }
}

#[tokio::test]
async fn what_is_exported_is_imported_elsewhere() {
    let server = Server::start();
    let client = server.client();
    for n in 0..600 {
        let body = format!("{{\"n\": {n}.50,\n\"text\":\"é\\n\"}}");
        client
            .put(&format!("/api/documents/{n:03}"), &body)
            .by("ann")
            .send()
            .await;
    }
    client.create("/spaces/other/api/notes/1", "{}").await;
    client
        .ask("DELETE", "/api/documents/000")
        .if_match("*")
        .send()
        .await;
    // Also while the server runs.
    let file = server.data().join("../backup.ndjson");
    let export = server
        .command(&["export"])
        .arg("--output")
        .arg(&file)
        .output()
        .unwrap();
    assert!(export.status.success(), "{export:?}");
    let lines = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 600);
    let again = server
        .command(&["export"])
        .arg("--output")
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(2), "an export overwrites nothing");

    let target = Folder::new();
    let import = |extra: &[&str]| {
        let mut command = target.command(&["import"]);
        command.args(extra).arg(&file).output().unwrap()
    };
    let first = import(&[]);
    assert!(first.status.success(), "{first:?}");
    assert!(String::from_utf8_lossy(&first.stderr).contains("600 documents written, 0 unchanged"));
    let second = import(&[]);
    assert!(String::from_utf8_lossy(&second.stderr).contains("0 documents written, 600 unchanged"));

    let copy = Server::start_in(target);
    let copied = copy.client();
    let one = copied.get("/api/documents/599").await;
    assert_eq!(one.text(), "{\"n\":599.50,\"text\":\"é\\n\"}");
    assert_eq!(copied.get("/api/documents/000").await.status, 404);
    assert_eq!(copied.get("/spaces/other/api/notes/1").await.status, 200);
    let list = copied.get("/api/documents?limit=1").await.json();
    assert_eq!(list["items"][0]["updated_by"], "ann");
    copied
        .put("/api/documents/599", "{}")
        .if_match("*")
        .send()
        .await;
    let target = copy.stop();
    let conflicted = target.command(&["import"]).arg(&file).output().unwrap();
    assert_eq!(conflicted.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&conflicted.stderr).contains("exists with different content"));
    assert!(
        target
            .command(&["import", "--replace"])
            .arg(&file)
            .output()
            .unwrap()
            .status
            .success()
    );
}

#[test]
fn an_import_with_mistakes_names_the_lines_and_changes_nothing() {
    let folder = Folder::with_config(
        "[collections.users]\nschema = { type = \"object\", required = [\"email\"] }\n",
    );
    let lines = [
        r#"{"collection":"users","id":"1","data":{"email":"a"}}"#,
        r#"{"collection":"users","id":"2","data":{}}"#,
        r#"{"collection":"users","id":"_3","data":{"email":"a"}}"#,
        r#"{"collection":"users","id":"4","data":{"email":"a"}"#,
        r#"{"collection":"none","id":"5","data":{"email":"a"}}"#,
        r#"{"collection":"users","data":{"email":"a"}}"#,
        r#"{"space":1,"collection":"users","id":"7","data":{"email":"a"}}"#,
        r#"{"collection":"users","id":"8","updated_by":7,"data":{"email":"a"}}"#,
        r#"{"collection":"users","id":"9","updated_by":"a\nb","data":{"email":"a"}}"#,
    ];
    let mut child = folder
        .command(&["import", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.join("\n").as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    for line in 2..=9 {
        assert!(text.contains(&format!("line {line}: ")), "{line} in {text}");
    }
    assert!(!folder.data().join("detente.db").exists());
}

/// As deep as a document may be, it is in a line of an export one level deeper. Of lines for one document
/// the last is what is left.
#[tokio::test]
async fn lines_are_judged_as_the_requests_that_they_stand_for() {
    let server = Server::start();
    let client = server.client();
    let deepest = format!(r#"{{"a":{}{}}}"#, "[".repeat(127), "]".repeat(127));
    client.create("/api/documents/deep", &deepest).await;
    let batch = format!(
        r#"{{"operations":[{{"method":"PUT","path":"/api/documents/batched","body":{deepest}}}]}}"#
    );
    let batched = client.post("/api/_batch", &batch).send().await;
    assert_eq!(batched.status, 200, "{}", batched.text());
    let folder = server.stop();
    let export = folder.command(&["export"]).output().unwrap();
    assert!(export.status.success(), "{export:?}");
    let mut lines = String::from_utf8(export.stdout).unwrap();
    for n in [1, 2, 1] {
        let data = format!(r#"{{"n":{n}}}"#);
        lines.push_str(&format!(
            r#"{{"collection":"documents","id":"n","data":{data}}}"#
        ));
        lines.push('\n');
    }
    let target = Folder::new();
    let file = target.path().join("lines.ndjson");
    std::fs::write(&file, lines).unwrap();
    let import = target
        .command(&["import", "--replace"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(import.status.success(), "{import:?}");
    let copy = Server::start_in(target);
    let client = copy.client();
    for (id, document) in [
        ("deep", deepest.as_str()),
        ("batched", &deepest),
        ("n", r#"{"n":1}"#),
    ] {
        let read = client.get(&format!("/api/documents/{id}")).await;
        assert_eq!(read.text(), document, "{id}");
    }
}

#[tokio::test]
async fn browsers_may_call_from_the_origins_that_are_listed() {
    let server = Server::with_config(
        "undeclared_collections = \"allow\"\ncors_origins = [\"https://app.example.org\"]\n",
    );
    let client = server.client();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let preflight = http
        .request(
            reqwest::Method::OPTIONS,
            format!("{}/api/documents/1", server.url()),
        )
        .header("Origin", "https://app.example.org")
        .header("Access-Control-Request-Method", "PUT")
        .header("Access-Control-Request-Headers", "if-match, content-type")
        .send()
        .await
        .unwrap();
    let field = |name: &str| {
        preflight
            .headers()
            .get(name)
            .map(|it| it.to_str().unwrap().to_owned())
    };
    assert_eq!(
        field("access-control-allow-origin").as_deref(),
        Some("https://app.example.org")
    );
    assert_eq!(
        field("access-control-allow-methods").as_deref(),
        Some("PUT")
    );
    assert_eq!(
        field("access-control-allow-headers").as_deref(),
        Some("if-match, content-type")
    );
    let saved = client
        .put("/api/documents/1", "{}")
        .header("Origin", "https://app.example.org")
        .send()
        .await;
    assert!(
        saved
            .header("access-control-expose-headers")
            .unwrap()
            .contains("etag")
    );
    let options = client.ask("OPTIONS", "/api/documents/1").send().await;
    assert_eq!(
        (options.status, options.header("allow").is_some()),
        (204, true)
    );
    let other = client
        .ask("GET", "/api/documents/1")
        .header("Origin", "https://evil.example")
        .send()
        .await;
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn health_metrics_and_the_first_page() {
    let server = Server::start();
    let client = server.client();
    client.create("/api/documents/1", "{}").await;
    client.put("/api/documents/1", "{}").send().await;
    assert_eq!(client.get("/healthz").await.text(), "ok\n");
    assert_eq!(client.get("/readyz").await.text(), "ready\n");
    let metrics = client.get("/metrics").await;
    for row in [
        "detente_http_requests_total{method=\"PUT\",status=\"201\"} 1",
        "detente_problems_total{type=\"precondition-required\"} 1",
        "detente_versions_total 1",
        "detente_refusals_total 1",
        "detente_last_seq 1",
    ] {
        assert!(metrics.text().contains(row), "{row} in {}", metrics.text());
    }
    assert!(metrics.text().ends_with("# EOF\n"));
    let page = client.get("/").await;
    assert!(page.text().contains("no write is ever lost"));
}

#[tokio::test]
async fn logs_are_structured_and_carry_the_request_id() {
    let folder = Folder::new();
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--log", "debug", "--log-format", "json"]);
    let server = Server::start_as(folder, command);
    let mine = server
        .client()
        .ask("GET", "/api/documents/1")
        .header("X-Request-Id", "mine-1")
        .send()
        .await;
    assert_eq!(mine.header("x-request-id"), Some("mine-1"));
    let odd = server
        .client()
        .ask("GET", "/healthz")
        .header("X-Request-Id", "a b\"c")
        .send()
        .await;
    assert_ne!(odd.header("x-request-id"), Some("a b\"c"));
    server.signal("TERM");
    let log = server.log.iter();
    let lines: Vec<serde_json::Value> = log
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    let is_mine = |line: &&serde_json::Value| line["fields"]["request_id"] == "mine-1";
    let messages: Vec<_> = lines
        .iter()
        .filter(is_mine)
        .map(|line| line["fields"]["message"].clone())
        .collect();
    assert_eq!(messages, ["refused", "answered"]);
}

#[test]
fn flags_beat_the_environment_beats_the_file() {
    if Embedded::File.is_absent() {
        return;
    }
    let folder =
        Folder::with_config("listen = \"127.0.0.1:1\"\nundeclared_collections = \"allow\"\n");
    let config = folder.path().join("detente.toml");
    let mut by_environment = program();
    by_environment
        .arg("serve")
        .env("DETENTE_CONFIG", &config)
        .env("DETENTE_LISTEN", "127.0.0.1:0");
    by_environment.env("DETENTE_DATA", folder.path().join("from-environment"));
    let server = Server::start_as(Folder::new(), by_environment);
    assert!(folder.path().join("from-environment/detente.db").exists());
    drop(server);
    let mut by_flag = program();
    by_flag
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("DETENTE_CONFIG", &config)
        .env("DETENTE_LISTEN", "nowhere");
    by_flag.arg("--data").arg(folder.path().join("from-flag"));
    let _server = Server::start_as(Folder::new(), by_flag);
    assert!(folder.path().join("from-flag/detente.db").exists());
    let mut nowhere = program();
    let nowhere = nowhere
        .args(["serve", "--listen", "127.0.0.1:99999"])
        .arg("--data")
        .arg(folder.data())
        .output()
        .unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
}

/// What the server wrote ends as a line does; what it only keeps is as it was sent.
#[tokio::test]
async fn json_of_the_server_ends_with_a_newline() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    client.create(path, "{}").await;
    client.put(path, "{}").if_match("\"x\"").send().await;
    let entry = client.get("/api/_conflicts").await.json()["items"][0]["href"].clone();
    let reads = [
        "/openapi.json",
        "/api/documents",
        "/api/documents/1/versions",
        "/api/_changes",
        "/api/_conflicts",
        "/api/_conflicts/stats",
        entry.as_str().unwrap(),
    ];
    for read in reads {
        let answer = client.get(read).await;
        assert!(answer.body.ends_with(b"}\n"), "{read}: {answer:?}");
    }
    let batch = r#"{"operations":[{"method":"PUT","path":"/api/documents/2","body":{}},
        {"method":"PUT","path":"/api/documents/1","headers":{"If-Match":"*"},"body":{"n":1}}]}"#;
    let merge = r#"{"base":1,"patch":{"m":1}}"#;
    let writes = [
        client.post("/api/_batch?atomic=false", batch),
        client.post("/api/documents/1/merge?dry_run=true", merge),
        client.post("/api/documents/1/lock", "{}"),
        client.ask("POST", "/api/_conflicts/dismiss"),
    ];
    for write in writes {
        let answer = write.send().await;
        assert!(
            (200..300).contains(&answer.status) && answer.body.ends_with(b"}\n"),
            "{answer:?}"
        );
    }
    assert_eq!(client.get(path).await.body, br#"{"n":1}"#);
    assert_eq!(
        client.put("/api/documents/3", "{}").send().await.body,
        b"{}"
    );
}

#[tokio::test]
async fn times_in_the_log_are_numbers() {
    let folder = Folder::new();
    let listen = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log",
        "debug",
        "--log-format",
        "json",
    ];
    let command = folder.command(&listen);
    let server = Server::start_as(folder, command);
    server.client().get("/healthz").await;
    let line = server
        .log
        .iter()
        .find(|line| line.contains("answered"))
        .unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(line["fields"]["micros"].is_u64(), "{line}");
}
