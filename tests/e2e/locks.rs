use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::Server;

const PATH: &str = "/api/documents/1";
const LOCK: &str = "/api/documents/1/lock";

async fn take(client: &Client, ttl_s: u64, owner: &str) -> Answer {
    let body = json!({"ttl_s": ttl_s, "owner": owner});
    client.post(LOCK, &body.to_string()).by(owner).send().await
}

fn token(answer: &Answer) -> String {
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    answer.json()["token"].as_str().unwrap().to_owned()
}

fn kind(answer: &Answer) -> (u16, String) {
    (
        answer.status,
        answer.json()["error"].as_str().unwrap().to_owned(),
    )
}

/// Returns once a lock's time has passed, as its own answer tells that time.
async fn wait_for_expiry(client: &Client) {
    while client.get(LOCK).await.status == 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn only_the_holder_writes_and_still_says_what_it_read() {
    let server = Server::start();
    let client = server.client();
    let tag = client.create(PATH, r#"{"n":1}"#).await;
    let taken = take(&client, 60, "ann").await;
    assert_eq!(taken.status, 201);
    let token = token(&taken);
    let shown = client.get(LOCK).await.json();
    assert_eq!(
        (&shown["owner"], &shown["fencing"]),
        (&json!("ann"), &taken.json()["fencing"])
    );
    assert_eq!(
        shown["token"],
        Value::Null,
        "the token is for its holder alone"
    );
    let outsiders = [
        client.put(PATH, r#"{"n":2}"#).if_match(&tag),
        client.merge_patch(PATH, r#"{"n":2}"#).if_match("*"),
        client.ask("DELETE", PATH).if_match(&tag),
        client
            .put(PATH, "{}")
            .if_match(&tag)
            .header("Lock-Token", "<urn:uuid:0>"),
        client.post("/api/documents/1/merge", r#"{"base":1,"document":{}}"#),
    ];
    for write in outsiders {
        let refused = write.by("bob").send().await;
        assert_eq!(kind(&refused), (423, "Locked".into()));
        let problem = refused.json();
        assert_eq!(problem["locked_by"], "ann");
        assert_eq!(problem["expires_at"], taken.json()["expires_at"]);
    }
    assert_eq!(
        kind(&take(&client, 60, "bob").await),
        (423, "Locked".into())
    );
    let coded = format!("<{token}>");
    let own = || client.put(PATH, r#"{"n":2}"#).header("Lock-Token", &coded);
    assert_eq!(
        own().send().await.status,
        428,
        "a lock does not replace If-Match"
    );
    let stale = own().if_match("\"0-0000000000000\"").send().await;
    assert_eq!(stale.status, 409);
    assert_eq!(own().if_match(&tag).send().await.status, 200);
    let reading = client.get(PATH).await;
    assert_eq!(reading.status, 200, "a lock keeps nobody from reading");
    let released = client
        .ask("DELETE", LOCK)
        .header("Lock-Token", &token)
        .send()
        .await;
    assert_eq!(released.status, 204);
    assert_eq!(client.get(LOCK).await.status, 404);
    let free = client
        .put(PATH, r#"{"n":3}"#)
        .if_match(&reading.tag())
        .send()
        .await;
    assert_eq!(free.status, 200);
}

#[tokio::test]
async fn a_lock_is_renewed_broken_and_gone_with_its_document() {
    let server = Server::start();
    let client = server.client();
    let tag = client.create(PATH, "{}").await;
    let first = take(&client, 60, "ann").await;
    let renewal = client
        .post(LOCK, r#"{"ttl_s":3600.0}"#)
        .header("Lock-Token", &token(&first));
    let renewed = renewal.send().await;
    assert_eq!(renewed.status, 200);
    assert_eq!(renewed.json()["fencing"], first.json()["fencing"]);
    assert!(renewed.json()["expires_at"].as_str() > first.json()["expires_at"].as_str());
    let broken = client
        .ask("DELETE", &format!("{LOCK}?break=true"))
        .by("root")
        .send()
        .await;
    assert_eq!(broken.status, 204);
    let lost = client
        .put(PATH, "{}")
        .if_match(&tag)
        .header("Lock-Token", &token(&first));
    assert_eq!(kind(&lost.send().await), (412, "LockLost".into()));
    let again = client
        .ask("DELETE", &format!("{LOCK}?break=true"))
        .send()
        .await;
    assert_eq!(again.status, 404);
    let second = take(&client, 60, "bob").await;
    assert!(second.json()["fencing"].as_u64() > first.json()["fencing"].as_u64());
    let deletion = client
        .ask("DELETE", PATH)
        .if_match(&tag)
        .header("Lock-Token", &token(&second));
    assert_eq!(deletion.send().await.status, 204);
    let gone = take(&client, 60, "bob").await;
    assert_eq!(
        (gone.status, &gone.json()["deleted_by"]),
        (410, &json!("anonymous"))
    );
    let recreated = client
        .put(PATH, "{}")
        .header("If-None-Match", "*")
        .send()
        .await;
    assert_eq!(recreated.status, 201, "the lock went with the document");
    assert_eq!(
        client
            .post("/api/documents/2/lock", "{}")
            .send()
            .await
            .status,
        404
    );
}

/// Nobody took over, yet the holder's time has passed: whoever believes to be alone may not be.
#[tokio::test]
async fn an_expired_holder_is_refused_though_nobody_took_over() {
    let server = Server::start();
    let client = server.client();
    let tag = client.create(PATH, "{}").await;
    let taken = take(&client, 1, "ann").await;
    let held = client
        .put(PATH, "{}")
        .if_match(&tag)
        .header("Lock-Token", &token(&taken));
    let held = held.send().await;
    assert_eq!(held.status, 200);
    wait_for_expiry(&client).await;
    let late = client
        .put(PATH, "{}")
        .if_match(&held.tag())
        .header("Lock-Token", &token(&taken));
    assert_eq!(kind(&late.send().await), (412, "LockLost".into()));
    let renewal = client
        .post(LOCK, "{}")
        .header("Lock-Token", &token(&taken))
        .send()
        .await;
    assert_eq!(kind(&renewal), (412, "LockLost".into()));
    let without = client.put(PATH, "{}").if_match(&held.tag()).send().await;
    assert_eq!(
        without.status, 200,
        "who does not speak of the lock writes as ever"
    );
    let next = take(&client, 60, "bob").await;
    assert!(next.json()["fencing"].as_u64() > taken.json()["fencing"].as_u64());
}

#[tokio::test]
async fn locks_survive_a_crash_and_fencing_numbers_only_grow() {
    let server = Server::start();
    let client = server.client();
    client.create("/api/documents/2", "{}").await;
    let tag = client.create(PATH, "{}").await;
    let taken = take(&client, 600, "ann").await;
    let server = Server::start_in(server.crash());
    let client = server.client();
    let refused = client.put(PATH, "{}").if_match(&tag).send().await;
    assert_eq!(refused.status, 423);
    let own = client
        .put(PATH, "{}")
        .if_match(&tag)
        .header("Lock-Token", &token(&taken));
    assert_eq!(own.send().await.status, 200);
    let released = client
        .ask("DELETE", LOCK)
        .header("Lock-Token", &token(&taken))
        .send()
        .await;
    assert_eq!(released.status, 204);
    let server = Server::start_in(server.stop());
    let client = server.client();
    let other = client.post("/api/documents/2/lock", "").send().await;
    assert!(
        other.json()["fencing"].as_u64() > taken.json()["fencing"].as_u64(),
        "{other:?}"
    );
}

#[tokio::test]
async fn breaking_a_lock_is_a_right_of_its_own() {
    let server = Server::with_config(
        r#"
[collections.documents]
[[tokens]]
name = "ann"
secret = "a"
[[tokens]]
name = "root"
secret = "r"
rights = ["all"]
"#,
    );
    let client = server.client();
    let with =
        |ask: crate::client::Ask, secret| ask.header("Authorization", &format!("Bearer {secret}"));
    let created = with(client.put(PATH, "{}"), "a").send().await;
    assert_eq!(created.status, 201);
    let taken = with(client.post(LOCK, "{}"), "a").send().await;
    assert_eq!((taken.status, &taken.json()["owner"]), (201, &json!("ann")));
    let breaking = || client.ask("DELETE", &format!("{LOCK}?break=true"));
    assert_eq!(with(breaking(), "a").send().await.status, 403);
    assert_eq!(with(breaking(), "r").send().await.status, 204);
    let mut lines = server.log.iter();
    assert!(lines.any(|line| line.contains("a lock was broken") && line.contains("root")));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_for_a_lock_names_its_place() {
    let server = Server::start();
    let client = server.client();
    client.create(PATH, "{}").await;
    let cases = [
        (r#"{"ttl_s":0}"#, "/ttl_s"),
        (r#"{"ttl_s":86401}"#, "/ttl_s"),
        (r#"{"ttl_s":1.5}"#, "/ttl_s"),
        (r#"{"ttl_s":"1"}"#, "/ttl_s"),
        (r#"{"owner":""}"#, "/owner"),
        (r#"{"owner":7}"#, "/owner"),
        (r#"{"ttl":5}"#, "/ttl"),
        (r#"{"a/b~":5}"#, "/a~1b~0"),
        ("[]", ""),
    ];
    for (body, member) in cases {
        let refused = client.post(LOCK, body).send().await;
        assert_eq!(
            (refused.status, &refused.json()["member"]),
            (400, &json!(member)),
            "{body}"
        );
    }
    let release = client.ask("DELETE", LOCK).send().await;
    assert_eq!(
        (release.status, &release.json()["header"]),
        (400, &json!("Lock-Token"))
    );
    let put = client.put(LOCK, "{}").send().await;
    assert_eq!(
        put.header("allow"),
        Some("GET, HEAD, POST, DELETE, OPTIONS")
    );
}

/// What was asked for is so: nobody holds it. Whoever holds another one is not disturbed.
#[tokio::test]
async fn a_lock_that_ended_is_released_without_a_complaint() {
    let server = Server::start();
    let client = server.client();
    client.create(PATH, "{}").await;
    let first = client.post(LOCK, "{}").send().await.json();
    let release = |token: &serde_json::Value| {
        client
            .ask("DELETE", LOCK)
            .header("Lock-Token", token.as_str().unwrap())
    };
    for _ in 0..2 {
        assert_eq!(release(&first["token"]).send().await.status, 204);
    }
    let second = client.post(LOCK, "{}").send().await;
    assert_eq!(second.status, 201);
    assert_eq!(release(&first["token"]).send().await.status, 423);
    let renewal = client
        .post(LOCK, "{}")
        .header("Lock-Token", first["token"].as_str().unwrap());
    assert_eq!(renewal.send().await.status, 423);
    assert_eq!(release(&second.json()["token"]).send().await.status, 204);
}
