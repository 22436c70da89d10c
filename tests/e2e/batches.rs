use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::Server;

const CONFIG: &str = r#"
[collections.accounts]
schema = { type = "object", required = ["sum"] }
[[collections.accounts.rules]]
name = "NotOverdrawn"
check = "self.sum >= 0"
[[collections.accounts.unique]]
name = "iban"
fields = ["/iban"]
[collections.notes]
on_conflict = "merge"
"#;

async fn batch(client: &Client, operations: Value) -> Answer {
    let body = json!({"operations": operations}).to_string();
    client.post("/api/_batch", &body).send().await
}

fn put(path: &str, tag: &str, body: Value) -> Value {
    json!({"method": "PUT", "path": path, "headers": {"If-Match": tag}, "body": body})
}

fn statuses(results: &Value) -> Vec<u64> {
    let rows = results.as_array().unwrap_or_else(|| panic!("{results}"));
    rows.iter()
        .map(|row| row["status"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn all_operations_are_performed_or_none() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let (a, b) = ("/api/accounts/a", "/api/accounts/b");
    let tag_a = client.create(a, r#"{"sum":100}"#).await;
    let tag_b = client.create(b, r#"{"sum":0}"#).await;
    let transfer = |sum: i64, tag_a: &str, tag_b: &str| {
        json!([
            put(a, tag_a, json!({"sum": 100 - sum})),
            put(b, tag_b, json!({"sum": sum}))
        ])
    };
    let refused = batch(&client, transfer(150, &tag_a, &tag_b)).await;
    let problem = refused.json();
    assert_eq!(
        (refused.status, &problem["error"]),
        (409, &json!("NotOverdrawn")),
        "{problem}"
    );
    assert_eq!(problem["operation"], 0);
    assert_eq!(statuses(&problem["results"]), [409, 424]);
    assert_eq!(problem["results"][1]["body"]["error"], "NotPerformed");
    let stale = batch(&client, transfer(60, &tag_a, "\"1-0000000000000\""))
        .await
        .json();
    assert_eq!(
        (&stale["operation"], &stale["type"]),
        (&json!(1), &json!("/problems/stale-version"))
    );
    assert_eq!(
        stale["results"][1]["body"]["current"],
        json!({"sum": 0}),
        "as it would be alone"
    );
    assert_eq!(client.get(a).await.tag(), tag_a, "nothing was written");
    let done = batch(&client, transfer(60, &tag_a, &tag_b)).await;
    let results = done.json()["results"].clone();
    assert_eq!(
        (done.status, statuses(&results)),
        (200, vec![200, 200]),
        "{results}"
    );
    assert_eq!(
        results[0]["headers"]["etag"],
        json!(client.get(a).await.tag())
    );
    assert_eq!(results[1]["body"], json!({"sum": 60}));
    assert_eq!(client.get(b).await.json(), json!({"sum": 60}));
    let changes = client.get("/api/_changes").await.json();
    assert_eq!(
        changes["items"].as_array().unwrap().len(),
        4,
        "no trace of what was refused"
    );
}

#[tokio::test]
async fn operations_see_those_before_them_and_every_method_goes() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let tag = client
        .create("/api/accounts/old", r#"{"sum":1,"iban":"X"}"#)
        .await;
    let operations = json!([
        {"method": "DELETE", "path": "/api/accounts/old", "headers": {"if-match": tag}},
        {"method": "POST", "path": "/api/accounts", "body": {"sum": 1.50, "iban": "X"}},
        {"method": "PUT", "path": "/api/notes/n", "body": {"text": "a"}},
        {"method": "PATCH", "path": "/api/notes/n", "headers": {"If-Match": "*",
            "Content-Type": "application/merge-patch+json", "Prefer": "return=minimal"}, "body": {"more": 1}},
        {"method": "PUT", "path": "/api/accounts/second", "body": {"sum": 1, "iban": "X"}},
    ]);
    let refused = batch(&client, operations.clone()).await;
    let problem = refused.json();
    assert_eq!(
        (refused.status, &problem["operation"]),
        (409, &json!(4)),
        "{problem}"
    );
    assert_eq!(statuses(&problem["results"]), [424, 424, 424, 424, 409]);
    let mut operations = operations;
    operations[4]["body"]["iban"] = json!("Y");
    let done = batch(&client, operations).await;
    let results = done.json()["results"].clone();
    assert_eq!(statuses(&results), [204, 201, 201, 204, 201], "{results}");
    let place = results[1]["headers"]["location"].as_str().unwrap();
    assert_eq!(
        client.get(place).await.json(),
        json!({"sum": 1.5, "iban": "X"})
    );
    let note = client.get("/api/notes/n").await;
    assert_eq!(
        (note.json(), note.header("document-version")),
        (json!({"text": "a", "more": 1}), Some("2"))
    );
}

/// What is wrong with one operation by itself is told beside what would become of the others.
#[tokio::test]
async fn a_batch_with_an_invalid_operation_is_refused_whole() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let tag = client.create("/api/accounts/a", r#"{"sum":1}"#).await;
    let refused = batch(
        &client,
        json!([
            put("/api/accounts/a", &tag, json!({"sum": 2})),
            put("/api/accounts/a", "\"x\"", json!({"sum": 2})),
            put("/api/accounts/b", "*", json!({"sum": "none"})),
            {"method": "PUT", "path": "/api/accounts/c", "body": {}},
            {"method": "PUT", "path": "/api/nowhere/c", "body": {}},
            {"method": "PATCH", "path": "/api/accounts/a", "headers": {"Content-Type": "text/plain"}, "body": {}},
        ]),
    )
    .await;
    let problem = refused.json();
    assert_eq!(
        statuses(&problem["results"]),
        [424, 409, 409, 422, 404, 415],
        "{problem}"
    );
    assert_eq!((refused.status, &problem["operation"]), (409, &json!(1)));
    assert_eq!(
        problem["results"][3]["body"]["violations"][0]["path"],
        "/sum"
    );
    assert_eq!(problem["results"][3]["body"]["instance"], "/api/accounts/c");
    assert_eq!(client.get("/api/accounts/a").await.tag(), tag);
}

#[tokio::test]
async fn without_atomic_each_stands_for_itself() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let operations = json!({"operations": [
        {"method": "PUT", "path": "/api/accounts/a", "headers": {"Idempotency-Key": "\"k\""}, "body": {"sum": 1}},
        {"method": "PUT", "path": "/api/accounts/b", "body": {"sum": -1}},
        {"method": "PUT", "path": "/api/accounts/c", "body": {"sum": 1}},
    ]});
    let path = "/api/_batch?atomic=false";
    let answer = client.post(path, &operations.to_string()).send().await;
    assert_eq!(
        (answer.status, statuses(&answer.json()["results"])),
        (200, vec![201, 409, 201])
    );
    let again = client
        .post(path, &operations.to_string())
        .send()
        .await
        .json();
    assert_eq!(statuses(&again["results"]), [201, 409, 428]);
    assert_eq!(
        again["results"][0]["headers"]["idempotent-replayed"],
        "true"
    );
    let keyed = client.post(path, &operations.to_string());
    let keyed = keyed.header("Idempotency-Key", "\"k\"").send().await;
    assert_eq!(
        (keyed.status, &keyed.json()["header"]),
        (400, &json!("Idempotency-Key"))
    );
}

#[tokio::test]
async fn a_batch_is_performed_once() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let operations = json!({"operations": [
        {"method": "POST", "path": "/api/notes", "body": {"n": 1}},
        {"method": "POST", "path": "/api/notes", "body": {"n": 2}},
    ]});
    let send = |client: &Client, body: &Value| {
        let ask = client.post("/api/_batch", &body.to_string());
        ask.header("Idempotency-Key", "\"both\"").send()
    };
    let first = send(&client, &operations).await;
    let server = Server::start_in(server.crash());
    let client = server.client();
    let second = send(&client, &operations).await;
    assert_eq!((first.status, first.json()), (200, second.json()));
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    let list = client.get("/api/notes").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let reused = send(
        &client,
        &json!({"operations": [operations["operations"][0]]}),
    )
    .await;
    assert_eq!(reused.status, 422);
}

#[tokio::test]
async fn a_thousand_operations_are_one_commit() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let operation =
        |n: usize| json!({"method": "PUT", "path": format!("/api/notes/{n}"), "body": {"n": n}});
    let operations: Vec<_> = (0..1000).map(operation).collect();
    let done = batch(&client, json!(operations)).await;
    assert_eq!(done.status, 200);
    assert!(
        statuses(&done.json()["results"])
            .iter()
            .all(|status| *status == 201)
    );
    let last = client.get("/api/_changes?since=now").await.json();
    assert!(last["last"].as_str().unwrap().starts_with("1000-"));
    let exact = r#"{"operations":[{"method":"PUT","path":"/api/notes/x","body":{"n":1.50}}]}"#;
    client.post("/api/_batch", exact).send().await;
    assert_eq!(
        client.get("/api/notes/x").await.text(),
        r#"{"n":1.50}"#,
        "digits are kept"
    );
    let many: Vec<_> = (0..1001).map(operation).collect();
    let refused = batch(&client, json!(many)).await;
    assert_eq!(
        (refused.status, &refused.json()["member"]),
        (400, &json!("/operations"))
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_batch_names_its_place() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let cases = [
        (json!({}), "/operations"),
        (json!({"operations": []}), "/operations"),
        (json!({"operations": [7]}), "/operations/0"),
        (json!({"operations": [], "atomic": true}), "/atomic"),
        (
            json!({"operations": [{"method": "GET", "path": "/api/notes/1"}]}),
            "/operations/0/method",
        ),
        (
            json!({"operations": [{"method": "PUT"}]}),
            "/operations/0/path",
        ),
        (
            json!({"operations": [{"method": "PUT", "path": "/api/notes/1", "data": 1}]}),
            "/operations/0/data",
        ),
        (
            json!({"operations": [{"method": "PUT", "path": "/api/notes/1", "headers": {"If-Match": 7}}]}),
            "/operations/0/headers/If-Match",
        ),
        (
            json!({"operations": [{"method": "PUT", "path": "/api/notes/1", "headers": {"Authorization": "x"}}]}),
            "/operations/0/headers/Authorization",
        ),
        (
            json!({"operations": [{"method": "PUT", "path": "/api/notes/1", "headers": {"Idempotency-Key": "x"}}]}),
            "/operations/0/headers/Idempotency-Key",
        ),
    ];
    for (body, member) in cases {
        let refused = client.post("/api/_batch", &body.to_string()).send().await;
        assert_eq!(
            (refused.status, &refused.json()["member"]),
            (400, &json!(member)),
            "{body}"
        );
    }
    let elsewhere = [
        "/api/notes",
        "/api/notes/1/versions",
        "/healthz",
        "/spaces/other/api/notes/1",
        "notes/1",
    ];
    for path in elsewhere {
        let refused = batch(
            &client,
            json!([{"method": "PUT", "path": path, "body": {}}]),
        )
        .await;
        assert_eq!(refused.status, 400, "{path}");
    }
}

fn delete(path: &str, tag: &str) -> Value {
    json!({"method": "DELETE", "path": path, "headers": {"If-Match": tag}})
}

/// The refusal of operation `operation` of a batch that rests on the one before it. What it says
/// is current is stored, and nothing else is.
async fn refused_after(client: &Client, operations: Value, operation: usize) -> Value {
    let path = operations[operation]["path"].as_str().unwrap().to_owned();
    let before = client.get(&path).await;
    let refused = batch(client, operations).await;
    let problem = refused.json();
    assert_eq!(problem["operation"], operation, "{problem}");
    assert_eq!(problem["rests_on"], operation - 1, "{problem}");
    let after = client.get(&path).await;
    assert_eq!((before.status, &before.body), (after.status, &after.body));
    if let Some(tag) = problem["current_etag"].as_str() {
        assert_eq!(tag, after.tag(), "{problem}");
    }
    problem
}

#[tokio::test]
async fn a_refusal_that_rests_on_an_earlier_operation_names_it_and_what_is_stored() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let (a, strict) = ("/api/accounts/a", json!({"sum": 1}));
    let tag = client.create(a, r#"{"sum":0}"#).await;
    let patch = json!({"method": "PATCH", "path": a, "body": {"sum": 2}, "headers":
        {"If-Match": tag, "Content-Type": "application/merge-patch+json"}});
    let after_deletion = [put(a, &tag, strict.clone()), patch.clone(), delete(a, &tag)];
    for second in after_deletion {
        let problem = refused_after(&client, json!([delete(a, &tag), second]), 1).await;
        assert_eq!(problem["error"], "DeletedConflict", "{problem}");
        let logged = client.get(problem["results"][1]["body"]["logged"].as_str().unwrap());
        assert_eq!(logged.await.json()["kind"], "deleted");
    }
    for second in [put(a, &tag, strict.clone()), patch, delete(a, &tag)] {
        let first = put(a, &tag, json!({"sum": 5}));
        let problem = refused_after(&client, json!([first, second]), 1).await;
        assert_eq!(problem["error"], "UpdateConflict", "{problem}");
        assert_eq!(problem["current"], json!({"sum": 0}), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("Operation 0"), "{detail}");
    }
    let create = json!({"method": "PUT", "path": "/api/accounts/new", "body": strict,
        "headers": {"If-None-Match": "*"}});
    let problem = refused_after(&client, json!([create, create]), 1).await;
    assert_eq!(
        (problem["status"].as_u64(), &problem["current_version"]),
        (Some(412), &Value::Null)
    );
}

#[tokio::test]
async fn a_unique_key_that_the_batch_itself_takes_has_no_holder_elsewhere() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let post = json!({"method": "POST", "path": "/api/accounts", "body": {"sum": 1, "iban": "X"}});
    let problem = batch(&client, json!([post, post])).await.json();
    assert_eq!(
        (&problem["operation"], &problem["rests_on"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(problem["error"], "DuplicateEntry", "{problem}");
    assert!(problem.get("existing").is_none(), "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("Operation 0"),
        "{problem}"
    );
}

#[tokio::test]
async fn what_builds_on_a_refused_operation_is_not_performed_and_refused_batches_are_counted() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let operations = json!([
        {"method": "PUT", "path": "/api/accounts/a", "body": {"sum": -1}},
        {"method": "PATCH", "path": "/api/accounts/a", "body": {"x": 1}, "headers":
            {"If-Match": "*", "Content-Type": "application/merge-patch+json"}},
    ]);
    let problem = batch(&client, operations).await.json();
    assert_eq!(statuses(&problem["results"]), [409, 424], "{problem}");
    let metrics = client.get("/metrics").await;
    let counted = [
        r#"detente_writes_total{collection="accounts",outcome="refused"} 1"#,
        r#"detente_conflicts_total{collection="accounts",kind="state-conflict"} 1"#,
    ];
    for line in counted {
        assert!(metrics.text().contains(line), "{line}: {}", metrics.text());
    }
}

/// The seq that the deletion would have had is that of another document's version by then.
#[tokio::test]
async fn the_log_keeps_no_version_that_never_came_to_be() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let a = "/api/accounts/a";
    let tag = client.create(a, r#"{"sum":0}"#).await;
    let operations = json!([delete(a, &tag), put(a, &tag, json!({"sum": 1}))]);
    let problem = batch(&client, operations).await.json();
    assert_eq!(problem["current_version"], 1, "{problem}");
    client
        .create("/api/notes/other", r#"{"unrelated":1}"#)
        .await;
    let logged = problem["results"][1]["body"]["logged"].as_str().unwrap();
    let entry = client.get(logged).await.json();
    assert_eq!(entry["current_version"], 1, "{entry}");
    assert_eq!(entry["current"], json!({"sum": 0}), "{entry}");
}

#[tokio::test]
async fn a_refusal_that_would_be_the_same_without_the_batch_rests_on_nothing() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let (a, b) = ("/api/accounts/a", "/api/accounts/b");
    let old = client.create(a, r#"{"sum":0}"#).await;
    let tag = client.put(a, r#"{"sum":1}"#).if_match(&old).by("bob");
    let tag = tag.send().await.tag();
    let stale = json!([
        put(a, &tag, json!({"sum": 2})),
        put(a, &old, json!({"sum": 3}))
    ]);
    let problem = batch(&client, stale).await.json();
    assert!(problem.get("rests_on").is_none(), "{problem}");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("bob saved version 2"),
        "{problem}"
    );
    let holder = client.create(b, r#"{"sum":0,"iban":"X"}"#).await;
    let unique = json!([put(b, &holder, json!({"sum": 1, "iban": "X"})),
        {"method": "POST", "path": "/api/accounts", "body": {"sum": 1, "iban": "X"}}]);
    let problem = batch(&client, unique).await.json();
    assert!(problem.get("rests_on").is_none(), "{problem}");
    assert_eq!(problem["existing"]["id"], "b", "{problem}");
    client
        .post(&format!("{a}/lock"), "{}")
        .by("eve")
        .send()
        .await;
    let locked = json!([
        put(b, &holder, json!({"sum": 1})),
        put(a, &tag, json!({"sum": 2}))
    ]);
    let problem = batch(&client, locked).await.json();
    assert_eq!(
        (&problem["error"], problem.get("rests_on")),
        (&json!("Locked"), None)
    );
    let patch = |path: &str| {
        json!({"method": "PATCH", "path": path, "body": {}, "headers":
        {"If-Match": "*", "Content-Type": "application/merge-patch+json"}})
    };
    let gone = "/api/accounts/gone";
    let missing = batch(&client, json!([patch(gone), patch(gone)]))
        .await
        .json();
    assert_eq!(statuses(&missing["results"]), [404, 404], "{missing}");
}

/// What counts is who has a unique value in the end.
#[tokio::test]
async fn unique_values_can_be_swapped_shifted_and_taken_before_they_are_given_up() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let paths = ["/api/accounts/a", "/api/accounts/b", "/api/accounts/c"];
    let account = |iban: &str| json!({"sum": 1, "iban": iban});
    let mut tags = Vec::new();
    for (path, iban) in paths.iter().zip(["A", "B", "C"]) {
        tags.push(client.create(path, &account(iban).to_string()).await);
    }
    let ibans = async || {
        let mut found = String::new();
        for path in paths {
            let document = client.get(path).await.json();
            found += document["iban"].as_str().unwrap_or("-");
        }
        found
    };
    let any = |at: usize, iban: &str| put(paths[at], "*", account(iban));
    let delete =
        |at: usize| json!({"method": "DELETE", "path": paths[at], "headers": {"If-Match": "*"}});
    // (operations, the values that they leave)
    let allowed = [
        (json!([any(0, "B"), any(1, "A")]), "BAC"),
        (json!([any(0, "A"), any(1, "C"), any(2, "B")]), "ACB"),
        (json!([any(0, "C"), any(1, "X")]), "CXB"),
        // By a detour: what a document had in between counts for nothing.
        (json!([any(0, "B"), any(1, "B"), any(0, "Y")]), "-"),
        (
            json!([any(0, "X"), any(1, "C"), any(0, "Z"), any(1, "X")]),
            "ZXB",
        ),
        (json!([any(0, "B"), delete(2)]), "BX-"),
    ];
    for (operations, left) in allowed {
        let answer = batch(&client, operations.clone()).await;
        if left == "-" {
            assert_eq!(answer.status, 409, "{operations}: c has B");
            continue;
        }
        assert_eq!(answer.status, 200, "{operations}: {}", answer.json());
        assert_eq!(ibans().await, left, "{operations}");
    }
    // Whatever moved, the keys are held by those who have the values.
    let taken = client.put(paths[2], &account("X").to_string());
    let taken = taken.header("If-None-Match", "*").send().await;
    assert_eq!(
        (taken.status, &taken.json()["existing"]["id"]),
        (409, &json!("b"))
    );
    let free = client.put(paths[2], &account("A").to_string());
    assert_eq!(free.header("If-None-Match", "*").send().await.status, 201);
}

/// Whoever had a value first keeps it, and nothing is stored.
#[tokio::test]
async fn two_that_would_have_one_unique_value_in_the_end_are_refused() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let account = |iban: &str| json!({"sum": 1, "iban": iban});
    for (id, iban) in [("a", "A"), ("b", "B")] {
        let path = format!("/api/accounts/{id}");
        client.create(&path, &account(iban).to_string()).await;
    }
    let any = |id: &str, iban: &str| put(&format!("/api/accounts/{id}"), "*", account(iban));
    let create = |id: &str, iban: &str| {
        json!({
            "method": "PUT", "path": format!("/api/accounts/{id}"), "body": account(iban)
        })
    };
    // (operations, the one that is refused, what the detail says)
    let refused = [
        (json!([any("a", "B"), any("b", "B")]), 0, "b already has"),
        (
            json!([create("x", "A"), any("a", "C"), any("a", "A")]),
            2,
            "Operation 0 of this batch takes the same iban first",
        ),
        (
            json!([create("x", "X"), create("y", "X")]),
            1,
            "Operation 0 of this batch takes the same iban first",
        ),
        (
            json!([any("a", "B"), any("b", "C"), create("x", "B")]),
            2,
            "Operation 0 of this batch takes the same iban first",
        ),
    ];
    for (operations, operation, says) in refused {
        let problem = batch(&client, operations.clone()).await.json();
        assert_eq!(
            problem["error"], "DuplicateEntry",
            "{operations}: {problem}"
        );
        assert_eq!(problem["operation"], operation, "{operations}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(says), "{detail}");
    }
    assert_eq!(client.get("/api/accounts/a").await.json()["iban"], "A");
    assert_eq!(client.get("/api/accounts/x").await.status, 404);
}
