use serde_json::{Value, json};

use crate::server::Server;

#[tokio::test]
async fn a_refusal_tells_all_that_resolving_it_takes() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/45";
    let base = r#"{"title":"Draft","body":"","price":1.50,"tags":["a"]}"#;
    let first = client.put(path, base).by("alice").send().await.tag();
    let second = client
        .put(
            path,
            r#"{"title":"Draft","body":"Text","price":1.50,"tags":["a"]}"#,
        )
        .if_match(&first)
        .by("carol")
        .send()
        .await;
    let third = client
        .put(
            path,
            r#"{"title":"Final","body":"Text","price":1.50,"tags":["a","b"]}"#,
        )
        .if_match(&second.tag())
        .by("bob")
        .send()
        .await;
    let refused = client
        .put(
            path,
            r#"{"title":"Plan","body":"","price":1.60,"note":true}"#,
        )
        .if_match(&first)
        .by("alice")
        .send()
        .await;
    assert_eq!(refused.status, 409);
    assert_eq!(refused.tag(), third.tag());
    let mut problem = refused.json();
    for change in problem["changes_since"].as_array_mut().unwrap() {
        assert!(change["at"].as_str().unwrap().ends_with('Z'));
        change.as_object_mut().unwrap().remove("at");
    }
    let logged = problem.as_object_mut().unwrap().remove("logged");
    let logged = logged.expect("where the log has it");
    assert!(
        logged.as_str().unwrap().starts_with("/api/_conflicts/"),
        "{logged}"
    );
    let tag = third.tag();
    let message =
        "bob saved version 3; your edit began from version 1. Both of you changed title and tags.";
    let expected = json!({
        "type": "/problems/stale-version",
        "title": "The document changed since you read it",
        "status": 409,
        "detail": message,
        "instance": path,
        "error": "UpdateConflict",
        "message": message,
        "current_version": 3,
        "your_version": 1,
        "current_etag": tag,
        "conflicting_fields": ["title", "tags"],
        "conflicts": [
            {"path": "/title", "kind": "edit-edit", "strategy": "manual",
             "base": "Draft", "yours": "Plan", "current": "Final", "by": "bob", "version": 3},
            {"path": "/tags", "kind": "delete-edit", "strategy": "manual",
             "base": ["a"], "current": ["a", "b"], "by": "bob", "version": 3},
        ],
        "changes_since": [
            {"version": 2, "by": "carol", "fields": ["body"]},
            {"version": 3, "by": "bob", "fields": ["title", "tags"]},
        ],
        "mergeable": false,
        "current": {"title": "Final", "body": "Text", "price": 1.5, "tags": ["a", "b"]},
        "merged": {"title": "Final", "body": "Text", "price": 1.6, "tags": ["a", "b"], "note": true},
        "resolutions": [
            {"rel": "retry", "method": "PUT", "href": path, "if_match": tag},
            {"rel": "merge", "method": "POST", "href": "/api/documents/45/merge",
             "base": first, "current": tag},
            {"rel": "current", "method": "GET", "href": path},
            {"rel": "history", "method": "GET", "href": "/api/documents/45/versions"},
        ],
    });
    assert_eq!(problem, expected);
    assert!(
        refused.text().contains("1.50"),
        "digits are kept: {}",
        refused.text()
    );
}

#[tokio::test]
async fn edits_that_do_not_overlap_are_told_to_be_mergeable() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let first = client.create(path, r#"{"a":1,"b":{"c":1,"d":1}}"#).await;
    let body = r#"{"a":1,"b":{"c":2,"d":1}}"#;
    client.put(path, body).if_match(&first).send().await;
    let patch = r#"[{"op":"replace","path":"/b/d","value":2}]"#;
    let edits = [
        client.put(path, r#"{"a":1,"b":{"c":1,"d":2}}"#),
        client.json_patch(path, patch),
        client.merge_patch(path, r#"{"b":{"d":2}}"#),
    ];
    for edit in edits {
        let problem = edit.if_match(&first).send().await.json();
        assert_eq!(problem["mergeable"], true, "{problem}");
        assert_eq!(problem["conflicts"], json!([]));
        assert_eq!(problem["merged"], json!({"a": 1, "b": {"c": 2, "d": 2}}));
        let tag = problem["current_etag"].as_str().unwrap();
        let merged = client
            .put(path, &problem["merged"].to_string())
            .if_match(tag);
        assert_eq!(merged.send().await.status, 200);
        let back = client.put(path, body).if_match("*").send().await;
        assert_eq!(back.status, 200);
    }
}

#[tokio::test]
async fn a_tag_that_the_document_never_had_has_no_base() {
    let server = Server::start();
    let client = server.client();
    let other = client.create("/api/documents/other", r#"{"a":1}"#).await;
    client.create("/api/documents/1", r#"{"a":1,"b":1}"#).await;
    for tag in ["\"x\"", "\"7-1f3a9c02\"", &other] {
        let refused = client
            .put("/api/documents/1", r#"{"a":2,"b":1}"#)
            .if_match(tag)
            .send()
            .await;
        let problem = refused.json();
        assert_eq!(problem["your_version"], json!(null), "{tag}: {problem}");
        assert_eq!(problem["mergeable"], false);
        let conflict = json!({"path": "/a", "kind": "edit-edit", "strategy": "manual", "yours": 2, "current": 1});
        assert_eq!(problem["conflicts"], json!([conflict]));
    }
}

/// Of several tags the newest that the document had is the base.
#[tokio::test]
async fn the_newest_of_several_tags_is_the_base() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let first = client.create(path, r#"{"a":1}"#).await;
    let second = client
        .put(path, r#"{"a":2}"#)
        .if_match(&first)
        .send()
        .await
        .tag();
    client
        .put(path, r#"{"a":3}"#)
        .if_match(&second)
        .send()
        .await;
    let tags = format!("{second}, \"x\", {first}");
    let refused = client.put(path, r#"{"a":4}"#).if_match(&tags).send().await;
    assert_eq!(refused.json()["your_version"], 2);
}

#[tokio::test]
async fn a_deleted_document_says_who_and_when() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let first = client.create(path, r#"{"a":1}"#).await;
    client
        .ask("DELETE", path)
        .if_match(&first)
        .by("bob")
        .send()
        .await;
    let refused = client.put(path, r#"{"a":2}"#).if_match(&first).send().await;
    let problem = refused.json();
    assert_eq!(problem["error"], "DeletedConflict");
    assert_eq!(problem["deleted_by"], "bob");
    assert!(problem["deleted_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(problem["your_version"], 1);
    assert_eq!(problem["conflicts"][0]["base"], json!({"a": 1}));
    let again = client
        .put(path, r#"{"a":2}"#)
        .header("If-None-Match", "*")
        .send()
        .await;
    assert_eq!(again.status, 201);
    assert_eq!(again.header("document-version"), Some("3"));
    let stale = client.put(path, r#"{"a":3}"#).if_match(&first).send().await;
    assert_eq!(stale.status, 409, "a tag never comes back");
}

/// Two customers take the last item: their bodies are the same bytes, and yet only one gets it. The
/// second learns that what is stored is what it sent, and that the server cannot tell why.
#[tokio::test]
async fn equal_bodies_are_two_intents() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/products/tea";
    let first = client.create(path, r#"{"stock":1}"#).await;
    let taken = client
        .put(path, r#"{"stock":0}"#)
        .if_match(&first)
        .by("ann")
        .send()
        .await;
    assert_eq!(taken.status, 200);
    let refused = client
        .put(path, r#"{"stock":0}"#)
        .if_match(&first)
        .by("ben")
        .send()
        .await;
    assert_eq!(refused.status, 409);
    assert_eq!(refused.json()["already_applied"], true);
    assert_eq!(refused.json()["changes_since"][0]["by"], "ann");
}

#[tokio::test]
async fn patches_that_do_not_fit_name_the_operation() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let tag = client.create(path, r#"{"a":1,"b":[1]}"#).await;
    let cases = [
        (
            r#"[{"op":"add","path":"/c","value":1},{"op":"test","path":"/a","value":2}]"#,
            1,
            "/a",
        ),
        (r#"[{"op":"remove","path":"/x"}]"#, 0, "/x"),
        (r#"[{"op":"add","path":"/b/5","value":1}]"#, 0, "/b/5"),
    ];
    for (patch, operation, place) in cases {
        let problem = client
            .json_patch(path, patch)
            .if_match(&tag)
            .send()
            .await
            .json();
        assert_eq!(problem["error"], "PatchConflict", "{problem}");
        assert_eq!(problem["operation"], operation);
        assert_eq!(problem["path"], place);
        if operation == 1 {
            assert_eq!(
                (&problem["expected"], &problem["actual"]),
                (&json!(2), &json!(1))
            );
        }
    }
    assert_eq!(client.get(path).await.text(), r#"{"a":1,"b":[1]}"#);
    // A stale patch that does not fit its base either is a conflict that nobody can work out.
    client
        .put(path, r#"{"a":2,"b":[1]}"#)
        .if_match(&tag)
        .send()
        .await;
    let remove = r#"[{"op":"remove","path":"/x"}]"#;
    let problem = client
        .json_patch(path, remove)
        .if_match(&tag)
        .send()
        .await
        .json();
    assert_eq!(problem["error"], "UpdateConflict");
    assert_eq!(problem["conflicts"][0]["kind"], "inapplicable");
}

#[tokio::test]
async fn a_deletion_that_is_stale_conflicts_with_what_was_changed() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let tag = client.create(path, r#"{"a":1,"b":1}"#).await;
    client
        .put(path, r#"{"a":2,"b":1}"#)
        .if_match(&tag)
        .send()
        .await;
    let problem = client
        .ask("DELETE", path)
        .if_match(&tag)
        .send()
        .await
        .json();
    assert_eq!(problem["conflicts"][0]["kind"], "delete-edit");
    assert_eq!(problem["conflicting_fields"], json!(["a"]));
    assert_eq!(problem["mergeable"], false);
}

#[tokio::test]
async fn large_documents_are_pointed_to_and_many_changes_are_cut_short() {
    let server = Server::start();
    let client = server.client();
    let text = "x".repeat(300 * 1024);
    let body = |n: u32| format!(r#"{{"n":{n},"text":"{text}"}}"#);
    let first = client.create("/api/documents/large", &body(1)).await;
    client
        .put("/api/documents/large", &body(2))
        .if_match(&first)
        .send()
        .await;
    let refused = client
        .put("/api/documents/large", &body(3))
        .if_match(&first)
        .send()
        .await;
    let problem = refused.json();
    assert_eq!(problem["current_href"], "/api/documents/large");
    assert!(problem.get("current").is_none() && problem.get("merged").is_none());
    assert_eq!(problem["conflicting_fields"], json!(["n"]));
    assert!(problem["conflicts"][0].get("yours").is_none());

    let first = client.create("/api/documents/busy", r#"{"n":0}"#).await;
    for n in 1..=150 {
        let body = format!(r#"{{"n":{n}}}"#);
        client
            .put("/api/documents/busy", &body)
            .if_match("*")
            .send()
            .await;
    }
    let problem = client
        .put("/api/documents/busy", r#"{"n":-1}"#)
        .if_match(&first)
        .send()
        .await
        .json();
    assert_eq!(problem["changes_omitted"], true);
    assert_eq!(problem["changes_since"].as_array().unwrap().len(), 100);
    assert_eq!(problem["conflicts"][0]["version"], 151);
}

/// Two edits of a large document may collide in tens of thousands of places.
#[tokio::test]
async fn a_refusal_names_a_thousand_conflicts_and_a_preview_all() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/wide";
    let body = |value: u32| {
        let members: Vec<_> = (0..1500).map(|n| format!("\"m{n}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let length = |rows: &Value| rows.as_array().unwrap().len();
    let first = client.create(path, &body(1)).await;
    client.put(path, &body(2)).if_match(&first).send().await;
    let refused = client.put(path, &body(3)).if_match(&first).send().await;
    assert_eq!(refused.status, 409);
    let problem = refused.json();
    assert_eq!(length(&problem["conflicts"]), 1000);
    assert_eq!(problem["conflicts_omitted"], 500);
    assert_eq!(length(&problem["conflicting_fields"]), 1000);
    let since = &problem["changes_since"][0];
    assert_eq!(length(&since["fields"]), 1000);
    assert_eq!(since["fields_omitted"], 500);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.ends_with("and 1490 more."), "{detail}");
    let logged = client.get(problem["logged"].as_str().unwrap()).await.json();
    assert_eq!(length(&logged["paths"]), 1000);
    assert_eq!(length(&logged["conflicts"]), 1500);

    // Whoever wants to decide gets them all.
    let document: Value = serde_json::from_str(&body(3)).unwrap();
    let mut merge = json!({"base": first, "document": document});
    let preview = client.post(&format!("{path}/merge?dry_run=true"), &merge.to_string());
    let preview = preview.send().await.json();
    let conflicts = preview["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 1500);
    let place = |it: &Value| (it["path"].as_str().unwrap().to_owned(), json!("yours"));
    let choices: serde_json::Map<_, _> = conflicts.iter().map(place).collect();
    merge["choices"] = choices.into();
    merge["current"] = preview["current_etag"].clone();
    let merged = client.post(&format!("{path}/merge"), &merge.to_string());
    let merged = merged.send().await;
    assert_eq!(merged.status, 200, "{merged:?}");
    assert_eq!(merged.json()["m1499"], 3);
}

#[tokio::test]
async fn clients_that_take_only_plain_json_get_it() {
    let server = Server::start();
    let client = server.client();
    client.create("/api/documents/1", "{}").await;
    let plain = client
        .put("/api/documents/1", "{}")
        .header("Accept", "application/json")
        .send()
        .await;
    assert_eq!(plain.header("content-type"), Some("application/json"));
    let problem = client
        .put("/api/documents/1", "{}")
        .header("Accept", "*/*")
        .send()
        .await;
    assert_eq!(
        problem.header("content-type"),
        Some("application/problem+json")
    );
}

#[tokio::test]
async fn every_problem_has_its_page() {
    let server = Server::start();
    let client = server.client();
    let page = client.get("/problems/stale-version").await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    let slugs: Vec<_> = page
        .text()
        .split("href=\"/problems/")
        .skip(1)
        .filter_map(|it| it.split('"').next())
        .collect();
    assert!(slugs.len() >= 15, "{slugs:?}");
    for slug in slugs {
        let page = client.get(&format!("/problems/{slug}")).await;
        assert_eq!(page.status, 200, "{slug}");
        assert!(!page.text().contains("<!-- "), "{slug}: a gap in the page");
    }
    assert_eq!(client.get("/problems/none").await.status, 404);
}

/// Both took one of five. Their edits join, but one of the two takes would be lost: the refusal says
/// what both changed alike.
#[tokio::test]
async fn what_both_changed_alike_is_named() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/products/tea";
    let first = client.create(path, r#"{"stock":5}"#).await;
    client
        .put(path, r#"{"stock":4,"last":"ann"}"#)
        .if_match(&first)
        .send()
        .await;
    let edit = client
        .put(path, r#"{"stock":4,"note":"ben"}"#)
        .if_match(&first);
    let problem = edit.send().await.json();
    assert_eq!(problem["agreements"], json!(["stock"]));
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.ends_with("Both of you changed stock in the same way."),
        "{detail}"
    );
}

#[tokio::test]
async fn a_weak_tag_of_the_current_version_is_told_to_be_weak() {
    let server = Server::start();
    let client = server.client();
    let tag = client.create("/api/documents/1", "{}").await;
    let weak = client
        .put("/api/documents/1", r#"{"a":1}"#)
        .if_match(&format!("W/{tag}"));
    let problem = weak.send().await.json();
    assert!(
        problem["detail"].as_str().unwrap().contains("weak tag"),
        "{problem}"
    );
}

/// A patch may make anything of a document; one that is stale is told of, whatever it made.
#[tokio::test]
async fn a_stale_patch_that_leaves_no_object_is_told_of() {
    let server = Server::start();
    let client = server.client();
    let path = "/api/documents/1";
    let first = client.create(path, r#"{"a":1}"#).await;
    client.put(path, r#"{"a":2}"#).if_match(&first).send().await;
    for made in [r#""""#, "null", "[1]", "-1.5"] {
        let patch = format!(r#"[{{"op":"replace","path":"","value":{made}}}]"#);
        let answer = client
            .json_patch(path, &patch)
            .if_match(&first)
            .send()
            .await;
        assert!([409, 422].contains(&answer.status), "{made}");
    }
}
