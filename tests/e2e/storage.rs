//! Files for applications that bring their own storage (draft-dejong-remotestorage-26).

use serde_json::Value;

use crate::client::{Answer, Ask, Client};
use crate::files::names;
use crate::races::{at_once, count, crowd};
use crate::server::Server;

/// Ann's tokens: for all she has, for one module, for reading it, and for another. Ben has a space of his own.
/// Each hash is that of the secret below (`printf %s all-of-ann | sha256sum`).
const CONFIG: &str = r#"undeclared_collections = "allow"
[files]
folder = "contents"
remote_storage = true
[[tokens]]
name = "ann"
secret_sha256 = "d38a39b3019caed4567093f0e8fb31977a0371898afcdf4640a997ab3e4bd884"
spaces = ["ann"]
[[tokens]]
name = "ann"
secret_sha256 = "ef36cb0b07458b79b62f449f5d0cd91f33a2639b28233604374c0167039d1e93"
spaces = ["ann"]
rights = ["read:notes", "write:notes"]
[[tokens]]
name = "ann"
secret_sha256 = "37954eb404deb30cf30ed35fb7f5dff61eaa9dcee0556ccf86cfcd57daa93731"
spaces = ["ann"]
rights = ["read:notes"]
[[tokens]]
name = "ann"
secret_sha256 = "6541dba4bcd4958a330333845ace1a31226ec7b14367ebec3dde3aecef7035ba"
spaces = ["ann"]
rights = ["read:music", "write:music"]
[[tokens]]
name = "ben"
secret_sha256 = "2d53a1235ef136bfc34599a038c901e5e03742c681ae6bbb6c0d79912e135c91"
spaces = ["ben"]
"#;

const ALL: &str = "all-of-ann";
const NOTES: &str = "notes-of-ann";
const READS: &str = "reads-of-ann";
const MUSIC: &str = "music-of-ann";
const BEN: &str = "all-of-ben";

const ORIGIN: &str = "https://app.example";

/// As a browser asks for a page of another origin.
fn ask(client: &Client, method: &str, path: &str, token: &str) -> Ask {
    let ask = client.ask(method, &format!("/storage/ann/{path}"));
    let ask = ask
        .header("Origin", ORIGIN)
        .header("Sec-Fetch-Site", "cross-site");
    match token {
        "" => ask,
        token => ask.header("Authorization", &format!("Bearer {token}")),
    }
}

fn put(client: &Client, path: &str, token: &str, content: &str) -> Ask {
    ask(client, "PUT", path, token).body("application/json", content)
}

async fn get(client: &Client, path: &str, token: &str) -> Answer {
    ask(client, "GET", path, token).send().await
}

#[track_caller]
fn is(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    let origin = answer.header("access-control-allow-origin");
    assert_eq!(origin, Some("*"), "{answer:?}");
    let exposed = answer
        .header("access-control-expose-headers")
        .unwrap()
        .to_lowercase();
    assert!(
        exposed.contains("etag") && exposed.contains("content-length"),
        "{exposed}"
    );
}

async fn items(client: &Client, folder: &str, token: &str) -> Value {
    let listed = get(client, folder, token).await;
    is(&listed, 200);
    assert_eq!(listed.header("content-type"), Some("application/ld+json"));
    let listed: Value = serde_json::from_slice(&listed.body).unwrap();
    assert_eq!(
        listed["@context"],
        "http://remotestorage.io/spec/folder-description"
    );
    listed["items"].clone()
}

/// Section 5: documents and folders, versions and conditions.
#[tokio::test]
async fn documents_are_stored_under_conditions() {
    let server = Server::with_config(CONFIG);
    let client = &server.client();
    // Create.
    let first = put(client, "notes/a.json", NOTES, "{\"foo\":1}")
        .send()
        .await;
    is(&first, 201);
    let nested = put(client, "notes/some/deep/b%20%C3%A9", NOTES, "x")
        .send()
        .await;
    is(&nested, 201);
    // Read.
    let read = get(client, "notes/a.json", NOTES).await;
    is(&read, 200);
    assert_eq!(read.text(), "{\"foo\":1}");
    assert_eq!(read.tag(), first.tag());
    assert_eq!(read.header("content-type"), Some("application/json"));
    assert_eq!(read.header("content-length"), Some("9"));
    assert_eq!(read.header("cache-control"), Some("no-cache"));
    let head = ask(client, "HEAD", "notes/a.json", NOTES).send().await;
    is(&head, 200);
    assert_eq!(
        (head.tag(), head.header("content-length")),
        (first.tag(), Some("9"))
    );
    assert!(head.body.is_empty());
    for known in [
        first.tag(),
        format!("\"other\", {}", first.tag()),
        format!("r2d2c3po, {}", first.tag()),
    ] {
        let ask = ask(client, "GET", "notes/a.json", NOTES).header("If-None-Match", &known);
        let answer = ask.send().await;
        is(&answer, 304);
        assert!(answer.body.is_empty());
    }
    // Update.
    let second = put(client, "notes/a.json", NOTES, "{\"foo\":2}")
        .if_match(&first.tag())
        .send()
        .await;
    is(&second, 200);
    assert_ne!(second.tag(), first.tag());
    is(
        &put(client, "notes/a.json", NOTES, "{\"foo\":3}")
            .send()
            .await,
        200,
    );
    let third = get(client, "notes/a.json", NOTES).await.tag();
    for (path, name, value) in [
        ("notes/a.json", "If-Match", first.tag().as_str()),
        ("notes/a.json", "If-Match", "\"invalid\""),
        ("notes/a.json", "If-Match", "invalid"),
        ("notes/a.json", "If-None-Match", "*"),
        ("notes/a.json", "If-None-Match", third.as_str()),
        ("notes/none.json", "If-Match", "\"doesnotmatter\""),
        ("notes/none.json", "If-Match", "does not matter"),
    ] {
        let refused = put(client, path, NOTES, "lost")
            .header(name, value)
            .send()
            .await;
        is(&refused, 412);
    }
    assert_eq!(
        get(client, "notes/a.json", NOTES).await.text(),
        "{\"foo\":3}"
    );
    let only_new = put(client, "notes/new.json", NOTES, "1").header("If-None-Match", "*");
    is(&only_new.send().await, 201);
    // A part would be taken for the whole.
    let part = put(client, "notes/a.json", NOTES, "1").header("Content-Range", "bytes 0-0/9");
    is(&part.send().await, 400);
    // Clashes of names.
    is(&put(client, "notes/some", NOTES, "x").send().await, 409);
    is(
        &put(client, "notes/a.json/below", NOTES, "x").send().await,
        409,
    );
    is(&put(client, "notes/folder/", NOTES, "x").send().await, 400);
    for missing in [
        "notes/four-oh-four.html",
        "notes/four/",
        "notes/some",
        "notes/a.json/",
    ] {
        is(&get(client, missing, NOTES).await, 404);
    }
    // Delete.
    for (path, tag, status) in [
        ("notes/a.json", "\"invalid\"", 412),
        ("notes/a.json", "invalid", 412),
        ("notes/none.json", "\"x\"", 412),
        ("notes/none.json", "", 404),
        ("notes/some/", "", 400),
        ("notes/some", "", 409),
        ("notes/a.json", third.as_str(), 200),
        ("notes/a.json", "", 404),
        ("notes/new.json", "", 200),
    ] {
        let ask = ask(client, "DELETE", path, NOTES);
        let ask = if tag.is_empty() {
            ask
        } else {
            ask.if_match(tag)
        };
        is(&ask.send().await, status);
    }
    is(&get(client, "notes/a.json", NOTES).await, 404);
    // What was there is in the history.
    let versions = client.ask("GET", "/spaces/ann/file-versions/notes/a.json");
    let versions = versions
        .header("Authorization", &format!("Bearer {ALL}"))
        .send()
        .await;
    assert_eq!(versions.json()["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn folders_come_and_go_with_their_documents() {
    let server = Server::with_config(CONFIG);
    let client = &server.client();
    let [a, b] = ["notes/a", "notes/x/y/b"].map(|path| put(client, path, NOTES, path));
    let (a, b) = (a.send().await, b.send().await);
    let listed = items(client, "notes/", NOTES).await;
    assert_eq!(listed["a"]["ETag"], a.tag().trim_matches('"'));
    assert_eq!(listed["a"]["Content-Type"], "application/json");
    assert_eq!(listed["a"]["Content-Length"], 7);
    assert!(
        listed["a"]["Last-Modified"]
            .as_str()
            .unwrap()
            .ends_with(" GMT")
    );
    let folder = listed["x/"].as_object().unwrap();
    assert_eq!(folder.keys().collect::<Vec<_>>(), ["ETag"]);
    let tags = async || {
        let mut tags = Vec::new();
        for folder in ["", "notes/", "notes/x/", "notes/x/y/"] {
            tags.push(get(client, folder, ALL).await.tag());
        }
        tags
    };
    assert_eq!(
        items(client, "notes/x/y/", NOTES).await["b"]["ETag"],
        b.tag().trim_matches('"')
    );
    // A change shows in all folders above, and in no other.
    let before = tags().await;
    is(&put(client, "notes/a", NOTES, "2").send().await, 200);
    let after = tags().await;
    let changed: Vec<_> = before.iter().zip(&after).map(|(a, b)| a != b).collect();
    assert_eq!(changed, [true, true, false, false]);
    let known = ask(client, "GET", "notes/", NOTES).header("If-None-Match", &after[1]);
    is(&known.send().await, 304);
    let head = ask(client, "HEAD", "notes/", NOTES).send().await;
    assert_eq!(head.tag(), after[1]);
    // The last document of a folder takes it along, and those around it.
    is(
        &ask(client, "DELETE", "notes/x/y/b", NOTES).send().await,
        200,
    );
    assert_eq!(
        items(client, "notes/", NOTES)
            .await
            .as_object()
            .unwrap()
            .len(),
        1
    );
    is(&get(client, "notes/x/", NOTES).await, 404);
    is(&ask(client, "DELETE", "notes/a", NOTES).send().await, 200);
    assert!(items(client, "", ALL).await.as_object().unwrap().is_empty());
    // A large one is sent in pieces.
    for n in 0..1010 {
        is(
            &put(client, &format!("notes/many/{n}"), NOTES, "x")
                .send()
                .await,
            201,
        );
    }
    assert_eq!(
        items(client, "notes/many/", NOTES)
            .await
            .as_object()
            .unwrap()
            .len(),
        1010
    );
}

/// Section 4: who may what.
#[tokio::test]
async fn a_token_is_for_its_modules() {
    let server = Server::with_config(CONFIG);
    let client = &server.client();
    for path in ["notes/a", "public/notes/a"] {
        is(&put(client, path, NOTES, "x").send().await, 201);
        is(&get(client, path, READS).await, 200);
        for (token, status) in [
            ("", 401),
            ("wrong", 401),
            (READS, 403),
            (MUSIC, 403),
            (BEN, 403),
        ] {
            is(&put(client, path, token, "y").send().await, status);
            is(&ask(client, "DELETE", path, token).send().await, status);
        }
        let folder = format!("{}/", path.rsplit_once('/').unwrap().0);
        for (token, status) in [
            ("", 401),
            (READS, 200),
            (ALL, 200),
            (MUSIC, 403),
            (BEN, 403),
        ] {
            is(&get(client, &folder, token).await, status);
        }
    }
    // Documents are read by anybody, folders by nobody else.
    for (path, open) in [("notes/a", 401), ("public/notes/a", 200)] {
        is(&get(client, path, "").await, open);
        is(&ask(client, "HEAD", path, "").send().await, open);
    }
    is(&get(client, "public/notes/a", MUSIC).await, 200);
    is(&get(client, "public/notes/a", "wrong").await, 401);
    is(&get(client, "notes/a", MUSIC).await, 403);
    for root in ["", "public/"] {
        is(&get(client, root, NOTES).await, 403);
        is(&get(client, root, "").await, 401);
        is(&get(client, root, ALL).await, 200);
    }
    // Not even by the other faces.
    for path in [
        "/spaces/ann/files/public/notes/a",
        "/spaces/ann/dav/public/notes/a",
    ] {
        assert_eq!(client.get(path).await.status, 401, "{path}");
    }
    let challenge = get(client, "notes/a", "").await;
    assert!(
        challenge
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer")
    );
    // A browser asks before.
    for method in ["GET", "PUT", "DELETE"] {
        let preflight = ask(client, "OPTIONS", "notes/a", "")
            .header("Access-Control-Request-Method", method)
            .header("Access-Control-Request-Headers", "authorization, if-match");
        let answer = preflight.send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let methods = answer.header("access-control-allow-methods").unwrap();
        assert!(methods.contains(method), "{methods}");
        let fields = answer
            .header("access-control-allow-headers")
            .unwrap()
            .to_lowercase();
        for field in [
            "authorization",
            "content-type",
            "origin",
            "if-match",
            "if-none-match",
        ] {
            assert!(fields.contains(field), "{fields}");
        }
    }
    let other = client
        .ask("GET", "/spaces/ann/files/")
        .header("Origin", ORIGIN);
    let other = other
        .header("Authorization", &format!("Bearer {ALL}"))
        .send()
        .await;
    assert_eq!(
        other.header("access-control-allow-origin"),
        None,
        "the rest is not for all"
    );
}

/// Section 10.
#[tokio::test]
async fn a_storage_is_found() {
    let server = Server::with_config(CONFIG);
    let client = &server.client();
    let path = "/.well-known/webfinger?resource=acct:ann@example.org";
    let found = client
        .ask("GET", path)
        .header("Origin", ORIGIN)
        .send()
        .await;
    is(&found, 200);
    assert_eq!(found.header("content-type"), Some("application/jrd+json"));
    let found: Value = serde_json::from_slice(&found.body).unwrap();
    assert_eq!(found["subject"], "acct:ann@example.org");
    let link = &found["links"][0];
    assert_eq!(
        link["rel"],
        "http://tools.ietf.org/id/draft-dejong-remotestorage"
    );
    assert_eq!(link["href"], format!("{}/storage/ann", server.url()));
    let version = &link["properties"]["http://remotestorage.io/spec/version"];
    assert_eq!(version, "draft-dejong-remotestorage-26");
    let none = client.get(&format!("{path}&rel=other")).await.json();
    assert_eq!(none["links"], Value::Array(Vec::new()));
    for wrong in [
        "",
        "?resource=ann",
        "?resource=acct:ann",
        "?resource=acct:a%2Fb@c",
    ] {
        let answer = client.get(&format!("/.well-known/webfinger{wrong}")).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    // It is off where nobody asked for it: a folder called public would be.
    let off = Server::start();
    let client = off.client();
    for path in [path, "/storage/ann/public/notes/a"] {
        assert_eq!(client.get(path).await.status, 404, "{path}");
    }
}

/// Without credentials, no page of another origin gets to what a browser can reach.
#[tokio::test]
async fn an_open_server_is_for_no_other_origin() {
    let config = "undeclared_collections = \"allow\"\n[files]\nremote_storage = true\n";
    let server = Server::with_config(config);
    let client = &server.client();
    let foreign = put(client, "notes/a", "any", "x").send().await;
    assert_eq!(foreign.status, 403, "{foreign:?}");
    let own = client
        .ask("PUT", "/storage/ann/notes/a")
        .body("text/plain", "x");
    assert_eq!(own.send().await.status, 201);
    let read = get(client, "notes/a", "").await;
    assert_eq!(
        (read.status, read.header("access-control-allow-origin")),
        (200, None)
    );
    assert_eq!(names(client, "/spaces/ann/files/notes/").await, ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_with_one_tag_one_is_stored_and_no_folder_is_left_behind() {
    let server = Server::with_config(CONFIG);
    let clients = crowd(&server, 32).await;
    for round in 0..10 {
        let first = put(&clients[0], "notes/d/e/x", NOTES, "first").send().await;
        let tag = first.tag();
        let answers = at_once(&clients, |n, client| {
            let tag = tag.clone();
            async move {
                let content = n.to_string();
                let ask = match n % 8 {
                    0 => ask(&client, "DELETE", "notes/d/e/x", NOTES),
                    _ => put(&client, "notes/d/e/x", NOTES, &content),
                };
                ask.if_match(&tag).send().await
            }
        })
        .await;
        assert_eq!(count(&answers, 200), 1, "{round}: {answers:?}");
        assert_eq!(count(&answers, 412), 31, "{round}: {answers:?}");
        // The last document goes, while others come.
        let answers = at_once(&clients, |n, client| async move {
            match n % 2 {
                0 => ask(&client, "DELETE", "notes/d/e/x", NOTES).send().await,
                _ => {
                    put(&client, &format!("notes/d/e/{n}"), NOTES, "x")
                        .send()
                        .await
                }
            }
        })
        .await;
        assert_eq!(count(&answers, 201), 16, "{round}: {answers:?}");
        let listed = items(&clients[0], "notes/d/e/", NOTES).await;
        assert_eq!(listed.as_object().unwrap().len(), 16, "{round}: {listed}");
        let deleted = at_once(&clients, |n, client| async move {
            let path = format!("notes/d/e/{}", n | 1);
            ask(&client, "DELETE", &path, NOTES).send().await
        })
        .await;
        assert_eq!(count(&deleted, 200), 16, "{round}: {deleted:?}");
        is(&get(&clients[0], "notes/", NOTES).await, 404);
    }
}
