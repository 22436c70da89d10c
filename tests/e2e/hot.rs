use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::races::{at_once, count, crowd};
use crate::server::Server;

const CONFIG: &str = r#"
[collections.documents]
on_conflict = "merge"
[collections.documents.merge]
"/views" = "counter"
"/tags" = "set"

[collections.accounts]
[[collections.accounts.rules]]
name = "NotOverdrawn"
check = "self.sum >= 0"
"#;

const PATH: &str = "/api/documents/1";
const WRITERS: usize = 16;
const ROUNDS: usize = 60;

/// A document and its tag, as an answer to a write has them.
fn held(answer: &Answer) -> (Value, String) {
    let tag = answer.header("merged-etag").or(answer.header("etag"));
    (answer.json(), tag.expect("a tag").to_owned())
}

/// Every edit begins from what the client saw last; nobody reads again, nobody tries again.
async fn edit(client: Client, writer: usize, first: (Value, String)) {
    let (mut document, mut tag) = first;
    for round in 0..ROUNDS {
        let views = document["views"].as_i64().unwrap();
        document["views"] = json!(views + 1);
        let tags = document["tags"].as_array_mut().unwrap();
        tags.push(json!(format!("{writer}-{round}")));
        document[format!("m{writer}")] = json!(round);
        let answer = client.put(PATH, &document.to_string()).if_match(&tag);
        let answer = answer.send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        (document, tag) = held(&answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_that_merge_all_succeed_on_one_document() {
    let server = Server::with_config(CONFIG);
    let clients = crowd(&server, WRITERS).await;
    let first = clients[0]
        .put(PATH, r#"{"views":0,"tags":[]}"#)
        .send()
        .await;
    let first = held(&first);
    let edits = clients.iter().cloned().enumerate();
    let edits = edits.map(|(writer, client)| tokio::spawn(edit(client, writer, first.clone())));
    for task in join_all(edits).await {
        task.unwrap();
    }
    let last = clients[0].get(PATH).await.json();
    assert_eq!(last["views"], WRITERS * ROUNDS);
    let tags: BTreeSet<_> = last["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect();
    assert_eq!(tags.len(), WRITERS * ROUNDS);
    for writer in 0..WRITERS {
        assert_eq!(last[format!("m{writer}")], ROUNDS - 1, "m{writer}");
    }
    let metrics = clients[0].get("/metrics").await;
    let merged = "detente_writes_total{collection=\"documents\",outcome=\"merged\"}";
    assert!(
        metrics.text().contains(merged),
        "nothing was merged: too little was tested"
    );
}

/// One wins the lock, and the numbers of those who win grow without exception.
#[tokio::test(flavor = "multi_thread")]
async fn of_16_who_want_the_lock_one_has_it() {
    let server = Server::with_config(CONFIG);
    let clients = crowd(&server, WRITERS).await;
    clients[0].create(PATH, "{}").await;
    let lock = format!("{PATH}/lock");
    let mut fencing = 0;
    for round in 0..40 {
        let answers = at_once(&clients, |n, client| {
            let (lock, owner) = (lock.clone(), format!("w{n}"));
            async move { client.post(&lock, "{}").by(&owner).send().await }
        })
        .await;
        assert_eq!(
            (count(&answers, 201), count(&answers, 423)),
            (1, 15),
            "round {round}"
        );
        let winner = answers
            .iter()
            .find(|answer| answer.status == 201)
            .unwrap()
            .json();
        assert!(
            winner["fencing"].as_u64().unwrap() > fencing,
            "round {round}"
        );
        fencing = winner["fencing"].as_u64().unwrap();
        let token = winner["token"].as_str().unwrap();
        let writes = at_once(&clients, |n, client| {
            let token = token.to_owned();
            async move {
                let write = client.put(PATH, &json!({"round": round, "by": n}).to_string());
                let write = write.if_match("*");
                match n {
                    0 => write.header("Lock-Token", &token).send().await,
                    _ => write.send().await,
                }
            }
        })
        .await;
        assert_eq!(
            (count(&writes, 200), count(&writes, 423)),
            (1, 15),
            "round {round}"
        );
        let released = clients[0]
            .ask("DELETE", &lock)
            .header("Lock-Token", token)
            .send()
            .await;
        assert_eq!(released.status, 204);
    }
}

/// Reads two accounts, and moves money between them in one batch; again if somebody was faster.
async fn transfer(client: &Client, from: &str, to: &str, sum: i64) -> bool {
    loop {
        let (a, b) = (client.get(from).await, client.get(to).await);
        let (old_a, old_b) = (
            a.json()["sum"].as_i64().unwrap(),
            b.json()["sum"].as_i64().unwrap(),
        );
        let write = |path: &str, tag: String, sum: i64| json!({"method": "PUT", "path": path, "headers": {"If-Match": tag}, "body": {"sum": sum}});
        let operations = [
            write(from, a.tag(), old_a - sum),
            write(to, b.tag(), old_b + sum),
        ];
        let batch = json!({"operations": operations}).to_string();
        let answer = client.post("/api/_batch", &batch).send().await;
        match (answer.status, answer.json()["error"].as_str()) {
            (200, _) => return true,
            (409, Some("UpdateConflict")) => {}
            (409, Some("NotOverdrawn")) => return false,
            _ => panic!("{answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_neither_make_nor_lose_money() {
    let server = Server::with_config(CONFIG);
    let clients = crowd(&server, 8).await;
    let accounts: Vec<_> = (0..4).map(|n| format!("/api/accounts/{n}")).collect();
    for account in &accounts {
        clients[0].create(account, r#"{"sum":100}"#).await;
    }
    let transfers = clients.iter().cloned().enumerate().map(|(n, client)| {
        let accounts = accounts.clone();
        tokio::spawn(async move {
            let mut done = 0;
            for round in 0..25 {
                let (from, to) = ((n + round) % 4, (n + 3 * round + 1) % 4);
                if from != to {
                    done += usize::from(transfer(&client, &accounts[from], &accounts[to], 7).await);
                }
            }
            done
        })
    });
    let done: usize = join_all(transfers)
        .await
        .into_iter()
        .map(Result::unwrap)
        .sum();
    // Both sides of a transfer stand next to each other in the log, and the sum never changes.
    let changes = client_changes(&clients[0]).await;
    assert_eq!(changes.len(), 4 + 2 * done);
    let mut sums = BTreeMap::new();
    for (index, change) in changes.iter().enumerate() {
        sums.insert(
            change["id"].to_string(),
            change["data"]["sum"].as_i64().unwrap(),
        );
        let is_between = index < 4 || index % 2 == 0;
        assert!(
            is_between || sums.values().sum::<i64>() == 400,
            "{sums:?} at {change}"
        );
    }
    assert!(sums.values().all(|sum| *sum >= 0), "{sums:?}");
}

async fn client_changes(client: &Client) -> Vec<Value> {
    let page = client.get("/api/accounts/_changes?limit=1000").await.json();
    page["items"].as_array().unwrap().clone()
}
