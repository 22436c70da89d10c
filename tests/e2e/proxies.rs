use serde_json::Value;

use crate::client::{Answer, Client};
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

/// Every link of an answer: fields, members, pages.
fn links(answer: &Answer) -> Vec<String> {
    let fields = ["location", "content-location", "link"];
    let fields = fields.iter().filter_map(|name| answer.header(name));
    let mut links: Vec<_> = fields
        .map(|value| value.trim_start_matches('<').to_owned())
        .collect();
    let media_type = answer.header("content-type").unwrap_or_default();
    if media_type.contains("json") {
        collect(&answer.json(), &mut links);
    } else {
        let hrefs = answer.text().split("<a href=\"").skip(1);
        links.extend(hrefs.map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    links
}

fn collect(value: &Value, links: &mut Vec<String>) {
    const NAMES: [&str; 7] = [
        "type",
        "instance",
        "href",
        "logged",
        "document_href",
        "current_href",
        "location",
    ];
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(link) if NAMES.contains(&name.as_str()) => links.push(link.to_owned()),
                    _ => collect(value, links),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|it| collect(it, links)),
        _ => {}
    }
}

/// Answers with every kind of link, after a few writes.
async fn answers_with_links(client: &Client, site: &str) -> Vec<Answer> {
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(300_000));
    let slot = client.put("/api/notes/slot", r#"{"slot":1}"#).send().await;
    let created = client.post("/api/notes", r#"{"n":1}"#).send().await;
    let link = created.header("location").unwrap().to_owned();
    let path = link.strip_prefix(site).unwrap().to_owned();
    let stale = client
        .put(&path, r#"{"n":2}"#)
        .if_match("\"x\"")
        .send()
        .await;
    let logged = stale.json()["logged"].as_str().unwrap().to_owned();
    let logged = logged.strip_prefix(site).unwrap().to_owned();
    client.put("/api/notes/large", &large).send().await;
    let too_large = client
        .put("/api/notes/large", "{}")
        .if_match("\"x\"")
        .send()
        .await;
    assert!(
        too_large.json().get("current_href").is_some(),
        "{too_large:?}"
    );
    let merge = r#"{"base":1,"patch":{"m":1}}"#;
    let batch = format!(
        r#"{{"operations":[{{"method":"PUT","path":"{link}","headers":{{"If-Match":"*"}},"body":{{"n":3}}}},
            {{"method":"POST","path":"{site}/api/notes","body":{{}}}}]}}"#
    );
    let refused_batch = batch.replace("If-Match", "If-None-Match");
    let tag = client.get(&path).await.tag();
    let mut answers = vec![slot, stale, too_large];
    answers.extend([
        client.put("/api/notes/slot2", r#"{"slot":1}"#).send().await,
        client.get(&path).await,
        client
            .ask("GET", &path)
            .header("If-None-Match", &tag)
            .send()
            .await,
        client.post(&format!("{path}/merge"), merge).send().await,
        client.post("/api/_batch", &batch).send().await,
        client.post("/api/_batch", &refused_batch).send().await,
        client.get("/api/_conflicts").await,
        client.get(&logged).await,
        client.get("/nowhere").await,
        client.get("/api/notes/none").await,
        client.get("/api/notes/%FF").await,
        client.ask("PUT", "/").send().await,
        client.get("/").await,
        client.get("/problems/stale-version").await,
        created,
    ]);
    answers
}

async fn every_link_begins_with(client: &Client, site: &str) {
    let described = client.get("/openapi.json").await.json();
    let url = described["servers"][0]["url"].as_str().unwrap();
    assert_eq!(url.trim_end_matches('/'), site);
    let kind = format!("{site}/problems/stale-version");
    assert!(
        described.to_string().contains(&format!("\"{kind}\"")),
        "{kind}"
    );
    assert!(described["paths"].get("/problems/{slug}").is_some());
    for answer in answers_with_links(client, site).await {
        let links = links(&answer);
        assert!(!links.is_empty(), "{answer:?}");
        for link in links {
            let path = link
                .strip_prefix(site)
                .unwrap_or_else(|| panic!("{link} in {answer:?}"));
            let is_once = site.is_empty() || !path.starts_with(site);
            assert!(path.starts_with('/') && is_once, "{link}");
        }
    }
}

const NOTES: &str =
    "[collections.notes]\n[[collections.notes.unique]]\nname = \"slot\"\nfields = [\"/slot\"]\n";

#[tokio::test]
async fn links_begin_with_the_public_url() {
    let server = Server::with_config(&format!(
        "public_url = \"https://example.org/store/\"\n{NOTES}"
    ));
    let site = "https://example.org/store";
    // What the settings say counts more than what anybody forwards.
    let client = server
        .client()
        .behind(site, &[("x-forwarded-prefix", "/other")]);
    every_link_begins_with(&client, site).await;
}

#[tokio::test]
async fn links_begin_with_what_a_trusted_proxy_says() {
    let prefix = ("x-forwarded-prefix", "/store");
    let host = ("x-forwarded-host", "example.org:8443");
    let cases = [
        ("/store", &[prefix][..]),
        ("/store", &[prefix, host]),
        (
            "https://example.org:8443/store",
            &[prefix, host, ("x-forwarded-proto", "https")],
        ),
        (
            "https://example.org:8443",
            &[host, ("x-forwarded-proto", "https")],
        ),
        ("", &[]),
    ];
    for (site, fields) in cases {
        let config = format!("trusted_proxies = [\"127.0.0.0/8\"]\n{NOTES}");
        let server = Server::with_config(&config);
        every_link_begins_with(&server.client().behind(site, fields), site).await;
    }
    let config = format!("trusted_proxies = [\"127.0.0.0/8\"]\n{NOTES}");
    let server = Server::with_config(&config);
    let wrong = server
        .client()
        .behind("", &[("x-forwarded-prefix", "//evil.example")]);
    let refused = wrong.get("/api/notes").await;
    assert_eq!(
        (refused.status, &refused.json()["header"]),
        (400, &"X-Forwarded-Prefix".into())
    );
}

#[tokio::test]
async fn nobody_else_is_believed() {
    for config in [
        NOTES.to_owned(),
        format!("trusted_proxies = [\"10.0.0.0/8\"]\n{NOTES}"),
    ] {
        let server = Server::with_config(&config);
        let client = server
            .client()
            .behind("", &[("x-forwarded-prefix", "/store")]);
        every_link_begins_with(&client, "").await;
    }
}
