use futures_util::future::join_all;
use serde_json::{Value, json};

use super::signer::{SECRET, Signer};
use super::who;
use crate::client::{Answer, Ask, Client};
use crate::races::{at_once, crowd};
use crate::server::{Folder, Server};

const TOKENS: &str = r#"
[[tokens]]
name = "ann"
secret = "ann-secret"
[[tokens]]
name = "bob"
secret = "bob-secret"
[[tokens]]
name = "eve"
secret = "eve-secret"
[[tokens]]
name = "root"
secret = "root-secret"
rights = ["all"]
roles = ["admin", "ops"]
"#;

fn server(collections: &str) -> Server {
    Server::with_config(&format!("{collections}{TOKENS}"))
}

/// The request, by the token of this name.
fn by(name: &str, ask: Ask) -> Ask {
    ask.header("Authorization", &format!("Bearer {name}-secret"))
}

async fn get(client: &Client, name: &str, path: &str) -> Answer {
    by(name, client.ask("GET", path)).send().await
}

async fn put(client: &Client, name: &str, path: &str, body: &Value) -> Answer {
    by(name, client.put(path, &body.to_string())).send().await
}

/// Every way to write to a document that somebody knows, or believes to know: its tag and its base.
fn edits(client: &Client, path: &str, tag: &str, edit: &Value) -> Vec<Ask> {
    let text = edit.to_string();
    let whole = |ask: Ask| ask.header("Prefer", "conflict=merge");
    let (id, patch) = (path, "application/merge-patch+json");
    let add = json!([{"op": "add", "path": "/owner", "value": edit["owner"]}]).to_string();
    let operation = json!({"operations": [
        {"method": "PATCH", "path": id, "body": edit,
         "headers": {"If-Match": "*", "Content-Type": patch}},
    ]});
    vec![
        client.put(path, &text).if_match(tag),
        client.put(path, &text).if_match("*"),
        client.put(path, &text),
        client.put(path, &text).header("If-None-Match", "*"),
        whole(client.put(path, &text).if_match(tag)),
        client.merge_patch(path, &text).if_match(tag),
        client.merge_patch(path, &text).if_match("*"),
        client.json_patch(path, &add).if_match("*"),
        client.post(
            &format!("{path}/merge"),
            &json!({"base": 1, "document": edit}).to_string(),
        ),
        client.post(
            &format!("{path}/merge"),
            &json!({"base": tag, "patch": edit}).to_string(),
        ),
        client.post("/api/_batch", &operation.to_string()),
        client.post("/api/_batch?atomic=false", &operation.to_string()),
        client.ask("DELETE", path).if_match(tag),
        client.ask("DELETE", path).if_match("*"),
        client.post(&format!("{path}/lock"), r#"{"ttl_s":60}"#),
    ]
}

#[tokio::test]
async fn nobody_makes_a_document_their_own() {
    let server = server(
        r#"
[collections.private.access]
read = "self.owner == caller.name"
create = "self.owner == caller.name"
update = "self.owner == caller.name"
delete = "self.owner == caller.name"
[collections.public.access]
create = "self.owner == caller.name"
update = "self.owner == caller.name"
delete = "self.owner == caller.name"
"#,
    );
    let client = server.client();
    for collection in ["private", "public"] {
        let path = format!("/api/{collection}/1");
        let document = json!({"owner": "bob", "n": 1});
        let tag = put(&client, "bob", &path, &document).await.tag();
        for own in [
            json!({"owner": "eve", "n": 1}),
            json!({"owner": "eve"}),
            json!({"n": 2, "owner": "bob"}),
        ] {
            for (index, edit) in edits(&client, &path, &tag, &own).into_iter().enumerate() {
                let answer = by("eve", edit).send().await;
                let inner = match answer.status {
                    200 => answer.json()["results"][0]["status"]
                        .as_u64()
                        .unwrap_or(200),
                    status => u64::from(status),
                };
                let expected: &[u64] = match collection {
                    "private" => &[403, 404, 409],
                    _ => &[403, 412, 428],
                };
                assert!(
                    expected.contains(&inner),
                    "{collection} {index} {own}: {answer:?}"
                );
                let stored = get(&client, "bob", &path).await;
                assert_eq!(
                    (stored.tag(), stored.json()),
                    (tag.clone(), document.clone())
                );
            }
        }
        let lock = get(&client, "bob", &format!("{path}/lock")).await;
        assert_eq!(lock.status, 404, "{collection}: {lock:?}");
        // Nor does anybody create what is somebody else's.
        let foreign = put(&client, "eve", &format!("/api/{collection}/2"), &document).await;
        assert_eq!(
            (foreign.status, &foreign.json()["action"]),
            (403, &json!("create"))
        );
    }
}

const HANDED: &str = r#"
[collections.notes.access]
read = "self.owner == caller.name || 'admin' in caller.roles"
create = "self.owner == caller.name"
update = "oldSelf.owner == caller.name || 'admin' in caller.roles"
delete = "self.owner == caller.name"
"#;

#[tokio::test]
async fn what_was_handed_over_is_gone_for_whoever_had_it() {
    let server = server(HANDED);
    let client = server.client();
    let path = "/api/notes/first";
    let first = put(
        &client,
        "ann",
        path,
        &json!({"owner": "ann", "text": "hers"}),
    )
    .await
    .tag();
    let held = json!({"owner": "ann", "text": "hers still"}).to_string();
    let second = by("ann", client.put(path, &held).if_match(&first))
        .send()
        .await
        .tag();
    // An entry of somebody else in the log, from before.
    let stale = by(
        "root",
        client
            .put(path, &held.replace("still", "not"))
            .if_match(&first),
    );
    let refused = stale.send().await;
    assert_eq!(refused.status, 409, "{refused:?}");
    let logged = refused.json()["logged"].as_str().unwrap().to_owned();
    assert_eq!(get(&client, "ann", &logged).await.status, 200);
    let handed = json!({"owner": "bob", "text": "his"}).to_string();
    let handed = by("ann", client.put(path, &handed).if_match(&second))
        .send()
        .await;
    assert_eq!(handed.status, 200, "{handed:?}");
    let his = handed.tag();
    for rest in [
        "",
        "/versions",
        "/versions/1",
        "/versions/2",
        "/versions/3",
        "/lock",
    ] {
        let gone = get(&client, "ann", &format!("{path}{rest}")).await;
        assert_eq!(gone.status, 404, "{rest}: {gone:?}");
        let never = get(&client, "ann", &format!("/api/notes/unborn{rest}")).await;
        let told = |answer: &Answer, id: &str| answer.text().replace(id, "ID");
        assert_eq!(told(&gone, "first"), told(&never, "unborn"), "{rest}");
    }
    for list in [
        "/api/notes?count=true",
        "/api/notes/_changes?since=0",
        "/api/_changes?since=0",
        "/api/_changes?since=0&latest=true",
        "/api/notes/first/_changes?since=0",
        "/api/_conflicts",
    ] {
        let page = get(&client, "ann", list).await;
        assert_eq!(
            (page.status, &page.json()["items"]),
            (200, &json!([])),
            "{list}: {page:?}"
        );
    }
    assert_eq!(get(&client, "ann", &logged).await.status, 404);
    let back = json!({"owner": "ann"});
    for (index, edit) in edits(&client, path, &his, &back).into_iter().enumerate() {
        let answer = by("ann", edit).send().await;
        let is_batch = answer.status == 200 && answer.json()["results"][0]["status"] == 404;
        assert!(
            is_batch || matches!(answer.status, 403 | 404 | 409),
            "{index}: {answer:?}"
        );
    }
    let stored = get(&client, "bob", path).await;
    assert_eq!(
        (stored.tag(), stored.json()["text"].clone()),
        (his, json!("his"))
    );
    // What it was before is not his to see, nor is what others meant to make of that.
    let history = get(&client, "bob", &format!("{path}/versions"))
        .await
        .json();
    assert_eq!(history["items"].as_array().unwrap().len(), 1, "{history}");
    let feed = get(&client, "bob", "/api/_changes?since=0").await;
    assert!(!feed.text().contains("hers"), "{feed:?}");
    assert_eq!(get(&client, "bob", &logged).await.status, 404);
}

/// The check and the write are one step: nobody slips in between.
#[tokio::test(flavor = "multi_thread")]
async fn no_forbidden_write_lands_while_a_document_changes_hands() {
    let config = HANDED.replace(
        "read = \"self.owner == caller.name || 'admin' in caller.roles\"\n",
        "",
    );
    let server = server(&config);
    let clients = crowd(&server, 32).await;
    for round in 0..25 {
        let path = format!("/api/notes/{round}");
        let client = &clients[0];
        put(client, "ann", &path, &json!({"owner": "ann", "n": 0})).await;
        let answers = at_once(&clients, |n, client| {
            let path = path.clone();
            async move {
                let (name, patch) = match n {
                    7 => ("ann", json!({"owner": "bob"})),
                    n if n % 3 == 0 => ("eve", json!({"n": n, "owner": "eve"})),
                    n if n % 3 == 1 => ("bob", json!({"n": n})),
                    n => ("ann", json!({"n": n})),
                };
                by(
                    name,
                    client.merge_patch(&path, &patch.to_string()).if_match("*"),
                )
                .send()
                .await
            }
        });
        let answers = answers.await;
        let history = get(client, "root", &format!("{path}/versions?limit=100"))
            .await
            .json();
        let versions = history["items"].as_array().unwrap();
        let applied = answers.iter().filter(|it| it.status == 200).count();
        assert_eq!(versions.len(), applied + 1, "{history}");
        // The oldest first: each version was made by whoever had the one before.
        let mut owner = json!("ann");
        for version in versions.iter().rev() {
            assert_eq!(version["updated_by"], owner, "{history}");
            owner = version["data"]["owner"].clone();
        }
        assert_eq!(owner, json!("bob"));
        for (n, answer) in answers.iter().enumerate() {
            let is_hers = n != 7 && n % 3 == 0;
            assert!(!is_hers || answer.status == 403, "{n}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_deleted_document_is_of_whoever_had_it() {
    let server = server(HANDED);
    let client = server.client();
    let path = "/api/notes/1";
    put(
        &client,
        "bob",
        path,
        &json!({"owner": "bob", "text": "secret of bob"}),
    )
    .await;
    let deleted = by("bob", client.ask("DELETE", path).if_match("*"))
        .send()
        .await;
    assert_eq!(deleted.status, 204);
    assert_eq!(get(&client, "bob", path).await.status, 410);
    assert_eq!(get(&client, "ann", path).await.status, 404);
    let feed = get(&client, "ann", "/api/_changes?since=0&include=last").await;
    assert_eq!(feed.json()["items"], json!([]));
    let stale = by(
        "ann",
        client
            .put(path, r#"{"owner":"ann"}"#)
            .if_match("\"1-1000000000000\""),
    );
    let stale = stale.send().await;
    assert_eq!(
        (stale.status, &stale.json()["error"]),
        (409, &json!("UpdateConflict"))
    );
    // The id is free for others; what was there is not.
    let created = put(
        &client,
        "ann",
        path,
        &json!({"owner": "ann", "text": "of ann"}),
    )
    .await;
    assert_eq!(created.status, 201, "{created:?}");
    for place in [
        "/api/notes/1/versions",
        "/api/notes/1/_changes?since=0",
        "/api/_changes?since=0",
        "/api/_changes?since=0&include=last",
    ] {
        let page = get(&client, "ann", place).await;
        assert_eq!(
            page.json()["items"].as_array().unwrap().len(),
            1,
            "{place}: {page:?}"
        );
        assert!(!page.text().contains("bob"), "{place}: {page:?}");
    }
    assert_eq!(get(&client, "bob", path).await.status, 404);
    assert_eq!(
        get(&client, "bob", "/api/notes/1/versions/1").await.status,
        404
    );
}

#[tokio::test]
async fn a_batch_with_a_denied_operation_writes_nothing() {
    let server = server(HANDED);
    let client = server.client();
    put(&client, "bob", "/api/notes/his", &json!({"owner": "bob"})).await;
    let own = |id: &str| json!({"method": "PUT", "path": format!("/api/notes/{id}"), "body": {"owner": "ann"}});
    let denied = [
        (
            json!({"method": "PUT", "path": "/api/notes/x", "body": {"owner": "bob"}}),
            403,
        ),
        (
            json!({"method": "PUT", "path": "/api/notes/his", "body": {"owner": "ann"}}),
            403,
        ),
        (
            json!({"method": "PATCH", "path": "/api/notes/his", "body": {"owner": "ann"},
            "headers": {"If-Match": "*", "Content-Type": "application/merge-patch+json"}}),
            404,
        ),
        (
            json!({"method": "DELETE", "path": "/api/notes/his", "headers": {"If-Match": "*"}}),
            404,
        ),
    ];
    for (index, (denied, status)) in denied.into_iter().enumerate() {
        let one = format!("one-{index}");
        let batch = json!({"operations": [own(&one), denied, own("three")]}).to_string();
        let whole = by("ann", client.post("/api/_batch", &batch)).send().await;
        assert_eq!(
            (whole.status, &whole.json()["operation"]),
            (status, &json!(1)),
            "{whole:?}"
        );
        assert_eq!(
            get(&client, "ann", &format!("/api/notes/{one}"))
                .await
                .status,
            404
        );
        let each = by("ann", client.post("/api/_batch?atomic=false", &batch))
            .send()
            .await
            .json();
        assert_eq!(each["results"][0]["status"], 201, "{each}");
        assert_eq!(each["results"][1]["status"], status, "{each}");
    }
    // What a batch does to a document counts for its later operations.
    let patch = |body: Value| {
        json!({"method": "PATCH", "path": "/api/notes/one-0", "body": body,
            "headers": {"If-Match": "*", "Content-Type": "application/merge-patch+json"}})
    };
    let batch = json!({"operations": [patch(json!({"owner": "bob"})), patch(json!({"n": 1}))]});
    let batch = by("ann", client.post("/api/_batch", &batch.to_string()))
        .send()
        .await;
    assert_eq!(
        (batch.status, &batch.json()["action"]),
        (403, &json!("update")),
        "{batch:?}"
    );
    assert_eq!(
        get(&client, "ann", "/api/notes/one-0").await.json()["owner"],
        "ann"
    );
}

#[tokio::test]
async fn a_merge_is_judged_by_what_it_leaves() {
    let server = server(
        r#"
[collections.notes.access]
update = "!self.closed || 'admin' in caller.roles"
"#,
    );
    let client = server.client();
    let path = "/api/notes/1";
    let base = put(&client, "ann", path, &json!({"closed": false, "text": "a"}))
        .await
        .tag();
    let closed = by(
        "root",
        client
            .merge_patch(path, r#"{"closed":true}"#)
            .if_match(&base),
    );
    let closed = closed.send().await;
    assert_eq!(closed.status, 200);
    let patch = || client.merge_patch(path, r#"{"text":"b"}"#).if_match(&base);
    let whole = || {
        client
            .put(path, r#"{"closed":false,"text":"b"}"#)
            .if_match(&base)
    };
    for edit in [patch(), whole()] {
        let merged = by("ann", edit)
            .header("Prefer", "conflict=merge")
            .send()
            .await;
        assert_eq!(
            (merged.status, &merged.json()["action"]),
            (403, &json!("update")),
            "{merged:?}"
        );
    }
    let asked = json!({"base": base, "patch": {"text": "b"}}).to_string();
    for rest in ["/merge", "/merge?dry_run=true"] {
        let merged = by("ann", client.post(&format!("{path}{rest}"), &asked))
            .send()
            .await;
        assert_eq!(merged.status, 403, "{rest}: {merged:?}");
    }
    assert_eq!(get(&client, "ann", path).await.tag(), closed.tag());
    let merged = by("root", patch())
        .header("Prefer", "conflict=merge")
        .send()
        .await;
    assert_eq!(merged.json(), json!({"closed": true, "text": "b"}));
}

/// A rule that takes too long allows nothing, and holds nobody up.
#[tokio::test]
async fn a_slow_rule_allows_nothing() {
    let slow = "self.all.all(a, self.all.all(b, self.all.all(c, a + b + c >= 0)))";
    let config = format!(
        "[collections.reads.access]\nread = \"{slow}\"\n[collections.writes.access]\ncreate = \"{slow}\"\n\
         update = \"{slow}\"\n[collections.free]\n"
    );
    let server = server(&config);
    let client = server.client();
    let long: Vec<u32> = (0..1000).collect();
    let (long, short) = (json!({"all": long}), json!({"all": [1, 2]}));
    assert_eq!(
        put(&client, "ann", "/api/writes/1", &short).await.status,
        201
    );
    assert_eq!(
        put(&client, "ann", "/api/writes/2", &long).await.status,
        403
    );
    let update = by(
        "ann",
        client.put("/api/writes/1", &long.to_string()).if_match("*"),
    );
    assert_eq!(update.send().await.status, 403);
    assert_eq!(
        put(&client, "ann", "/api/reads/1", &short).await.status,
        201
    );
    assert_eq!(put(&client, "ann", "/api/reads/2", &long).await.status, 201);
    assert_eq!(get(&client, "ann", "/api/reads/1").await.status, 200);
    assert_eq!(get(&client, "ann", "/api/reads/2").await.status, 404);
    let list = get(&client, "ann", "/api/reads?count=true").await.json();
    assert_eq!(list["total"], 1, "{list}");
    let begun = std::time::Instant::now();
    let slow = (0..16).map(|n| {
        let (client, long) = (client.clone(), long.clone());
        async move {
            put(&client, "ann", &format!("/api/writes/s{n}"), &long)
                .await
                .status
        }
    });
    let quick = (0..16).map(|n| {
        let client = client.clone();
        async move {
            put(&client, "bob", &format!("/api/free/{n}"), &json!({}))
                .await
                .status
        }
    });
    let (slow, quick) = tokio::join!(join_all(slow), join_all(quick));
    assert_eq!((slow, quick), (vec![403; 16], vec![201; 16]));
    // Unbounded, one of them would take longer than this.
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn rules_know_claims_and_roles() {
    let config = format!(
        r#"
[collections.teams.access]
read = "self.team in caller.claims.teams || 'ops' in caller.roles"
create = "has(caller.claims.email) && caller.claims.email.endsWith('@example.org')"
[jwt]
key = "jwt.key"
algorithm = "HS256"
{TOKENS}"#
    );
    let folder = Folder::with_config(&config);
    std::fs::write(folder.path().join("jwt.key"), SECRET).unwrap();
    let server = Server::start_in(folder);
    let client = server.client();
    let bearer =
        |more: &[(&str, Value)]| format!("Bearer {}", Signer::hs256().token(&who::claims(more)));
    let signed =
        |ask: Ask, more: &[(&str, Value)]| ask.header("Authorization", &bearer(more)).send();
    let email = |email: &str| [("email", json!(email))];
    for (claims, status) in [
        (&email("ann@example.org")[..], 201),
        (&email("ann@evil.example"), 403),
        (&[("email", json!(["ann@example.org"]))], 403),
        (&[], 403),
    ] {
        let put = client.put(&format!("/api/teams/{status}"), r#"{"team":"a"}"#);
        assert_eq!(signed(put, claims).await.status, status, "{claims:?}");
    }
    let cases = [
        (vec![("teams", json!(["a", "b"]))], 200),
        (vec![("teams", json!(["b"]))], 404),
        (vec![("teams", json!("xax"))], 404),
        (vec![], 404),
        (vec![("roles", json!(["ops"]))], 200),
        (vec![("roles", json!("ops"))], 200),
        (vec![("roles", json!(["Ops", "ops2"]))], 404),
    ];
    for (claims, status) in cases {
        let read = signed(client.ask("GET", "/api/teams/201"), &claims).await;
        assert_eq!(read.status, status, "{claims:?}: {read:?}");
    }
    // A token of the configuration has roles, and no claims.
    assert_eq!(get(&client, "root", "/api/teams/201").await.status, 200);
    assert_eq!(get(&client, "ann", "/api/teams/201").await.status, 404);
    let create = put(&client, "root", "/api/teams/2", &json!({"team": "a"})).await;
    assert_eq!(create.status, 403);
}

/// Neither right is the other, whatever verb asks.
#[tokio::test]
async fn to_create_and_to_update_are_two_rights() {
    let tokens = r#"
[collections.notes]
[[tokens]]
name = "creator"
secret = "creator-secret"
rights = ["create"]
[[tokens]]
name = "updater"
secret = "updater-secret"
rights = ["update", "resolve"]
[[tokens]]
name = "updater"
secret = "keeper-secret"
"#;
    let server = Server::with_config(tokens);
    let client = server.client();
    let status = async |name: &str, ask: Ask| {
        let answer = by(name, ask).send().await;
        match answer.status {
            200 => answer.json()["results"][0]["status"]
                .as_u64()
                .unwrap_or(200),
            status => u64::from(status),
        }
    };
    let batch = |method: &str, path: &str| {
        let operation = json!({"method": method, "path": path, "body": {"n": 3}});
        json!({"operations": [operation]}).to_string()
    };
    assert_eq!(
        status("creator", client.post("/api/notes", "{}")).await,
        201
    );
    assert_eq!(
        status("creator", client.put("/api/notes/1", r#"{"n":1}"#)).await,
        201
    );
    let exclusive = client
        .put("/api/notes/2", "{}")
        .header("If-None-Match", "*");
    assert_eq!(status("creator", exclusive).await, 201);
    let exclusive = client
        .put("/api/notes/1", "{}")
        .header("If-None-Match", "*");
    assert_eq!(status("creator", exclusive).await, 412);
    for edit in [
        client.put("/api/notes/1", r#"{"n":2}"#),
        client.put("/api/notes/1", r#"{"n":2}"#).if_match("*"),
        client
            .merge_patch("/api/notes/1", r#"{"n":2}"#)
            .if_match("*"),
        client.post("/api/_batch", &batch("PUT", "/api/notes/1")),
        client.post("/api/_batch?atomic=false", &batch("PUT", "/api/notes/1")),
    ] {
        assert_eq!(status("creator", edit).await, 403);
    }
    for edit in [
        client.post("/api/notes", "{}"),
        client.put("/api/notes/3", "{}"),
        client
            .put("/api/notes/3", "{}")
            .header("If-None-Match", "*"),
        client.post("/api/_batch", &batch("PUT", "/api/notes/3")),
        client.post("/api/_batch", &batch("POST", "/api/notes")),
        client.post("/api/_batch?atomic=false", &batch("POST", "/api/notes")),
    ] {
        assert_eq!(status("updater", edit).await, 403);
    }
    assert_eq!(
        status("updater", client.put("/api/notes/1", "{}").if_match("*")).await,
        200
    );
    // What settles a conflict may create, too.
    let stale = client
        .put("/api/notes/1", r#"{"n":9}"#)
        .if_match("\"1-1000000000000\"");
    let refused = by("keeper", stale).send().await;
    let resolve = format!("{}/resolve", refused.json()["logged"].as_str().unwrap());
    let deleted = by("keeper", client.ask("DELETE", "/api/notes/1").if_match("*"))
        .send()
        .await;
    assert_eq!(deleted.status, 204);
    let denied = by("updater", client.post(&resolve, "{}")).send().await;
    assert_eq!(
        (denied.status, &denied.json()["action"]),
        (403, &json!("create")),
        "{denied:?}"
    );
    assert_eq!(
        by("keeper", client.post(&resolve, "{}"))
            .send()
            .await
            .status,
        201
    );
}
