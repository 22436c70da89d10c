use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{ask, data};
use crate::check::tester::Tester;
use crate::client::Client;
use crate::races::{at_once, crowd};
use crate::server::Server;

const REPLACE: &str = "mutation($id: ID!, $tag: String!, $data: JSON!) {
    it: replaceNote(id: $id, ifMatch: $tag, data: $data) { version etag json } }";

#[tokio::test(flavor = "multi_thread")]
async fn of_32_mutations_with_one_tag_one_is_applied() {
    let server = Server::with_config("[collections.notes]\n");
    let clients = crowd(&server, 32).await;
    let mut tag = clients[0].create("/api/notes/1", r#"{"writer":-1}"#).await;
    for round in 0..100 {
        let answers = at_once(&clients, |n, client| {
            let variables = json!({"id": 1, "tag": tag, "data": {"round": round, "writer": n}});
            async move { ask(&client, REPLACE, variables).await }
        })
        .await;
        let answers: Vec<_> = answers.iter().map(|it| it.json()).collect();
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.iter().partition(|it| it.get("errors").is_none());
        assert_eq!((won.len(), lost.len()), (1, 31), "round {round}");
        let winner = &won[0]["data"]["it"];
        let stored = clients[0].get("/api/notes/1").await;
        assert_eq!(
            (&winner["json"], &winner["etag"]),
            (&stored.json(), &json!(stored.tag()))
        );
        for loser in lost {
            let extensions = &loser["errors"][0]["extensions"];
            assert_eq!(extensions["status"], 409);
            assert_eq!(extensions["problem"]["current"], winner["json"]);
            assert_eq!(extensions["problem"]["current_etag"], winner["etag"]);
        }
        tag = stored.tag();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_creations_of_one_id_and_of_one_unique_key_one_is_applied() {
    let server = Server::with_config(
        "[collections.notes]\n[[collections.notes.unique]]\nname = \"slug\"\nfields = [\"/slug\"]\n",
    );
    let clients = crowd(&server, 32).await;
    for round in 0..30 {
        let by_id = at_once(&clients, |n, client| {
            let variables = json!({"id": format!("id{round}"), "data": {"writer": n}});
            async move {
                ask(
                    &client,
                    "mutation($id: ID, $data: JSON!) { createNote(id: $id, data: $data) { id } }",
                    variables,
                )
                .await
            }
        })
        .await;
        let by_key = at_once(&clients, |_, client| {
            let variables = json!({"data": {"slug": format!("s{round}")}});
            async move {
                ask(
                    &client,
                    "mutation($data: JSON!) { createNote(data: $data) { id } }",
                    variables,
                )
                .await
            }
        })
        .await;
        for (answers, code) in [(by_id, "PRECONDITION_FAILED"), (by_key, "DUPLICATE_ENTRY")] {
            let codes: Vec<_> = answers
                .iter()
                .filter_map(|it| {
                    it.json()["errors"][0]["extensions"]["code"]
                        .as_str()
                        .map(str::to_owned)
                })
                .collect();
            assert_eq!(codes, vec![code; 31], "round {round}");
        }
    }
}

/// Edits that merge never miss each other.
#[tokio::test(flavor = "multi_thread")]
async fn edits_of_16_that_merge_are_all_there() {
    let server = Server::with_config("[collections.notes.merge]\n\"/n\" = \"counter\"\n");
    let clients = crowd(&server, 16).await;
    clients[0].create("/api/notes/1", r#"{"n":0}"#).await;
    let tasks = clients.iter().cloned().enumerate().map(|(n, client)| {
        tokio::spawn(async move {
            for round in 0..40 {
                let read = data(&client, "{ it: note(id: 1) { etag json } }", json!({})).await["it"].clone();
                let mut document = read["json"].clone();
                document["n"] = json!(document["n"].as_i64().unwrap() + 1);
                document[format!("w{n}")] = json!(round);
                let merge = "mutation($tag: String!, $data: JSON!) { replaceNote(id: 1, ifMatch: $tag, data: $data, onConflict: MERGE) { version } }";
                data(&client, merge, json!({"tag": read["etag"], "data": document})).await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    let left = clients[0].get("/api/notes/1").await.json();
    assert_eq!(left["n"], 640);
    assert!((0..16).all(|n| left[format!("w{n}")] == 39), "{left}");
}

/// What clients did, line by line.
#[derive(Clone)]
struct History {
    begun: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl History {
    fn now(&self) -> u64 {
        self.begun.elapsed().as_micros() as u64
    }

    fn note(&self, actor: &str, key: &str, kind: &str, begun: u64, rest: Value) {
        let mut line =
            json!({"actor": actor, "key": key, "kind": kind, "begun": begun, "ended": self.now()});
        line.as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        self.lines.lock().unwrap().push(line.to_string());
    }
}

/// A document as somebody knows it.
struct Known {
    tag: String,
    value: String,
}

fn known(tag: &Value, document: &Value) -> Known {
    Known {
        tag: tag.as_str().unwrap().to_owned(),
        value: document["v"].as_str().unwrap().to_owned(),
    }
}

/// How an edit is sent.
#[derive(Clone, Copy, PartialEq)]
enum Face {
    Rest,
    Graphql,
    Batch,
    GraphqlBatch,
}

/// Replaces the version that somebody knows by another; or returns what there was instead.
async fn replace(
    client: &Client,
    face: Face,
    id: &str,
    base: &Known,
    value: &str,
) -> Result<Known, Known> {
    let document = json!({"v": value});
    let refused = |problem: &Value| known(&problem["current_etag"], &problem["current"]);
    match face {
        Face::Rest => {
            let put = client.put(&format!("/api/notes/{id}"), &document.to_string());
            let answer = put.if_match(&base.tag).send().await;
            match answer.status {
                200 => Ok(known(&json!(answer.tag()), &document)),
                _ => Err(refused(&answer.json())),
            }
        }
        Face::Batch => {
            let operation = json!({"method": "PUT", "path": format!("/api/notes/{id}"), "headers": {"If-Match": base.tag}, "body": document});
            let answer = client
                .post(
                    "/api/_batch",
                    &json!({"operations": [operation]}).to_string(),
                )
                .send()
                .await;
            match answer.status {
                200 => Ok(known(
                    &answer.json()["results"][0]["headers"]["etag"],
                    &document,
                )),
                _ => Err(refused(&answer.json())),
            }
        }
        Face::Graphql => {
            let answer = ask(
                client,
                REPLACE,
                json!({"id": id, "tag": base.tag, "data": document}),
            )
            .await
            .json();
            match answer.get("errors") {
                None => Ok(known(&answer["data"]["it"]["etag"], &document)),
                Some(errors) => Err(refused(&errors[0]["extensions"]["problem"])),
            }
        }
        Face::GraphqlBatch => {
            let operations =
                json!([{"replaceNote": {"id": id, "ifMatch": base.tag, "data": document}}]);
            let query = "mutation($operations: [BatchOperation!]!) { batch(operations: $operations) { document { etag } } }";
            let answer = ask(client, query, json!({"operations": operations}))
                .await
                .json();
            match answer.get("errors") {
                None => Ok(known(
                    &answer["data"]["batch"][0]["document"]["etag"],
                    &document,
                )),
                Some(errors) => Err(refused(&errors[0]["extensions"]["problem"])),
            }
        }
    }
}

/// Writers by REST, by GraphQL and by batches of both, on the same documents; readers by both. What they saw
/// could have been, one operation after the other.
#[tokio::test(flavor = "multi_thread")]
async fn writers_by_every_face_are_linearizable_together() {
    let server = Server::with_config("[collections.notes]\n");
    let clients = crowd(&server, 16).await;
    let history = History {
        begun: Instant::now(),
        lines: Arc::default(),
    };
    for id in ["1", "2", "3"] {
        let begun = history.now();
        let tag = clients[0]
            .create(
                &format!("/api/notes/{id}"),
                &json!({"v": format!("first-{id}")}).to_string(),
            )
            .await;
        history.note(
            "setup",
            id,
            "create",
            begun,
            json!({"outcome": "ok", "value": format!("first-{id}"), "tag": tag}),
        );
    }
    let tasks = clients.iter().cloned().enumerate().map(|(n, client)| {
        let history = history.clone();
        tokio::spawn(async move {
            let face = [Face::Rest, Face::Graphql, Face::Batch, Face::GraphqlBatch][n % 4];
            let actor = format!("writer-{n}");
            for round in 0..60 {
                let id = ["1", "2", "3"][(n + round) % 3];
                let begun = history.now();
                let mut base = match n % 2 {
                    0 => {
                        let read = client.get(&format!("/api/notes/{id}")).await;
                        known(&json!(read.tag()), &read.json())
                    }
                    _ => {
                        let read = data(&client, "query($id: ID!) { it: note(id: $id) { etag json } }", json!({"id": id})).await;
                        known(&read["it"]["etag"], &read["it"]["json"])
                    }
                };
                history.note(&actor, id, "read", begun, json!({"outcome": "ok", "value": base.value, "tag": base.tag}));
                for attempt in 0..3 {
                    let value = format!("{n}-{round}-{attempt}");
                    let begun = history.now();
                    match replace(&client, face, id, &base, &value).await {
                        Ok(written) => {
                            history.note(&actor, id, "compare-and-set", begun, json!({
                                "outcome": "ok", "base": base.tag, "value": value, "tag": written.tag}));
                            break;
                        }
                        Err(current) => {
                            history.note(&actor, id, "compare-and-set", begun, json!({
                                "outcome": "refused", "base": base.tag, "value": value}));
                            // What a refusal shows was read, too.
                            history.note(&actor, id, "read", begun, json!({
                                "outcome": "ok", "value": current.value, "tag": current.tag}));
                            base = current;
                        }
                    }
                }
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    let tester = Tester::new();
    let lines = history.lines.lock().unwrap().join("\n");
    let count = lines.lines().count();
    tester.write("history.jsonl", &lines);
    let run = tester.run(&["check", "--history", "history.jsonl"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(count > 2000, "only {count} operations");
}
