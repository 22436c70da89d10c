use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use serde_json::{Value, json};

use crate::server::{Folder, Server};

const CONFIG: &str = r#"
undeclared_collections = "allow"
[limits]
body_bytes = 2000
header_bytes = 2048
[[tokens]]
name = "alice"
secret = "alice-secret"
[[tokens]]
name = "reader"
secret_sha256 = "7e19adf9457f81ca9f6d3f3d6f53e5b9ae6ccd2466ee6d6bf3a9d9e2bd07aa44"
rights = ["read"]
[[tokens]]
name = "inbox"
secret = "inbox-secret"
rights = ["write"]
"#;

fn config() -> String {
    // Worked out by another program than ours, as an operator would.
    let digest = std::process::Command::new("sh")
        .args(["-c", "printf %s reader-secret | sha256sum | cut -d' ' -f1"])
        .output()
        .unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap();
    let placeholder = "7e19adf9457f81ca9f6d3f3d6f53e5b9ae6ccd2466ee6d6bf3a9d9e2bd07aa44";
    CONFIG.replace(placeholder, digest.trim())
}

#[tokio::test]
async fn tokens_say_who_and_what_is_allowed() {
    let server = Server::with_config(&config());
    let client = server.client();
    let alice = "Bearer alice-secret";
    let path = "/api/documents/1";
    for (credentials, challenge) in [
        (None, "Bearer"),
        (
            Some("Bearer nope"),
            "error=\"invalid_token\", error_description=",
        ),
        (Some("Basic x"), "Bearer"),
    ] {
        for (method, path) in [
            ("GET", path),
            ("PUT", path),
            ("GET", "/api/_changes"),
            ("GET", "/metrics"),
        ] {
            let ask = client.ask(method, path);
            let ask = match credentials {
                Some(credentials) => ask.header("Authorization", credentials),
                None => ask,
            };
            let answer = ask.send().await;
            assert_eq!(answer.status, 401, "{credentials:?} {method} {path}");
            let told = answer.header("www-authenticate").unwrap();
            assert!(told.starts_with("Bearer realm=\"detente\""), "{told}");
            assert!(told.contains(challenge), "{told}");
        }
    }
    let saved = client
        .put(path, r#"{"a":1}"#)
        .header("Authorization", alice)
        .by("mallory")
        .send()
        .await;
    assert_eq!(saved.status, 201);
    let list = client
        .ask("GET", "/api/documents")
        .header("Authorization", "bearer reader-secret")
        .send()
        .await;
    assert_eq!(
        list.json()["items"][0]["updated_by"],
        "alice",
        "the token says who, not X-Actor"
    );
    for (condition, action) in [("If-None-Match", "create"), ("If-Match", "update")] {
        let put = client.put(path, "{}").header(condition, "*");
        let put = put.header("Authorization", "Bearer reader-secret");
        let reader = put.send().await;
        assert_eq!(
            (reader.status, &reader.json()["action"]),
            (403, &action.into())
        );
    }
    // Credentials come before preconditions (RFC 9110, section 13.2.1).
    let stale = client.put(path, "{}").if_match("\"stale\"").send().await;
    assert_eq!(stale.status, 401);
    assert_eq!(client.get("/healthz").await.status, 200);
    assert_eq!(client.get("/readyz").await.status, 200);
}

/// Whoever may write but not read learns nothing of what is stored.
#[tokio::test]
async fn a_refusal_shows_nothing_to_those_who_may_not_read() {
    let server = Server::with_config(&config());
    let client = server.client();
    let path = "/api/documents/1";
    let tag = client
        .put(path, r#"{"pin":1234}"#)
        .header("Authorization", "Bearer alice-secret")
        .send()
        .await
        .tag();
    client
        .put(path, r#"{"pin":5678}"#)
        .header("Authorization", "Bearer alice-secret")
        .if_match(&tag)
        .send()
        .await;
    let inbox = "Bearer inbox-secret";
    assert_eq!(
        client
            .ask("GET", path)
            .header("Authorization", inbox)
            .send()
            .await
            .status,
        403
    );
    let refused = client
        .put(path, r#"{"pin":1}"#)
        .header("Authorization", inbox)
        .if_match(&tag)
        .send()
        .await;
    assert_eq!(refused.status, 409);
    assert!(
        !refused.text().contains("5678") && !refused.text().contains("1234"),
        "{}",
        refused.text()
    );
    assert_eq!(refused.json()["conflicting_fields"], json!(["pin"]));
    let patched = client
        .merge_patch(path, r#"{"x":1}"#)
        .header("Authorization", inbox)
        .if_match("*")
        .send()
        .await;
    assert_eq!((patched.status, patched.body.len()), (204, 0));
}

/// Messages may hold values; whoever may not read gets none of them.
#[tokio::test]
async fn messages_show_nothing_to_those_who_may_not_read() {
    let rules = r#"
[[collections.notes.rules]]
name = "Small"
check = "self.n < 5"
message = "{/secret} is too large"
[[collections.notes.unique]]
name = "code"
fields = ["/code"]
[collections.notes.lifecycle]
field = "/state"
initial = ["hidden"]
states = { hidden = [] }
"#;
    let server = Server::with_config(&format!("{}{rules}", config()));
    let client = server.client();
    let (alice, inbox) = ("Bearer alice-secret", "Bearer inbox-secret");
    let note = r#"{"secret":"hunter2","n":1,"code":7,"state":"hidden"}"#;
    let saved = client
        .put("/api/notes/holder", note)
        .header("Authorization", alice)
        .send()
        .await;
    assert_eq!(saved.status, 201);
    let edits = [
        client.merge_patch("/api/notes/holder", r#"{"n":9}"#),
        client.merge_patch("/api/notes/holder", r#"{"state":"open"}"#),
        client.put("/api/notes/other", r#"{"n":1,"code":7,"state":"hidden"}"#),
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        let condition = if index < 2 {
            "If-Match"
        } else {
            "If-None-Match"
        };
        let refused = edit
            .header("Authorization", inbox)
            .header(condition, "*")
            .send()
            .await;
        assert_eq!(refused.status, 409);
        let text = refused.text().replace("/api/notes/holder", "");
        for secret in ["hunter2", "hidden", "holder"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn bodies_and_fields_have_their_limits() {
    let server = Server::with_config(&config());
    let client = server.client();
    let alice = "Bearer alice-secret";
    for length in [1990, 3000, 3_000_000] {
        let body = format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
        let answer = client
            .put("/api/documents/1", &body)
            .header("Authorization", alice)
            .if_match("*");
        let answer = answer.send().await;
        let expected = if length < 2000 { 409 } else { 413 };
        assert_eq!(answer.status, expected, "{length}");
    }
    let large = client
        .ask("GET", "/api/documents/1")
        .header("X-Large", &"x".repeat(3000))
        .send()
        .await;
    assert_eq!(
        (large.status, &large.json()["limit_bytes"]),
        (431, &json!(2048))
    );
    let grown = r#"[{"op":"copy","from":"/a","path":"/b"},{"op":"copy","from":"/a","path":"/c"}]"#;
    let body = format!(r#"{{"a":"{}"}}"#, "x".repeat(900));
    client
        .put("/api/documents/2", &body)
        .header("Authorization", alice)
        .send()
        .await;
    let patched = client
        .json_patch("/api/documents/2", grown)
        .header("Authorization", alice)
        .if_match("*");
    assert!(
        matches!(patched.send().await.status, 409 | 422),
        "a patch cannot outgrow the limit"
    );
}

/// A body without a length is counted as it comes.
#[test]
fn a_chunked_body_past_the_limit_is_cut_off() {
    let server = Server::with_config(&config());
    let mut socket = TcpStream::connect(server.address()).unwrap();
    let head = "PUT /api/documents/1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice-secret\r\n\
                Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    for _ in 0..5 {
        let chunk = format!("3e8\r\n{}\r\n", " ".repeat(1000));
        socket.write_all(chunk.as_bytes()).unwrap();
    }
    socket.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn media_types_that_are_not_taken_are_named_with_those_that_are() {
    let server = Server::start();
    let client = server.client();
    client.create("/api/documents/1", "{}").await;
    let json = "application/json";
    let patches = "application/merge-patch+json, application/json-patch+json, application/json";
    let cases = [
        ("POST", "/api/documents", "text/plain", "accept-post", json),
        (
            "PUT",
            "/api/documents/1",
            "application/x-www-form-urlencoded",
            "accept",
            json,
        ),
        (
            "PATCH",
            "/api/documents/1",
            "text/plain",
            "accept-patch",
            patches,
        ),
    ];
    for (method, path, media_type, field, value) in cases {
        let answer = client
            .ask(method, path)
            .body(media_type, "{}")
            .if_match("*")
            .send()
            .await;
        assert_eq!(
            (answer.status, answer.header(field)),
            (415, Some(value)),
            "{method}"
        );
    }
    let charset = client
        .ask("PUT", "/api/documents/2")
        .body("Application/JSON; charset=utf-8", "{}");
    assert_eq!(charset.send().await.status, 201);
    let coded = client
        .put("/api/documents/3", "{}")
        .header("Content-Encoding", "gzip")
        .send()
        .await;
    assert_eq!(coded.status, 415);
}

#[tokio::test]
async fn a_full_queue_turns_writes_away_at_once() {
    let server =
        Server::with_config("undeclared_collections = \"allow\"\n[limits]\nqueued_writes = 1\n");
    let client = server.client();
    let writes = (0..64).map(|n| {
        let client = client.clone();
        async move {
            let mut statuses = Vec::new();
            for m in 0..30 {
                let answer = client
                    .put(&format!("/api/documents/{n}-{m}"), "{}")
                    .send()
                    .await;
                if answer.status == 503 {
                    assert_eq!(answer.header("retry-after"), Some("1"));
                }
                statuses.push((format!("{n}-{m}"), answer.status));
            }
            statuses
        }
    });
    let statuses: Vec<_> = futures_util::future::join_all(writes)
        .await
        .into_iter()
        .flatten()
        .collect();
    let busy = statuses.iter().filter(|(_, status)| *status == 503).count();
    assert!(busy > 0, "the queue was never full: nothing was tested");
    for (id, status) in statuses {
        assert!(status == 201 || status == 503, "{status}");
        let found = client.get(&format!("/api/documents/{id}")).await.status;
        assert_eq!(
            found == 200,
            status == 201,
            "{id} answered {status}, and is {found}"
        );
    }
}

/// No value past 256 KiB is repeated in a refusal, whatever it is about.
#[tokio::test]
async fn refusals_do_not_repeat_large_values() {
    let server = Server::with_config(
        r#"
        [collections.notes]
        schema = { type = "object", properties = { n = { type = "integer" } } }
        [[collections.notes.unique]]
        name = "text"
        fields = ["/text"]
        "#,
    );
    let client = server.client();
    let large = "x".repeat(900_000);
    let with_large = |name: &str| format!(r#"{{"{name}":"{large}"}}"#);
    let tag = client.create("/api/notes/1", &with_large("text")).await;
    let small = client.create("/api/notes/2", "{}").await;
    let other = client
        .put("/api/notes/2", r#"{"a":1}"#)
        .if_match(&small)
        .send()
        .await;
    assert_eq!(other.status, 200);
    let test = format!(r#"[{{"op":"test","path":"/text","value":"{large}y"}}]"#);
    let refusals = [
        (
            client.put("/api/notes/3", &with_large("text")),
            409,
            "DuplicateEntry",
        ),
        (
            client.json_patch("/api/notes/1", &test),
            409,
            "PatchConflict",
        ),
        (
            client.put("/api/notes/3", &with_large("n")),
            422,
            "ValidationFailed",
        ),
        (
            client
                .put("/api/notes/2", &with_large("a"))
                .if_match(&small),
            409,
            "UpdateConflict",
        ),
        (
            client.put("/api/notes/1", "{}").if_match("\"x\""),
            409,
            "UpdateConflict",
        ),
    ];
    for (ask, status, error) in refusals {
        let answer = ask.send().await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (status, &error.into())
        );
        assert!(
            answer.body.len() < 256 * 1024,
            "{error}: {} bytes",
            answer.body.len()
        );
    }
    let test = r#"[{"op":"test","path":"/text","value":"y"}]"#;
    let refused = client
        .json_patch("/api/notes/2", test)
        .if_match(&other.tag())
        .send()
        .await;
    assert_eq!(refused.json()["expected"], "y", "small values are told");
    assert_eq!(client.get("/api/notes/1").await.tag(), tag);
}

#[tokio::test]
async fn what_is_missing_or_unknown_is_said_plainly() {
    let server = Server::start();
    let client = server.client();
    let bare = client.ask("PUT", "/api/notes/1").send().await.json();
    assert_eq!(
        bare["detail"],
        "Content-Type is missing; send application/json."
    );
    let unknown = client.get("/api/notes/1?x=1").await.json();
    assert_eq!(
        unknown["detail"],
        "There is no parameter \"x\" here: this takes no query parameters."
    );
    for open in ["/openapi.json", "/problems/deleted", "/_page/page.js"] {
        let unknown = client.get(&format!("{open}?x=1")).await;
        assert_eq!(unknown.status, 400, "{open}");
        assert_eq!(unknown.json()["parameter"], "x", "{open}");
    }
    // What probes and the page themselves add.
    for any in ["/healthz", "/readyz", "/", "/c/notes", "/conflicts"] {
        let answer = client.get(&format!("{any}?x=1")).await;
        assert_eq!(answer.status, 200, "{any}");
    }
    client.create("/api/notes/1", "{}").await;
    let deletion = client.ask("DELETE", "/api/notes/1").send().await.json();
    let detail = deletion["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("DELETE deletes a document that exists."),
        "{detail}"
    );
    assert!(
        detail.ends_with("If-Match: * deletes whatever is there."),
        "{detail}"
    );
}

#[tokio::test]
async fn a_mistake_is_told_as_what_a_request_must_be() {
    let server = Server::start();
    let client = server.client();
    client.create("/api/notes/1", "{}").await;
    let bodies = [
        (
            "/api/_batch",
            "{}",
            "/operations must be a list of operations.",
        ),
        (
            "/api/_batch",
            r#"{"operations":[7]}"#,
            "/operations/0 must be an object.",
        ),
        (
            "/api/notes/1/lock",
            r#"{"ttl_s":"1"}"#,
            "/ttl_s must be a whole number of seconds from 1 to 86400.",
        ),
        ("/api/notes/1/merge", "[]", "The body must be an object."),
        (
            "/api/notes/1/merge",
            r#"{"base":1,"document":{},"choices":7}"#,
            "/choices must be an object.",
        ),
    ];
    for (path, body, detail) in bodies {
        let refused = client.post(path, body).send().await;
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.json()["detail"], detail, "{body}");
    }
    let queries = [
        (
            "/api/notes?limit=x",
            "limit must be a whole number from 1 to 1000.",
        ),
        (
            "/api/_conflicts?outcome=lost",
            "outcome must be open, resolved or dismissed.",
        ),
        (
            "/api/notes/1/versions?cursor=x",
            "cursor must be the next of a page.",
        ),
    ];
    for (path, detail) in queries {
        let refused = client.get(path).await;
        assert_eq!(refused.status, 400, "{path}");
        assert_eq!(refused.json()["detail"], detail, "{path}");
    }
    let bare = client.put("/api/notes/1", "{}").if_match("1-6c5e");
    let detail = "If-Match: at byte 0, an entity tag must be in double quotes, such as \"1-6c5e\".";
    assert_eq!(bare.send().await.json()["detail"], detail);
}

#[tokio::test]
async fn a_refusal_names_a_thousand_mistakes() {
    let schema = "[collections.numbers.schema]\nadditionalProperties = { type = \"integer\" }\n";
    let server = Server::with_config(schema);
    let members: serde_json::Map<_, _> = (0..1500).map(|n| (format!("m{n}"), json!(""))).collect();
    let body = Value::from(members).to_string();
    let refused = server.client().put("/api/numbers/1", &body).send().await;
    assert_eq!(refused.status, 422);
    let problem = refused.json();
    assert_eq!(problem["violations"].as_array().unwrap().len(), 1000);
    assert_eq!(problem["violations_omitted"], 500);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("1500 violations"), "{detail}");
}

/// What a batch has to do with is known before anything is done.
#[tokio::test]
async fn a_batch_of_small_patches_on_a_large_document_is_refused_whole() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/large";
    let zeros = format!(r#"{{"a":[{}]}}"#, vec!["0"; 400_000].join(","));
    client.create(path, &zeros).await;
    let patch = json!({
        "method": "PATCH", "path": path,
        "headers": {"Content-Type": "application/merge-patch+json", "If-Match": "*"},
        "body": {"k": 1},
    });
    let batch = |count: usize| json!({"operations": vec![patch.clone(); count]}).to_string();
    let refused = client.post("/api/_batch", &batch(100)).send().await;
    assert_eq!(refused.status, 413, "{refused:?}");
    assert_eq!(refused.json()["type"], "/problems/content-too-large");
    assert!(refused.json()["limit_bytes"].as_u64().is_some());
    assert_eq!(client.get(path).await.header("document-version"), Some("1"));
    let done = client.post("/api/_batch", &batch(4)).send().await;
    assert_eq!(done.status, 200);
    assert_eq!(client.get(path).await.header("document-version"), Some("5"));
}

/// The refusals of a batch show documents as long as there is room, and addresses after that.
#[tokio::test]
async fn the_answer_of_a_refused_batch_has_a_limit() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/one";
    let text = |n: usize| json!({"n": n, "text": "x".repeat(100_000)}).to_string();
    let stale = client.create(path, &text(1)).await;
    let now = client.put(path, &text(2)).if_match(&stale).send().await;
    assert_eq!(now.status, 200);
    let edit = json!({
        "method": "PATCH", "path": path,
        "headers": {"Content-Type": "application/merge-patch+json", "If-Match": stale},
        "body": {"n": 3},
    });
    for query in ["", "?atomic=false"] {
        let batch = json!({"operations": vec![edit.clone(); 38]}).to_string();
        let answer = client
            .post(&format!("/api/_batch{query}"), &batch)
            .send()
            .await;
        assert!(answer.body.len() < 10 << 20, "{} bytes", answer.body.len());
        let results = answer.json()["results"].clone();
        let results = results.as_array().unwrap();
        assert_eq!(results.len(), 38);
        let shown = |row: &&Value| row["body"].get("current").is_some();
        let count = results.iter().filter(shown).count();
        assert!((10..38).contains(&count), "{count} of 38 show the document");
        for row in results {
            let problem = &row["body"];
            assert_eq!(problem["conflicts"][0]["path"], "/n", "{query}");
            let is_told = problem.get("current").is_some() || problem["current_href"] == path;
            assert!(is_told && problem["current_etag"] == now.tag(), "{query}");
        }
    }
}

#[tokio::test]
async fn filters_have_limits_that_are_named() {
    let server = Server::start();
    let client = server.client();
    let list = async |query: String| client.get(&format!("/api/documents?{query}")).await;
    let values = |count: usize| format!("n.in={}", vec!["1"; count].join(","));
    assert_eq!(list(values(100)).await.status, 200);
    let refused = list(values(101)).await;
    assert_eq!(
        (refused.status, &refused.json()["parameter"]),
        (400, &json!("n.in"))
    );
    let filters = |count: usize| {
        let filters: Vec<_> = (0..count).map(|n| format!("m{n}=1")).collect();
        filters.join("&")
    };
    assert_eq!(list(filters(20)).await.status, 200);
    let refused = list(filters(21)).await;
    assert_eq!(
        (refused.status, &refused.json()["parameter"]),
        (400, &json!("m20"))
    );
}

/// A page of large documents is short, and says so.
#[tokio::test]
async fn pages_are_limited_by_bytes() {
    let server = Server::start();
    let client = server.client();
    for n in 0..12 {
        let body = json!({"n": n, "text": "x".repeat(900_000)}).to_string();
        client
            .create(&format!("/api/documents/{n:02}"), &body)
            .await;
    }
    for query in ["limit=1000", "limit=1000&sort=-n"] {
        let (mut cursor, mut ids) = (String::new(), Vec::new());
        loop {
            let page = client.get(&format!("/api/documents?{query}{cursor}")).await;
            assert!(page.body.len() < 5 << 20, "{} bytes", page.body.len());
            let page = page.json();
            let items = page["items"].as_array().unwrap();
            ids.extend(items.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        ids.sort();
        let all: Vec<_> = (0..12).map(|n| format!("{n:02}")).collect();
        assert_eq!(ids, all, "{query}");
    }
}

/// Whoever opens connections and says nothing does not lock others out.
#[tokio::test]
async fn silent_connections_make_room_for_others() {
    let server = Server::with_config("[limits]\nconnections = 8\n");
    must_stay_open_to_others(&server).await;
}

/// However few files the process may have open: the store needs some, and gets them.
#[tokio::test]
async fn few_descriptors_leave_room_for_the_store_and_for_others() {
    let folder = Folder::new();
    let script = format!(
        "ulimit -n 64 && exec {program} serve --listen 127.0.0.1:0 \"$@\"",
        program = env!("CARGO_BIN_EXE_detente"),
    );
    let mut command = Command::new("bash");
    command.args(["-c", &script, "bash"]);
    folder.give(&mut command);
    let server = Server::start_as(folder, command);
    must_stay_open_to_others(&server).await;
}

async fn must_stay_open_to_others(server: &Server) {
    let mut silent = Vec::new();
    for n in 0..150 {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        // Some say nothing, some begin to speak HTTP/2, some send half a request.
        let begun: &[u8] = [
            &b""[..],
            b"PRI * HT",
            b"GET /api/x/1 HTTP/1.1\r\nHost: localhost\r\n",
        ][n % 3];
        let _ = socket.write_all(begun);
        silent.push(socket);
        if n % 10 == 9 {
            let client = server.client();
            let path = format!("/api/documents/{n}");
            let answer = client.put(&path, "{}").send().await;
            assert_eq!(answer.status, 201, "after {n} silent connections");
        }
    }
}

/// Documents may have grown since: a batch that was performed is never said not to have been.
#[tokio::test]
async fn a_batch_that_was_performed_is_replayed_whatever_it_weighs_now() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/grown";
    let text = |length: usize| "x".repeat(length);
    client
        .create(path, &json!({"text": text(60_000)}).to_string())
        .await;
    let patch = |n: usize| {
        json!({
            "method": "PATCH", "path": path,
            "headers": {"Content-Type": "application/merge-patch+json", "If-Match": "*"},
            "body": {format!("m{n}"): text(2000)},
        })
    };
    let operations: Vec<_> = (0..60).map(patch).collect();
    let batch = json!({"operations": operations}).to_string();
    let send = || {
        let batch = client.post("/api/_batch", &batch);
        batch.header("Idempotency-Key", "\"once\"").send()
    };
    let first = send().await;
    assert_eq!(first.status, 200, "{first:?}");
    let again = send().await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(
        client.get(path).await.header("document-version"),
        Some("61")
    );
    // Without the key it would be too much now.
    let other = client.post("/api/_batch", &batch).send().await;
    assert_eq!(other.status, 413);
}
