use serde_json::{Value, json};

use crate::client::Client;
use crate::feeds::Stream;
use crate::server::{Folder, Server, program};

/// Ids as people have them, and how this server spells them in a path.
const IDS: [(&str, &str); 9] = [
    ("bob@example.com", "bob@example.com"),
    ("a:b", "a:b"),
    ("café", "caf%C3%A9"),
    ("with space", "with%20space"),
    ("100%", "100%25"),
    ("a?b#c", "a%3Fb%23c"),
    ("{\"x\"}", "%7B%22x%22%7D"),
    ("🦀+;,'", "%F0%9F%A6%80%2B%3B%2C%27"),
    ("a%20b", "a%2520b"),
];

/// Percent-encodes every byte.
fn encode_all(id: &str) -> String {
    id.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

#[tokio::test]
async fn an_id_is_any_text_without_a_slash_and_its_spellings_are_one() {
    let server = Server::start();
    let client = server.client();
    for (id, spelled) in IDS {
        let path = format!("/api/notes/{spelled}");
        let tag = client.create(&path, r#"{"v":1}"#).await;
        let other = format!("/api/notes/{}", encode_all(id));
        let read = client.get(&other).await;
        assert_eq!((read.status, read.tag()), (200, tag.clone()), "{id}");
        let history = format!("<{path}/versions>; rel=\"version-history\"");
        assert_eq!(read.header("link"), Some(&*history), "{id}");
        let stale = client.put(&other, r#"{"v":2}"#).if_match("\"1-00\"");
        let stale = stale.send().await.json();
        let resolutions = stale["resolutions"].as_array().unwrap();
        for way in resolutions {
            assert!(text(&way["href"]).starts_with(&path), "{way}");
        }
        let logged = client.get(text(&stale["logged"])).await.json();
        assert_eq!(
            (&logged["document"], &logged["document_href"]),
            (&json!(id), &json!(path))
        );
        let twice = client.put(&other, "{}").header("If-None-Match", "*");
        assert_eq!(twice.send().await.status, 412, "{id} is there already");
    }
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("/api/notes?limit=2{cursor}"))
            .await
            .json();
        let items = page["items"].as_array().unwrap();
        listed.extend(items.iter().map(|row| text(&row["id"]).to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut ids = IDS.map(|(id, _)| id);
    ids.sort_unstable();
    assert_eq!(listed, ids, "in the order of their bytes");
    let one = client.get("/api/notes?_id=a%3Fb%23c").await.json();
    assert_eq!(one["items"].as_array().unwrap().len(), 1, "{one}");
}

#[tokio::test]
async fn everything_that_belongs_to_a_document_is_found_under_its_name() {
    let server = Server::start();
    let client = server.client();
    for (id, spelled) in IDS {
        let path = format!("/api/My_notes/{spelled}");
        let tag = client.create(&path, r#"{"v":1}"#).await;
        let lock = client.post(&format!("{path}/lock"), "").send().await;
        assert_eq!(lock.status, 201, "{id}: {lock:?}");
        let held = client
            .put(&path, "{}")
            .if_match(&tag)
            .by("bob")
            .send()
            .await;
        assert_eq!(held.status, 423, "{id}");
        let token = lock.json()["token"].clone();
        let merge = json!({"base": tag, "patch": {"v": 2}}).to_string();
        let merge = client.post(&format!("{path}/merge"), &merge);
        let merged = merge.header("Lock-Token", text(&token)).send().await;
        assert_eq!(merged.status, 200, "{id}: {merged:?}");
        let release = client.ask("DELETE", &format!("{path}/lock"));
        let release = release.header("Lock-Token", text(&token)).send().await;
        assert_eq!(release.status, 204, "{id}");
        let versions = client.get(&format!("{path}/versions")).await.json();
        assert_eq!(versions["items"].as_array().unwrap().len(), 2, "{id}");
        assert_eq!(
            client.get(&format!("{path}/versions/1")).await.text(),
            r#"{"v":1}"#
        );
        let changes = client.get(&format!("{path}/_changes")).await.json();
        assert_eq!(changes["items"][1]["id"], json!(id));
        let stale = client.put(&path, "{}").if_match(&tag).send().await;
        assert_eq!(stale.status, 409, "{id}");
    }
    let statistics = client.get("/api/_conflicts/stats").await.json();
    let rows = statistics["by_document"].as_array().unwrap();
    for (id, _) in IDS {
        let name = json!(format!("My_notes/{id}"));
        assert!(
            rows.iter().any(|row| row["document"] == name),
            "{statistics}"
        );
    }
}

#[tokio::test]
async fn names_of_collections_and_spaces_are_those_that_people_use() {
    let server = Server::start();
    let client = server.client();
    for name in ["my_things", "MyThings", "2024", "a-b", "A"] {
        for prefix in ["", "/spaces/Team_2"] {
            let path = format!("{prefix}/api/{name}");
            let created = client.post(&path, "{}").send().await;
            assert_eq!(created.status, 201, "{path}: {created:?}");
            let location = created.header("location").unwrap();
            assert!(location.starts_with(&format!("{path}/")), "{location}");
            assert_eq!(client.get(location).await.status, 200);
        }
    }
    assert_eq!(
        client.get("/api/a").await.json()["items"],
        json!([]),
        "case matters"
    );
    for path in [
        "/api/-a/1",
        "/api/a.b/1",
        "/api/caf%C3%A9/1",
        "/spaces/_x/api/a/1",
        "/api/a/_x",
    ] {
        let refused = client.get(path).await;
        assert_eq!(refused.status, 400, "{path}: {refused:?}");
    }
    for id in [
        "a%2Fb",
        "%00",
        "a%0Ab",
        "%C2%85",
        "%FF",
        &"%C3%A9".repeat(128),
    ] {
        let refused = client.put(&format!("/api/a/{id}"), "{}").send().await;
        assert_eq!(refused.status, 400, "{id}: {refused:?}");
    }
}

async fn batch(client: &Client, operations: Value) -> Value {
    let body = json!({"operations": operations}).to_string();
    client.post("/api/_batch", &body).send().await.json()
}

#[tokio::test]
async fn a_path_in_a_batch_is_decoded_as_in_a_request_line() {
    let server = Server::start();
    let client = server.client();
    for (id, spelled) in IDS {
        let path = format!("/api/n%6Ftes/{}", encode_all(id));
        let put =
            json!([{"method": "PUT", "path": path, "headers": {"If-None-Match": "*"}, "body": {}}]);
        let done = batch(&client, put.clone()).await;
        assert_eq!(done["results"][0]["status"], 201, "{id}: {done}");
        assert_eq!(
            client.get(&format!("/api/notes/{spelled}")).await.status,
            200,
            "{id}"
        );
        let again = batch(&client, put).await;
        let refused = &again["results"][0];
        assert_eq!(refused["body"]["instance"], json!(path), "{again}");
        assert_eq!(refused["status"], 412, "{again}");
    }
    for path in [
        "/api/notes/a?b",
        "/api/notes/a#b",
        "/api/notes/%FF",
        "/api/notes/a%2Fb",
        "/api/notes/%2E%2E",
        "/api/notes/",
    ] {
        let put = json!([{"method": "PUT", "path": path, "body": {}}]);
        let refused = batch(&client, put).await;
        assert_eq!(refused["type"], "/problems/malformed", "{path}: {refused}");
    }
}

/// The same request under another spelling is the same request.
#[tokio::test]
async fn a_key_knows_its_request_by_any_spelling() {
    let server = Server::start();
    let client = server.client();
    let send = |path: &str| {
        let put = client
            .put(path, r#"{"v":1}"#)
            .header("Idempotency-Key", "k");
        put.send()
    };
    assert_eq!(send("/api/notes/a:b").await.status, 201);
    let again = send("/api/notes/a%3Ab").await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn names_outlive_a_restart_and_a_move() {
    let server = Server::start();
    let client = server.client();
    for (_, spelled) in IDS {
        client
            .create(&format!("/api/My_notes/{spelled}"), r#"{"v":1}"#)
            .await;
    }
    let folder = server.stop();
    let export = folder.command(&["export"]).output().unwrap();
    assert!(export.status.success(), "{export:?}");
    let server = Server::start_in(folder);
    let target = Folder::new();
    let file = target.path().join("all.ndjson");
    std::fs::write(&file, &export.stdout).unwrap();
    let import = target.command(&["import"]).arg(&file).output().unwrap();
    assert!(import.status.success(), "{import:?}");
    let moved = Server::start_in(target);
    for (id, spelled) in IDS {
        let path = format!("/api/My_notes/{spelled}");
        for client in [server.client(), moved.client()] {
            assert_eq!(client.get(&path).await.status, 200, "{id}");
        }
    }
}

#[tokio::test]
async fn a_stream_tells_names_as_they_are() {
    let server = Server::start();
    let client = server.client();
    for (_, spelled) in IDS {
        client.create(&format!("/api/notes/{spelled}"), "{}").await;
    }
    let url = format!("{}/api/notes/_changes", server.url());
    let mut stream = Stream::open(&url, None).await;
    for (id, _) in IDS {
        let event = stream.next().await.expect("the stream goes on");
        assert_eq!(event.data["id"], id);
    }
}

#[tokio::test]
async fn a_url_that_ends_with_a_slash_is_told_the_right_one() {
    let server = Server::start();
    let client = server.client();
    let cases = [
        ("/api/notes/", Some("/api/notes")),
        ("/api/notes/1/", Some("/api/notes/1")),
        (
            "/api/notes/a%3Ab/versions/",
            Some("/api/notes/a:b/versions"),
        ),
        ("/spaces/x/api/notes/", Some("/spaces/x/api/notes")),
        ("/healthz/", Some("/healthz")),
        ("/api/notes//", None),
        ("/nothing/", None),
    ];
    for (path, right) in cases {
        for method in ["GET", "PUT", "POST"] {
            let answer = client.ask(method, path).json("{}").send().await;
            let problem = answer.json();
            assert_eq!(
                (answer.status, &problem["type"]),
                (404, &json!("/problems/not-found"))
            );
            let detail = text(&problem["detail"]);
            match right {
                Some(right) => assert!(detail.contains(&format!(": {right} is")), "{detail}"),
                None => assert!(!detail.contains("slash"), "{detail}"),
            }
        }
    }
}

/// The tester finds its way to such a document as well.
#[tokio::test]
async fn the_tester_checks_a_document_of_any_name() {
    let server = Server::start();
    let path = "/api/My_notes/bob@example.com: café 100%25";
    server.client().create(path, r#"{"title":"Draft"}"#).await;
    let check = program()
        .arg("check")
        .arg(format!("{}{path}", server.url()))
        .output();
    let check = check.unwrap();
    assert_eq!(
        check.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&check.stdout)
    );
}
