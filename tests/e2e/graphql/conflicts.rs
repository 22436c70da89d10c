use serde_json::{Value, json};

use super::{ask, data, error};
use crate::client::Client;
use crate::server::Server;

const CONFIG: &str = r#"
[collections.notes]
[collections.notes.merge]
"/tags" = "set"
[[collections.notes.unique]]
name = "slug"
fields = ["/slug"]
[[collections.notes.rules]]
name = "OutOfStock"
check = "!has(self.stock) || self.stock >= 0"
message = "{id} is out of stock"
[collections.orders.lifecycle]
field = "/status"
initial = ["draft"]
[collections.orders.lifecycle.states]
draft = ["paid"]
paid = []
"#;

const REPLACE: &str = "mutation($id: ID!, $tag: String!, $data: JSON!, $on: OnConflict, $lock: String, $key: String) {
    it: replaceNote(id: $id, ifMatch: $tag, data: $data, onConflict: $on, lockToken: $lock, idempotencyKey: $key) {
        id version etag json outcome { isCreated isReplayed merged { baseVersion ontoVersion places { path strategy } } } } }";

/// A problem without what differs between two requests.
fn plain(problem: &Value) -> Value {
    let mut problem = problem.clone();
    for member in ["instance", "logged"] {
        problem.as_object_mut().unwrap().remove(member);
    }
    problem
}

/// Whatever REST refuses is refused with the same problem.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_all_that_rest_says() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let first = client
        .create("/api/notes/1", r#"{"text":"a","slug":"s","n":1}"#)
        .await;
    let second = client
        .put("/api/notes/1", r#"{"text":"b","slug":"s","n":1}"#)
        .if_match(&first)
        .send()
        .await
        .tag();
    client
        .create("/api/notes/2", r#"{"slug":"t","stock":1}"#)
        .await;
    let gone = client.create("/api/notes/3", "{}").await;
    client
        .ask("DELETE", "/api/notes/3")
        .if_match(&gone)
        .send()
        .await;
    client.create("/api/notes/4", "{}").await;
    let locked = client
        .post("/api/notes/4/lock", r#"{"ttl_s":600}"#)
        .send()
        .await
        .json();
    client
        .create("/api/orders/1", r#"{"status":"draft"}"#)
        .await;
    client
        .merge_patch("/api/orders/1", r#"{"status":"paid"}"#)
        .if_match("*")
        .send()
        .await;
    let cases = [
        // (code, path, If-Match, document)
        (
            "UPDATE_CONFLICT",
            "notes/1",
            first.as_str(),
            json!({"text": "c", "slug": "s", "n": 2}),
        ),
        ("UPDATE_CONFLICT", "notes/1", "\"9-1\"", json!({})),
        ("UPDATE_CONFLICT", "notes/1", "W/\"1-1\"", json!({})),
        ("DUPLICATE_ENTRY", "notes/1", &second, json!({"slug": "t"})),
        (
            "OUT_OF_STOCK",
            "notes/2",
            "*",
            json!({"slug": "t", "stock": -1}),
        ),
        ("DELETED_CONFLICT", "notes/3", &gone, json!({"a": 1})),
        ("LOCKED", "notes/4", "*", json!({"a": 1})),
        ("VALIDATION_FAILED", "notes/1", "*", json!([])),
        (
            "STATE_CONFLICT",
            "orders/1",
            "*",
            json!({"status": "draft"}),
        ),
    ];
    for (code, path, tag, document) in cases {
        let rest = client
            .put(&format!("/api/{path}"), &document.to_string())
            .if_match(tag)
            .send()
            .await;
        let (collection, id) = path.split_once('/').unwrap();
        let one = if collection == "notes" {
            "Note"
        } else {
            "Order"
        };
        let query = format!(
            "mutation($tag: String!, $data: JSON!) {{ a: __typename it: replace{one}(id: {id}, ifMatch: $tag, data: $data) {{ id }} }}"
        );
        let answer = ask(&client, &query, json!({"tag": tag, "data": document})).await;
        assert_eq!(answer.status, 200);
        let answer = answer.json();
        assert_eq!(answer["data"], json!({"a": "Mutation", "it": null}));
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], code, "{path}: {error:#}");
        assert_eq!(error["extensions"]["status"], rest.status, "{path}");
        assert_eq!(
            plain(&error["extensions"]["problem"]),
            plain(&rest.json()),
            "{path}"
        );
        assert_eq!(error["path"], json!(["it"]));
        assert_eq!(error["extensions"]["problem"]["instance"], "/graphql");
    }
    // Over the lock with its token.
    let token = &locked["token"];
    let written = data(
        &client,
        REPLACE,
        json!({"id": 4, "tag": "*", "data": {"a": 1}, "lock": token}),
    )
    .await;
    assert_eq!(written["it"]["version"], 2);
    // Without a condition, where one is needed: not by the schema for a collection that says so itself.
    let answer = ask(
        &client,
        "mutation { replaceNote(id: 1, data: {}) { id } }",
        json!({}),
    )
    .await
    .json();
    assert_eq!(
        answer["errors"][0]["extensions"]["code"],
        "GRAPHQL_VALIDATION_FAILED"
    );
    assert!(answer.get("data").is_none());
}

/// One round trip: the refusal has all that the next write needs.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_resolved_from_its_refusal_alone() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let first = client
        .create("/api/notes/1", r#"{"text":"a","tags":["x"]}"#)
        .await;
    let by_rest = client
        .put("/api/notes/1", r#"{"text":"b","tags":["x","y"]}"#)
        .if_match(&first)
        .by("ann")
        .send()
        .await;
    assert_eq!(by_rest.status, 200);
    let mine = json!({"text": "c", "tags": ["x", "z"]});
    let refused = error(
        &client,
        REPLACE,
        json!({"id": 1, "tag": first, "data": mine}),
    )
    .await;
    let problem = &refused["extensions"]["problem"];
    assert_eq!(problem["current"], json!({"text": "b", "tags": ["x", "y"]}));
    assert_eq!(problem["conflicts"][0]["path"], "/text");
    assert_eq!(problem["changes_since"][0]["by"], "ann");
    let resolved = json!({"text": "b and c", "tags": ["x", "y", "z"]});
    let saved = data(
        &client,
        REPLACE,
        json!({"id": 1, "tag": problem["current_etag"], "data": resolved}),
    )
    .await;
    assert_eq!(
        (&saved["it"]["version"], &saved["it"]["json"]),
        (&json!(3), &resolved)
    );
    // Its edit is in the log, by both faces, and can be settled.
    let logged = problem["logged"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let read = data(
        &client,
        "query($id: ID!) { conflict(id: $id) { conflict { kind by method outcome paths baseVersion } edit base current conflicts }
            conflicts(document: 1) { nodes { id } pageInfo { hasNextPage } } note(id: 1) { conflicts { id } } }",
        json!({"id": logged}),
    )
    .await;
    assert_eq!(read["conflict"]["edit"], json!({"document": mine}));
    assert_eq!(read["conflict"]["conflict"]["outcome"], "OPEN");
    assert_eq!(read["conflicts"]["nodes"], json!([{"id": logged}]));
    assert_eq!(read["note"]["conflicts"], json!([{"id": logged}]));
    let stored = data(
        &client,
        "mutation($id: ID!, $current: String) { resolveConflict(id: $id, choices: {_: \"yours\"}, current: $current) { id } }"
            .replace("{_: \"yours\"}", "$choices")
            .replace("$current: String)", "$current: String, $choices: JSON)")
            .as_str(),
        json!({"id": logged, "current": "3", "choices": {"/text": "yours"}}),
    )
    .await;
    assert_eq!(stored["resolveConflict"]["id"], "1");
    let now = client.get("/api/notes/1").await.json();
    assert_eq!(now["text"], "c");
    let again = error(
        &client,
        "mutation($id: ID!) { dismissConflict(id: $id, reason: \"late\") { id } }",
        json!({"id": logged}),
    )
    .await;
    assert_eq!(again["extensions"]["code"], "CONFLICT_SETTLED");
}

/// No answer gives away the tag of a version without that version.
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_comes_with_its_version_or_is_that_of_what_was_sent() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let first = client.create("/api/notes/1", r#"{"a":1,"b":1}"#).await;
    client
        .put("/api/notes/1", r#"{"a":2,"b":1}"#)
        .if_match(&first)
        .send()
        .await;
    let merged = |fields: &str| {
        format!(
            "mutation($tag: String!, $b: JSON!) {{ it: patchNote(id: 1, ifMatch: $tag, patch: $b, onConflict: MERGE) {{ version etag {fields} }} }}"
        )
    };
    let blind = data(
        &client,
        &merged("outcome { merged { baseVersion ontoVersion } }"),
        json!({"tag": first, "b": {"b": 2}}),
    )
    .await;
    assert_eq!(
        blind["it"],
        json!({"version": 3, "etag": null, "outcome": {"merged": {"baseVersion": 1, "ontoVersion": 2}}})
    );
    let seeing = data(
        &client,
        &merged("json"),
        json!({"tag": first, "b": {"b": 2, "c": 1}}),
    )
    .await;
    assert!(seeing["it"]["etag"].is_string(), "{seeing}");
    assert_eq!(seeing["it"]["json"], json!({"a": 2, "b": 2, "c": 1}));
    let tag = &seeing["it"]["etag"];
    // What was sent is known.
    let known = data(
        &client,
        "mutation($tag: String!) { it: replaceNote(id: 1, ifMatch: $tag, data: {a: 9}) { etag } }",
        json!({"tag": tag}),
    )
    .await;
    assert!(known["it"]["etag"].is_string());
    // What is patched over whatever there is, is not.
    let unknown = data(
        &client,
        "mutation { it: patchNote(id: 1, ifMatch: \"*\", patch: {x: 1}) { etag version } }",
        json!({}),
    )
    .await;
    assert_eq!(unknown["it"]["etag"], Value::Null);
}

/// Under one key both faces perform one request once.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_one_request_by_either_face() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let first = client.create("/api/notes/1", r#"{"a":1}"#).await;
    let variables = json!({"id": 1, "tag": first, "data": {"a": 2}, "key": "k1"});
    let one = data(&client, REPLACE, variables.clone()).await;
    let two = data(&client, REPLACE, variables.clone()).await;
    assert_eq!(one["it"]["version"], two["it"]["version"]);
    assert_eq!(
        (
            &one["it"]["outcome"]["isReplayed"],
            &two["it"]["outcome"]["isReplayed"]
        ),
        (&json!(false), &json!(true))
    );
    let by_rest = client
        .put("/api/notes/1", r#"{"a":2}"#)
        .if_match(&first)
        .header("Idempotency-Key", "\"k1\"")
        .send()
        .await;
    assert_eq!(
        (by_rest.status, by_rest.header("idempotent-replayed")),
        (200, Some("true"))
    );
    let other = error(
        &client,
        REPLACE,
        json!({"id": 1, "tag": first, "data": {"a": 3}, "key": "k1"}),
    )
    .await;
    assert_eq!(other["extensions"]["code"], "IDEMPOTENCY_KEY_REUSE");
    let create = "mutation { createNote(data: {b: 1}, idempotencyKey: \"k2\") { id outcome { isReplayed } } }";
    let (one, two) = (
        data(&client, create, json!({})).await,
        data(&client, create, json!({})).await,
    );
    assert_eq!(one["createNote"]["id"], two["createNote"]["id"]);
    assert_eq!(two["createNote"]["outcome"]["isReplayed"], true);
    let by_rest = client
        .post("/api/notes", r#"{"b":1}"#)
        .header("Idempotency-Key", "\"k2\"")
        .send()
        .await;
    assert_eq!(by_rest.header("idempotent-replayed"), Some("true"));
}

const BATCH: &str = "mutation($operations: [BatchOperation!]!, $key: String) {
    batch(operations: $operations, idempotencyKey: $key) { id version isDeletion document { __typename json etag ... on Note { data } outcome { isReplayed } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_performed_whole_or_not_at_all() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let tag = client.create("/api/notes/1", r#"{"a":1}"#).await;
    client.create("/api/notes/2", "{}").await;
    let operations = json!([
        {"createNote": {"id": "3", "data": {"a": 3}}},
        {"replaceNote": {"id": "1", "ifMatch": tag, "data": {"a": 2}}},
        {"patchOrder": {"id": "none", "ifMatch": "*", "patch": {"status": "paid"}}},
        {"deleteNote": {"id": "2", "ifMatch": "*"}},
    ]);
    let refused = error(&client, BATCH, json!({"operations": operations})).await;
    let problem = &refused["extensions"]["problem"];
    assert_eq!(
        (&refused["extensions"]["code"], &problem["operation"]),
        (&json!("NOT_FOUND"), &json!(2))
    );
    let statuses: Vec<_> = problem["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [424, 424, 404, 424]);
    assert_eq!(client.get("/api/notes/3").await.status, 404);
    let mut operations = operations.as_array().unwrap().clone();
    operations.remove(2);
    let variables = json!({"operations": operations, "key": "b1"});
    let done = data(&client, BATCH, variables.clone()).await;
    assert_eq!(
        done["batch"],
        json!([
            {"id": "3", "version": 1, "isDeletion": false, "document": {"__typename": "Note", "json": {"a": 3},
                "etag": done["batch"][0]["document"]["etag"], "data": {"a": 3}, "outcome": {"isReplayed": false}}},
            {"id": "1", "version": 2, "isDeletion": false, "document": {"__typename": "Note", "json": {"a": 2},
                "etag": done["batch"][1]["document"]["etag"], "data": {"a": 2}, "outcome": {"isReplayed": false}}},
            {"id": "2", "version": 2, "isDeletion": true, "document": null},
        ])
    );
    let again = data(&client, BATCH, variables).await;
    assert_eq!(again["batch"][0]["document"]["outcome"]["isReplayed"], true);
    for (operations, place) in [
        (json!([]), "operations must have 1 to 1000"),
        (json!([{}]), "/operations/0 must have one member"),
        (
            json!([{"createNote": {"data": {}}, "deleteNote": {"id": 1, "ifMatch": "*"}}]),
            "/operations/0 must have one member",
        ),
    ] {
        let error = error(&client, BATCH, json!({"operations": operations})).await;
        assert!(
            error["message"].as_str().unwrap().starts_with(place),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_edit_is_merged_and_previewed() {
    let server = Server::with_config(CONFIG);
    let client: Client = server.client();
    client
        .create("/api/notes/1", r#"{"text":"a","tags":["x"],"n":1}"#)
        .await;
    client
        .put("/api/notes/1", r#"{"text":"b","tags":["x","y"],"n":1}"#)
        .if_match("*")
        .send()
        .await;
    let arguments = "id: 1, base: \"1\", document: {text: \"c\", tags: [\"x\", \"z\"], n: 2}";
    let preview = data(&client, &format!("{{ noteMerge({arguments}) {{ mergeable baseVersion currentVersion document conflicts joined }} }}"), json!({})).await;
    let preview = &preview["noteMerge"];
    assert_eq!(
        (
            &preview["mergeable"],
            &preview["baseVersion"],
            &preview["currentVersion"]
        ),
        (&json!(false), &json!(1), &json!(2))
    );
    assert_eq!(preview["conflicts"][0]["path"], "/text");
    let refused = error(
        &client,
        &format!("mutation {{ mergeNote({arguments}) {{ id }} }}"),
        json!({}),
    )
    .await;
    assert_eq!(refused["extensions"]["code"], "UPDATE_CONFLICT");
    let merged = data(
        &client,
        &format!("mutation($choices: JSON) {{ mergeNote({arguments}, choices: $choices, current: \"2\") {{ version json outcome {{ merged {{ places {{ path strategy }} }} }} }} }}"),
        json!({"choices": {"/text": {"value": "d"}}}),
    )
    .await;
    let merged = &merged["mergeNote"];
    assert_eq!(
        merged["json"],
        json!({"text": "d", "tags": ["x", "y", "z"], "n": 2})
    );
    assert_eq!(
        merged["outcome"]["merged"]["places"],
        json!([{"path": "/tags", "strategy": "set"}])
    );
}
