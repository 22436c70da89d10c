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
