use crate::client::{Answer, Client};
use crate::server::Server;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

/// Places of the page; some have names that no collection or document could have.
const PLACES: [&str; 14] = [
    "/",
    "/c/notes",
    "/c/notes/1",
    "/c/notes/caf%C3%A9/merge",
    "/c/_not%20a%20name/..%2F",
    "/conflicts",
    "/conflicts/none",
    "/f",
    "/f/plans/2026/roof.txt",
    "/f/plans/",
    "/spaces/other/f/%3Cb%3E/..%2F",
    "/spaces/other",
    "/spaces/other/c/notes/1/merge",
    "/spaces/%22%3E/conflicts/1",
];

fn is_the_shell(answer: &Answer, prefix: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let fields = [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ];
    for (name, value) in fields {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let base = format!("<base href=\"{prefix}/\">");
    assert_eq!(answer.text().matches(&base).count(), 1, "{answer:?}");
    assert!(answer.text().contains("_page/page.js"), "{answer:?}");
    // Told where no script runs.
    let told = answer.text().split("<noscript>").nth(1).unwrap();
    let told = told.split("</noscript>").next().unwrap();
    assert!(told.contains("no write is ever lost") && told.contains("curl -i"));
    assert!(!answer.text().contains("<!-- "), "{answer:?}");
}

#[tokio::test]
async fn one_shell_is_at_every_place_of_the_page() {
    let config = "[[tokens]]\nname = \"ann\"\nsecret = \"s3cret\"\n";
    let server = Server::with_config(config);
    let client = server.client();
    for place in PLACES {
        is_the_shell(&client.get(place).await, "");
        let head = client.ask("HEAD", place).send().await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{place}");
        assert_eq!(head.header("content-security-policy"), Some(POLICY));
        let options = client.ask("OPTIONS", place).send().await;
        assert_eq!(options.header("allow"), Some("GET, HEAD, OPTIONS"));
        assert_eq!(client.put(place, "{}").send().await.status, 405, "{place}");
    }
    for elsewhere in [
        "/c",
        "/c/notes/1/2",
        "/conflicts/1/2",
        "/spaces",
        "/c/notes/",
    ] {
        assert_eq!(client.get(elsewhere).await.status, 404, "{elsewhere}");
    }
    let start = client.get("/").await;
    assert!(start.text().contains("Authorization: Bearer"), "{start:?}");
    let described = client.get("/openapi.json").await.json();
    let paths = described["paths"].as_object().unwrap();
    assert!(paths.contains_key("/"));
    assert!(
        !paths
            .keys()
            .any(|path| path.starts_with("/c/") || path.contains("_page"))
    );
}

#[tokio::test]
async fn the_page_lies_below_the_prefix_of_a_proxy() {
    let server = Server::with_config("public_url = \"https://example.org/store\"\n");
    let start = server.client().get("/conflicts").await;
    is_the_shell(&start, "/store");
    assert!(
        start
            .text()
            .contains("https://example.org/store/api/documents</pre>")
    );
    let server = Server::with_config("trusted_proxies = [\"127.0.0.0/8\"]\n");
    let prefix = ("x-forwarded-prefix", "/a/b");
    let start = server
        .client()
        .behind("/a/b", &[prefix])
        .get("/c/notes")
        .await;
    is_the_shell(&start, "/a/b");
    let origin = server.url().to_owned() + "/a/b";
    assert!(
        start
            .text()
            .contains(&format!("{origin}/api/documents</pre>")),
        "{start:?}"
    );
    assert!(start.text().contains("<a href=\"/a/b/openapi.json\""));
}

async fn file(client: &Client, name: &str, fields: &[(&str, &str)]) -> Answer {
    let ask = client.ask("GET", &format!("/_page/{name}"));
    let with = |ask: crate::client::Ask, (name, value): &(&str, &str)| ask.header(name, value);
    fields.iter().fold(ask, with).send().await
}

#[tokio::test]
async fn the_files_of_the_page_are_asked_for_again_only_when_they_changed() {
    let server = Server::start();
    let client = server.client();
    let files = [
        ("page.js", "text/javascript; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ];
    for (name, media_type) in files {
        let plain = file(&client, name, &[]).await;
        assert_eq!(
            (plain.status, plain.header("content-type")),
            (200, Some(media_type))
        );
        assert_eq!(plain.header("cache-control"), Some("no-cache"));
        assert_eq!(plain.header("vary"), Some("accept-encoding"));
        assert_eq!(plain.header("x-content-type-options"), Some("nosniff"));
        assert!(!plain.body.is_empty());
        let coded = file(&client, name, &[("Accept-Encoding", "gzip")]).await;
        let is_long = plain.body.len() >= 1024;
        assert_eq!(
            coded.header("content-encoding").is_some(),
            is_long,
            "{name}"
        );
        assert_eq!(coded.tag() != plain.tag(), is_long, "{name}");
        for (tag, coding) in [(plain.tag(), "identity"), (coded.tag(), "gzip")] {
            let known = format!("\"other\", W/{tag}");
            let fields = [("Accept-Encoding", coding), ("If-None-Match", &*known)];
            let again = file(&client, name, &fields).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{name}");
            assert_eq!(again.tag(), tag);
        }
        let changed = file(&client, name, &[("If-None-Match", "\"other\"")]).await;
        assert_eq!(changed.status, 200);
    }
    assert_eq!(file(&client, "other.js", &[]).await.status, 404);
    let malformed = file(&client, "page.js", &[("If-None-Match", "x")]).await;
    assert_eq!(
        (malformed.status, &malformed.json()["header"]),
        (400, &"If-None-Match".into())
    );
}
