use serde_json::{Value, json};

use crate::client::Client;
use crate::server::Server;

const PATH: &str = "/api/articles/1";

async fn changes(client: &Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn the_feed_tells_what_was_touched_and_what_was_merged() {
    let server = Server::start();
    let client = server.client();
    let base = client
        .create(
            PATH,
            r#"{"title":"T","author":{"name":"Ann","mail":"a"},"tags":[1]}"#,
        )
        .await;
    client.create("/api/articles/2", "{}").await;
    let patch = r#"{"author":{"mail":"b"},"tags":[1,2]}"#;
    client.merge_patch(PATH, patch).if_match(&base).send().await;
    let merged = client.merge_patch(PATH, r#"{"title":"U"}"#).if_match(&base);
    let merged = merged.header("Prefer", "conflict=merge").send().await;
    assert_eq!(merged.status, 200);
    let last = client
        .ask("DELETE", PATH)
        .if_match(&merged.tag())
        .send()
        .await;
    assert_eq!(last.status, 204);
    let page = changes(&client, "/api/_changes").await;
    let rows = page["items"].as_array().unwrap();
    let paths: Vec<_> = rows.iter().map(|row| row["paths"].clone()).collect();
    let expected = [
        json!([""]),
        json!([""]),
        json!(["/author/mail", "/tags"]),
        json!(["/title"]),
        json!([""]),
    ];
    assert_eq!(paths, expected);
    let merges: Vec<_> = rows.iter().map(|row| row["merged"].clone()).collect();
    let told = json!({"base_version": 1, "onto_version": 2});
    assert_eq!(
        merges,
        [Value::Null, Value::Null, Value::Null, told, Value::Null]
    );

    let own = changes(&client, &format!("{PATH}/_changes")).await;
    let versions: Vec<_> = own["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["version"].clone())
        .collect();
    assert_eq!(versions, [1, 2, 3, 4]);
    assert_eq!(own["items"][3]["deleted"], true);
    let page = changes(&client, &format!("{PATH}/_changes?since=1&limit=2")).await;
    assert_eq!(page["items"][0]["version"], 2);
    assert!(page["next"].as_str().unwrap().starts_with("4-"), "{page}");
    let rest = changes(&client, &format!("{PATH}/_changes?since=4")).await;
    assert_eq!(
        (&rest["items"][0]["version"], &rest["next"]),
        (&json!(4), &Value::Null)
    );
    let none = changes(&client, "/api/articles/9/_changes").await;
    assert_eq!(none["items"], json!([]));
}

/// An editor has a document open; it learns that its copy went stale, and where, before it saves.
#[tokio::test]
async fn an_editor_is_told_before_it_saves() {
    let server = Server::start();
    let client = server.client();
    let tag = client.create(PATH, r#"{"title":"T","body":"B"}"#).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}{PATH}/_changes?since=now", server.url());
    let mut stream = http
        .get(url)
        .header("Accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    let greeting = stream.chunk().await.unwrap().unwrap();
    assert!(greeting.starts_with(b"id: 1-"), "{greeting:?}");
    // What others do elsewhere is no concern of this editor.
    client.create("/api/articles/2", "{}").await;
    client
        .put(PATH, r#"{"title":"U","body":"B"}"#)
        .if_match(&tag)
        .by("bob")
        .send()
        .await;
    let mut text = String::new();
    while !text.contains("\n\n") {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    let data = text
        .lines()
        .find_map(|line| line.strip_prefix("data: "))
        .unwrap();
    let change: Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        (&change["id"], &change["version"]),
        (&json!("1"), &json!(2))
    );
    assert_eq!(
        (&change["updated_by"], &change["paths"]),
        (&json!("bob"), &json!(["/title"]))
    );
}
