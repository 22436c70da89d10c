use serde_json::{Value, json};

use crate::client::Client;
use crate::server::Server;
use crate::store::Embedded;

const PATH: &str = "/api/documents/1";

/// Two writers from one version; the second one's refusal.
async fn collide(client: &Client, path: &str) -> Value {
    let base = client.create(path, r#"{"title":"Draft","n":1}"#).await;
    let winner = client
        .put(path, r#"{"title":"Final","n":1}"#)
        .if_match(&base)
        .by("bob");
    assert_eq!(winner.send().await.status, 200);
    let loser = client
        .put(path, r#"{"title":"Plan","n":2}"#)
        .if_match(&base)
        .by("ann");
    let refused = loser.send().await;
    assert_eq!(refused.status, 409);
    refused.json()
}

async fn list(client: &Client, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("/api/_conflicts{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["items"].as_array().unwrap().clone()
}

/// The log's address as a refusal names it, read: whatever waited is in the log then.
async fn logged(client: &Client, problem: &Value) -> Value {
    let answer = client.get(problem["logged"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_refused_write_is_kept_with_its_edit() {
    let server = Server::start();
    let client = server.client();
    let problem = collide(&client, PATH).await;
    let found = logged(&client, &problem).await;
    let expected = json!({
        "method": "PUT", "collection": "documents", "document": "1", "by": "ann",
        "kind": "stale-version", "paths": ["/title"], "base_version": 1, "current_version": 2,
        "outcome": "open", "document_href": PATH,
        "edit": {"document": {"title": "Plan", "n": 2}},
        "base": {"title": "Draft", "n": 1}, "current": {"title": "Final", "n": 1},
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&found[name], value, "{name} of {found}");
    }
    assert_eq!(found["conflicts"][0]["yours"], "Plan");
    assert_eq!(found["href"], problem["logged"]);
    let rows = list(&client, "").await;
    assert_eq!((rows.len(), &rows[0]["id"]), (1, &found["id"]));
    assert_eq!(rows[0]["edit"], Value::Null, "a list is short");
}

#[tokio::test]
async fn every_kind_of_conflict_is_kept_and_mistakes_are_not() {
    let config = r#"
[collections.documents]
[[collections.documents.unique]]
name = "slot"
fields = ["/slot"]
[[collections.documents.rules]]
name = "Positive"
check = "!has(self.n) || self.n > 0"
"#;
    let server = Server::with_config(config);
    let client = server.client();
    let tag = client.create(PATH, r#"{"slot":1}"#).await;
    client.post("/api/documents/1/lock", "{}").send().await;
    let writes = [
        client.put(PATH, "{}").if_match(&tag),
        client.put("/api/documents/2", r#"{"slot":1}"#),
        client.put("/api/documents/2", r#"{"n":0}"#),
        client.post("/api/documents", r#"{"slot":1}"#),
        client.put(PATH, "not json"),
        client.put("/api/nowhere/1", "{}"),
        client.merge_patch("/api/documents/9", "{}").if_match(&tag),
        client.put("/api/documents/9", "{}").if_match(&tag),
        client
            .put("/api/documents/1", "{}")
            .header("Lock-Token", "x"),
    ];
    for write in writes {
        write.send().await;
    }
    let broken = client
        .ask("DELETE", "/api/documents/1/lock?break=true")
        .send()
        .await;
    assert_eq!(broken.status, 204);
    client
        .put(PATH, "{}")
        .if_match(&tag)
        .header("Lock-Token", "x")
        .send()
        .await;
    client
        .put(PATH, "{}")
        .header("If-None-Match", "*")
        .send()
        .await;
    let patch = r#"[{"op":"test","path":"/slot","value":2}]"#;
    client.json_patch(PATH, patch).send().await;
    client.ask("DELETE", PATH).if_match(&tag).send().await;
    let deleted = client.put(PATH, "{}").if_match(&tag).send().await.json();
    logged(&client, &deleted).await;
    let kinds: Vec<_> = list(&client, "")
        .await
        .iter()
        .map(|row| row["kind"].clone())
        .collect();
    let expected = [
        "deleted",
        "patch-conflict",
        "precondition-failed",
        "lock-lost",
        "locked",
        "stale-version",
        "duplicate-entry",
        "state-conflict",
        "duplicate-entry",
        "locked",
    ];
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn the_log_is_filtered_and_paged() {
    let server = Server::start();
    let client = server.client();
    for n in 0..5 {
        let problem = collide(&client, &format!("/api/documents/{n}")).await;
        logged(&client, &problem).await;
    }
    let other = collide(&client, "/api/others/0").await;
    let elsewhere = collide(&client, "/spaces/attic/api/documents/0").await;
    assert!(
        elsewhere["logged"]
            .as_str()
            .unwrap()
            .starts_with("/spaces/attic/api/_conflicts/")
    );
    logged(&client, &other).await;
    assert_eq!(list(&client, "").await.len(), 6);
    let counts = [
        ("?collection=documents", 5),
        ("?collection=documents&document=3", 1),
        ("?by=ann", 6),
        ("?by=bob", 0),
        ("?kind=stale-version", 6),
        ("?kind=locked", 0),
        ("?outcome=open", 6),
        ("?outcome=resolved", 0),
        ("?since=2000-01-01T00:00:00Z", 6),
        ("?until=2000-01-01T00:00:00Z", 0),
        ("?since=1900-01-01T00:00:00Z", 6),
        ("?until=1900-01-01T00:00:00Z", 0),
    ];
    for (query, count) in counts {
        assert_eq!(list(&client, query).await.len(), count, "{query}");
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("/api/_conflicts?limit=4{cursor}"))
            .await
            .json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["id"].clone()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    seen.dedup();
    assert_eq!(seen.len(), 6);
    for wrong in [
        "?outcome=lost",
        "?since=now",
        "?limit=0",
        "?cursor=x",
        "?who=ann",
    ] {
        assert_eq!(
            client.get(&format!("/api/_conflicts{wrong}")).await.status,
            400,
            "{wrong}"
        );
    }
    assert_eq!(client.get("/api/_conflicts/none").await.status, 404);
}

#[tokio::test]
async fn a_conflict_is_resolved_once() {
    let server = Server::start();
    let client = server.client();
    let problem = collide(&client, PATH).await;
    let path = format!("{}/resolve", problem["logged"].as_str().unwrap());
    let resolve = |body: Value| {
        let ask = client.post(&path, &body.to_string());
        ask.by("carol").send()
    };
    let open = resolve(json!({})).await;
    assert_eq!(
        (open.status, &open.json()["conflicting_fields"]),
        (409, &json!(["title"]))
    );
    assert_eq!(
        resolve(json!({"choices": {"/title": "yours"}}))
            .await
            .status,
        428
    );
    let current = problem["current_etag"].clone();
    let done = resolve(json!({"choices": {"/title": "yours"}, "current": current})).await;
    assert_eq!(
        (done.status, done.json()),
        (200, json!({"title": "Plan", "n": 2}))
    );
    let found = logged(&client, &problem).await;
    assert_eq!(found["outcome"], "resolved");
    assert_eq!(
        (&found["settled_by"], &found["settled_version"]),
        (&json!("carol"), &json!(3))
    );
    let again = resolve(json!({"dismiss": true})).await;
    assert_eq!(
        (again.status, &again.json()["error"]),
        (409, &json!("ConflictSettled"))
    );
    assert_eq!(again.json()["outcome"], "resolved");
    assert_eq!(client.get(PATH).await.header("document-version"), Some("3"));
    assert_eq!(
        list(&client, "").await.len(),
        1,
        "a resolution that fails is no new conflict"
    );

    let problem = collide(&client, "/api/documents/2").await;
    let path = format!("{}/resolve", problem["logged"].as_str().unwrap());
    let ask = async |body: &str| {
        let ask = client.post(&path, body).by("carol");
        ask.header("Idempotency-Key", "\"k\"").send().await
    };
    for replayed in [None, Some("true")] {
        let dismissed = ask(r#"{"dismiss":true}"#).await;
        assert_eq!(
            (dismissed.status, &dismissed.json()["outcome"]),
            (200, &json!("dismissed"))
        );
        assert_eq!(dismissed.header("idempotent-replayed"), replayed);
    }
    let reused = ask(r#"{"choices":{}}"#).await;
    assert_eq!(
        (reused.status, &reused.json()["error"]),
        (422, &json!("IdempotencyKeyReuse"))
    );
    assert_eq!(
        client.get("/api/documents/2").await.json()["title"],
        "Final"
    );
}

/// Edits of every kind can be stored after all: patches, deletions, documents that are gone since.
#[tokio::test]
async fn every_kind_of_edit_can_be_resolved() {
    let server = Server::start();
    let client = server.client();
    let base = client.create(PATH, r#"{"a":1,"l":[1]}"#).await;
    client
        .put(PATH, r#"{"a":2,"l":[1]}"#)
        .if_match(&base)
        .send()
        .await;
    let operations = r#"[{"op":"add","path":"/l/-","value":2}]"#;
    let patch = client
        .json_patch(PATH, operations)
        .if_match(&base)
        .send()
        .await
        .json();
    let deletion = client
        .ask("DELETE", PATH)
        .if_match(&base)
        .send()
        .await
        .json();
    let resolve = |problem: &Value, body: Value| {
        let path = format!("{}/resolve", problem["logged"].as_str().unwrap());
        client.post(&path, &body.to_string()).send()
    };
    let patched = resolve(&patch, json!({})).await;
    assert_eq!(
        (patched.status, patched.json()),
        (200, json!({"a": 2, "l": [1, 2]}))
    );
    let unsure = resolve(&deletion, json!({})).await;
    assert_eq!(
        unsure.status, 409,
        "the document lives on, changed: {unsure:?}"
    );
    let choice = json!({"choices": {"": "yours"}, "current": patched.tag()});
    assert_eq!(resolve(&deletion, choice).await.status, 204);
    assert_eq!(client.get(PATH).await.status, 410);
    let late = client
        .put(PATH, r#"{"a":3}"#)
        .if_match(&base)
        .send()
        .await
        .json();
    let back = resolve(&late, json!({})).await;
    assert_eq!(
        (back.status, client.get(PATH).await.json()),
        (201, json!({"a": 3}))
    );
    let tag = client.get(PATH).await.tag();
    let lock = format!("{PATH}/lock");
    let held = client.post(&lock, "{}").send().await.json();
    let deletion = || client.ask("DELETE", PATH);
    let locked_out = deletion().if_match(&tag).send().await.json();
    let unnamed = deletion().if_match("*").send().await.json();
    let release = client.ask("DELETE", &lock);
    let token = held["token"].as_str().unwrap();
    release.header("Lock-Token", token).send().await;
    let refused = resolve(&unnamed, json!({})).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (409, &json!("PatchConflict")),
        "nobody knows what it was to delete"
    );
    assert_eq!(resolve(&locked_out, json!({})).await.status, 204);
    client.create(PATH, r#"{"a":3}"#).await;
    let blind = client
        .put(PATH, r#"{"a":9,"b":1}"#)
        .header("If-None-Match", "*")
        .send()
        .await
        .json();
    let choice = json!({"choices": {"/a": "yours"}, "current": client.get(PATH).await.tag()});
    let joined = resolve(&blind, choice).await;
    assert_eq!(
        (joined.status, joined.json()),
        (200, json!({"a": 9, "b": 1})),
        "{joined:?}"
    );
}

#[tokio::test]
async fn the_log_survives_a_clean_stop_and_a_crash_after_a_moment() {
    let server = Server::start();
    let problem = collide(&server.client(), PATH).await;
    let server = Server::start_in(server.stop());
    logged(&server.client(), &problem).await;
    let problem = collide(&server.client(), "/api/documents/2").await;
    // Whoever reads the log has what waits for it written first.
    list(&server.client(), "").await;
    logged(&server.client(), &problem).await;
    let server = Server::start_in(server.crash());
    logged(&server.client(), &problem).await;
}

#[tokio::test]
async fn the_log_is_bounded() {
    let config = "[collections.documents]\n[conflicts]\nmax_bytes = 4000\n";
    let server = Server::with_config(config);
    let client = server.client();
    let mut last = Value::Null;
    for n in 0..30 {
        last = collide(&client, &format!("/api/documents/{n}")).await;
        logged(&client, &last).await;
    }
    let rows = list(&client, "").await;
    assert!((2..15).contains(&rows.len()), "{} are kept", rows.len());
    assert_eq!(rows[0]["href"], last["logged"], "the newest stay");
}

#[tokio::test]
async fn whoever_may_not_read_sees_their_own_edits_alone() {
    let config = r#"
[collections.documents]
[[tokens]]
name = "bob"
secret = "b"
[[tokens]]
name = "ann"
secret = "a"
rights = ["write"]
[[tokens]]
name = "eve"
secret = "e"
rights = ["write"]
"#;
    let server = Server::with_config(config);
    let client = server.client();
    let by =
        |ask: crate::client::Ask, secret| ask.header("Authorization", &format!("Bearer {secret}"));
    let tag = by(client.put(PATH, r#"{"secret":1}"#), "b")
        .send()
        .await
        .tag();
    by(client.put(PATH, r#"{"secret":2}"#), "b")
        .if_match(&tag)
        .send()
        .await;
    let refused = by(client.put(PATH, r#"{"secret":3}"#), "a")
        .if_match(&tag)
        .send()
        .await;
    let place = refused.json()["logged"].as_str().unwrap().to_owned();
    let own = by(client.ask("GET", &place), "a").send().await;
    assert_eq!(own.json()["edit"], json!({"document": {"secret": 3}}));
    assert_eq!(
        (&own.json()["current"], &own.json()["conflicts"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(by(client.ask("GET", &place), "e").send().await.status, 404);
    let rows = by(client.ask("GET", "/api/_conflicts"), "e")
        .send()
        .await
        .json();
    assert_eq!(rows["items"], json!([]));
    let resolve = by(
        client.post(&format!("{place}/resolve"), r#"{"dismiss":true}"#),
        "a",
    );
    assert_eq!(resolve.send().await.status, 403);
    let statistics = by(client.ask("GET", "/api/_conflicts/stats"), "a")
        .send()
        .await;
    assert_eq!(statistics.status, 403);
    let all = by(client.ask("GET", &place), "b").send().await.json();
    assert_eq!(all["current"], json!({"secret": 2}));
}

#[tokio::test]
async fn the_log_adds_up() {
    let server = Server::start();
    let client = server.client();
    let problem = collide(&client, PATH).await;
    collide(&client, "/api/documents/2").await;
    let base = client.create("/api/others/1", r#"{"a":1,"b":1}"#).await;
    client
        .put("/api/others/1", r#"{"a":2,"b":1}"#)
        .if_match(&base)
        .send()
        .await;
    let merged = client
        .put("/api/others/1", r#"{"a":1,"b":2}"#)
        .if_match(&base);
    let merged = merged.header("Prefer", "conflict=merge").send().await;
    assert_eq!(merged.status, 200);
    let path = format!("{}/resolve", problem["logged"].as_str().unwrap());
    client.post(&path, r#"{"dismiss":true}"#).send().await;
    let sums = client.get("/api/_conflicts/stats").await.json();
    let expected = json!({
        "conflicts": 2, "merged": 1, "share_merged": 0.333, "open": 1, "resolved": 0, "dismissed": 1,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&sums[name], value, "{name} of {sums}");
    }
    assert_eq!(sums["by_path"][0]["path"], "documents/title");
    assert_eq!(sums["by_actor"][0]["by"], "ann");
    assert_eq!(
        (&sums["by_kind"][0]["kind"], &sums["by_kind"][0]["count"]),
        (&json!("stale-version"), &json!(2))
    );
    assert_eq!(sums["by_hour"][0]["conflicts"], 2);
    assert_eq!(sums["by_hour"][0]["merged"], 1);
    assert!(sums["median_resolution_s"].is_number());
    let metrics = client.get("/metrics").await;
    for line in [
        "detente_writes_total{collection=\"undeclared\",outcome=\"merged\"} 1",
        "detente_conflicts_total{collection=\"undeclared\",kind=\"stale-version\"} 2",
        "detente_lock_waits_total 0",
        "detente_write_retries_total 0",
        "detente_conflicts_waiting 0",
    ] {
        assert!(
            metrics.text().contains(line),
            "{line} is not in {}",
            metrics.text()
        );
    }
}

/// Where the document is gone, a resolution creates it; with If-Match it asks for the one that was.
#[tokio::test]
async fn a_resolution_on_a_deleted_document_heeds_its_preconditions() {
    let server = Server::start();
    let client = server.client();
    let tag = client.create(PATH, r#"{"n":1}"#).await;
    let refused = client
        .put(PATH, r#"{"n":2}"#)
        .if_match("\"x\"")
        .send()
        .await
        .json();
    client.ask("DELETE", PATH).if_match(&tag).send().await;
    let resolve = format!("{}/resolve", refused["logged"].as_str().unwrap());
    let refused = client.post(&resolve, "{}").if_match(&tag).send().await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (409, &"DeletedConflict".into())
    );
    assert_eq!(client.get(PATH).await.status, 410);
    assert_eq!(client.post(&resolve, "{}").send().await.status, 201);
}

async fn dismiss(client: &Client, query: &str) -> Value {
    let answer = client
        .ask("POST", &format!("/api/_conflicts/dismiss{query}"))
        .send()
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn refuse(client: &Client, path: &str, by: &str, agent: &str) {
    let write = client.put(path, "{}").if_match("\"x\"").by(by);
    assert_eq!(write.header("User-Agent", agent).send().await.status, 409);
}

/// The filters are those of the list, and what they leave out stays open.
#[tokio::test]
async fn many_conflicts_are_dismissed_at_once() {
    let server = Server::start();
    let client = server.client();
    for path in [PATH, "/api/others/1"] {
        client.create(path, "{}").await;
        for index in 0..5 {
            let agent = if index < 2 {
                "detente-check/0.1 (run 7)"
            } else {
                "editor/2"
            };
            refuse(&client, path, if index == 4 { "bob" } else { "ann" }, agent).await;
        }
    }
    client.create("/spaces/other/api/documents/1", "{}").await;
    refuse(&client, "/spaces/other/api/documents/1", "ann", "editor/2").await;
    assert_eq!(list(&client, "?agent=check").await.len(), 4);
    assert_eq!(list(&client, "?not_agent=detente-check").await.len(), 6);
    let rows = list(&client, "?limit=1").await;
    assert_eq!(rows[0]["agent"], "editor/2");
    let counted = |query: &'static str| {
        let client = client.clone();
        async move {
            client
                .get(&format!("/api/_conflicts/stats{query}"))
                .await
                .json()["conflicts"]
                .clone()
        }
    };
    assert_eq!(counted("").await, 10);
    assert_eq!(counted("?not_agent=detente-check").await, 6);
    assert_eq!(counted("?agent=detente-check").await, 4);

    assert_eq!(
        dismiss(&client, "?collection=others&by=bob").await,
        json!({"dismissed": 1, "more": false})
    );
    assert_eq!(
        dismiss(&client, "?agent=detente-check&limit=3").await,
        json!({"dismissed": 3, "more": true})
    );
    assert_eq!(
        dismiss(&client, "?agent=detente-check&limit=3").await,
        json!({"dismissed": 1, "more": false})
    );
    assert_eq!(
        dismiss(&client, "?agent=detente-check").await,
        json!({"dismissed": 0, "more": false})
    );
    let settled = &list(&client, "?outcome=dismissed&limit=1").await[0];
    assert_eq!(
        (&settled["settled_by"], &settled["settled_version"]),
        (&json!("anonymous"), &Value::Null)
    );
    assert_eq!(list(&client, "?outcome=open").await.len(), 5);
    assert_eq!(dismiss(&client, "").await["dismissed"], 5);
    let other = client
        .get("/spaces/other/api/_conflicts?outcome=open")
        .await
        .json();
    assert_eq!(
        other["items"].as_array().unwrap().len(),
        1,
        "another space is no business of this one"
    );
}

/// Under a key it is done once; what came since stays open.
#[tokio::test]
async fn a_dismissal_with_a_key_is_performed_once() {
    let server = Server::start();
    let client = server.client();
    client.create(PATH, "{}").await;
    for _ in 0..3 {
        refuse(&client, PATH, "ann", "editor/2").await;
    }
    let ask = |query: &str| {
        let path = format!("/api/_conflicts/dismiss{query}");
        client.ask("POST", &path).header("Idempotency-Key", "\"k\"")
    };
    let first = ask("?by=ann").send().await;
    refuse(&client, PATH, "ann", "editor/2").await;
    let again = ask("?by=ann").send().await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(
        (
            first.json()["dismissed"].clone(),
            again.json()["dismissed"].clone()
        ),
        (json!(3), json!(3))
    );
    assert_eq!(again.json()["more"], true);
    assert_eq!(list(&client, "?outcome=open").await.len(), 1);
    assert_eq!(ask("?by=bob").send().await.status, 422);
}

#[tokio::test]
async fn a_dismissal_of_many_takes_nothing_that_it_does_not_heed() {
    let server = Server::with_config(
        r#"
        [collections.documents]
        [[tokens]]
        name = "reader"
        secret = "reader"
        rights = ["read"]
        [[tokens]]
        name = "writer"
        secret = "writer"
        rights = ["write"]
        [[tokens]]
        name = "both"
        secret = "both"
        "#,
    );
    let client = server.client();
    let by = |token: &str, query: &str| {
        let path = format!("/api/_conflicts/dismiss{query}");
        client
            .ask("POST", &path)
            .header("Authorization", &format!("Bearer {token}"))
    };
    for token in ["reader", "writer"] {
        assert_eq!(by(token, "").send().await.status, 403, "{token}");
    }
    let wrong = [
        by("both", "?outcome=resolved"),
        by("both", "?cursor=7"),
        by("both", "?limit=0"),
        by("both", "").json(r#"{"collection":"documents"}"#),
        by("both", "").json(r#"{"reason":""}"#),
        by("both", "").json(r#"["reason"]"#),
        by("both", "").if_match("*"),
    ];
    for ask in wrong {
        let answer = ask.send().await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    let text = by("both", "").body("text/plain", "They were done.");
    assert_eq!(text.send().await.status, 415);
    assert_eq!(by("both", "").json("{}").send().await.status, 200);
    assert_eq!(by("both", "").send().await.status, 200);
}

/// Why something was given up is told wherever it is shown.
#[tokio::test]
async fn a_dismissal_says_why() {
    let server = Server::start();
    let client = server.client();
    let problem = collide(&client, PATH).await;
    let place = problem["logged"].as_str().unwrap();
    let resolve = |body: Value| {
        let ask = client.post(&format!("{place}/resolve"), &body.to_string());
        ask.by("carol").send()
    };
    let longest = "é".repeat(1000);
    let wrong = [
        // (body, the member that it names)
        (json!({"dismiss": true, "reason": ""}), "/reason"),
        (json!({"dismiss": true, "reason": 7}), "/reason"),
        (json!({"dismiss": true, "reason": null}), "/reason"),
        (json!({"dismiss": true, "reason": "a\u{7}"}), "/reason"),
        (
            json!({"dismiss": true, "reason": format!("{longest}!")}),
            "/reason",
        ),
        (json!({"reason": "because"}), "/reason"),
        (json!({"dismiss": false, "reason": "because"}), "/reason"),
        (
            json!({"dismiss": true, "reason": "because", "choices": {}}),
            "/dismiss",
        ),
        (json!({"dismiss": true, "why": "because"}), "/why"),
    ];
    for (body, member) in wrong {
        let refused = resolve(body.clone()).await;
        let told = (refused.status, refused.json()["member"].clone());
        assert_eq!(told, (400, json!(member)), "{body}");
    }
    assert_eq!(logged(&client, &problem).await["outcome"], "open");

    let reason = format!("{}\n\tyes", &longest[..longest.len() / 2]);
    let dismissed = resolve(json!({"dismiss": true, "reason": reason})).await;
    assert_eq!(dismissed.status, 200);
    let again = resolve(json!({"dismiss": true, "reason": "another"})).await;
    assert_eq!(again.status, 409);
    let shown = [
        dismissed.json(),
        again.json(),
        logged(&client, &problem).await,
        list(&client, "?outcome=dismissed").await[0].clone(),
    ];
    for shown in shown {
        assert_eq!(
            (&shown["settled_by"], &shown["settled_reason"]),
            (&json!("carol"), &json!(reason)),
            "{shown}"
        );
    }
}

/// Also of many at once. Another reason is another request under a key.
#[tokio::test]
async fn a_dismissal_of_many_says_why() {
    let server = Server::start();
    let client = server.client();
    client.create(PATH, "{}").await;
    for by in ["ann", "ann", "bob"] {
        refuse(&client, PATH, by, "editor/2").await;
    }
    let ask = |body: &str| {
        let path = "/api/_conflicts/dismiss?by=ann";
        client.post(path, body).header("Idempotency-Key", "\"k\"")
    };
    let first = ask(r#"{"reason":"A script."}"#).send().await;
    assert_eq!(first.json(), json!({"dismissed": 2, "more": false}));
    let again = ask(r#"{ "reason": "\u0041 script." }"#).send().await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    for other in [r#"{"reason":"Another."}"#, "{}"] {
        assert_eq!(ask(other).send().await.status, 422, "{other}");
    }
    dismiss(&client, "?by=bob").await;
    let reasons = list(&client, "").await;
    let reasons: Vec<_> = reasons
        .iter()
        .map(|row| row.get("settled_reason"))
        .collect();
    let why = json!("A script.");
    assert_eq!(reasons, [None, Some(&why), Some(&why)]);
}

/// A store of the format before reasons has no place for them.
#[tokio::test]
async fn a_store_that_knows_no_reasons_is_brought_up_to_date() {
    if Embedded::File.is_absent() {
        return;
    }
    let server = Server::start();
    let client = server.client();
    let old = collide(&client, PATH).await;
    let place = |problem: &Value| format!("{}/resolve", problem["logged"].as_str().unwrap());
    let plain = client.post(&place(&old), r#"{"dismiss":true}"#);
    assert_eq!(plain.send().await.status, 200);
    let open = collide(&client, "/api/documents/2").await;
    assert_eq!(logged(&client, &open).await["outcome"], "open");
    let mut folder = server.stop();
    let store = rusqlite::Connection::open(folder.data().join("detente.db")).unwrap();
    let back = "ALTER TABLE conflicts DROP COLUMN settled_reason;
                ALTER TABLE locks DROP COLUMN terms; UPDATE marker SET seal = NULL;
                PRAGMA user_version = 4;";
    store.execute_batch(back).unwrap();
    drop(store);
    for start in 0..2 {
        let server = Server::start_in(folder);
        let client = server.client();
        let found = logged(&client, &old).await;
        assert_eq!(found["outcome"], "dismissed", "{found}");
        assert_eq!(found.get("settled_reason"), None);
        if start == 0 {
            let why = r#"{"dismiss":true,"reason":"It was done."}"#;
            let dismissed = client.post(&place(&open), why).send().await;
            assert_eq!(dismissed.status, 200, "{dismissed:?}");
        }
        let found = logged(&client, &open).await;
        assert_eq!(found["settled_reason"], "It was done.");
        folder = server.stop();
    }
}

/// Whoever never looks need not: what nobody settled in time is dismissed.
#[tokio::test]
async fn what_nobody_settles_in_time_is_dismissed() {
    if Embedded::File.is_absent() {
        return;
    }
    let config = "undeclared_collections = \"allow\"\n[conflicts]\ndismiss_after_days = 7\n";
    let server = Server::with_config(config);
    let client = server.client();
    client.create(PATH, "{}").await;
    refuse(&client, PATH, "old", "editor/2").await;
    refuse(&client, PATH, "new", "editor/2").await;
    let folder = server.stop();
    let store = rusqlite::Connection::open(folder.data().join("detente.db")).unwrap();
    let aged = "UPDATE conflicts SET at = at - 8 * 86400000 WHERE by = 'old'";
    assert_eq!(store.execute(aged, []).unwrap(), 1);
    // As a store that is being brought up to date: its rows get their seals at the next start.
    store.execute("UPDATE marker SET seal = NULL", []).unwrap();
    drop(store);
    let server = Server::start_in(folder);
    let client = server.client();
    let outcome = async |by: &str| list(&client, &format!("?by={by}")).await[0].clone();
    while outcome("old").await["outcome"] == "open" {
        tokio::task::yield_now().await;
    }
    let old = outcome("old").await;
    assert_eq!(
        (&old["outcome"], &old["settled_by"]),
        (&json!("dismissed"), &json!("retention"))
    );
    assert_eq!(outcome("new").await["outcome"], "open");
}
