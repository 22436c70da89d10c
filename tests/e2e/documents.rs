use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn what_was_sent_is_what_is_read_byte_for_byte() {
    let server = Server::start();
    let client = server.client();
    let bodies = [
        r#"{ "b" : 1.50, "a":[ 1e400, -0, 12345678901234567890 ], "é":"\u00e9\ud83d\ude00" }"#,
        "{}",
        "\n {\"x\":\r\n1}\n",
    ];
    for (id, body) in bodies.iter().enumerate() {
        let path = format!("/api/documents/{id}");
        let put = client.put(&path, body).send().await;
        assert_eq!((put.status, put.text()), (201, *body));
        let got = client.get(&path).await;
        assert_eq!((got.status, got.text()), (200, *body));
        assert_eq!(got.tag(), put.tag());
        assert_eq!(got.header("document-version"), Some("1"));
        assert_eq!(got.header("cache-control"), Some("no-cache"));
        let history = format!("</api/documents/{id}/versions>; rel=\"version-history\"");
        assert_eq!(got.header("link"), Some(history.as_str()));
        assert!(got.header("last-modified").is_some());
        let head = client.ask("HEAD", &path).send().await;
        assert_eq!(head.status, 200);
        assert_eq!(
            head.header("content-length"),
            Some(body.len().to_string().as_str())
        );
        assert_eq!(head.tag(), got.tag());
    }
}

#[tokio::test]
async fn a_new_document_gets_an_id() {
    let server = Server::start();
    let client = server.client();
    let created = client.post("/api/documents", r#"{"a":1}"#).send().await;
    assert_eq!(created.status, 201);
    let location = created.header("location").unwrap();
    let id = location.strip_prefix("/api/documents/").unwrap();
    assert_eq!(id.len(), 36, "a UUID: {id}");
    assert_eq!(client.get(location).await.tag(), created.tag());
    let minimal = client
        .post("/api/documents", "{}")
        .header("Prefer", "return=minimal")
        .send()
        .await;
    assert_eq!((minimal.status, minimal.body.len()), (201, 0));
    assert_eq!(minimal.header("preference-applied"), Some("return=minimal"));
    let minimal = client
        .put(location, "{}")
        .if_match("*")
        .header("Prefer", "return=minimal");
    let minimal = minimal.send().await;
    assert_eq!((minimal.status, minimal.body.len()), (204, 0));
    assert_eq!(client.get(location).await.tag(), minimal.tag());
}

#[tokio::test]
async fn patches_keep_what_they_do_not_touch() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let tag = client.create(path, r#"{"z":1.50,"a":{"b":1,"c":2}}"#).await;
    let merged = client
        .merge_patch(path, r#"{"a":{"b":null,"d":3}}"#)
        .if_match(&tag)
        .send()
        .await;
    assert_eq!(merged.text(), r#"{"z":1.50,"a":{"c":2,"d":3}}"#);
    let patch =
        r#"[{"op":"test","path":"/z","value":1.5},{"op":"move","from":"/a/c","path":"/y"}]"#;
    let patched = client.json_patch(path, patch).send().await;
    assert_eq!(patched.text(), r#"{"z":1.50,"a":{"d":3},"y":2}"#);
    assert_eq!(patched.header("document-version"), Some("3"));
    for (patch, operation) in [
        (r#"{"op":"add"}"#, json!(null)),
        (r#"[{"op":"add","path":"/a"}]"#, json!(0)),
    ] {
        let answer = client.json_patch(path, patch).if_match("*").send().await;
        assert_eq!(answer.status, 400, "{patch}");
        assert_eq!(answer.json()["operation"], operation);
    }
    for patch in ["[]", "7", "null"] {
        let answer = client.merge_patch(path, patch).if_match("*").send().await;
        assert_eq!(answer.status, 422, "{patch}: a document is an object");
    }
}

#[tokio::test]
async fn versions_count_for_ever_and_stay() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    client.create(path, r#"{"n":1}"#).await;
    for n in 2..=200 {
        let body = format!(r#"{{"n":{n}}}"#);
        assert_eq!(
            client
                .put(path, &body)
                .if_match("*")
                .by("bob")
                .send()
                .await
                .status,
            200
        );
    }
    client.ask("DELETE", path).if_match("*").send().await;
    assert_eq!(
        client
            .put(path, r#"{"n":202}"#)
            .send()
            .await
            .header("document-version"),
        Some("202")
    );
    for n in [1, 63, 64, 65, 128, 199, 200, 202] {
        let version = client.get(&format!("{path}/versions/{n}")).await;
        assert_eq!(version.json()["n"], n);
        assert_eq!(
            version.header("document-version"),
            Some(n.to_string().as_str())
        );
        let again = client.ask("GET", &format!("{path}/versions/{n}"));
        assert_eq!(
            again
                .header("If-None-Match", &version.tag())
                .send()
                .await
                .status,
            304
        );
    }
    for (n, status) in [
        ("201", 410),
        ("203", 404),
        ("0", 400),
        ("x", 400),
        ("-1", 400),
        ("+1", 400),
    ] {
        assert_eq!(
            client.get(&format!("{path}/versions/{n}")).await.status,
            status,
            "{n}"
        );
    }
    let mut seen = Vec::new();
    let mut url = format!("{path}/versions?limit=50");
    loop {
        let page = client.get(&url).await.json();
        for item in page["items"].as_array().unwrap() {
            seen.push(item["version"].as_u64().unwrap());
            assert_eq!(item["deleted"] == true, item["version"] == 201, "{item}");
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        url = format!("{path}/versions?limit=50&cursor={next}");
    }
    assert_eq!(seen, (1..=202).rev().collect::<Vec<_>>());
    assert_eq!(client.get("/api/documents/2/versions").await.status, 404);
}

#[tokio::test]
async fn bodies_that_are_no_documents_are_refused_with_the_place() {
    let server = Server::start();
    let client = server.client();
    let deep = format!("{{\"a\":{}}}", "[".repeat(128));
    let cases = [
        (r#"{"a":1"#, 400, Some(6)),
        (r#"{"a":1,"a":2}"#, 400, Some(7)),
        (r#"{"a":"\ud800"}"#, 400, Some(6)),
        (deep.as_str(), 400, Some(5 + 127)),
        ("", 400, Some(0)),
        ("[1]", 422, None),
        ("7", 422, None),
    ];
    for (body, status, offset) in cases {
        let answer = client.put("/api/documents/1", body).send().await;
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.json()["offset"].as_u64(), offset, "{body}");
    }
    assert_eq!(client.get("/api/documents/1").await.status, 404);
}

#[tokio::test]
async fn names_methods_and_urls_that_are_not_known() {
    let server = Server::start();
    let client = server.client();
    let cases = [
        ("GET", "/api/-documents", 400),
        ("GET", "/api/documents/a%2Fb", 400),
        ("GET", "/api/documents/_x", 400),
        ("PUT", "/api/_documents/1", 400),
        ("GET", "/api/documents/nope", 404),
        ("GET", "/nope", 404),
        ("GET", "/spaces", 404),
        ("PUT", "/api", 405),
        ("POST", "/api/documents/1", 405),
        ("DELETE", "/api/documents", 405),
        ("PUT", "/api/documents/1/versions", 405),
        ("POST", "/healthz", 405),
        ("PURGE", "/api/documents/1", 405),
        ("GET", "/spaces/-x/api/documents", 400),
    ];
    for (method, path, status) in cases {
        let answer = client.ask(method, path).send().await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(
            answer.header("allow").is_some(),
            status == 405,
            "{method} {path}"
        );
    }
    let options = client.ask("OPTIONS", "/api/documents/1").send().await;
    assert_eq!(options.status, 204);
    assert_eq!(
        options.header("allow"),
        Some("GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
    );
    assert!(
        options
            .header("accept-patch")
            .unwrap()
            .contains("application/json-patch+json")
    );
}

#[tokio::test]
async fn spaces_are_apart() {
    let server = Server::start();
    let client = server.client();
    client
        .create("/api/documents/1", r#"{"in":"default"}"#)
        .await;
    client
        .create("/spaces/other/api/documents/1", r#"{"in":"other"}"#)
        .await;
    assert_eq!(client.get("/api/documents/1").await.json()["in"], "default");
    let other = client.get("/spaces/other/api/documents/1").await;
    assert_eq!(other.json()["in"], "other");
    assert!(
        other
            .header("link")
            .unwrap()
            .starts_with("</spaces/other/api/documents/1/versions>")
    );
    assert_eq!(
        client.get("/spaces/default/api/documents/1").await.json()["in"],
        "default"
    );
    let feed = client.get("/spaces/other/api/_changes").await.json();
    assert_eq!(feed["items"].as_array().unwrap().len(), 1);
    let created = client
        .post("/spaces/other/api/documents", "{}")
        .send()
        .await;
    assert!(
        created
            .header("location")
            .unwrap()
            .starts_with("/spaces/other/api/documents/")
    );
}

/// A compressed answer is another representation: it has a tag of its own, and both name the version.
#[tokio::test]
async fn compressed_answers_carry_a_tag_of_their_own() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let body = format!(r#"{{"text":"{}"}}"#, "lorem ipsum ".repeat(200));
    let tag = client.create(path, &body).await;
    let zipped = client
        .ask("GET", path)
        .header("Accept-Encoding", "gzip")
        .send()
        .await;
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert!(zipped.body.len() < body.len() / 4);
    assert_eq!(zipped.header("vary"), Some("accept-encoding"));
    let plain = tag.trim_end_matches('"');
    assert_eq!(zipped.tag(), format!("{plain}+gzip\""));
    for form in [&tag, &zipped.tag()] {
        let fresh = client
            .ask("GET", path)
            .header("Accept-Encoding", "gzip")
            .header("If-None-Match", form);
        let fresh = fresh.send().await;
        assert_eq!((fresh.status, &fresh.tag()), (304, form));
    }
    let saved = client.put(path, "{}").if_match(&zipped.tag()).send().await;
    assert_eq!(saved.status, 200);
}

/// As everybody else takes it.
#[tokio::test]
async fn a_patch_of_plain_json_is_a_merge_patch() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    client.create(path, r#"{"a":1,"b":2}"#).await;
    let patch = |body: &str| client.ask("PATCH", path).json(body).if_match("*").send();
    let answer = patch(r#"{"a":null,"c":3}"#).await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"b":2,"c":3}"#));
    let array = patch(r#"[{"op":"remove","path":"/b"}]"#).await;
    assert_eq!(array.status, 400, "{array:?}");
    assert!(
        array.text().contains("application/json-patch+json"),
        "{array:?}"
    );
    let operation =
        json!({"method": "PATCH", "path": path, "headers": {"If-Match": "*"}, "body": {"b": null}});
    let batch = json!({"operations": [operation]}).to_string();
    let batch = client.post("/api/_batch", &batch).send().await;
    assert_eq!(batch.json()["results"][0]["body"], json!({"c": 3}));
}

/// A writer recognizes its own version in the feed by the tag that it was told.
#[tokio::test]
async fn answers_to_writes_are_not_compressed_and_carry_the_tag_of_the_feed() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let body = format!(r#"{{"text":"{}"}}"#, "lorem ipsum ".repeat(200));
    let patch = r#"{"more":1}"#;
    let mut told = Vec::new();
    let created = client
        .put(path, &body)
        .header("Accept-Encoding", "gzip")
        .send()
        .await;
    told.push(created.clone());
    let put = client.put(path, &body).if_match(&created.tag());
    told.push(put.header("Accept-Encoding", "gzip").send().await);
    let patched = client.merge_patch(path, patch).if_match("*");
    told.push(patched.header("Accept-Encoding", "gzip").send().await);
    let edit = r#"{"base":2,"patch":{"other":1}}"#;
    let merged = client.post(&format!("{path}/merge"), edit);
    told.push(merged.header("Accept-Encoding", "gzip").send().await);
    let posted = client.post("/api/documents", &body);
    told.push(posted.header("Accept-Encoding", "gzip").send().await);
    let feed = client.get("/api/_changes").await.json();
    for (answer, row) in told.iter().zip(feed["items"].as_array().unwrap()) {
        assert_eq!(answer.header("content-encoding"), None, "{answer:?}");
        assert_eq!(answer.tag(), row["etag"], "{answer:?}");
        assert_eq!(answer.json(), row["data"]);
    }
}
