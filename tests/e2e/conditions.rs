use crate::client::{Answer, Client};
use crate::server::Server;

/// The state a request meets.
#[derive(Clone, Copy, Debug)]
enum On {
    Another,
    Missing,
    Deleted,
}

const MERGE_PATCH: &str = r#"{"a":3}"#;
const JSON_PATCH: &str = r#"[{"op":"replace","path":"/a","value":3}]"#;
const TEST_PATCH: &str =
    r#"[{"op":"test","path":"/a","value":2},{"op":"replace","path":"/a","value":3}]"#;

/// Brings a fresh document into the state; returns its path and the tag of its first version.
async fn prepare(client: &Client, on: On, id: usize) -> (String, String) {
    let path = format!("/api/documents/{id}");
    if let On::Missing = on {
        return (path, "\"1-1000000000000\"".into());
    }
    let first = client.create(&path, r#"{"a":1}"#).await;
    let second = client
        .put(&path, r#"{"a":2}"#)
        .if_match(&first)
        .by("bob")
        .send()
        .await;
    assert_eq!(second.status, 200);
    if let On::Deleted = on {
        let deleted = client
            .ask("DELETE", &path)
            .if_match(&second.tag())
            .by("bob")
            .send()
            .await;
        assert_eq!(deleted.status, 204);
    }
    (path, first)
}

async fn request(
    client: &Client,
    method: &str,
    path: &str,
    condition: Option<(&str, &str)>,
) -> Answer {
    let ask = match method {
        "PUT" => client.put(path, r#"{"a":3}"#),
        "MERGE" => client.merge_patch(path, MERGE_PATCH),
        "JSON" => client.json_patch(path, JSON_PATCH),
        "TEST" => client.json_patch(path, TEST_PATCH),
        method => client.ask(method, path),
    };
    match condition {
        Some((name, value)) => ask.header(name, value).send().await,
        None => ask.send().await,
    }
}

/// Every cell of the contract's table, and what RFC 9110 says where it is silent.
#[tokio::test]
async fn every_cell_of_the_table_of_preconditions() {
    use On::{Another, Deleted, Missing};
    let server = Server::start();
    let client = server.client();
    let (stale, any, none) = (
        Some(("If-Match", "")),
        Some(("If-Match", "*")),
        Some(("If-None-Match", "*")),
    );
    let past = Some(("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"));
    let future = Some(("If-Unmodified-Since", "Sat, 06 Nov 2094 08:49:37 GMT"));
    let no_date = Some(("If-Unmodified-Since", "yesterday"));
    let weak = Some(("If-Match", "W/"));
    let other_tag = Some(("If-None-Match", "\"other\""));
    let cases = [
        ("PUT", stale, Another, 409, "stale-version"),
        ("PUT", stale, Missing, 409, "stale-version"),
        ("PUT", stale, Deleted, 409, "deleted"),
        ("MERGE", stale, Another, 409, "stale-version"),
        ("MERGE", stale, Missing, 404, "not-found"),
        ("MERGE", stale, Deleted, 409, "deleted"),
        ("JSON", stale, Another, 409, "stale-version"),
        ("TEST", stale, Another, 409, "stale-version"),
        ("DELETE", stale, Another, 409, "stale-version"),
        ("DELETE", stale, Missing, 404, "not-found"),
        ("DELETE", stale, Deleted, 409, "deleted"),
        ("PUT", none, Another, 412, "precondition-failed"),
        ("PUT", none, Missing, 201, ""),
        ("PUT", none, Deleted, 201, ""),
        ("MERGE", none, Another, 412, "precondition-failed"),
        ("DELETE", none, Another, 412, "precondition-failed"),
        ("DELETE", none, Missing, 404, "not-found"),
        ("PUT", None, Another, 428, "precondition-required"),
        ("PUT", None, Missing, 201, ""),
        ("PUT", None, Deleted, 201, ""),
        ("MERGE", None, Another, 428, "precondition-required"),
        ("MERGE", None, Missing, 404, "not-found"),
        ("MERGE", None, Deleted, 404, "not-found"),
        ("JSON", None, Another, 428, "precondition-required"),
        ("TEST", None, Another, 200, ""),
        ("TEST", None, Missing, 404, "not-found"),
        ("DELETE", None, Another, 428, "precondition-required"),
        ("DELETE", None, Missing, 404, "not-found"),
        ("DELETE", None, Deleted, 404, "not-found"),
        ("PUT", any, Another, 200, ""),
        ("PUT", any, Missing, 409, "stale-version"),
        ("PUT", any, Deleted, 409, "deleted"),
        ("MERGE", any, Another, 200, ""),
        ("MERGE", any, Missing, 404, "not-found"),
        ("MERGE", any, Deleted, 409, "deleted"),
        ("DELETE", any, Another, 204, ""),
        ("DELETE", any, Missing, 404, "not-found"),
        ("DELETE", any, Deleted, 409, "deleted"),
        ("GET", stale, Another, 412, "precondition-failed"),
        ("GET", any, Another, 200, ""),
        ("GET", any, Missing, 404, "not-found"),
        ("GET", None, Deleted, 410, "gone"),
        ("GET", other_tag, Deleted, 410, "gone"),
        ("PUT", past, Another, 412, "precondition-failed"),
        ("PUT", future, Another, 200, ""),
        ("PUT", past, Missing, 201, ""),
        ("DELETE", past, Another, 412, "precondition-failed"),
        ("DELETE", future, Another, 204, ""),
        ("PUT", no_date, Another, 428, "precondition-required"),
        ("PUT", weak, Another, 409, "stale-version"),
        // "Write unless it is that version" protects nobody: it does not count as a condition.
        ("PUT", other_tag, Another, 428, "precondition-required"),
    ];
    for (id, (method, condition, on, status, problem)) in cases.into_iter().enumerate() {
        let (path, tag) = prepare(&client, on, id).await;
        let value = match condition {
            Some((name, "")) => Some((name, tag.clone())),
            Some((name, "W/")) => Some((name, format!("W/{}", client.get(&path).await.tag()))),
            Some((name, value)) => Some((name, value.to_owned())),
            None => None,
        };
        let before = client.get(&path).await;
        let condition = value.as_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = request(&client, method, &path, condition).await;
        let case = format!("{method} {condition:?} on {on:?}");
        assert_eq!(answer.status, status, "{case}: {answer:?}");
        if !problem.is_empty() {
            assert_eq!(
                answer.json()["type"],
                format!("/problems/{problem}"),
                "{case}"
            );
            assert_eq!(
                client.get(&path).await.body,
                before.body,
                "{case} changed the document"
            );
        }
    }
}

#[tokio::test]
async fn reads_are_conditional_too() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let tag = client.create(path, r#"{"a":1}"#).await;
    let modified = client
        .get(path)
        .await
        .header("last-modified")
        .unwrap()
        .to_owned();
    let cases = [
        ("If-None-Match", tag.clone(), 304),
        ("If-None-Match", format!("W/{tag}"), 304),
        ("If-None-Match", format!("\"x\", {tag}"), 304),
        ("If-None-Match", "*".into(), 304),
        ("If-None-Match", "\"x\"".into(), 200),
        ("If-Modified-Since", modified.clone(), 304),
        (
            "If-Modified-Since",
            "Sun, 06 Nov 1994 08:49:37 GMT".into(),
            200,
        ),
        ("If-Modified-Since", "soon".into(), 200),
        ("If-Unmodified-Since", modified, 200),
        (
            "If-Unmodified-Since",
            "Sun, 06 Nov 1994 08:49:37 GMT".into(),
            412,
        ),
        ("If-Match", tag.clone(), 200),
        ("If-Match", format!("W/{tag}"), 412),
    ];
    for (name, value, status) in cases {
        for method in ["GET", "HEAD"] {
            let answer = client.ask(method, path).header(name, &value).send().await;
            assert_eq!(answer.status, status, "{method} {name}: {value}");
            if status == 304 {
                assert_eq!(answer.tag(), tag);
                assert!(answer.body.is_empty());
            }
        }
    }
    let both = client
        .ask("GET", path)
        .header("If-None-Match", "\"x\"")
        .header("If-Modified-Since", "Sat, 06 Nov 2094 08:49:37 GMT");
    assert_eq!(
        both.send().await.status,
        200,
        "If-None-Match takes the place of the date"
    );
}

#[tokio::test]
async fn lists_of_tags_and_several_lines_work_and_malformed_ones_are_400() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let mut tag = client.create(path, r#"{"a":1}"#).await;
    let answer = client
        .put(path, r#"{"a":2}"#)
        .if_match(&format!("\"x\", {tag}"))
        .send()
        .await;
    assert_eq!(answer.status, 200);
    tag = answer.tag();
    let answer = client
        .put(path, r#"{"a":3}"#)
        .if_match("\"x\"")
        .if_match(&tag)
        .send()
        .await;
    assert_eq!(answer.status, 200);
    for malformed in ["x", "\"x", "\"x\" \"y\"", "\"x\", *", "", "W/x", ","] {
        let answer = client
            .put(path, r#"{"a":4}"#)
            .if_match(malformed)
            .send()
            .await;
        assert_eq!(answer.status, 400, "{malformed}");
        assert_eq!(answer.json()["header"], "If-Match", "{malformed}");
    }
}

#[tokio::test]
async fn settings_choose_412_and_unconditional_writes() {
    let server = Server::with_config(
        r#"
        undeclared_collections = "allow"
        stale_status = 412
        [collections.open]
        stale_status = 409
        unconditional_writes = "allow"
        "#,
    );
    let client = server.client();
    let first = client.create("/api/strict/1", r#"{"a":1}"#).await;
    client
        .put("/api/strict/1", r#"{"a":2}"#)
        .if_match(&first)
        .send()
        .await;
    let stale = client
        .put("/api/strict/1", r#"{"a":3}"#)
        .if_match(&first)
        .send()
        .await;
    assert_eq!(stale.status, 412);
    let problem = stale.json();
    assert_eq!(problem["error"], "PreconditionFailed");
    assert_eq!(problem["current_version"], 2);
    assert_eq!(problem["conflicts"][0]["current"], 2);
    assert_eq!(client.put("/api/strict/1", "{}").send().await.status, 428);

    let first = client.create("/api/open/1", r#"{"a":1}"#).await;
    assert_eq!(
        client.put("/api/open/1", r#"{"a":2}"#).send().await.status,
        200
    );
    assert_eq!(
        client
            .merge_patch("/api/open/1", r#"{"a":3}"#)
            .send()
            .await
            .status,
        200
    );
    assert_eq!(
        client
            .put("/api/open/1", "{}")
            .if_match(&first)
            .send()
            .await
            .status,
        409
    );
    assert_eq!(client.ask("DELETE", "/api/open/1").send().await.status, 204);
}

/// Last-Modified says whole seconds, so it cannot tell two versions of one second apart; then it
/// vouches for neither.
#[tokio::test]
async fn a_date_never_lets_a_write_of_the_same_second_be_lost() {
    let server = Server::start();
    let client = server.client();
    let mut shared_a_second = 0;
    for id in 0..20 {
        let path = format!("/api/documents/{id}");
        let tag = client.create(&path, r#"{"a":1}"#).await;
        let read = client
            .get(&path)
            .await
            .header("last-modified")
            .unwrap()
            .to_owned();
        let second = client.put(&path, r#"{"a":2}"#).if_match(&tag).send().await;
        let answer = client
            .put(&path, r#"{"a":3}"#)
            .header("If-Unmodified-Since", &read)
            .send()
            .await;
        assert_eq!(answer.status, 412, "{answer:?}");
        shared_a_second += u32::from(second.header("last-modified") == Some(&read));
    }
    assert!(
        shared_a_second > 0,
        "no two versions of one second: nothing was tested"
    );
}

/// The precondition that does not hold is named, and no other.
#[tokio::test]
async fn the_precondition_that_fails_is_blamed() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let old = client.create(path, r#"{"a":1}"#).await;
    let tag = client.put(path, r#"{"a":2}"#).if_match(&old).by("bob");
    let tag = tag.send().await.tag();
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    let weak = format!("W/{tag}");
    let merge = format!(r#"{{"base":{tag:?},"patch":{{"a":3}}}}"#);
    let none = ("If-None-Match", "*");
    let is_there =
        "If-None-Match does not hold: there is such a document already; bob saved version 2.";
    let date = "If-Unmodified-Since does not hold: bob saved version 2.";
    let cases = [
        ("PUT", &[("If-Match", &*tag), none][..], 412, is_there),
        ("MERGE", &[("If-Match", &*tag), none], 412, is_there),
        ("DELETE", &[("If-Match", &*tag), none], 412, is_there),
        ("DELETE", &[none], 412, is_there),
        (
            "PUT",
            &[("If-None-Match", &*tag), ("If-Match", "*")],
            412,
            is_there,
        ),
        ("PUT", &[("If-Unmodified-Since", past)], 412, date),
        ("POST", &[none], 412, is_there),
        ("POST", &[("If-Match", &*tag), none], 412, is_there),
        ("POST", &[("If-Unmodified-Since", past)], 412, date),
        (
            "POST",
            &[("If-Match", "\"nope\"")],
            409,
            "bob saved version 2; it never had the version",
        ),
        (
            "POST",
            &[("If-Match", &*old)],
            409,
            "If-Match does not hold: it names another version",
        ),
        (
            "POST",
            &[("If-Match", &*weak)],
            409,
            "If-Match names the current version, but by a weak tag",
        ),
        (
            "PUT",
            &[("If-Match", &*old), none],
            409,
            "bob saved version 2; your edit began from version 1.",
        ),
    ];
    for (method, fields, status, told) in cases {
        let ask = match method {
            "PUT" => client.put(path, r#"{"a":3}"#),
            "MERGE" => client.merge_patch(path, MERGE_PATCH),
            "POST" => client.post(&format!("{path}/merge"), &merge),
            method => client.ask(method, path),
        };
        let ask = fields
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value));
        let answer = ask.send().await;
        assert_eq!(answer.status, status, "{method} {fields:?}: {answer:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(told), "{method} {fields:?}: {detail}");
    }
    let read = client
        .ask("GET", path)
        .header("If-Unmodified-Since", past)
        .send()
        .await;
    let detail = read.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("If-Unmodified-Since does not hold"),
        "{detail}"
    );
}

/// A precondition that could not be honoured is refused, and where it belongs is said.
#[tokio::test]
async fn a_precondition_that_could_not_be_honoured_is_refused() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let tag = client.create(path, r#"{"a":1}"#).await;
    let conflict = client.put(path, "{}").if_match("\"x\"").send().await.json();
    let resolve = format!("{}/resolve", conflict["logged"].as_str().unwrap());
    let (lock, merge) = (format!("{path}/lock"), format!("{path}/merge?dry_run=true"));
    let edit = r#"{"base":1,"patch":{"a":2}}"#;
    let delete = format!(
        r#"{{"operations":[{{"method":"DELETE","path":"{path}","headers":{{"If-Match":"*"}}}}]}}"#
    );
    let reads = [
        "/api/documents",
        "/openapi.json",
        "/",
        "/healthz",
        "/metrics",
        "/api/_changes",
        "/api/_conflicts",
        "/api/documents/1/versions",
    ];
    let (any, own) = (("If-None-Match", "*"), ("If-Match", &*tag));
    let date = ("If-Unmodified-Since", "Sat, 06 Nov 2094 08:49:37 GMT");
    let token = ("Lock-Token", "<urn:uuid:0>");
    let mut cases = Vec::new();
    for read in reads {
        cases.extend([any, own, ("If-Match", "*")].map(|field| ("GET", read, None, field)));
    }
    for field in [any, own, date, token, ("If-None-Match", "\"x\"")] {
        cases.extend([
            ("POST", &*merge, Some(edit), field),
            ("POST", "/api/_batch", Some(&*delete), field),
            ("POST", &*resolve, Some(r#"{"dismiss":true}"#), field),
        ]);
    }
    for field in [any, own, date, ("Idempotency-Key", "\"k\"")] {
        cases.extend([
            ("POST", &*lock, Some("{}"), field),
            ("DELETE", &*lock, None, field),
        ]);
    }
    for (method, path, body, (name, value)) in cases {
        let ask = client.ask(method, path).header(name, value);
        let ask = match body {
            Some(body) => ask.json(body),
            None => ask,
        };
        let answer = ask.send().await;
        assert_eq!(answer.status, 400, "{method} {path} {name}: {answer:?}");
        let problem = answer.json();
        assert_eq!(problem["header"], name, "{method} {path}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("It belongs on"), "{detail}");
    }
    assert_eq!(client.get(path).await.tag(), tag);
    assert_eq!(client.get(&lock).await.status, 404);
    assert_eq!(
        client.get("/api/_conflicts?outcome=open").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let harmless = [
        ("If-None-Match", "\"x\""),
        ("If-Modified-Since", date.1),
        date,
    ];
    for (name, value) in harmless {
        let answer = client
            .ask("GET", "/api/documents")
            .header(name, value)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{name}");
    }
    let create = client
        .post("/api/documents", "{}")
        .header("If-None-Match", "*");
    assert_eq!(create.send().await.status, 201);
}

/// A tag is text that a client chooses: no number in it is more than a refusal.
#[tokio::test]
async fn a_tag_with_any_number_is_answered() {
    let server = Server::start();
    let client = server.client();
    client.create("/api/documents/there", "{}").await;
    for id in ["there", "none"] {
        for number in ["ffffffffffffffff", "7fffffffffffffff"] {
            let tag = format!("\"1-{number}000000000000\"");
            for prefer in ["conflict=reject", "conflict=merge"] {
                let put = client.put(&format!("/api/documents/{id}"), "{}");
                let put = put.if_match(&tag).header("Prefer", prefer);
                let answer = put.send().await;
                assert!((400..500).contains(&answer.status), "{answer:?}");
            }
        }
    }
}
