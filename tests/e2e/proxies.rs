use crate::server::Server;

const PATH: &str = "/api/notes/1";

/// What Apache, Jetty, IIS and others put behind a tag when they compress.
const SUFFIXES: [&str; 9] = [
    "-gzip",
    "--gzip",
    "-br",
    "-zstd",
    "-deflate",
    ";gzip",
    "+gzip",
    "+gzip-gzip",
    ":0",
];

fn with_suffix(tag: &str, suffix: &str) -> String {
    format!("{}{suffix}\"", tag.trim_end_matches('"'))
}

#[tokio::test]
async fn a_tag_with_the_suffix_of_a_proxy_names_its_version() {
    let server = Server::start();
    let client = server.client();
    let mut tag = client.create(PATH, r#"{"n":0}"#).await;
    for suffix in SUFFIXES {
        let sent = with_suffix(&tag, suffix);
        let read = client
            .ask("GET", PATH)
            .header("If-None-Match", &format!("W/{sent}"));
        assert_eq!(read.send().await.status, 304, "{sent}");
        let read = client.ask("GET", PATH).if_match(&sent).send().await;
        assert_eq!(read.status, 200, "{sent}");
        let patch = client.merge_patch(PATH, r#"{"n":1}"#).if_match(&sent);
        tag = patch.send().await.tag();
        let stale = client.put(PATH, "{}").if_match(&sent).send().await;
        let problem = stale.json();
        assert_eq!(problem["error"], "UpdateConflict", "{sent}");
        let newest = problem["current_version"].as_u64().unwrap();
        assert_eq!(problem["your_version"], newest - 1, "{sent}");
        let weak = client
            .put(PATH, "{}")
            .if_match(&format!("W/{}", with_suffix(&tag, suffix)));
        assert_eq!(weak.send().await.status, 409, "{sent}");
    }
    let merge = format!(
        r#"{{"base":{:?},"patch":{{"n":9}}}}"#,
        with_suffix(&tag, "-gzip")
    );
    let merged = client.post(&format!("{PATH}/merge"), &merge).send().await;
    assert_eq!(merged.status, 200, "{merged:?}");
    let operation = with_suffix(&client.get(PATH).await.tag(), "--gzip");
    let batch = format!(
        r#"{{"operations":[{{"method":"DELETE","path":"{PATH}","headers":{{"If-Match":{operation:?}}}}}]}}"#
    );
    let done = client.post("/api/_batch", &batch).send().await;
    assert_eq!(done.json()["results"][0]["status"], 204, "{done:?}");
}

/// A proxy puts its suffix behind the tag of a 304, too: behind the form that the client has.
#[tokio::test]
async fn a_304_names_the_form_that_the_client_has() {
    let server = Server::start();
    let client = server.client();
    let body = format!(r#"{{"text":"{}"}}"#, "lorem ipsum ".repeat(200));
    let plain = client.create(PATH, &body).await;
    let zipped = with_suffix(&plain, "+gzip");
    let cases = [
        (with_suffix(&plain, "-gzip"), &plain),
        (with_suffix(&zipped, "-gzip"), &zipped),
        (format!("\"x\", W/{zipped}"), &zipped),
        (format!("\"x\", W/{plain}"), &plain),
    ];
    for (sent, told) in cases {
        for coding in ["gzip", "identity"] {
            let read = client.ask("GET", PATH).header("Accept-Encoding", coding);
            let read = read.header("If-None-Match", &sent).send().await;
            assert_eq!((read.status, &read.tag()), (304, told), "{sent} {coding}");
        }
    }
}

#[tokio::test]
async fn a_tag_that_is_none_of_ours_lets_the_refusal_suspect_a_proxy() {
    let server = Server::start();
    let client = server.client();
    let tag = client.create(PATH, "{}").await;
    let cases = [
        ("\"gzip-1-1000000000000\"".to_owned(), true),
        ("\"abc\"".to_owned(), true),
        (format!("W/{tag}"), true),
        ("\"1-1000000000000\"".to_owned(), false),
    ];
    for (sent, is_suspect) in cases {
        let refused = client.put(PATH, "{}").if_match(&sent).send().await;
        assert_eq!(refused.status, 409, "{sent}");
        let problem = refused.json();
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(detail.contains("rox"), is_suspect, "{sent}: {detail}");
    }
}

/// Whatever a cache could keep by itself (RFC 9110, section 15.1) says how it may be kept.
#[tokio::test]
async fn every_answer_says_what_caches_may_do() {
    let server = Server::start();
    let client = server.client();
    let deleted = "/api/notes/2";
    let tag = client.create(deleted, "{}").await;
    client.create(PATH, "{}").await;
    client.ask("DELETE", deleted).if_match(&tag).send().await;
    let cases = [
        ("/healthz", 200, "no-store"),
        ("/readyz", 200, "no-store"),
        ("/metrics", 200, "no-store"),
        ("/", 200, "no-cache"),
        ("/problems/stale-version", 200, "no-cache"),
        ("/openapi.json", 200, "no-cache"),
        ("/api/notes", 200, "no-cache"),
        ("/api/notes/1", 200, "no-cache"),
        ("/api/notes/1/versions", 200, "no-cache"),
        (
            "/api/notes/1/versions/1",
            200,
            "max-age=31536000, immutable",
        ),
        ("/api/_conflicts", 200, "no-cache"),
        ("/api/_conflicts/stats", 200, "no-cache"),
        ("/api/_changes", 200, "no-cache"),
        ("/nothing", 404, "no-store"),
        ("/problems/none", 404, "no-store"),
        ("/api/notes/3", 404, "no-store"),
        ("/api/notes/1/lock", 404, "no-store"),
        ("/api/notes/2", 410, "no-store"),
        ("/api/notes/%FF", 400, "no-store"),
        ("/api/notes?limit=x", 400, "no-store"),
    ];
    for (path, status, told) in cases {
        for method in ["GET", "HEAD"] {
            let answer = client.ask(method, path).send().await;
            assert_eq!(answer.status, status, "{method} {path}");
            assert_eq!(
                answer.header("cache-control"),
                Some(told),
                "{method} {path}"
            );
        }
    }
    let wrong = client.ask("PUT", "/api/_changes").send().await;
    assert_eq!(
        (wrong.status, wrong.header("cache-control")),
        (405, Some("no-store"))
    );
    let feed = client.get("/api/notes/_changes").await;
    assert_eq!(feed.header("vary"), Some("accept, accept-encoding"));
}
