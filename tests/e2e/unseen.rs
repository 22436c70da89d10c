use serde_json::{Value, json};

use crate::client::{Answer, Ask, Client};
use crate::server::Server;

const CONFIG: &str = r#"
[collections.notes]
[[tokens]]
name = "alice"
secret = "alice-secret"
[[tokens]]
name = "inbox"
secret = "inbox-secret"
rights = ["write"]
"#;

const NOTE: &str = "/api/notes/1";
const ALICE: (&str, &str) = ("Authorization", "Bearer alice-secret");
const INBOX: (&str, &str) = ("Authorization", "Bearer inbox-secret");
const MERGE: &str = "conflict=merge, return=minimal";

/// A note that somebody else changed since the returned tag was read.
async fn overtaken(client: &Client) -> String {
    let put = |body: &str| client.put(NOTE, body).header(ALICE.0, ALICE.1);
    let base = put(r#"{"title":"Draft","body":"x"}"#).if_match("*");
    let mut base = base.send().await;
    if base.status != 200 {
        base = put(r#"{"title":"Draft","body":"x"}"#).send().await;
    }
    let theirs = put(r#"{"title":"Draft","body":"theirs"}"#).if_match(&base.tag());
    assert_eq!(theirs.send().await.status, 200);
    base.tag()
}

/// What a naive client does with the tag of a write: it takes its own edit for what is stored.
async fn goes_on_naively(client: &Client, told: Option<&str>) {
    let Some(tag) = told else { return };
    let next = client.put(NOTE, r#"{"title":"Plan 2","body":"x"}"#);
    let next = next.header(ALICE.0, ALICE.1).if_match(tag).send().await;
    assert_ne!(next.status, 200, "the other edit is gone: {next:?}");
}

async fn must_hide_the_tag(client: &Client, answer: &Answer) {
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer:?}");
    goes_on_naively(client, answer.header("etag")).await;
    assert_eq!(answer.header("etag"), None, "{answer:?}");
    assert_eq!(answer.header("last-modified"), None, "{answer:?}");
    let stored = client.ask("GET", NOTE).header(ALICE.0, ALICE.1).send();
    assert_eq!(answer.header("merged-etag"), Some(&*stored.await.tag()));
}

#[tokio::test]
async fn no_merged_write_without_a_body_gives_its_tag() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let edits: [fn(&Client, &str) -> Ask; 5] = [
        |client, base| {
            client
                .merge_patch(NOTE, r#"{"title":"Plan"}"#)
                .if_match(base)
        },
        |client, base| {
            let patch = r#"[{"op":"replace","path":"/title","value":"Plan"}]"#;
            client.json_patch(NOTE, patch).if_match(base)
        },
        |client, base| {
            client
                .put(NOTE, r#"{"title":"Plan","body":"x"}"#)
                .if_match(base)
        },
        |client, base| {
            let merge = json!({"base": base, "patch": {"title": "Plan"}}).to_string();
            client.post(&format!("{NOTE}/merge"), &merge)
        },
        |client, base| {
            let patch = client.merge_patch(NOTE, r#"{"title":"Plan"}"#);
            patch.if_match(base).header("Idempotency-Key", "once")
        },
    ];
    for edit in edits {
        let base = overtaken(&client).await;
        let ask = || edit(&client, &base).header("Prefer", MERGE);
        let merged = ask().header(ALICE.0, ALICE.1).send().await;
        must_hide_the_tag(&client, &merged).await;
        assert!(merged.header("merged-versions").is_some(), "{merged:?}");
    }
    // A replay says no more than the first answer did.
    let base = overtaken(&client).await;
    let keyed = || {
        let patch = client
            .merge_patch(NOTE, r#"{"title":"Plan"}"#)
            .if_match(&base);
        let patch = patch.header("Prefer", MERGE).header(ALICE.0, ALICE.1);
        patch.header("Idempotency-Key", "twice")
    };
    keyed().send().await;
    let replayed = keyed().send().await;
    assert_eq!(replayed.header("idempotent-replayed"), Some("true"));
    must_hide_the_tag(&client, &replayed).await;
}

#[tokio::test]
async fn who_may_write_but_not_read_gets_no_tag_of_a_merged_version() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let base = overtaken(&client).await;
    let patch = client
        .merge_patch(NOTE, r#"{"title":"Plan"}"#)
        .if_match(&base);
    let patch = patch.header("Prefer", "conflict=merge");
    let merged = patch.header(INBOX.0, INBOX.1).send().await;
    must_hide_the_tag(&client, &merged).await;
}

#[tokio::test]
async fn operations_of_a_batch_and_resolutions_hide_it_too() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let base = overtaken(&client).await;
    let operation = |prefer: &str, title: &str| {
        json!({"method": "PATCH", "path": NOTE, "body": {"title": title}, "headers": {
            "Content-Type": "application/merge-patch+json", "If-Match": base, "Prefer": prefer}})
    };
    let batch = |atomic: bool, operation: Value| {
        let operations = json!({"operations": [operation]}).to_string();
        client
            .post(&format!("/api/_batch?atomic={atomic}"), &operations)
            .header(ALICE.0, ALICE.1)
            .send()
    };
    for atomic in [true, false] {
        let done = batch(atomic, operation(MERGE, "Plan")).await;
        let row = done.json()["results"][0].clone();
        assert_eq!(row["status"], 204, "{row}");
        assert!(row["headers"]["merged-etag"].is_string(), "{row}");
        assert!(row["headers"].get("etag").is_none(), "{row}");
        assert!(row["headers"].get("last-modified").is_none(), "{row}");
    }
    let shown = batch(true, operation("conflict=merge", "Plan")).await;
    let row = shown.json()["results"][0].clone();
    assert!(
        row["headers"]["etag"].is_string() && row["body"].is_object(),
        "{row}"
    );
    let refused = client.merge_patch(NOTE, r#"{"body":"mine"}"#);
    let refused = refused
        .header(ALICE.0, ALICE.1)
        .if_match(&base)
        .send()
        .await;
    let problem = refused.json();
    let current = &problem["current_etag"];
    let choices = json!({"choices": {"/body": "yours"}, "current": current}).to_string();
    let resolve = format!("{}/resolve", problem["logged"].as_str().unwrap());
    let resolved = client
        .post(&resolve, &choices)
        .header("Prefer", "return=minimal");
    let resolved = resolved.header(ALICE.0, ALICE.1).send().await;
    must_hide_the_tag(&client, &resolved).await;
}

/// A patch on whatever is current leaves a document that its writer never saw.
#[tokio::test]
async fn a_patch_on_an_unnamed_version_gives_its_tag_only_with_the_document() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let patch = r#"[{"op":"test","path":"/title","value":"Draft"},
                    {"op":"replace","path":"/title","value":"Plan"}]"#;
    let minimal = ("Prefer", "return=minimal");
    let tests: [fn(Ask) -> Ask; 2] = [|ask| ask, |ask| ask.if_match("*")];
    for condition in tests {
        overtaken(&client).await;
        let ask = condition(client.json_patch(NOTE, patch)).header(ALICE.0, ALICE.1);
        let patched = ask.header(minimal.0, minimal.1).send().await;
        must_hide_the_tag(&client, &patched).await;
    }
    overtaken(&client).await;
    let shown = client.json_patch(NOTE, patch).header(ALICE.0, ALICE.1);
    assert!(shown.send().await.header("etag").is_some());
    // Whoever names the version can work out what the patch leaves.
    let stored = client
        .ask("GET", NOTE)
        .header(ALICE.0, ALICE.1)
        .send()
        .await;
    let named = client.merge_patch(NOTE, r#"{"title":"Done"}"#);
    let named = named.if_match(&stored.tag()).header(minimal.0, minimal.1);
    let named = named.header(ALICE.0, ALICE.1).send().await;
    assert_eq!((named.status, named.header("etag").is_some()), (204, true));
}

/// What a merge makes of its base holds the base, and so does its entry in the conflict log.
#[tokio::test]
async fn a_refused_merge_shows_its_writer_nothing_of_the_base() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let secret = r#"{"title":"Draft","pin":"s3cret"}"#;
    let created = client.put(NOTE, secret).header(ALICE.0, ALICE.1);
    assert_eq!(created.send().await.status, 201);
    let merge = client.post(&format!("{NOTE}/merge"), r#"{"base":1,"patch":{}}"#);
    let refused = merge.if_match("\"no\"").header(INBOX.0, INBOX.1).send();
    let refused = refused.await;
    assert_eq!(refused.status, 409);
    let logged = refused.json()["logged"].as_str().unwrap().to_owned();
    for (who, is_shown) in [(INBOX, false), (ALICE, true)] {
        let entry = client.ask("GET", &logged).header(who.0, who.1).send().await;
        assert_eq!(entry.status, 200);
        assert_eq!(entry.text().contains("s3cret"), is_shown, "{entry:?}");
    }
    assert!(!refused.text().contains("s3cret"), "{refused:?}");
}

/// A validator's message may quote what it found.
#[tokio::test]
async fn a_patch_that_breaks_the_schema_shows_its_writer_no_values() {
    let schema = "[collections.notes]\nschema = { properties = { tags = { maxItems = 1 } } }";
    let server = Server::with_config(&CONFIG.replace("[collections.notes]", schema));
    let client = server.client();
    let created = client.put(NOTE, r#"{"tags":["s3cret"]}"#);
    let created = created.header(ALICE.0, ALICE.1).send().await;
    assert_eq!(created.status, 201, "{created:?}");
    let patch = r#"[{"op":"add","path":"/tags/-","value":"x"}]"#;
    for (who, is_shown) in [(INBOX, false), (ALICE, true)] {
        let patch = client.json_patch(NOTE, patch).if_match("*");
        let refused = patch.header(who.0, who.1).send().await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert_eq!(refused.text().contains("s3cret"), is_shown, "{refused:?}");
        assert_eq!(refused.json()["violations"][0]["path"], "/tags");
    }
}

/// A `test` says whether a guess is right, and what may come next tells what is.
#[tokio::test]
async fn who_may_write_but_not_read_guesses_nothing() {
    let lifecycle = "\n[collections.notes.lifecycle]\nfield = \"/state\"\ninitial = [\"new\"]\n\
                     states = { new = [\"seen\"], seen = [\"done\"], done = [] }\n";
    let server = Server::with_config(&CONFIG.replacen(
        "[collections.notes]",
        &format!("[collections.notes]{lifecycle}"),
        1,
    ));
    let client = server.client();
    let created = client
        .put(NOTE, r#"{"state":"new","pin":7}"#)
        .header(ALICE.0, ALICE.1);
    let tag = created.send().await.tag();
    let guess = |pin: u32| format!(r#"[{{"op":"test","path":"/pin","value":{pin}}}]"#);
    for pin in [7, 8] {
        let patch = client
            .json_patch(NOTE, &guess(pin))
            .header(INBOX.0, INBOX.1);
        let refused = patch.if_match(&tag).send().await;
        assert_eq!(refused.status, 403, "{refused:?}");
        let merge = format!(r#"{{"base":{tag:?},"patch":{}}}"#, guess(pin));
        let merge = client.post(&format!("{NOTE}/merge"), &merge);
        let refused = merge.header(INBOX.0, INBOX.1).send().await;
        assert_eq!(refused.status, 403, "{refused:?}");
        let batch = format!(
            r#"{{"operations":[{{"method":"PATCH","path":"{NOTE}","headers":{{"If-Match":{tag:?},"Content-Type":"application/json-patch+json"}},"body":{}}}]}}"#,
            guess(pin)
        );
        let refused = client.post("/api/_batch", &batch).header(INBOX.0, INBOX.1);
        assert_eq!(refused.send().await.status, 403);
    }
    let skipped = client
        .merge_patch(NOTE, r#"{"state":"done"}"#)
        .if_match(&tag);
    let refused = skipped.header(INBOX.0, INBOX.1).send().await.json();
    assert_eq!(refused["type"], "/problems/state-conflict", "{refused}");
    assert_eq!(refused["allowed_transitions"], json!([]));
    let read = client.json_patch(NOTE, &guess(7)).header(ALICE.0, ALICE.1);
    assert_eq!(read.if_match(&tag).send().await.status, 200);
}
