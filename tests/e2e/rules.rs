use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::server::{Folder, Server, program};

const CONFIG: &str = r#"
[collections.users]
schema = { type = "object", required = ["email"], properties = { email = { type = "string" }, age = { type = "integer", minimum = 0 }, tags = { type = "array", items = { type = "string" } } } }
[[collections.users.unique]]
name = "email"
fields = ["/email"]
ignore_case = true
message = "A user with email '{/email}' already exists"
[[collections.users.unique]]
name = "name-in-team"
fields = ["/team", "/name"]

[[collections.deployments.unique]]
name = "one-in-progress"
fields = ["/environment"]
where = "self.status in ['pending', 'running']"
error = "DeploymentInProgress"

[collections.orders.lifecycle]
field = "/status"
initial = ["draft"]
[collections.orders.lifecycle.states]
draft = ["paid", "cancelled"]
paid = ["shipped", "cancelled"]
shipped = []
cancelled = []
[[collections.orders.rules]]
name = "OrderAlreadyShipped"
when = "oldSelf.status == 'shipped'"
check = "self == oldSelf"
message = "Order {id} has already shipped"
[[collections.orders.rules]]
name = "KeptForEver"
check = "oldSelf.status != 'paid' || has(oldSelf.refunded)"
"#;

#[tokio::test]
async fn a_schema_tells_every_violation() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let answer = client
        .put("/api/users/1", r#"{"age":-1,"tags":["x",7]}"#)
        .send()
        .await;
    assert_eq!(answer.status, 422);
    let problem = answer.json();
    let mut found: Vec<_> = problem["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|violation| {
            (
                violation["path"].as_str().unwrap().to_owned(),
                violation["keyword"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    found.sort();
    let expected = [
        ("/age", "minimum"),
        ("/email", "required"),
        ("/tags/1", "type"),
    ];
    assert_eq!(
        found,
        expected.map(|(path, keyword)| (path.to_owned(), keyword.to_owned()))
    );
    let tag = client.create("/api/users/1", r#"{"email":"a@b"}"#).await;
    let patched = client
        .merge_patch("/api/users/1", r#"{"age":1.5}"#)
        .if_match(&tag)
        .send()
        .await;
    assert_eq!(patched.status, 422, "what a patch makes is checked too");
    // What is wrong whatever the state is told first: also when the tag is stale.
    let both = client
        .put("/api/users/1", "{}")
        .if_match("\"stale\"")
        .send()
        .await;
    assert_eq!(both.status, 422);
}

#[tokio::test]
async fn unique_keys_name_their_holder_and_all_at_once() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    client
        .create(
            "/api/users/ann",
            r#"{"email":"Ann@Example.org","team":1,"name":"A"}"#,
        )
        .await;
    client
        .create(
            "/api/users/ben",
            r#"{"email":"ben@example.org","team":2,"name":"A"}"#,
        )
        .await;
    let answer = client
        .put(
            "/api/users/3",
            r#"{"email":"ANN@example.ORG","team":2.0,"name":"A"}"#,
        )
        .send()
        .await;
    assert_eq!(answer.status, 409);
    let problem = answer.json();
    assert_eq!(problem["error"], "DuplicateEntry");
    assert_eq!(
        problem["message"],
        "A user with email 'ANN@example.ORG' already exists"
    );
    assert_eq!(
        (&problem["field"], &problem["constraint"]),
        (&json!("email"), &json!("email"))
    );
    assert_eq!(
        problem["existing"],
        json!({"id": "ann", "href": "/api/users/ann"})
    );
    assert_eq!(problem["violations"][1]["fields"], json!(["team", "name"]));
    assert_eq!(problem["violations"][1]["existing"]["id"], "ben");
    assert_eq!(problem["violations"].as_array().unwrap().len(), 2);
    // A document does not collide with itself; a key that is given up is free.
    let own = client
        .merge_patch("/api/users/ann", r#"{"email":"ann@example.org"}"#)
        .if_match("*");
    assert_eq!(own.send().await.status, 200);
    let moved = client
        .merge_patch("/api/users/ann", r#"{"email":"new@example.org"}"#)
        .if_match("*");
    assert_eq!(moved.send().await.status, 200);
    client
        .create("/api/users/4", r#"{"email":"ann@example.org"}"#)
        .await;
    client
        .ask("DELETE", "/api/users/4")
        .if_match("*")
        .send()
        .await;
    client
        .create("/api/users/5", r#"{"email":"ann@example.org"}"#)
        .await;
    // Another space is another world.
    client
        .create(
            "/spaces/other/api/users/1",
            r#"{"email":"ann@example.org"}"#,
        )
        .await;
}

#[tokio::test]
async fn conditional_keys_exist_while_their_condition_holds() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let running = r#"{"environment":"prod","status":"running"}"#;
    client.create("/api/deployments/1", running).await;
    let refused = client.put("/api/deployments/2", running).send().await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (409, &json!("DeploymentInProgress"))
    );
    client
        .create(
            "/api/deployments/3",
            r#"{"environment":"test","status":"running"}"#,
        )
        .await;
    let done = client
        .merge_patch("/api/deployments/1", r#"{"status":"done"}"#)
        .if_match("*");
    assert_eq!(done.send().await.status, 200);
    client.create("/api/deployments/2", running).await;
    let back = client
        .merge_patch("/api/deployments/1", r#"{"status":"running"}"#)
        .if_match("*");
    assert_eq!(back.send().await.json()["existing"]["id"], "2");
}

#[tokio::test]
async fn lifecycles_and_rules_name_the_state_and_the_steps() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let started = client
        .put("/api/orders/1", r#"{"status":"paid"}"#)
        .send()
        .await;
    let problem = started.json();
    assert_eq!(
        (started.status, &problem["error"]),
        (409, &json!("StateConflict"))
    );
    assert_eq!(problem["allowed_transitions"], json!(["draft"]));
    client
        .create("/api/orders/1", r#"{"status":"draft"}"#)
        .await;
    let jump = client
        .merge_patch("/api/orders/1", r#"{"status":"shipped"}"#)
        .if_match("*")
        .send()
        .await;
    let problem = jump.json();
    assert_eq!(
        (&problem["rule"], &problem["current_state"]),
        (&json!("lifecycle"), &json!("draft"))
    );
    assert_eq!(problem["allowed_transitions"], json!(["paid", "cancelled"]));
    for status in ["paid", "shipped"] {
        let body = format!(r#"{{"status":"{status}","refunded":true}}"#);
        assert_eq!(
            client
                .put("/api/orders/1", &body)
                .if_match("*")
                .send()
                .await
                .status,
            200
        );
    }
    let late = client
        .merge_patch("/api/orders/1", r#"{"status":"cancelled"}"#)
        .if_match("*")
        .send()
        .await;
    let problem = late.json();
    assert_eq!(
        (late.status, &problem["error"]),
        (409, &json!("OrderAlreadyShipped"))
    );
    assert_eq!(problem["message"], "Order 1 has already shipped");
    assert_eq!(
        (&problem["current_state"], &problem["allowed_transitions"]),
        (&json!("shipped"), &json!([]))
    );
    // A rule that asks only what was stored is judged on deletion, too.
    client
        .create("/api/orders/2", r#"{"status":"draft"}"#)
        .await;
    client
        .merge_patch("/api/orders/2", r#"{"status":"paid"}"#)
        .if_match("*")
        .send()
        .await;
    let deleted = client
        .ask("DELETE", "/api/orders/2")
        .if_match("*")
        .send()
        .await;
    assert_eq!(
        (deleted.status, &deleted.json()["error"]),
        (409, &json!("KeptForEver"))
    );
}

#[tokio::test]
async fn collections_that_are_not_declared_are_not_there() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    for (method, path) in [
        ("GET", "/api/nope"),
        ("PUT", "/api/nope/1"),
        ("GET", "/api/nope/_changes"),
    ] {
        let answer = client
            .ask(method, path)
            .header("Content-Type", "application/json")
            .send()
            .await;
        assert_eq!(answer.status, 404, "{method} {path}");
    }
}

/// A constraint that is new, changed or gone takes effect at the next start; stored documents that
/// break it are named, and nothing changes.
#[tokio::test]
async fn constraints_follow_the_configuration() {
    let server = Server::with_config("[collections.users]\n");
    let client = server.client();
    client.create("/api/users/1", r#"{"email":"a@b"}"#).await;
    client.create("/api/users/2", r#"{"email":"A@b"}"#).await;
    let folder = server.stop();
    let with = |more: &str| {
        let unique = "[[collections.users.unique]]\nname = \"email\"\nfields = [\"/email\"]\n";
        std::fs::write(
            folder.path().join("detente.toml"),
            format!("{unique}{more}"),
        )
        .unwrap();
    };
    with("ignore_case = true\n");
    let refused = folder
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(
        text.contains("default/users: 1 and 2 have the same email"),
        "{text}"
    );
    with("");
    let server = Server::start_in(folder);
    let client = server.client();
    assert_eq!(
        client
            .put("/api/users/3", r#"{"email":"a@b"}"#)
            .send()
            .await
            .status,
        409
    );
    assert_eq!(
        client
            .put("/api/users/3", r#"{"email":"c@d"}"#)
            .send()
            .await
            .status,
        201
    );
    let folder = server.stop();
    std::fs::write(folder.path().join("detente.toml"), "[collections.users]\n").unwrap();
    let server = Server::start_in(folder);
    assert_eq!(
        server
            .client()
            .put("/api/users/4", r#"{"email":"c@d"}"#)
            .send()
            .await
            .status,
        201
    );
}

#[test]
fn every_mistake_of_a_configuration_is_told_with_its_place() {
    let folder = Folder::with_config(
        "[collections.a]\nschema = \"a.json\"\n[[collections.a.rules]]\nname = \"R\"\ncheck = \"self.x >\"\n[limit]\n",
    );
    std::fs::write(folder.path().join("a.json"), "{\n  \"type\": \"objct\"\n}").unwrap();
    let file = folder.path().join("detente.toml");
    let check = program()
        .args(["config", "check"])
        .arg(&file)
        .output()
        .unwrap();
    let text = String::from_utf8(check.stderr).unwrap();
    assert_eq!(check.status.code(), Some(2), "{text}");
    for place in [
        "detente.toml:5:",
        "detente.toml:6:2: unknown setting limit; did you mean limits?",
        "a.json:2:11:",
    ] {
        assert!(text.contains(place), "{place} in {text}");
    }
    let serve = folder.command(&["serve"]).output().unwrap();
    assert_eq!(serve.status.code(), Some(2));
    assert_eq!(String::from_utf8(serve.stderr).unwrap().lines().count(), 4);
    let fine = Folder::with_config(CONFIG);
    let check: &mut Command = &mut program();
    let check = check
        .args(["config", "check"])
        .arg(fine.path().join("detente.toml"))
        .output()
        .unwrap();
    assert!(
        check.status.success()
            && String::from_utf8(check.stdout)
                .unwrap()
                .contains("no mistakes; 3 collections")
    );
}

/// What is written while a constraint is not there is judged when it comes back.
#[tokio::test]
async fn a_constraint_that_was_away_is_judged_anew() {
    const UNIQUE: &str = "[[collections.users.unique]]\nname = \"email\"\nfields = [\"/email\"]\n";
    let server = Server::with_config(UNIQUE);
    server
        .client()
        .create("/api/users/1", r#"{"email":"x"}"#)
        .await;
    let folder = server.stop();
    let config = folder.path().join("detente.toml");
    std::fs::remove_file(&config).unwrap();
    let server = Server::start_in(folder);
    server
        .client()
        .create("/api/users/2", r#"{"email":"x"}"#)
        .await;
    let folder = server.stop();
    std::fs::write(&config, UNIQUE).unwrap();
    let refused = folder
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(
        text.contains("default/users: 1 and 2 have the same email"),
        "{text}"
    );
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_says_why() {
    let server = Server::with_config(
        "[[collections.carts.rules]]\nname = \"Cheap\"\ncheck = \"self.price * self.count < 100.0\"\n",
    );
    let client = server.client();
    let mixed = client
        .put("/api/carts/1", r#"{"price":9.99,"count":3}"#)
        .send()
        .await;
    assert_eq!(
        (mixed.status, &mixed.json()["error"]),
        (409, &json!("Cheap"))
    );
    assert!(
        mixed.json()["reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty())
    );
    let dear = client
        .put("/api/carts/1", r#"{"price":9.99,"count":30.5}"#)
        .send()
        .await;
    assert_eq!(dear.json().get("reason"), None);
}

/// All others wait while rules are checked: a loop within a loop must not hold them up.
#[tokio::test]
async fn a_rule_that_takes_too_long_for_a_document_refuses_it_soon() {
    let server = Server::with_config(
        r#"
[collections.lists]
[[collections.lists.rules]]
name = "EachIsThere"
check = "!has(self.a) || self.a.all(x, self.a.exists(y, y == x))"
[collections.notes]
"#,
    );
    let client = server.client();
    let list = |count: usize| {
        let items: Vec<_> = (0..count).map(|n| n.to_string()).collect();
        format!(r#"{{"a":[{}]}}"#, items.join(","))
    };
    let small = client.put("/api/lists/small", &list(20)).send().await;
    assert_eq!(small.status, 201);
    let begun = Instant::now();
    let refused = client.put("/api/lists/large", &list(20_000)).send().await;
    let took = begun.elapsed();
    assert_eq!(refused.status, 422, "{refused:?}");
    let problem = refused.json();
    assert_eq!(
        (&problem["error"], &problem["rule"]),
        (&json!("TooCostly"), &json!("EachIsThere"))
    );
    // It would take minutes.
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(client.get("/api/lists/large").await.status, 404);
    let other = client.put("/api/notes/1", "{}").send().await;
    assert_eq!(other.status, 201);
}

/// Whatever is inserted at the front of an array moves all that is behind it.
#[tokio::test]
async fn a_patch_of_many_operations_on_a_long_array_is_refused_soon() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/long";
    let zeros = |count: usize| format!(r#"{{"a":[{}]}}"#, vec!["0"; count].join(","));
    let tag = client.create(path, &zeros(400_000)).await;
    let pair = r#"{"op":"add","path":"/a/0","value":1},{"op":"remove","path":"/a/0"}"#;
    let patch = |pairs: usize| format!("[{}]", vec![pair; pairs].join(","));
    let begun = Instant::now();
    let refused = client.json_patch(path, &patch(10_000)).if_match(&tag);
    let refused = refused.send().await;
    let took = begun.elapsed();
    let problem = refused.json();
    assert_eq!(
        (refused.status, &problem["error"]),
        (422, &json!("TooCostly")),
        "{problem}"
    );
    assert_eq!(problem["operation"], 9, "{problem}");
    // It would take minutes.
    assert!(took < Duration::from_secs(10), "{took:?}");
    let few = client
        .json_patch(path, &patch(3))
        .if_match(&tag)
        .send()
        .await;
    assert_eq!(few.status, 200);
}
