use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::races::{at_once, count, crowd};
use crate::server::{Folder, Server};

/// Large contents have a folder on any store.
pub(crate) const CONFIG: &str =
    "undeclared_collections = \"allow\"\n[files]\nfolder = \"contents\"\n";

fn put(client: &Client, path: &str, content: &str) -> crate::client::Ask {
    client.ask("PUT", path).body("text/plain", content)
}

pub(crate) async fn create(client: &Client, path: &str, content: &str) -> String {
    let answer = put(client, path, content).send().await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.tag()
}

pub(crate) async fn names(client: &Client, folder: &str) -> Vec<String> {
    let listed = client.get(folder).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    let listed = listed.json();
    let items = listed["items"].as_array().unwrap().iter();
    items
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn is_problem(answer: &Answer, status: u16, slug: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    let problem = answer.json();
    assert_eq!(problem["type"], format!("/problems/{slug}"), "{problem}");
    problem
}

/// Bytes that are as hard to guess as any.
pub(crate) fn large(length: usize) -> String {
    let mut state = 7_u64;
    let letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'a' + (state >> 59) as u8 % 26)
    };
    std::iter::repeat_with(letter).take(length).collect()
}

#[tokio::test]
async fn a_file_comes_back_byte_for_byte() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let large = large(1_000_003);
    let cases = [
        ("/files/a.txt", "hello"),
        ("/files/empty", ""),
        ("/files/deep/er/caf%C3%A9%20%25%3F.txt", "é"),
        ("/files/_x/at-the-limit", &large[..32 * 1024]),
        ("/files/_x/past-the-limit", &large[..32 * 1024 + 1]),
        ("/spaces/attic/files/large", &large),
    ];
    for (path, content) in cases {
        let tag = create(&client, path, content).await;
        let read = client.get(path).await;
        assert_eq!(read.status, 200, "{path}");
        assert!(read.body == content.as_bytes(), "{path}");
        let fields = ["content-type", "content-length", "accept-ranges", "etag"];
        let length = content.len().to_string();
        let expected = ["text/plain", &length, "bytes", &tag];
        for (field, expected) in fields.into_iter().zip(expected) {
            assert_eq!(read.header(field), Some(expected), "{field} of {path}");
        }
        // Nothing of what somebody stored runs as a part of this site.
        let policy = read.header("content-security-policy").unwrap();
        assert!(policy.starts_with("sandbox"), "{policy}");
        assert_eq!(read.header("x-content-type-options"), Some("nosniff"));
        let head = client.ask("HEAD", path).send().await;
        for field in fields {
            assert_eq!(head.header(field), read.header(field), "{field} of {path}");
        }
        let known = client.ask("GET", path).header("If-None-Match", &tag);
        assert_eq!(known.send().await.status, 304, "{path}");
    }
    let read = client.get("/files/a.txt").await;
    // printf hello | openssl dgst -sha256 -binary | base64
    let digest = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
    assert_eq!(read.header("content-digest"), Some(digest));
    assert_eq!(read.header("repr-digest"), Some(digest));
    let link = read.header("link").unwrap();
    assert_eq!(link, "</file-versions/a.txt>; rel=\"version-history\"");
}

/// The contract's table of preconditions, for files.
#[tokio::test]
async fn a_file_is_never_overwritten_unseen() {
    let server = Server::start();
    let client = server.client();
    let path = "/files/notes/plan.txt";
    let missing = put(&client, path, "x")
        .if_match("\"1-1000000000000\"")
        .send()
        .await;
    is_problem(&missing, 409, "stale-version");
    let first = create(&client, path, "first").await;
    let problem = is_problem(
        &put(&client, path, "x").send().await,
        428,
        "precondition-required",
    );
    assert!(problem.get("current_etag").is_none(), "{problem}");
    let deletion = client.ask("DELETE", path).send().await;
    let undeleted = is_problem(&deletion, 428, "precondition-required");
    for (told, start) in [
        (&problem, "PUT changes a file that exists."),
        (&undeleted, "DELETE deletes a file or folder that exists."),
    ] {
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.starts_with(start), "{detail}");
    }
    let only_new = put(&client, path, "x")
        .header("If-None-Match", "*")
        .send()
        .await;
    is_problem(&only_new, 412, "precondition-failed");
    let second = put(&client, path, "second")
        .if_match(&first)
        .by("ben")
        .send()
        .await;
    assert_eq!(second.status, 204, "{second:?}");
    assert_eq!(second.header("document-version"), Some("2"));
    let stale = put(&client, path, "mine")
        .if_match(&first)
        .by("ann")
        .send()
        .await;
    let problem = is_problem(&stale, 409, "stale-version");
    assert_eq!(stale.tag(), second.tag());
    assert_eq!(problem["current"]["size"], 6);
    assert_eq!(problem["current"]["type"], "text/plain");
    assert_eq!(problem["changes_since"][0]["by"], "ben");
    assert_eq!(problem["mergeable"], false);
    let text = problem.to_string();
    assert!(
        !text.contains("\"content\"") && !text.contains("/content"),
        "{text}"
    );
    let ways = problem["resolutions"].as_array().unwrap();
    let hrefs: Vec<_> = ways.iter().map(|it| it["href"].as_str().unwrap()).collect();
    assert!(hrefs.contains(&path), "{hrefs:?}");
    assert!(
        hrefs.contains(&"/file-versions/notes/plan.txt"),
        "{hrefs:?}"
    );
    for href in hrefs {
        assert_eq!(client.get(href).await.status, 200, "{href}");
    }
    // The refused upload is kept.
    let log = client.get("/api/_conflicts?collection=_files").await.json();
    assert_eq!(log["items"][0]["document"], "notes/plan.txt", "{log}");
    let id = log["items"][0]["id"].as_str().unwrap();
    let resolve = client
        .post(&format!("/api/_conflicts/{id}/resolve"), "{}")
        .send()
        .await;
    is_problem(&resolve, 404, "not-found");
    assert_eq!(client.get(path).await.text(), "second");
    let any = put(&client, path, "third").if_match("*").send().await;
    assert_eq!(any.status, 204, "{any:?}");
    let unconditional = client.ask("DELETE", path).send().await;
    is_problem(&unconditional, 428, "precondition-required");
    let stale = client.ask("DELETE", path).if_match(&first).send().await;
    is_problem(&stale, 409, "stale-version");
    let deleted = client.ask("DELETE", path).if_match(&any.tag()).send().await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    assert_eq!(deleted.header("etag"), None);
    is_problem(&client.get(path).await, 410, "gone");
    let late = put(&client, path, "late").if_match(&any.tag()).send().await;
    is_problem(&late, 409, "deleted");
    let again = put(&client, path, "again")
        .header("If-None-Match", "*")
        .send()
        .await;
    assert_eq!(
        (again.status, again.header("document-version")),
        (201, Some("5"))
    );
}

#[tokio::test]
async fn every_version_is_kept() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let path = "/files/a/report";
    let large = large(100_000);
    let mut tag = create(&client, path, "1").await;
    for content in ["2", &large, "4"] {
        let answer = put(&client, path, content)
            .if_match(&tag)
            .by("ann")
            .send()
            .await;
        tag = answer.tag();
    }
    let gone = client.ask("DELETE", path).if_match(&tag).send().await;
    assert_eq!(gone.status, 204);
    let versions = client.get("/file-versions/a/report?limit=3").await.json();
    let items = versions["items"].as_array().unwrap();
    let kinds: Vec<_> = items
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["deleted", "file", "file"]);
    assert_eq!(items[2]["size"], 100_000);
    let next = versions["next"].as_str().unwrap();
    let rest = client
        .get(&format!("/file-versions/a/report?cursor={next}"))
        .await
        .json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
    for (number, content) in [(1, "1"), (2, "2"), (3, large.as_str()), (4, "4")] {
        let read = client
            .get(&format!("/file-versions/a/report?version={number}"))
            .await;
        assert_eq!(
            (read.status, read.text() == content),
            (200, true),
            "{number}"
        );
    }
    // A list has no version that a condition could be about; a version has.
    let list = "/file-versions/a/report";
    let newest = format!("{list}?version=4");
    for (name, value, status) in [("If-Match", &*tag, 200), ("If-None-Match", "*", 304)] {
        let refused = client.ask("GET", list).header(name, value).send().await;
        assert_eq!(is_problem(&refused, 400, "malformed")["header"], name);
        let read = client.ask("GET", &newest).header(name, value).send().await;
        assert_eq!(read.status, status, "{name}: {read:?}");
    }
    let lock = client.ask("GET", "/file-locks/a/report");
    let refused = lock.header("If-Match", &tag).send().await;
    let detail = is_problem(&refused, 400, "malformed")["detail"].clone();
    assert!(detail.as_str().unwrap().contains("one file"), "{detail}");
    for (number, status) in [("5", 410), ("6", 404), ("0", 400), ("x", 400)] {
        let read = client
            .get(&format!("/file-versions/a/report?version={number}"))
            .await;
        assert_eq!(read.status, status, "{number}: {read:?}");
    }
}

#[tokio::test]
async fn paths_name_one_thing() {
    let server = Server::start();
    let client = server.client();
    create(&client, "/files/a/b", "x").await;
    let cases = [
        ("PUT", "/files/a", "a", "folder"),
        ("PUT", "/files/a/b/c", "a/b", "file"),
        ("PUT", "/files/a/b/c/d", "a/b", "file"),
        ("POST", "/files/a/b/", "a/b", "file"),
        ("GET", "/files/a/b/", "a/b", "file"),
        ("PUT", "/files/a/b/", "a/b", "file"),
    ];
    for (method, path, clash, found) in cases {
        let answer = client.ask(method, path).header("If-None-Match", "\"x\"");
        let answer = match method {
            "POST" => client.ask(method, path).body("text/plain", "x"),
            _ if path.ends_with('/') => answer,
            _ => answer.body("text/plain", "x"),
        };
        let problem = is_problem(&answer.send().await, 409, "path-clash");
        assert_eq!(
            (&problem["path"], &problem["found"]),
            (&json!(clash), &json!(found))
        );
    }
    let bodied = client
        .ask("PUT", "/files/new/")
        .body("text/plain", "x")
        .send()
        .await;
    is_problem(&bodied, 400, "malformed");
    // As they are: a client would tidy some of these up.
    let wrong = [
        "a//b",
        "a/../c",
        "a/%2e%2e/c",
        "a/%2e",
        "%00",
        "a/%0a",
        "/a",
        "a/b//",
        "%ff",
    ];
    for path in wrong {
        let answer = raw(
            &server,
            &format!(
                "PUT /files/{path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
                server.address()
            ),
        );
        assert!(answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
    }
    // What was refused left nothing.
    assert_eq!(names(&client, "/files/").await, ["a"]);
    assert_eq!(names(&client, "/files/a").await, ["b"]);
}

#[tokio::test]
async fn a_folder_changes_with_anything_below_it() {
    let server = Server::start();
    let client = server.client();
    assert_eq!(names(&client, "/files/").await, [""; 0]);
    let mut seen = Vec::new();
    let mut changed = async |what: &str| {
        let mut tags = Vec::new();
        for folder in ["/files/", "/files/a/", "/files/a/b"] {
            tags.push(client.get(folder).await.tag());
        }
        for tag in &tags {
            assert!(!seen.contains(tag), "{what}: {tag}");
        }
        seen.extend(tags);
    };
    let tag = create(&client, "/files/a/b/c.txt", "1").await;
    changed("a new file").await;
    put(&client, "/files/a/b/c.txt", "2")
        .if_match(&tag)
        .send()
        .await;
    changed("another version").await;
    let answer = client.ask("PUT", "/files/a/b/inner/").send().await;
    assert_eq!(answer.status, 201, "{answer:?}");
    changed("a new folder").await;
    let gone = client
        .ask("DELETE", "/files/a/b/c.txt")
        .if_match("*")
        .send()
        .await;
    assert_eq!(gone.status, 204, "{gone:?}");
    changed("a deletion").await;
    let other = create(&client, "/files/other", "x").await;
    assert_eq!(client.get("/files/other").await.tag(), other);
    let tag = client.get("/files/a/b/").await.tag();
    assert_eq!(
        seen.last(),
        Some(&tag),
        "what is elsewhere does not change it"
    );
    let known = client
        .ask("GET", "/files/a/b/")
        .header("If-None-Match", &tag);
    assert_eq!(known.send().await.status, 304);
    assert_eq!(names(&client, "/files/a/b").await, ["inner"]);
}

#[tokio::test]
async fn a_folder_is_listed_in_the_order_of_names() {
    let server = Server::start();
    let client = server.client();
    // Bytes around that of the slash, and what is in a folder, must not disturb it.
    let wanted = ["a", "a!", "a-b", "a.b", "a0", "a~", "b", "é"];
    for name in wanted {
        let name = name.replace('é', "%C3%A9");
        create(&client, &format!("/files/x/{name}/inner/deep"), "1").await;
        create(&client, &format!("/files/x/{name}.txt"), "1").await;
    }
    let all = names(&client, "/files/x").await;
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!(all, sorted);
    assert_eq!(all.len(), 2 * wanted.len());
    let (mut after, mut paged) = (String::new(), Vec::new());
    loop {
        let page = client
            .get(&format!("/files/x/?limit=3{after}"))
            .await
            .json();
        let items = page["items"].as_array().unwrap();
        paged.extend(
            items
                .iter()
                .map(|it| it["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        assert_eq!(items.len(), 3);
        let next: String = next.bytes().map(|it| format!("%{it:02X}")).collect();
        after = format!("&after={next}");
    }
    assert_eq!(paged, all);
    let page = client.get("/files/x/?limit=1").await.json();
    let row = &page["items"][0];
    assert_eq!(
        (&row["kind"], &row["href"]),
        (&json!("folder"), &json!("/files/x/a"))
    );
    let row = &client.get("/files/x/").await.json()["items"][1];
    for member in [
        "name",
        "kind",
        "version",
        "etag",
        "updated_at",
        "updated_by",
        "href",
    ] {
        assert!(!row[member].is_null(), "{member}: {row}");
    }
}

#[tokio::test]
async fn a_folder_goes_with_all_that_is_in_it_and_nothing_else() {
    let server = Server::start();
    let client = server.client();
    for path in ["a/1", "a/b/2", "a/b/c/3", "a.txt", "a0"] {
        create(&client, &format!("/files/{path}"), "x").await;
    }
    let unconditional = client.ask("DELETE", "/files/a/").send().await;
    is_problem(&unconditional, 428, "precondition-required");
    let old = client.get("/files/a/").await.tag();
    create(&client, "/files/a/b/c/4", "x").await;
    let stale = client
        .ask("DELETE", "/files/a/")
        .if_match(&old)
        .send()
        .await;
    is_problem(&stale, 409, "stale-version");
    // A lock below holds all of it.
    let lock = client.ask("POST", "/file-locks/a/b/2").send().await;
    assert_eq!(lock.status, 201, "{lock:?}");
    let locked = client.ask("DELETE", "/files/a/").if_match("*").send().await;
    is_problem(&locked, 423, "locked");
    assert_eq!(names(&client, "/files/a/b/c").await, ["3", "4"]);
    let token = lock.json()["token"].as_str().unwrap().to_owned();
    let freed = client
        .ask("DELETE", "/file-locks/a/b/2")
        .header("Lock-Token", &token);
    assert_eq!(freed.send().await.status, 204);
    let gone = client.ask("DELETE", "/files/a/").if_match("*").send().await;
    assert_eq!(gone.status, 204, "{gone:?}");
    for path in ["a", "a/1", "a/b", "a/b/2", "a/b/c/3", "a/b/c/4"] {
        assert_eq!(
            client.get(&format!("/files/{path}")).await.status,
            410,
            "{path}"
        );
    }
    assert_eq!(names(&client, "/files/").await, ["a.txt", "a0"]);
    let root = client.ask("DELETE", "/files/").if_match("*").send().await;
    is_problem(&root, 409, "path-clash");
    create(&client, "/files/a", "a file now").await;
}

#[tokio::test]
async fn a_locked_file_is_its_holder_s() {
    let server = Server::start();
    let client = server.client();
    let path = "/files/a/plan";
    let tag = create(&client, path, "1").await;
    let lock = client
        .ask("POST", "/file-locks/a/plan")
        .by("ann")
        .send()
        .await;
    assert_eq!(lock.status, 201, "{lock:?}");
    let token = lock.json()["token"].as_str().unwrap().to_owned();
    let shown = client.get("/file-locks/a/plan").await.json();
    assert!(
        shown.get("token").is_none() && shown["expires_at"].is_string(),
        "{shown}"
    );
    let refused = put(&client, path, "2")
        .if_match(&tag)
        .by("ben")
        .send()
        .await;
    let problem = is_problem(&refused, 423, "locked");
    assert_eq!(problem["locked_by"], "ann");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("holds the lock of \""), "{detail}");
    assert_eq!(problem["resolutions"][0]["href"], "/file-locks/a/plan");
    let deleted = client.ask("DELETE", path).if_match(&tag).send().await;
    is_problem(&deleted, 423, "locked");
    let held = put(&client, path, "2")
        .if_match(&tag)
        .header("Lock-Token", &token);
    assert_eq!(held.send().await.status, 204);
    // The folder around it is nobody's.
    create(&client, "/files/a/other", "x").await;
}

#[tokio::test]
async fn who_wants_a_copy_loses_nothing() {
    let server = Server::start();
    let client = server.client();
    let path = "/files/a/plan.txt";
    let first = create(&client, path, "first").await;
    put(&client, path, "theirs").if_match(&first).send().await;
    let mut copies = Vec::new();
    for content in ["mine", "mine, too"] {
        let ask = put(&client, path, content).if_match(&first).by("ann");
        let copy = ask.header("Prefer", "conflict=copy").send().await;
        assert_eq!(copy.status, 201, "{copy:?}");
        assert_eq!(copy.header("preference-applied"), Some("conflict=copy"));
        let place = copy.header("location").unwrap().to_owned();
        assert_eq!(client.get(&place).await.text(), content);
        copies.push(place);
    }
    assert_ne!(copies[0], copies[1]);
    assert_eq!(client.get(path).await.text(), "theirs");
    let listed = names(&client, "/files/a/").await;
    assert!(
        listed[0].starts_with("plan (conflicted copy of ann, 20"),
        "{listed:?}"
    );
    assert!(
        listed.iter().all(|name| name.ends_with(".txt")),
        "{listed:?}"
    );
    assert_eq!(listed.len(), 3);
    // A request that is repeated makes no other copy.
    let mut answers = Vec::new();
    for _ in 0..2 {
        let ask = put(&client, path, "once").if_match(&first).by("ann");
        let ask = ask.header("Prefer", "conflict=copy");
        let copy = ask.header("Idempotency-Key", "c1").send().await;
        assert_eq!(copy.status, 201, "{copy:?}");
        assert_eq!(copy.header("preference-applied"), Some("conflict=copy"));
        answers.push((copy.header("location").map(str::to_owned), copy.tag()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(names(&client, "/files/a/").await.len(), 4);
    // Where nothing collides, nothing is copied.
    let tag = client.get(path).await.tag();
    let ask = put(&client, path, "next").if_match(&tag);
    let answer = ask.header("Prefer", "conflict=copy").send().await;
    assert_eq!((answer.status, answer.header("location")), (204, None));
}

#[tokio::test]
async fn parts_of_a_file_are_told_apart() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let large = large(100_000);
    for (path, content) in [("/files/small", "0123456789"), ("/files/large", &large)] {
        let tag = create(&client, path, content).await;
        let size = content.len();
        let cases = [
            ("bytes=0-3".to_owned(), 0, 4),
            (format!("bytes={}-", size - 2), size - 2, size),
            ("bytes=-5".to_owned(), size - 5, size),
            ("bytes=2-999999999".to_owned(), 2, size),
        ];
        for (range, from, end) in cases {
            let part = client.ask("GET", path).header("Range", &range).send().await;
            assert_eq!(part.status, 206, "{range}: {part:?}");
            assert_eq!(part.text(), &content[from..end], "{range}");
            let told = format!("bytes {from}-{}/{size}", end - 1);
            assert_eq!(part.header("content-range"), Some(told.as_str()));
            assert_eq!(part.header("content-digest"), None);
            assert!(part.header("repr-digest").is_some());
        }
        let behind = format!("bytes={size}-");
        let none = client
            .ask("GET", path)
            .header("Range", &behind)
            .send()
            .await;
        is_problem(&none, 416, "range-not-satisfiable");
        let told = format!("bytes */{size}");
        assert_eq!(none.header("content-range"), Some(told.as_str()));
        for (if_range, status) in [(tag.as_str(), 206), ("\"other\"", 200), ("W/\"x\"", 200)] {
            let ask = client.ask("GET", path).header("Range", "bytes=0-3");
            let answer = ask.header("If-Range", if_range).send().await;
            assert_eq!(answer.status, status, "{if_range}");
        }
        for passed_over in ["bytes=0-1,4-5", "lines=1-2", "bytes=5-2"] {
            let whole = client
                .ask("GET", path)
                .header("Range", passed_over)
                .send()
                .await;
            assert_eq!(whole.status, 200, "{passed_over}");
        }
    }
}

#[tokio::test]
async fn what_arrives_must_be_what_was_meant() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let hello = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
    let cases = [
        ("Content-Digest", hello, "other", 400),
        ("Content-Digest", "sha-256=hello", "hello", 400),
        ("Repr-Digest", hello, "other", 400),
        ("Content-Range", "bytes 0-4/10", "hello", 400),
        ("Content-Encoding", "gzip", "hello", 415),
        ("Content-Digest", "sha-512=:YWJj:", "passed over", 201),
        ("Content-Digest", hello, "hello", 201),
    ];
    for (n, (field, value, content, status)) in cases.into_iter().enumerate() {
        let path = format!("/files/{n}");
        let answer = put(&client, &path, content)
            .header(field, value)
            .send()
            .await;
        assert_eq!(answer.status, status, "{field}: {value}: {answer:?}");
        let expected = if status == 201 { 200 } else { 404 };
        assert_eq!(client.get(&path).await.status, expected, "{field}: {value}");
    }
    for media_type in [
        "text",
        "text/",
        "a b/c",
        &format!("text/{}", "x".repeat(300)),
    ] {
        let answer = client
            .ask("PUT", "/files/x")
            .body(media_type, "x")
            .send()
            .await;
        is_problem(&answer, 400, "malformed");
    }
    let patched = client
        .ask("PATCH", "/files/6")
        .body("text/plain", "x")
        .send()
        .await;
    assert_eq!(patched.status, 405, "{patched:?}");
    assert_eq!(
        patched.header("allow"),
        Some("GET, HEAD, POST, PUT, DELETE, OPTIONS")
    );
}

#[tokio::test]
async fn a_file_has_a_limit() {
    let config = format!("{CONFIG}max_bytes = 50000\n");
    let server = Server::with_config(&config);
    let client = server.client();
    let large = large(50_001);
    create(&client, "/files/fits", &large[..50_000]).await;
    let refused = put(&client, "/files/too-large", &large).send().await;
    let problem = is_problem(&refused, 413, "content-too-large");
    assert_eq!(problem["limit_bytes"], 50_000);
    // The same where the size is not told beforehand.
    let answer = raw(
        &server,
        &format!(
            "PUT /files/too-large HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nc351\r\n{large}\r\n0\r\n\r\n",
            server.address()
        ),
    );
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(names(&client, "/files/").await, ["fits"]);
    assert_eq!(contents(&server.path("contents")), 1);
}

/// Sends bytes as they are, and reads what comes.
fn raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // The server may be gone before all was sent.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// How many files there are below a folder.
fn contents(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let below = entries
        .map(|it| it.unwrap())
        .map(|it| match it.path().is_dir() {
            true => contents(&it.path()),
            false => 1,
        });
    below.sum()
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let content = large(200_000);
    for sent in [0, 1, 1000, 32_768, 32_769, 65_536, 150_000, 199_999] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let head = format!(
            "PUT /files/broken HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
            server.address(),
            content.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&content.as_bytes()[..sent]).unwrap();
        drop(stream);
    }
    // An upload of the same file, whole, comes after them.
    create(&client, "/files/whole", &content).await;
    assert_eq!(client.get("/files/broken").await.status, 404);
    let left = || contents(&server.path("contents"));
    for _ in 0..200 {
        if left() == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(left(), 1, "what broke off is still there");
}

#[tokio::test]
async fn a_file_sent_twice_is_stored_once() {
    let server = Server::start();
    let client = server.client();
    let ask = |content: &str| put(&client, "/files/a/b", content).header("Idempotency-Key", "k1");
    let first = ask("x").send().await;
    assert_eq!(first.status, 201, "{first:?}");
    let again = ask("x").send().await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (201, Some("true"))
    );
    assert_eq!(again.tag(), first.tag());
    is_problem(&ask("y").send().await, 422, "key-reuse");
    let posted = |key: &str| {
        let ask = client.ask("POST", "/files/in/").body("text/plain", "x");
        ask.header("Idempotency-Key", key)
    };
    let one = posted("p1").send().await;
    assert_eq!(one.status, 201, "{one:?}");
    let place = one.header("location").unwrap().to_owned();
    assert_eq!(client.get(&place).await.text(), "x");
    // The answer names the file that is there, and not another one that could have been.
    let again = posted("p1").send().await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (201, Some("true"))
    );
    assert_eq!(again.header("location"), Some(&*place));
    assert_eq!(again.tag(), one.tag());
    assert_eq!(names(&client, "/files/in/").await.len(), 1);
}

/// Whoever asks for documents finds no files among them.
#[tokio::test]
async fn files_are_no_documents() {
    let server = Server::start();
    let client = server.client();
    create(&client, "/files/a/b", "x").await;
    client.create("/api/notes/1", "{}").await;
    let collections = client.get("/api").await.json();
    assert_eq!(
        collections["items"].as_array().unwrap().len(),
        1,
        "{collections}"
    );
    let changes = client.get("/api/_changes?since=0").await.json();
    assert_eq!(changes["items"].as_array().unwrap().len(), 1, "{changes}");
    for path in ["/api/_files/a", "/api/_files", "/api/_files/a%2Fb"] {
        assert!(
            [400, 404].contains(&client.get(path).await.status),
            "{path}"
        );
    }
    let batch = json!({"operations": [
        {"method": "PUT", "path": "/api/_files/x", "body": {"kind": "folder"}}
    ]});
    let answer = client.post("/api/_batch", &batch.to_string()).send().await;
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert_eq!(client.get("/files/x").await.status, 404);
}

#[tokio::test]
async fn files_can_be_off() {
    let declared = "[collections.notes]\n";
    for config in [
        declared,
        "undeclared_collections = \"allow\"\n[files]\nenabled = false\n",
    ] {
        let server = Server::with_config(config);
        let client = server.client();
        for (method, path) in [
            ("PUT", "/files/a"),
            ("GET", "/files/"),
            ("GET", "/file-versions/a"),
        ] {
            let answer = client.ask(method, path).send().await;
            is_problem(&answer, 404, "not-found");
        }
    }
    let server = Server::with_config("[collections.notes]\n[files]\n");
    create(&server.client(), "/files/a", "x").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_uploads_with_one_tag_one_is_stored() {
    let server = Server::with_config(CONFIG);
    upload_at_once(&crowd(&server, 32).await, 30).await;
}

/// All upload with one tag, again and again: one is stored, and from then on the first clients are all shown it.
pub(crate) async fn upload_at_once(clients: &[Client], rounds: usize) {
    let path = "/files/shared/x";
    let mut tag = create(&clients[0], path, "start").await;
    let filling = large(40_000);
    for round in 0..rounds {
        // Small and large ones, in turn.
        let filling = if round % 2 == 0 { "" } else { &filling[..] };
        let answers = at_once(clients, |n, client| {
            let (tag, content) = (tag.clone(), format!("{round} {n} {filling}"));
            async move { put(&client, path, &content).if_match(&tag).send().await }
        })
        .await;
        assert_eq!(count(&answers, 204), 1, "{round}");
        assert_eq!(count(&answers, 409), clients.len() - 1, "{round}");
        let winner = answers.iter().position(|it| it.status == 204).unwrap();
        tag = answers[winner].tag();
        for client in &clients[..3] {
            let stored = client.get(path).await;
            assert_eq!(stored.tag(), tag);
            let is_whole = stored.text() == format!("{round} {winner} {filling}");
            assert!(is_whole, "{round}");
            assert_eq!(names(client, "/files/shared/").await, ["x"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_create_in_one_new_folder_do() {
    let server = Server::start();
    let clients = crowd(&server, 32).await;
    for round in 0..10 {
        let answers = at_once(&clients, |n, client| async move {
            put(&client, &format!("/files/r{round}/deep/{n:02}"), "x")
                .send()
                .await
        })
        .await;
        assert_eq!(count(&answers, 201), 32, "{answers:?}");
        let listed = names(&clients[0], &format!("/files/r{round}/deep/")).await;
        assert_eq!(listed.len(), 32);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_is_left_without_its_folder() {
    let server = Server::start();
    delete_against_writes(&crowd(&server, 16).await, 40).await;
}

/// Folders are deleted while others write below them: no file is left without its folder.
pub(crate) async fn delete_against_writes(clients: &[Client], rounds: usize) {
    for round in 0..rounds {
        let answers = at_once(clients, |n, client| async move {
            match n % 4 {
                0 => client.ask("DELETE", "/files/d/").if_match("*").send().await,
                1 => {
                    let ask = put(&client, "/files/d/e", "a file");
                    ask.header("If-None-Match", "*").send().await
                }
                _ => {
                    let ask = put(&client, &format!("/files/d/e/{n}"), "x");
                    ask.if_match("*").send().await
                }
            }
        })
        .await;
        for answer in &answers {
            assert!(
                [201, 204, 404, 409, 412, 428].contains(&answer.status),
                "{round}: {answer:?}"
            );
        }
        // Some of these find a file where they need a folder, or another one in their place.
        for (n, client) in clients.iter().enumerate() {
            let answer = put(client, &format!("/files/d/e/{n}"), "y").send().await;
            assert!([201, 409, 428].contains(&answer.status), "{answer:?}");
        }
        whole(&clients[0]).await;
    }
}

/// Each live path has its folder.
async fn whole(client: &Client) {
    let status = async |path: &str| client.get(path).await.status;
    for (path, folder) in [("/files/d", "/files/"), ("/files/d/e", "/files/d")] {
        if status(path).await == 200 {
            assert_eq!(status(folder).await, 200, "{path} without {folder}");
        }
    }
    for n in 0..16 {
        let path = format!("/files/d/e/{n}");
        if status(&path).await == 200 {
            let names = names(client, "/files/d/e/").await;
            assert!(
                names.contains(&n.to_string()),
                "{path} is not in its folder"
            );
        }
    }
}

/// Uploads, kill -9, restart: what was acknowledged is there, whole. `DETENTE_CRASH_ROUNDS` changes how
/// often.
#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_file_is_lost_in_a_crash() {
    let rounds = std::env::var("DETENTE_CRASH_ROUNDS").ok();
    let rounds: u32 = rounds.and_then(|it| it.parse().ok()).unwrap_or(4);
    let mut folder = Folder::with_config(CONFIG);
    let mut stored = Vec::new();
    for round in 0..rounds {
        let server = Server::start_in(folder);
        let clients = crowd(&server, 8).await;
        let uploads = clients.iter().enumerate().map(|(n, client)| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut stored = Vec::new();
                for number in 0.. {
                    let path = format!("/files/{round}/{n}/{number}");
                    let length = [10, 40_000, 300_000][number % 3];
                    let content = format!("{path} {}", large(length));
                    let ask = put(&client, &path, &content).try_send().await;
                    match ask {
                        Ok(answer) if answer.status == 201 => stored.push((path, content.len())),
                        _ => break,
                    }
                }
                stored
            })
        });
        let uploads: Vec<_> = uploads.collect();
        tokio::time::sleep(std::time::Duration::from_millis(
            300 + 130 * u64::from(round % 5),
        ))
        .await;
        folder = server.crash();
        for upload in uploads {
            stored.extend(upload.await.unwrap());
        }
    }
    assert!(stored.len() > 10, "there were few uploads");
    let server = Server::start_in(folder);
    let client = server.client();
    for (path, length) in &stored {
        let read = client.get(path).await;
        assert_eq!(read.status, 200, "{path}: {read:?}");
        let text = read.text();
        assert!(
            text.len() == *length && text.starts_with(path),
            "{path} is torn"
        );
    }
    let folder = server.stop();
    let verified = folder.command(&["verify"]).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

/// A content that somebody cut off, or took away, is found.
#[tokio::test]
async fn verify_finds_contents_that_are_missing_or_damaged() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    create(&client, "/files/a/one", &large(40_000)).await;
    create(&client, "/files/a/two", &large(50_000)).await;
    let folder = server.stop();
    let verify = || folder.command(&["verify"]).output().unwrap();
    assert!(verify().status.success(), "{:?}", verify());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder.path().join("contents")).unwrap() {
        for content in std::fs::read_dir(entry.unwrap().path()).unwrap() {
            found.push(content.unwrap().path());
        }
    }
    assert_eq!(found.len(), 2, "{found:?}");
    let mut bytes = std::fs::read(&found[0]).unwrap();
    bytes[30_000] ^= 1;
    std::fs::write(&found[0], bytes).unwrap();
    std::fs::remove_file(&found[1]).unwrap();
    let told = verify();
    assert!(!told.status.success(), "{told:?}");
    let told = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
    for content in found {
        let hash = content.file_name().unwrap().to_str().unwrap();
        assert!(told.contains(hash), "{told}");
    }
}

/// An export has files and folders, and an import takes them, but nothing else in their place.
#[tokio::test]
async fn files_move_between_stores() {
    let server = Server::start();
    let client = server.client();
    create(&client, "/files/a/caf%C3%A9", "hello").await;
    let folder = server.stop();
    let exported = folder.command(&["export"]).output().unwrap().stdout;
    let other = Folder::new();
    let import = |lines: &[u8]| {
        let mut command = other.command(&["import", "-"]);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines).unwrap();
        child.wait_with_output().unwrap()
    };
    let wrong = [
        r#"{"collection":"_files","id":"a","data":{"kind":"link"}}"#,
        r#"{"collection":"_files","id":"a/../b","data":{"kind":"folder"}}"#,
    ];
    for line in wrong {
        assert!(!import(line.as_bytes()).status.success(), "{line}");
    }
    let done = import(&exported);
    assert!(done.status.success(), "{done:?}");
    let server = Server::start_in(other);
    let client = server.client();
    assert_eq!(client.get("/files/a/caf%C3%A9").await.text(), "hello");
    assert_eq!(names(&client, "/files/a/").await, ["café"]);
    create(&client, "/files/a/more", "x").await;
}

/// Two edits of one text, of different lines: with `conflict=merge` both are there, and whoever gets the tag sees it.
#[tokio::test]
async fn texts_are_joined_where_their_writer_wants_that() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let filling = large(60_000);
    for (path, filling) in [("/files/small", ""), ("/files/large", &*filling)] {
        let text = |first: &str, last: &str| format!("{first}\ntwo\n{filling}\nfour\n{last}\n");
        let tag = create(&client, path, &text("one", "five")).await;
        let theirs = put(&client, path, &text("one", "FIVE"))
            .if_match(&tag)
            .by("ben");
        assert_eq!(theirs.send().await.status, 204);
        let ours = async |content: &str| {
            let ask = put(&client, path, content).if_match(&tag).by("ann");
            let ask = ask.header("Idempotency-Key", &format!("\"{path}\""));
            ask.header("Prefer", "conflict=merge").send().await
        };
        let joined = ours(&text("ONE", "five")).await;
        assert_eq!(joined.status, 200, "{joined:?}");
        assert_eq!(joined.text(), text("ONE", "FIVE"));
        assert_eq!(joined.header("preference-applied"), Some("conflict=merge"));
        let read = client.get(path).await;
        assert_eq!((read.text(), read.tag()), (joined.text(), joined.tag()));
        // Sent again, it is not joined again.
        let again = ours(&text("ONE", "five")).await;
        assert_eq!(
            (again.status, again.text(), again.tag()),
            (200, joined.text(), joined.tag())
        );
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        is_problem(&ours(&text("UNO", "five")).await, 422, "key-reuse");
        // Both changed one line.
        let clash = put(&client, path, &text("UNO", "five")).if_match(&tag);
        let clash = clash.header("Prefer", "conflict=merge").send().await;
        is_problem(&clash, 409, "stale-version");
        assert_eq!(client.get(path).await.tag(), joined.tag());
    }
    let tag = create(&client, "/files/b", "\0a\nb\n").await;
    assert_eq!(
        put(&client, "/files/b", "\0A\nb\n")
            .if_match(&tag)
            .send()
            .await
            .status,
        204
    );
    let ask = put(&client, "/files/b", "\0a\nB\n").if_match(&tag);
    let bytes = ask.header("Prefer", "conflict=merge").send().await;
    is_problem(&bytes, 409, "stale-version");
}

/// Everybody adds a line to one text, based on what it was first: no line is lost.
#[tokio::test(flavor = "multi_thread")]
async fn all_who_write_lines_of_their_own_are_joined() {
    let server = Server::start();
    let clients = crowd(&server, 16).await;
    let lines: Vec<_> = (0..16).map(|n| format!("line {n}\n\n")).collect();
    let tag = create(&clients[0], "/files/x", &lines.concat()).await;
    let answers = at_once(&clients, |n, client| {
        let (tag, mut lines) = (tag.clone(), lines.clone());
        async move {
            lines[n] = format!("changed {n}\n\n");
            let ask = put(&client, "/files/x", &lines.concat()).if_match(&tag);
            ask.header("Prefer", "conflict=merge").send().await
        }
    })
    .await;
    assert_eq!(
        count(&answers, 200) + count(&answers, 204),
        16,
        "{answers:?}"
    );
    let changed: String = (0..16).map(|n| format!("changed {n}\n\n")).collect();
    assert_eq!(clients[0].get("/files/x").await.text(), changed);
}
