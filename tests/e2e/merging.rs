use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::Server;

const CONFIG: &str = r#"
[collections.articles]
on_conflict = "merge"
[collections.articles.merge]
"/views" = "counter"
"/tags" = "set"
"/body" = "text"
"/sections" = { strategy = "keyed-list", key = "/id" }
"/amount" = { strategy = "group", with = ["/currency"] }
"/seen_by" = "last-writer"

[collections.strict]

[collections.short]
on_conflict = "merge"
[collections.short.history]
keep_versions = 5

[collections.bookings]
on_conflict = "merge"
schema = { type = "object", properties = { n = { type = "integer", maximum = 7 } } }
[collections.bookings.merge]
"/n" = "counter"
[[collections.bookings.rules]]
name = "EndsAfterItBegins"
check = "!has(self.begin) || self.begin < self.end"
[[collections.bookings.unique]]
name = "slot"
fields = ["/room", "/day"]

[collections.orders]
on_conflict = "merge"
[collections.orders.lifecycle]
field = "/status"
initial = ["draft"]
[collections.orders.lifecycle.states]
draft = ["paid", "cancelled"]
paid = ["shipped"]
shipped = []
cancelled = []
"#;

const ARTICLE: &str = "/api/articles/1";

/// A document with a first version, and a second one by somebody else; the tags of both.
async fn changed(client: &Client, path: &str, first: &str, second: &str) -> (String, String) {
    let base = client.create(path, first).await;
    let next = client.put(path, second).if_match(&base).by("bob");
    let next = next.send().await;
    assert_eq!(next.status, 200, "{next:?}");
    (base, next.tag())
}

fn merged_with(answer: &Answer, versions: &str, document: &Value) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("merged-versions"), Some(versions));
    assert_eq!(&answer.json(), document);
}

#[tokio::test]
async fn a_merged_put_answers_with_the_join_and_without_a_validator() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let path = "/api/strict/1";
    let (base, _) = changed(&client, path, r#"{"a":1,"b":1.50}"#, r#"{"a":2,"b":1.50}"#).await;
    let edit = || {
        client
            .put(path, r#"{"a":1,"b":1.50,"c":3}"#)
            .if_match(&base)
    };
    assert_eq!(
        edit().send().await.status,
        409,
        "not without being asked for"
    );
    let merged = edit()
        .header("Prefer", "conflict=merge")
        .by("ann")
        .send()
        .await;
    merged_with(&merged, "1..2", &json!({"a": 2, "b": 1.5, "c": 3}));
    assert!(merged.text().contains("1.50"), "{}", merged.text());
    assert_eq!(merged.header("etag"), None);
    assert_eq!(merged.header("last-modified"), None);
    assert_eq!(merged.header("preference-applied"), Some("conflict=merge"));
    let stored = client.get(path).await;
    assert_eq!(merged.header("merged-etag"), Some(&*stored.tag()));
    assert_eq!(
        (stored.body.as_slice(), stored.header("document-version")),
        (merged.body.as_slice(), Some("3"))
    );
    // The client took its own body for the new version, as it must not: nothing is undone.
    let naive = client
        .put(path, r#"{"a":1,"b":1.50,"c":4}"#)
        .if_match(&base);
    let naive = naive.header("Prefer", "conflict=merge").send().await;
    assert_eq!(naive.status, 409, "both added c: {naive:?}");
    let minimal = edit()
        .header("Prefer", "conflict=merge, return=minimal")
        .send()
        .await;
    assert_eq!(minimal.status, 204);
    assert_eq!(
        (
            minimal.header("etag"),
            minimal.header("merged-etag").is_some()
        ),
        (None, true)
    );
}

#[tokio::test]
async fn a_patch_is_applied_to_the_version_it_was_made_for() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let path = "/api/articles/1";
    let first = r#"{"list":["a","b"],"t":"x","o":{"p":1}}"#;
    let second = r#"{"list":["a","b"],"t":"x","o":{"p":2}}"#;
    let (base, _) = changed(&client, path, first, second).await;
    let patch =
        r#"[{"op":"add","path":"/list/1","value":"n"},{"op":"test","path":"/o/p","value":1}]"#;
    let merged = client.json_patch(path, patch).if_match(&base).send().await;
    merged_with(
        &merged,
        "1..2",
        &json!({"list": ["a", "n", "b"], "t": "x", "o": {"p": 2}}),
    );
    assert_eq!(merged.tag(), client.get(path).await.tag());
    let patch = r#"{"t":"y"}"#;
    let merged = client.merge_patch(path, patch).if_match(&base).send().await;
    merged_with(
        &merged,
        "1..3",
        &json!({"list": ["a", "n", "b"], "t": "y", "o": {"p": 2}}),
    );
    let unfit = r#"[{"op":"remove","path":"/list/7"}]"#;
    let refused = client.json_patch(path, unfit).if_match(&base).send().await;
    assert_eq!(refused.status, 409);
    assert_eq!(refused.json()["conflicts"][0]["kind"], "inapplicable");
}

/// A strategy that cannot join what is there says which place, whose value, and what is wrong.
#[tokio::test]
async fn a_strategy_that_cannot_merge_names_the_place_the_side_and_the_reason() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    // (base, theirs, ours, kind, obstacle, what the detail says)
    let cases = [
        (
            json!({"sections": [{"id": "a"}]}),
            json!({"sections": [{"id": "b"}]}),
            json!({"sections": [{"id": "x"}, {"id": "x"}]}),
            "inapplicable",
            json!({"side": "yours", "reason": "repeated-key", "key": "/id", "value": "x"}),
            "The strategy keyed-list cannot merge /sections: in your version, two elements have the same /id, \"x\".",
        ),
        (
            json!({"sections": []}),
            json!({"sections": [{"id": 1}, {"n": 1}]}),
            json!({"sections": [{"id": 2}]}),
            "inapplicable",
            json!({"side": "current", "reason": "missing-key", "key": "/id", "index": 1}),
            "The strategy keyed-list cannot merge /sections: in the current version, element 1 has no /id.",
        ),
        (
            json!({"views": 1}),
            json!({"views": 2}),
            json!({"views": "3"}),
            "type",
            json!({"side": "yours", "reason": "wrong-type", "expected": "number"}),
            "The strategy counter cannot merge /views: in your version it is not a number.",
        ),
        (
            json!({"tags": {"a": 1}}),
            json!({"tags": ["b"]}),
            json!({"tags": ["c"]}),
            "type",
            json!({"side": "base", "reason": "wrong-type", "expected": "array"}),
            "The strategy set cannot merge /tags: in the base it is not an array.",
        ),
    ];
    for (at, (base, theirs, ours, kind, obstacle, says)) in cases.into_iter().enumerate() {
        let path = format!("/api/articles/{at}");
        let tag = client.create(&path, &base.to_string()).await;
        let theirs = client.put(&path, &theirs.to_string()).if_match(&tag);
        assert_eq!(theirs.send().await.status, 200);
        let refused = client
            .put(&path, &ours.to_string())
            .if_match(&tag)
            .send()
            .await;
        let problem = refused.json();
        assert_eq!(refused.status, 409, "{problem}");
        let row = &problem["conflicts"][0];
        assert_eq!(
            (&row["kind"], &row["obstacle"]),
            (&json!(kind), &obstacle),
            "{problem}"
        );
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.ends_with(says), "{detail}");
    }
}

#[tokio::test]
async fn each_field_is_joined_by_its_strategy() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let first = json!({
        "title": "T", "views": 5, "tags": ["a", "b"], "body": "one\ntwo\nthree\nfour\nfive\n",
        "sections": [{"id": "s1", "n": 1}, {"id": "s2", "n": 1}], "amount": 1, "currency": "EUR",
        "seen_by": "nobody",
    });
    let theirs = json!({
        "title": "T", "views": 7, "tags": ["a", "b", "c"], "body": "ONE\ntwo\nthree\nfour\nfive\n",
        "sections": [{"id": "s0", "n": 0}, {"id": "s1", "n": 1}, {"id": "s2", "n": 2}],
        "amount": 2, "currency": "USD", "seen_by": "bob",
    });
    let ours = json!({
        "title": "U", "views": 6, "tags": ["b", "d"], "body": "one\ntwo\nthree\nfour\nFIVE\n",
        "sections": [{"id": "s1", "n": 9}, {"id": "s2", "n": 1}], "amount": 1, "currency": "EUR",
        "seen_by": "ann",
    });
    let (base, _) = changed(&client, ARTICLE, &first.to_string(), &theirs.to_string()).await;
    let edit = client
        .put(ARTICLE, &ours.to_string())
        .if_match(&base)
        .send()
        .await;
    merged_with(
        &edit,
        "1..2",
        &json!({
            "title": "U", "views": 8, "tags": ["b", "c", "d"],
            "body": "ONE\ntwo\nthree\nfour\nFIVE\n",
            "sections": [{"id": "s0", "n": 0}, {"id": "s1", "n": 9}, {"id": "s2", "n": 2}],
            "amount": 2, "currency": "USD", "seen_by": "ann",
        }),
    );
    let half = json!({
        "title": "T", "views": 5, "tags": ["a", "b"], "body": "one\ntwo\nthree\nfour\nfive\n",
        "sections": [{"id": "s1", "n": 1}, {"id": "s2", "n": 1}], "amount": 3, "currency": "EUR",
        "seen_by": "nobody",
    });
    let refused = client
        .put(ARTICLE, &half.to_string())
        .if_match(&base)
        .send()
        .await;
    assert_eq!(
        refused.status, 409,
        "an amount without its currency: {refused:?}"
    );
    let problem = refused.json();
    let paths: Vec<_> = problem["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["path"])
        .collect();
    assert_eq!(paths, ["/amount", "/currency"], "{problem}");
    assert_eq!(problem["conflicts"][0]["strategy"], "group");
}

/// Elements of a keyed list are named by their keys, and their authors are found by them.
#[tokio::test]
async fn a_collision_in_a_list_names_the_element_and_its_author() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let first = r#"{"sections":[{"id":1,"n":1},{"id":0,"n":1}]}"#;
    let second = r#"{"sections":[{"id":1,"n":2},{"id":0,"n":1}]}"#;
    let (base, tag) = changed(&client, ARTICLE, first, second).await;
    let third = r#"{"sections":[{"id":1,"n":2},{"id":0,"n":3}]}"#;
    client
        .put(ARTICLE, third)
        .if_match(&tag)
        .by("carol")
        .send()
        .await;
    let edit = r#"{"sections":[{"id":1,"n":9},{"id":0,"n":1}]}"#;
    let refused = client.put(ARTICLE, edit).if_match(&base).send().await;
    let row = &refused.json()["conflicts"][0];
    assert_eq!(
        (&row["path"], &row["by"]),
        (&json!("/sections/1/n"), &json!("bob")),
        "{row}"
    );
    let choices = json!({"/sections/1/n": "yours"});
    let body = json!({"base": base, "document": serde_json::from_str::<Value>(edit).unwrap(),
        "choices": choices, "current": refused.tag()});
    let merged = merge(&client, "", &body).await;
    let expected = json!({"sections": [{"id": 1, "n": 9}, {"id": 0, "n": 3}]});
    merged_with(&merged, "1..3", &expected);
}

#[tokio::test]
async fn what_really_collides_is_refused_alone() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let first = r#"{"title":"Draft","views":1,"body":"x"}"#;
    let (base, current) = changed(
        &client,
        ARTICLE,
        first,
        r#"{"title":"Final","views":3,"body":"x"}"#,
    )
    .await;
    let edit = client
        .put(ARTICLE, r#"{"title":"Plan","views":2,"body":"y"}"#)
        .if_match(&base);
    let refused = edit.send().await;
    let problem = refused.json();
    assert_eq!(refused.status, 409);
    assert_eq!(problem["conflicting_fields"], json!(["title"]));
    assert_eq!(
        problem["merged"],
        json!({"title": "Final", "views": 4, "body": "y"})
    );
    assert_eq!(
        problem["joined"],
        json!([{"path": "/views", "strategy": "counter"}])
    );
    let merge = &problem["resolutions"][1];
    assert_eq!(merge["rel"], "merge");
    assert_eq!(
        (&merge["base"], &merge["current"]),
        (&json!(base), &json!(current))
    );
    let rejected = client.put(ARTICLE, r#"{"title":"Draft","views":1,"body":"z"}"#);
    let rejected = rejected.if_match(&base).header("Prefer", "conflict=reject");
    let rejected = rejected.send().await;
    assert_eq!(
        rejected.status, 409,
        "it could be merged, but was not to be"
    );
    assert_eq!(rejected.json()["mergeable"], true);
}

#[tokio::test]
async fn a_merge_is_judged_like_any_write() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    // The rule: each side keeps it, both together do not.
    let path = "/api/bookings/1";
    let (base, _) = changed(
        &client,
        path,
        r#"{"begin":1,"end":5}"#,
        r#"{"begin":4,"end":5}"#,
    )
    .await;
    let refused = client
        .put(path, r#"{"begin":1,"end":3}"#)
        .if_match(&base)
        .send()
        .await;
    constraint(&refused, "", ("rule", "EndsAfterItBegins"));
    // The schema's bound.
    let path = "/api/bookings/2";
    let (base, _) = changed(&client, path, r#"{"n":5}"#, r#"{"n":7}"#).await;
    let refused = client.put(path, r#"{"n":6}"#).if_match(&base).send().await;
    constraint(&refused, "/n", ("keyword", "maximum"));
    // A unique key that neither side has.
    client
        .create("/api/bookings/3", r#"{"room":"b","day":2}"#)
        .await;
    let path = "/api/bookings/4";
    let (base, _) = changed(
        &client,
        path,
        r#"{"room":"a","day":1}"#,
        r#"{"room":"b","day":1}"#,
    )
    .await;
    let refused = client
        .put(path, r#"{"room":"a","day":2}"#)
        .if_match(&base)
        .send()
        .await;
    constraint(&refused, "/room", ("constraint", "slot"));
    // The lifecycle: shipped by now, so it cannot be cancelled any more.
    let path = "/api/orders/1";
    let (base, paid) = changed(
        &client,
        path,
        r#"{"status":"draft"}"#,
        r#"{"status":"paid"}"#,
    )
    .await;
    let shipped = client
        .put(path, r#"{"status":"shipped"}"#)
        .if_match(&paid)
        .send()
        .await;
    assert_eq!(shipped.status, 200);
    let refused = client
        .put(path, r#"{"status":"cancelled"}"#)
        .if_match(&base)
        .send()
        .await;
    assert_eq!(refused.status, 409);
    assert_eq!(refused.json()["conflicts"][0]["path"], "/status");
    // What the writer sent is the writer's own mistake.
    let invalid = client
        .put("/api/bookings/2", r#"{"n":9}"#)
        .if_match(&base)
        .send()
        .await;
    assert_eq!(invalid.status, 422);
}

fn constraint(refused: &Answer, path: &str, (member, name): (&str, &str)) {
    let problem = refused.json();
    assert_eq!(refused.status, 409, "{problem}");
    assert_eq!(problem["mergeable"], false);
    let rows = problem["conflicts"].as_array().unwrap();
    let row = rows.iter().find(|row| row["kind"] == "constraint");
    let row = row.unwrap_or_else(|| panic!("no constraint in {problem}"));
    assert_eq!(
        (&row["path"], &row[member]),
        (&json!(path), &json!(name)),
        "{problem}"
    );
    assert!(row["message"].as_str().is_some_and(|text| !text.is_empty()));
}

#[tokio::test]
async fn a_deletion_is_never_merged_away() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let (base, current) = changed(&client, ARTICLE, r#"{"a":1}"#, r#"{"a":2}"#).await;
    let refused = client.ask("DELETE", ARTICLE).if_match(&base);
    let refused = refused.header("Prefer", "conflict=merge").send().await;
    assert_eq!(refused.status, 409);
    assert_eq!(refused.json()["conflicts"][0]["kind"], "delete-edit");
    let deleted = client
        .ask("DELETE", ARTICLE)
        .if_match(&current)
        .send()
        .await;
    assert_eq!(deleted.status, 204);
    let refused = client
        .put(ARTICLE, r#"{"a":1,"b":1}"#)
        .if_match(&current)
        .send()
        .await;
    assert_eq!(
        (refused.status, &refused.json()["type"]),
        (409, &json!("/problems/deleted"))
    );
}

/// A weak tag never satisfies If-Match (RFC 9110, section 13.1.1), whatever could be merged.
#[tokio::test]
async fn a_weak_tag_is_no_base() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let tag = client.create(ARTICLE, r#"{"a":1}"#).await;
    let weak = format!("W/{tag}");
    let refused = client
        .put(ARTICLE, r#"{"a":1,"b":2}"#)
        .if_match(&weak)
        .send()
        .await;
    assert_eq!(refused.status, 409);
}

async fn merge(client: &Client, query: &str, body: &Value) -> Answer {
    let path = format!("{ARTICLE}/merge{query}");
    client.post(&path, &body.to_string()).by("ann").send().await
}

/// Whoever reads the answer should know which text was put together of two: on each way to a merge, and
/// when the answer is given again.
#[tokio::test]
async fn a_merged_write_tells_what_was_joined() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let first = r#"{"body":"one two three","views":5,"seen_by":"é"}"#;
    let second = r#"{"body":"ONE two three","views":6,"seen_by":"è"}"#;
    let edit = r#"{"body":"one two THREE","views":7,"seen_by":"ê"}"#;
    let expected = concat!(
        r#"{"path":"/body","strategy":"text","review":true}, "#,
        r#"{"path":"/seen_by","strategy":"last-writer","lost":"\u00e8"}, "#,
        r#"{"path":"/views","strategy":"counter"}"#
    );
    let tells = |answer: &Answer| answer.header("merged-places").map(str::to_owned);
    for (id, method) in ["PUT", "PATCH", "MERGE"].into_iter().enumerate() {
        let path = format!("/api/articles/{id}");
        let (base, _) = changed(&client, &path, first, second).await;
        let ask = || {
            let ask = match method {
                "PUT" => client.put(&path, edit).if_match(&base),
                "PATCH" => client.merge_patch(&path, edit).if_match(&base),
                _ => {
                    let document: Value = serde_json::from_str(edit).unwrap();
                    let body = json!({"base": base, "document": document});
                    client.post(&format!("{path}/merge"), &body.to_string())
                }
            };
            ask.header("Idempotency-Key", "\"k\"").by("ann")
        };
        let merged = ask().send().await;
        assert_eq!(merged.header("merged-versions"), Some("1..2"), "{method}");
        assert_eq!(merged.json()["body"], "ONE two THREE", "{method}");
        assert_eq!(tells(&merged).as_deref(), Some(expected), "{method}");
        client.put(&path, "{}").if_match("*").send().await;
        let again = ask().send().await;
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(tells(&again).as_deref(), Some(expected), "{method}, again");
    }
    let path = "/api/articles/batch";
    let (base, _) = changed(&client, path, first, second).await;
    let document: Value = serde_json::from_str(edit).unwrap();
    let operation =
        json!({"method": "PUT", "path": path, "headers": {"If-Match": base}, "body": document});
    let batch = json!({"operations": [operation]}).to_string();
    let batch = client.post("/api/_batch", &batch).send().await.json();
    let told = &batch["results"][0]["headers"]["merged-places"];
    assert_eq!(told, expected, "{batch}");
    // Where nothing was joined in one place, there is nothing to tell.
    let path = "/api/articles/apart";
    let (base, _) = changed(&client, path, r#"{"body":"a"}"#, r#"{"body":"b"}"#).await;
    let apart = client
        .put(path, r#"{"body":"a","views":1}"#)
        .if_match(&base);
    let apart = apart.send().await;
    assert_eq!(apart.header("merged-versions"), Some("1..2"));
    assert_eq!(tells(&apart), None);
}

#[tokio::test]
async fn a_resolution_is_one_request_and_guarded() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let first = r#"{"title":"Draft","text":"a","n":1}"#;
    let (base, current) = changed(
        &client,
        ARTICLE,
        first,
        r#"{"title":"Final","text":"b","n":1}"#,
    )
    .await;
    let edit = json!({"title": "Plan", "text": "c", "n": 2});
    let preview = merge(
        &client,
        "?dry_run=true",
        &json!({"base": base, "document": edit}),
    )
    .await;
    let report = preview.json();
    assert_eq!(preview.status, 200, "{report}");
    assert_eq!(report["mergeable"], false);
    assert_eq!(
        report["document"],
        json!({"title": "Final", "text": "b", "n": 2})
    );
    assert_eq!(report["conflicts"].as_array().unwrap().len(), 2);
    let choices = json!({"/title": "yours", "/text": {"value": "b and c"}});
    let body = json!({"base": base, "document": edit, "choices": choices, "current": current});
    let preview = merge(&client, "?dry_run=true", &body).await.json();
    let expected = json!({"title": "Plan", "text": "b and c", "n": 2});
    assert_eq!(
        (&preview["mergeable"], &preview["document"]),
        (&json!(true), &expected)
    );
    assert_eq!(
        client.get(ARTICLE).await.tag(),
        current,
        "a preview writes nothing"
    );
    // Somebody is faster, elsewhere: the choices still hold.
    let elsewhere = client
        .merge_patch(ARTICLE, r#"{"m":5}"#)
        .if_match(&current)
        .send()
        .await;
    // And once more, where a choice was made: only that is asked again.
    let touched = client.merge_patch(ARTICLE, r#"{"title":"Last"}"#);
    let touched = touched.if_match(&elsewhere.tag()).by("carol").send().await;
    let refused = merge(&client, "", &body).await;
    let problem = refused.json();
    assert_eq!(refused.status, 409, "{problem}");
    assert_eq!(problem["conflicting_fields"], json!(["title"]));
    assert_eq!(problem["conflicts"][0]["current"], "Last");
    assert_eq!(problem["current_etag"], json!(touched.tag()));
    let mut body = body;
    body["current"] = json!(touched.tag());
    let merged = merge(&client, "", &body).await;
    let expected = json!({"title": "Plan", "text": "b and c", "n": 2, "m": 5});
    merged_with(&merged, "1..4", &expected);
    assert_eq!(merged.tag(), client.get(ARTICLE).await.tag());
    assert_eq!(merged.header("content-location"), Some(ARTICLE));
}

#[tokio::test]
async fn a_merge_takes_patches_numbers_and_its_own_preconditions() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let (base, current) = changed(&client, ARTICLE, r#"{"a":1,"b":1}"#, r#"{"a":2,"b":1}"#).await;
    let by_number = json!({"base": 1, "patch": {"b": 2}});
    let path = format!("{ARTICLE}/merge");
    let guarded = client
        .post(&path, &by_number.to_string())
        .if_match(&base)
        .send()
        .await;
    assert_eq!(guarded.status, 409, "If-Match is what it is everywhere");
    let merged = client
        .post(&path, &by_number.to_string())
        .if_match(&current)
        .send()
        .await;
    merged_with(&merged, "1..2", &json!({"a": 2, "b": 2}));
    let operations = json!([{"op": "replace", "path": "/b", "value": 3}]);
    let again = merge(&client, "", &json!({"base": current, "patch": operations})).await;
    assert_eq!(again.status, 409, "b was changed since: {again:?}");
    let fresh = merge(&client, "", &json!({"base": 3, "patch": {"c": 1}})).await;
    assert_eq!((fresh.status, fresh.header("merged-versions")), (200, None));
    let deleted = json!({"base": base, "document": {"a": 1, "b": 1}, "choices": {"/a": "base"}, "current": fresh.tag()});
    let undone = merge(&client, "", &deleted).await;
    merged_with(&undone, "1..4", &json!({"a": 1, "b": 2, "c": 1}));
}

#[tokio::test]
async fn what_is_wrong_with_a_merge_names_its_place() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let tag = client.create(ARTICLE, r#"{"a":1}"#).await;
    let cases = [
        (json!([]), 400, ""),
        (json!({"document": {}}), 400, "/base"),
        (json!({"base": tag}), 400, "/document"),
        (
            json!({"base": tag, "document": {}, "patch": {}}),
            400,
            "/document",
        ),
        (
            json!({"base": tag, "document": {}, "choice": {}}),
            400,
            "/choice",
        ),
        (json!({"base": "7-x", "document": {}}), 400, "/base"),
        (json!({"base": "\"7-x\"", "document": {}}), 400, "/base"),
        (json!({"base": 9, "document": {}}), 400, "/base"),
        (
            json!({"base": tag, "document": {}, "choices": {"a": "yours"}, "current": tag}),
            400,
            "/choices/a",
        ),
        (
            json!({"base": tag, "document": {}, "choices": {"/a": "mine"}, "current": tag}),
            400,
            "/choices/~1a",
        ),
        (
            json!({"base": tag, "document": {}, "choices": {"/z": "yours"}, "current": tag}),
            400,
            "/choices/~1z",
        ),
        (
            json!({"base": tag, "document": {}, "choices": {"/a": "yours"}}),
            428,
            "/current",
        ),
        (
            json!({"base": tag, "patch": [{"op": "remove", "path": "/q"}]}),
            400,
            "/patch",
        ),
    ];
    for (body, status, member) in cases {
        let refused = merge(&client, "", &body).await;
        assert_eq!(refused.status, status, "{body}: {refused:?}");
        assert_eq!(refused.json()["member"], member, "{body}");
    }
    let not_an_object = merge(&client, "", &json!({"base": tag, "document": 5})).await;
    assert_eq!(not_an_object.status, 422);
    let missing = client
        .post("/api/articles/9/merge", r#"{"base":1,"document":{}}"#)
        .send()
        .await;
    assert_eq!(missing.status, 404);
    let get = client.get(&format!("{ARTICLE}/merge")).await;
    assert_eq!(
        (get.status, get.header("allow")),
        (405, Some("POST, OPTIONS"))
    );
}

/// The base is no longer kept: nobody can tell the two edits apart, so nobody guesses.
#[tokio::test]
async fn a_base_that_is_gone_is_no_base() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let path = "/api/short/1";
    let first = client.create(path, r#"{"n":0}"#).await;
    let mut tag = first.clone();
    for n in 1..128 {
        let next = client.put(path, &format!(r#"{{"n":{n}}}"#)).if_match(&tag);
        tag = next.send().await.tag();
    }
    let edit = || client.put(path, r#"{"n":0,"m":1}"#).if_match(&first);
    let refused = edit().send().await;
    let problem = refused.json();
    assert_eq!(
        (refused.status, &problem["type"]),
        (409, &json!("/problems/base-gone"))
    );
    assert_eq!(
        (&problem["current_etag"], refused.tag()),
        (&json!(tag), tag.clone())
    );
    let plain = edit()
        .header("Prefer", "conflict=reject")
        .send()
        .await
        .json();
    assert_eq!(
        (&plain["type"], &plain["mergeable"]),
        (&json!("/problems/stale-version"), &json!(false))
    );
    for base in [json!(first), json!(1)] {
        let body = json!({"base": base, "document": {"m": 1}}).to_string();
        let refused = client.post(&format!("{path}/merge"), &body).send().await;
        assert_eq!(refused.json()["type"], "/problems/base-gone", "{refused:?}");
    }
    let gone = client.get(&format!("{path}/versions/1")).await;
    assert_eq!(
        (gone.status, &gone.json()["error"]),
        (410, &json!("VersionGone"))
    );
    assert_eq!(
        client.get(&format!("{path}/versions/999")).await.status,
        404
    );
    let versions = client
        .get(&format!("{path}/versions?limit=1000"))
        .await
        .json();
    let rows = versions["items"].as_array().unwrap();
    assert_eq!((rows.len(), &versions["next"]), (65, &Value::Null));
    let fresh = client
        .put(path, r#"{"n":0,"m":1}"#)
        .if_match(&tag)
        .send()
        .await;
    assert_eq!(fresh.status, 200);
}

/// Past the size that the writer's thread works on itself, what was worked out ahead counts.
#[tokio::test]
async fn large_documents_are_merged_off_the_writers_thread() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let members = |n: usize, value: &str| -> String {
        let rows: Vec<_> = (0..3000)
            .map(|at| {
                format!(
                    "\"m{at}\":\"{}\"",
                    if at == n {
                        value
                    } else {
                        "................................"
                    }
                )
            })
            .collect();
        format!("{{{}}}", rows.join(","))
    };
    let first = client.create(ARTICLE, &members(0, "first")).await;
    let edits = (1..9).map(|n| {
        let (client, first) = (client.clone(), first.clone());
        let body = members(n, "edited").replacen(
            "\"m0\":\"................................\"",
            "\"m0\":\"first\"",
            1,
        );
        async move { client.put(ARTICLE, &body).if_match(&first).send().await }
    });
    for answer in futures_util::future::join_all(edits).await {
        assert_eq!(answer.status, 200, "{}", &answer.text()[..300]);
    }
    let stored = client.get(ARTICLE).await.json();
    assert_eq!(stored["m0"], "first");
    for n in 1..9 {
        assert_eq!(stored[format!("m{n}")], "edited", "m{n}");
    }
}
