use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::Client;
use crate::feeds::Stream;
use crate::server::Server;

async fn page(client: &Client, url: &str) -> Value {
    let answer = client.get(url).await;
    assert_eq!(answer.status, 200, "{url}: {answer:?}");
    answer.json()
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().unwrap()
}

async fn delete(client: &Client, path: &str) {
    let deleted = client.ask("DELETE", path).if_match("*").send().await;
    assert_eq!(deleted.status, 204);
}

/// As a follower keeps them: the newest row of each document that it got.
fn keep(kept: &mut BTreeMap<String, u64>, row: &Value) {
    let id = row["id"].as_str().unwrap().to_owned();
    kept.insert(id, row["seq"].as_u64().unwrap());
}

/// Once with all heads in memory, and once with them in their table.
#[tokio::test]
async fn a_feed_of_heads_has_one_row_for_each_document() {
    let mut server = Server::start();
    let client = server.client();
    for n in 0..30 {
        let put = client.put("/api/notes/much", &format!("{{\"n\":{n}}}"));
        let put = match n {
            0 => put,
            _ => put.if_match("*"),
        };
        assert!(put.send().await.status < 300);
    }
    client.create("/api/notes/gone", "{}").await;
    delete(&client, "/api/notes/gone").await;
    client.create("/api/other/1", "{}").await;
    for _ in 0..2 {
        let client = server.client();
        let all = page(&client, "/api/_changes?latest=true").await;
        let seqs: Vec<_> = items(&all).iter().map(|row| row["seq"].clone()).collect();
        assert_eq!(seqs, [30, 32, 33]);
        assert_eq!(items(&all)[0]["data"], json!({"n": 29}));
        assert_eq!(items(&all)[1]["deleted"], true);
        assert!(items(&all).iter().all(|row| row.get("paths").is_none()));
        assert_eq!((&all["next"], all.get("short")), (&Value::Null, None));
        let own = page(&client, "/api/notes/_changes?latest=true&limit=1").await;
        assert_eq!((items(&own).len(), &items(&own)[0]["seq"]), (1, &json!(30)));
        let next = own["next"].as_str().unwrap();
        let rest = page(
            &client,
            &format!("/api/notes/_changes?latest=true&since={next}"),
        )
        .await;
        assert_eq!(items(&rest).len(), 1);
        let one = page(&client, "/api/notes/much/_changes?latest=true").await;
        assert_eq!(
            (items(&one).len(), &items(&one)[0]["version"]),
            (1, &json!(30))
        );
        let plain = page(&client, "/api/notes/_changes?latest=false").await;
        assert_eq!(items(&plain).len(), 32);
        server = Server::start_in(server.stop());
    }
    for (query, parameter) in [("latest=yes", "latest"), ("include=all", "include")] {
        let wrong = server.client().get(&format!("/api/_changes?{query}")).await;
        assert_eq!(
            (wrong.status, &wrong.json()["parameter"]),
            (400, &json!(parameter))
        );
    }
}

/// Pages while others write, and then a stream: in the end the follower has the newest of each.
#[tokio::test]
async fn a_follower_of_heads_misses_none() {
    let server = Server::start();
    let client = server.client();
    let write = |from: u64, to: u64| {
        let client = client.clone();
        async move {
            for n in from..to {
                let path = format!("/api/notes/{}", n * 7 % 20);
                let put = client.put(&path, &format!("{{\"n\":{n}}}"));
                let answer = match n < 20 {
                    true => put.send().await,
                    false => put.if_match("*").send().await,
                };
                assert!(answer.status < 300, "{answer:?}");
            }
        }
    };
    write(0, 60).await;
    let writes = tokio::spawn(write(60, 400));
    let mut kept = BTreeMap::new();
    let mut since = "0".to_owned();
    loop {
        let url = format!("/api/notes/_changes?latest=true&limit=3&since={since}");
        let page = page(&client, &url).await;
        items(&page).iter().for_each(|row| keep(&mut kept, row));
        since = page["last"].as_str().unwrap().to_owned();
        if page["next"].is_null() {
            break;
        }
    }
    let url = format!(
        "{}/api/notes/_changes?latest=true&since={since}",
        server.url()
    );
    let mut stream = Stream::open(&url, None).await;
    writes.await.unwrap();
    client.create("/api/notes/end", "{}").await;
    while !kept.contains_key("end") {
        let event = stream.next().await.expect("the stream goes on");
        assert!(event.data.get("paths").is_none());
        keep(&mut kept, &event.data);
    }
    let all = page(&client, "/api/notes/_changes?limit=1000").await;
    let mut newest = BTreeMap::new();
    items(&all).iter().for_each(|row| keep(&mut newest, row));
    assert_eq!(kept, newest);
}

#[tokio::test]
async fn a_deletion_comes_with_what_it_took_away() {
    let server = Server::start();
    let client = server.client();
    client.create("/api/notes/1", "{\"price\": 1.50}").await;
    delete(&client, "/api/notes/1").await;
    let url = "/api/notes/_changes?include=last";
    let answer = client.get(url).await;
    assert!(
        answer.text().contains("\"last_data\":{\"price\": 1.50}"),
        "{answer:?}"
    );
    let all = answer.json();
    assert!(items(&all)[0].get("last_data").is_none());
    assert_eq!(items(&all)[1]["deleted"], true);
    let plain = page(&client, "/api/notes/_changes").await;
    assert!(
        items(&plain)
            .iter()
            .all(|row| row.get("last_data").is_none())
    );
    let heads = page(&client, "/api/notes/1/_changes?include=last&latest=true").await;
    assert_eq!(items(&heads)[0]["last_data"], json!({"price": 1.5}));

    let url = format!("{}{url}", server.url());
    let mut stream = Stream::open(&url, None).await;
    assert!(stream.next().await.unwrap().data.get("last_data").is_none());
    let deletion = stream.next().await.unwrap().data;
    assert_eq!(deletion["last_data"], json!({"price": 1.5}));
}

/// Versions are let go by 64 at a time: here up to the 63rd, which the 64th took away.
#[tokio::test]
async fn what_a_deletion_took_away_may_be_kept_no_longer() {
    let config = "[collections.brief.history]\nkeep_versions = 1\n";
    let server = Server::with_config(config);
    let client = server.client();
    let path = "/api/brief/1";
    for _ in 0..64 {
        client.create(path, "{}").await;
        delete(&client, path).await;
    }
    let kept = page(&client, "/api/brief/_changes?include=last").await;
    let (first, third) = (&items(&kept)[0], &items(&kept)[2]);
    assert_eq!(
        (&first["version"], &first["deleted"]),
        (&json!(64), &json!(true))
    );
    assert!(first.get("last_data").is_none(), "{first}");
    assert_eq!(
        (&third["deleted"], &third["last_data"]),
        (&json!(true), &json!({}))
    );
}

/// What rows bring along counts, too: a page of deletions of large documents is as small as others.
#[tokio::test]
async fn a_page_that_ends_early_says_so() {
    let server = Server::start();
    let client = server.client();
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(900_000));
    for n in 0..7 {
        client.create(&format!("/api/notes/{n}"), &large).await;
    }
    let list = page(&client, "/api/notes?limit=10").await;
    assert_eq!((items(&list).len(), &list["short"]), (4, &json!(true)));
    let exact = page(&client, "/api/notes?limit=4").await;
    assert_eq!((items(&exact).len(), exact.get("short")), (4, None));
    let next = list["next"].as_str().unwrap();
    let rest = page(&client, &format!("/api/notes?limit=10&cursor={next}")).await;
    assert_eq!((items(&rest).len(), rest.get("short")), (3, None));
    let feed = page(&client, "/api/notes/_changes").await;
    assert_eq!((items(&feed).len(), &feed["short"]), (4, &json!(true)));

    for _ in 0..5 {
        let put = client
            .put("/api/notes/0", &large)
            .if_match("*")
            .send()
            .await;
        assert_eq!(put.status, 200);
    }
    let history = page(&client, "/api/notes/0/versions").await;
    assert_eq!(
        (items(&history).len(), &history["short"]),
        (4, &json!(true))
    );

    let since = page(&client, "/api/notes/_changes?since=now").await;
    let mut since = since["last"].as_str().unwrap().to_owned();
    for n in 0..7 {
        delete(&client, &format!("/api/notes/{n}")).await;
    }
    let mut counts = Vec::new();
    loop {
        let url = format!("/api/notes/_changes?include=last&limit=10&since={since}");
        let page = page(&client, &url).await;
        assert!(
            items(&page)
                .iter()
                .all(|row| row.get("last_data").is_some())
        );
        counts.push(items(&page).len());
        since = page["last"].as_str().unwrap().to_owned();
        assert_eq!(page.get("short").is_some(), !page["next"].is_null());
        if page["next"].is_null() {
            break;
        }
    }
    assert_eq!(counts, [4, 3]);
}
