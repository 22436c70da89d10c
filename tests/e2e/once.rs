use futures_util::future::join_all;
use serde_json::json;

use crate::client::Ask;
use crate::server::Server;

const PATH: &str = "/api/documents/1";
const KEY: &str = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"";

fn keyed(ask: Ask) -> Ask {
    ask.header("Idempotency-Key", KEY)
}

#[tokio::test]
async fn a_request_that_is_sent_twice_is_performed_once() {
    let server = Server::start();
    let client = server.client();
    let create = || keyed(client.post("/api/documents", r#"{"n":1.50}"#));
    let first = create().send().await;
    let second = create().send().await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!((first.tag(), &first.body), (second.tag(), &second.body));
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    let list = client.get("/api/documents").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);

    let tag = client.create(PATH, r#"{"n":1}"#).await;
    let put = || keyed(client.put(PATH, r#"{"n":2}"#)).if_match(&tag);
    let first = put().send().await;
    // The document goes on; the answer stays the one that was lost.
    let next = client
        .put(PATH, r#"{"n":3}"#)
        .if_match(&first.tag())
        .send()
        .await;
    let second = put().send().await;
    assert_eq!(
        (second.status, second.tag(), second.json()),
        (200, first.tag(), json!({"n": 2}))
    );
    let patch = || keyed(client.merge_patch(PATH, r#"{"m":1}"#)).if_match(&next.tag());
    let (first, second) = (patch().send().await, patch().send().await);
    assert_eq!((first.status, &first.body), (200, &second.body));
    let delete = || keyed(client.ask("DELETE", PATH)).if_match(&first.tag());
    assert_eq!(
        (delete().send().await.status, delete().send().await.status),
        (204, 204)
    );
    let versions = client.get(&format!("{PATH}/versions")).await.json();
    assert_eq!(versions["items"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_caller() {
    let server = Server::start();
    let client = server.client();
    let post = |body: &'static str| keyed(client.post("/api/documents", body));
    assert_eq!(post(r#"{"n":1}"#).by("ann").send().await.status, 201);
    let reused = post(r#"{"n":2}"#).by("ann").send().await;
    assert_eq!(
        (reused.status, &reused.json()["error"]),
        (422, &json!("IdempotencyKeyReuse"))
    );
    for other in [
        post(r#"{"n":2}"#).by("bob"),
        keyed(client.post("/api/others", r#"{"n":2}"#)).by("ann"),
    ] {
        let answer = other.send().await;
        assert_eq!(
            (answer.status, answer.header("idempotent-replayed")),
            (201, None)
        );
    }
    let bare = client.post("/api/documents", r#"{"n":1}"#).by("ann");
    let bare = bare
        .header("Idempotency-Key", KEY.trim_matches('"'))
        .send()
        .await;
    assert_eq!(
        bare.header("idempotent-replayed"),
        Some("true"),
        "bare is the same key"
    );
    for wrong in ["", "\"\"", "\"a", "a b", "\"a\", \"b\""] {
        let refused = client
            .post("/api/documents", "{}")
            .header("Idempotency-Key", wrong);
        let refused = refused.send().await;
        assert_eq!(
            (refused.status, &refused.json()["header"]),
            (400, &json!("Idempotency-Key")),
            "{wrong}"
        );
    }
}

/// A conflict did nothing, so its answer is not kept: the same request may succeed later.
#[tokio::test]
async fn conflicts_are_not_pinned() {
    let server = Server::start();
    let client = server.client();
    let tag = client.create(PATH, r#"{"n":1}"#).await;
    let edit = |tag: &str| keyed(client.put(PATH, r#"{"n":2}"#)).if_match(tag);
    let other = client.put(PATH, r#"{"n":5}"#).if_match(&tag).send().await;
    assert_eq!(edit(&tag).send().await.status, 409);
    let resolved = edit(&other.tag()).send().await;
    assert_eq!(
        (resolved.status, resolved.header("idempotent-replayed")),
        (200, None)
    );
    let repeated = edit(&other.tag()).send().await;
    assert_eq!((repeated.status, repeated.tag()), (200, resolved.tag()));
    let create = || keyed(client.put(PATH, r#"{"n":9}"#)).header("If-None-Match", "*");
    assert_eq!(
        create().send().await.status,
        422,
        "the key is used up by now"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_16_at_once_one_is_performed_and_all_get_its_answer() {
    let server = Server::start();
    let client = server.client();
    for round in 0..30 {
        let asks = (0..16).map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                loop {
                    let ask = client.post("/api/documents", &format!(r#"{{"round":{round}}}"#));
                    let ask = ask.header("Idempotency-Key", &format!("\"round-{round}\""));
                    let answer = ask.send().await;
                    if answer.status == 201 {
                        return answer.header("location").unwrap().to_owned();
                    }
                    assert_eq!(answer.json()["error"], "RequestInProgress", "{answer:?}");
                    assert_eq!(answer.header("retry-after"), Some("1"));
                }
            })
        });
        let places: Vec<_> = join_all(asks)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
    }
    let list = client.get("/api/documents?limit=1000").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 30);
}

/// Between commit and answer the power goes. The client knows nothing, and asks again.
#[tokio::test]
async fn a_receipt_survives_a_crash_with_its_write() {
    let server = Server::start();
    let client = server.client();
    let create =
        |client: &crate::client::Client| keyed(client.post("/api/documents", r#"{"n":1}"#));
    let first = create(&client).send().await;
    let server = Server::start_in(server.crash());
    let client = server.client();
    let second = create(&client).send().await;
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
}

/// Merged twice, a counter would count twice: the key is what makes a lost answer safe.
#[tokio::test]
async fn a_merge_is_performed_once() {
    let config = "[collections.documents]\non_conflict = \"merge\"\n[collections.documents.merge]\n\"/n\" = \"counter\"\n";
    let server = Server::with_config(config);
    let client = server.client();
    let tag = client.create(PATH, r#"{"n":5}"#).await;
    client.put(PATH, r#"{"n":6}"#).if_match(&tag).send().await;
    let edit = || keyed(client.put(PATH, r#"{"n":6}"#)).if_match(&tag);
    let (first, second) = (edit().send().await, edit().send().await);
    assert_eq!(
        (first.json(), second.json()),
        (json!({"n": 7}), json!({"n": 7}))
    );
    assert_eq!(second.header("merged-versions"), Some("1..2"));
    assert_eq!(second.header("etag"), None);
    assert_eq!(client.get(PATH).await.json(), json!({"n": 7}));
}

/// Clients write the same JSON in more than one way.
#[tokio::test]
async fn the_same_value_under_a_key_is_the_same_request() {
    let server = Server::start();
    let client = server.client();
    let post = |media_type: &str, body: &str| {
        let ask = client.ask("POST", "/api/documents").body(media_type, body);
        ask.header("Idempotency-Key", "\"k\"").send()
    };
    let first = post("application/json", r#"{"a":1,"b":[1.0]}"#).await;
    assert_eq!(first.status, 201);
    let again = post("application/json; charset=utf-8", r#" {"b":[1],"a":1} "#).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (201, Some("true"))
    );
    assert_eq!(
        (again.header("location"), &again.body),
        (first.header("location"), &first.body)
    );
    assert_eq!(
        post("application/json", r#"{"a":1,"b":[2]}"#).await.status,
        422
    );
}
