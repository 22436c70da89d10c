use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::signer::{SECRET, Signer};
use super::who::claims;
use crate::client::Ask;
use crate::server::{Folder, Server};

const CONFIG: &str = r#"
[collections.notes.access]
read = "self.owner == caller.name"
create = "self.owner == caller.name"
[[tokens]]
name = "ann"
secret = "ann-s3cret"
[[tokens]]
name = "reader"
secret = "reader-s3cret"
rights = ["read"]
[jwt]
key = "key"
algorithm = "HS256"
"#;

/// Letters that stand in documents, and nowhere else.
const CANARY: &str = "zqxjkvbpygf";

fn start(audit: &str) -> Server {
    let folder = Folder::with_config(&format!("{audit}\n{CONFIG}"));
    std::fs::write(folder.path().join("key"), SECRET).unwrap();
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--log-format", "json", "--log", "debug"]);
    Server::start_as(folder, command)
}

fn by(secret: &str, ask: Ask) -> Ask {
    ask.header("Authorization", &format!("Bearer {secret}"))
}

/// Does a bit of everything; what was asked for, by the ids of the requests.
async fn requests(server: &Server) {
    let client = server.client();
    let own = json!({"owner": "ann", "text": CANARY}).to_string();
    let foreign = json!({"owner": "bob", "text": CANARY}).to_string();
    let token = Signer::hs256().token(&claims(&[("email", json!("ann@zqclaims.example"))]));
    let patch = json!({"text": format!("{CANARY}2")}).to_string();
    let batch = |body: &str| {
        let body: Value = serde_json::from_str(body).unwrap();
        let operation = json!({"method": "POST", "path": "/api/notes", "body": body});
        json!({"operations": [operation]}).to_string()
    };
    let asks = [
        (
            "created",
            by("ann-s3cret", client.put("/api/notes/1", &own)),
            201,
        ),
        (
            "patched",
            by(
                "ann-s3cret",
                client.merge_patch("/api/notes/1", &patch).if_match("*"),
            ),
            200,
        ),
        ("by-jwt", by(&token, client.post("/api/notes", &own)), 201),
        (
            "stale",
            by(
                "ann-s3cret",
                client
                    .put("/api/notes/1", &own)
                    .if_match("\"1-1000000000000\""),
            ),
            409,
        ),
        (
            "broken",
            by(
                "ann-s3cret",
                client
                    .put("/api/notes/1", &format!("{{\"text\":\"{CANARY}"))
                    .if_match("*"),
            ),
            400,
        ),
        (
            "read",
            by("ann-s3cret", client.ask("GET", "/api/notes/1?")),
            200,
        ),
        (
            "filtered",
            by(
                "ann-s3cret",
                client.ask("GET", &format!("/api/notes?text={CANARY}")),
            ),
            200,
        ),
        (
            "batched",
            by("ann-s3cret", client.post("/api/_batch", &batch(&own))),
            200,
        ),
        ("no-token", client.put("/api/notes/1", &own), 401),
        (
            "bad-token",
            by(
                &format!("{CANARY}-not-a-token"),
                client.ask("GET", "/api/notes/1"),
            ),
            401,
        ),
        (
            "bad-jwt",
            by(&format!("{token}x"), client.ask("GET", "/api/notes/1")),
            401,
        ),
        (
            "no-right",
            by("reader-s3cret", client.put("/api/notes/1", &own)),
            403,
        ),
        (
            "no-rule",
            by("ann-s3cret", client.put("/api/notes/2", &foreign)),
            403,
        ),
        (
            "no-batch",
            by("ann-s3cret", client.post("/api/_batch", &batch(&foreign))),
            403,
        ),
        (
            "each",
            by(
                "ann-s3cret",
                client.post("/api/_batch?atomic=false", &batch(&foreign)),
            ),
            200,
        ),
        (
            "deleted",
            by(
                "ann-s3cret",
                client.ask("DELETE", "/api/notes/1").if_match("*"),
            ),
            204,
        ),
    ];
    for (id, ask, status) in asks {
        let answer = ask.header("X-Request-Id", id).send().await;
        assert_eq!(answer.status, status, "{id}: {answer:?}");
    }
}

/// All that was logged.
fn log(server: Server) -> Vec<String> {
    server.signal("TERM");
    let mut lines = Vec::new();
    while let Ok(line) = server.log.recv_timeout(Duration::from_secs(20)) {
        lines.push(line);
    }
    lines
}

fn audited(lines: &[String]) -> Vec<Value> {
    let rows = lines.iter().filter(|it| it.contains("detente::audit"));
    rows.map(|it| serde_json::from_str(it).unwrap()).collect()
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["fields"]["request_id"].as_str().unwrap())
        .collect()
}

fn must_keep_secrets(lines: &[String]) {
    for line in lines {
        for secret in [CANARY, "s3cret", "not-a-token", "zqclaims", "Bearer", "eyJ"] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
}

const DENIED: [&str; 7] = [
    "no-token",
    "bad-token",
    "bad-jwt",
    "no-right",
    "no-rule",
    "no-batch",
    "each",
];

#[tokio::test]
async fn every_write_and_every_denial_has_a_line() {
    let server = start("audit = \"writes\"");
    requests(&server).await;
    let lines = log(server);
    must_keep_secrets(&lines);
    let rows = audited(&lines);
    let expected = [
        "created",
        "patched",
        "by-jwt",
        "stale",
        "broken",
        "batched",
        "no-token",
        "bad-token",
        "bad-jwt",
        "no-right",
        "no-rule",
        "no-batch",
        "each",
        "deleted",
    ];
    assert_eq!(ids(&rows), expected);
    let told = |id: &str| {
        let row = rows
            .iter()
            .find(|row| row["fields"]["request_id"] == id)
            .unwrap();
        let told = ["by", "operation", "method", "path", "status", "problem"];
        told.map(|name| row["fields"][name].clone())
    };
    let line =
        |by: &str, operation: &str, method: &str, path: &str, status: u16, problem: Value| {
            [
                json!(by),
                json!(operation),
                json!(method),
                json!(path),
                json!(status),
                problem,
            ]
        };
    let (one, all) = ("/api/notes/1", "/api/notes");
    let cases = [
        (
            "created",
            line("ann", "replace", "PUT", one, 201, Value::Null),
        ),
        (
            "by-jwt",
            line("ann", "create", "POST", all, 201, Value::Null),
        ),
        (
            "stale",
            line("ann", "replace", "PUT", one, 409, json!("stale-version")),
        ),
        (
            "no-token",
            line("", "replace", "PUT", one, 401, json!("unauthenticated")),
        ),
        (
            "bad-token",
            line("", "read", "GET", one, 401, json!("unauthenticated")),
        ),
        (
            "no-right",
            line("reader", "replace", "PUT", one, 403, json!("forbidden")),
        ),
        (
            "no-rule",
            line(
                "ann",
                "replace",
                "PUT",
                "/api/notes/2",
                403,
                json!("forbidden"),
            ),
        ),
        (
            "no-batch",
            line(
                "ann",
                "performBatch",
                "POST",
                "/api/_batch",
                403,
                json!("forbidden"),
            ),
        ),
        (
            "deleted",
            line("ann", "delete", "DELETE", one, 204, Value::Null),
        ),
    ];
    for (id, expected) in cases {
        assert_eq!(told(id), expected, "{id}");
    }
}

#[tokio::test]
async fn denials_are_told_unless_nothing_is() {
    for (audit, expected) in [
        ("", &DENIED[..]),
        ("audit = \"denials\"", &DENIED),
        ("audit = \"off\"", &[]),
    ] {
        let server = start(audit);
        requests(&server).await;
        let lines = log(server);
        must_keep_secrets(&lines);
        assert_eq!(ids(&audited(&lines)), expected, "{audit}");
    }
}

#[tokio::test]
async fn a_write_has_a_line_although_nobody_waited_for_its_answer() {
    let server = start("audit = \"writes\"");
    let client = server.client();
    let body = json!({"owner": "ann", "text": CANARY}).to_string();
    let mut written = Vec::new();
    for round in 0..300 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let path = format!("/api/notes/gone-{round}");
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer ann-s3cret\r\nX-Request-Id: gone-{round}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            server.address(),
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        drop(stream);
        // Whatever was begun before this write is decided by its answer.
        by("ann-s3cret", client.put("/api/notes/after", &body))
            .header("X-Request-Id", "after")
            .send()
            .await;
        let found = by("ann-s3cret", client.ask("GET", &path)).send().await;
        if found.status == 200 {
            written.push(format!("gone-{round}"));
        }
        if written.len() == 20 {
            break;
        }
    }
    assert!(
        !written.is_empty(),
        "no write of a client that left was performed"
    );
    let lines = log(server);
    must_keep_secrets(&lines);
    let rows = audited(&lines);
    let mut unanswered = 0;
    for id in &written {
        let of_it = rows
            .iter()
            .filter(|row| row["fields"]["request_id"] == **id);
        let of_it: Vec<_> = of_it.map(|row| &row["fields"]).collect();
        assert_eq!(of_it.len(), 1, "{id}: {of_it:?}");
        unanswered += usize::from(of_it[0]["message"] == "unanswered");
        assert_eq!(
            (&of_it[0]["by"], &of_it[0]["operation"]),
            (&json!("ann"), &json!("replace"))
        );
    }
    assert!(unanswered > 0, "each of {written:?} was answered");
}
