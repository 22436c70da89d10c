use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::server::{Folder, Server};

const CONFIG: &str = r#"
[collections.counters]
on_conflict = "merge"
[collections.counters.merge]
"/n" = "counter"
"#;

const WRITERS: usize = 8;
const OPERATIONS: usize = 150;

/// Where the server is now; a writer whose connection broke waits for the next.
type Place = watch::Receiver<Option<Client>>;

/// Sends each operation until it is answered, over as many crashes as it takes. Merging it twice
/// would count it twice: only its key keeps that from happening.
async fn write(writer: usize, mut place: Place, tags: Arc<[String; 3]>, answered: Arc<Answered>) {
    for number in 0..OPERATIONS {
        loop {
            let client = place.borrow_and_update().clone();
            let Some(client) = client else {
                place.changed().await.unwrap();
                continue;
            };
            let key = format!("\"{writer}-{number}\"");
            let one = json!({"n": 1}).to_string();
            // Every third is a batch on two counters, which thereby stay equal.
            let ask = if number % 3 == 0 {
                let operation = |index: usize, path: &str| {
                    let headers = json!({"If-Match": tags[index]});
                    json!({"method": "PUT", "path": path, "headers": headers, "body": {"n": 1}})
                };
                let operations = [
                    operation(1, "/api/counters/left"),
                    operation(2, "/api/counters/right"),
                ];
                client.post(
                    "/api/_batch",
                    &json!({"operations": operations}).to_string(),
                )
            } else {
                client.put("/api/counters/one", &one).if_match(&tags[0])
            };
            match ask.header("Idempotency-Key", &key).try_send().await {
                Ok(answer) if answer.status == 200 => break,
                Ok(answer) => {
                    // The connection broke, and the server is still at the first request.
                    let error = answer.json()["error"].clone();
                    assert!(
                        error == "RequestInProgress" || answer.status == 503,
                        "{answer:?}"
                    );
                }
                Err(_) => tokio::task::yield_now().await,
            }
        }
        answered.add();
    }
}

/// Counts answers, and rings at a number that is set from outside.
struct Answered {
    count: AtomicUsize,
    next: AtomicUsize,
    bell: Notify,
}

impl Answered {
    fn add(&self) {
        if self.count.fetch_add(1, Ordering::SeqCst) + 1 >= self.next.load(Ordering::SeqCst) {
            self.bell.notify_one();
        }
    }

    /// Returns once there are so many. They may be there already.
    async fn reach(&self, number: usize) {
        self.next.store(number, Ordering::SeqCst);
        while self.count.load(Ordering::SeqCst) < number {
            self.bell.notified().await;
        }
    }
}

/// kill -9 again and again while writers go on, each sending again what was not answered: in the end
/// every operation was performed once, the halves of a batch together.
#[tokio::test(flavor = "multi_thread")]
async fn over_crashes_every_operation_is_performed_once() {
    let mut server = Server::start_in(Folder::with_config(CONFIG));
    let client = server.client();
    let mut tags = Vec::new();
    for id in ["one", "left", "right"] {
        tags.push(
            client
                .create(&format!("/api/counters/{id}"), r#"{"n":0}"#)
                .await,
        );
    }
    let tags: Arc<[String; 3]> = Arc::new(tags.try_into().unwrap());
    let (moved, place) = watch::channel(Some(client));
    let answered = Arc::new(Answered {
        count: AtomicUsize::new(0),
        next: AtomicUsize::new(usize::MAX),
        bell: Notify::new(),
    });
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (place, tags, answered) = (place.clone(), Arc::clone(&tags), Arc::clone(&answered));
        writers.spawn(write(writer, place, tags, answered));
    }
    const CRASHES: usize = 12;
    let mut fencing = 0;
    for crash in 1..=CRASHES {
        let enough = crash * WRITERS * OPERATIONS / (CRASHES + 1);
        loop {
            tokio::select! {
                () = answered.reach(enough) => break,
                Some(ended) = writers.join_next() => ended.unwrap(),
            }
        }
        moved.send_replace(None);
        server = Server::start_in(server.crash());
        let client = server.client();
        let count = async |id: &str| {
            let counter = client.get(&format!("/api/counters/{id}")).await.json();
            counter["n"].as_u64().unwrap()
        };
        assert_eq!(count("left").await, count("right").await, "half a batch");
        let lock = client
            .post("/api/counters/one/lock", r#"{"ttl_s":600}"#)
            .send()
            .await
            .json();
        assert!(lock["fencing"].as_u64().unwrap() > fencing, "{lock}");
        fencing = lock["fencing"].as_u64().unwrap();
        let token = lock["token"].as_str().unwrap();
        let release = client
            .ask("DELETE", "/api/counters/one/lock")
            .header("Lock-Token", token);
        assert_eq!(release.send().await.status, 204);
        moved.send_replace(Some(client.clone()));
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let client = server.client();
    let batches = WRITERS * OPERATIONS.div_ceil(3);
    let single = WRITERS * OPERATIONS - batches;
    for (id, expected) in [("one", single), ("left", batches), ("right", batches)] {
        let counter = client.get(&format!("/api/counters/{id}")).await.json();
        assert_eq!(counter["n"], expected, "{id}");
    }
    let folder = server.stop();
    let verified = folder.command(&["verify"]).output().unwrap();
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
}
