//! Several servers on one database: each decides as if it were the only one.

mod faults;
mod files; // bytes at paths // servers that are killed and frozen while clients write

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use detente_cluster::{Cluster, Database};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Answer, Client};
use crate::feeds::Stream;
use crate::races::{at_once, count};
use crate::server::{Folder, Server};
use crate::shared::serve_on;

const PATH: &str = "/api/notes/1";

/// Servers on one database.
struct Nodes {
    database: Database,
    servers: Vec<Server>,
}

impl Nodes {
    fn start(count: usize) -> Self {
        let database = Cluster::shared().database();
        let servers = (0..count).map(|_| node(&database)).collect();
        Self { database, servers }
    }

    fn client(&self, index: usize) -> Client {
        self.servers[index % self.servers.len()].client()
    }

    /// Clients with a connection each, warm, of one server after the other.
    async fn crowd(&self, count: usize) -> Vec<Client> {
        let clients: Vec<_> = (0..count).map(|index| self.client(index)).collect();
        join_all(clients.iter().map(|client| client.get("/healthz"))).await;
        clients
    }

    /// Ends the servers, and looks whether the database is sound.
    fn end(self) {
        self.end_by(|_| {});
    }

    /// The same, with the contents of files.
    fn end_with(self, contents: &TempDir) {
        let config = contents.path().join("verify.toml");
        let text = format!(
            "undeclared_collections = \"allow\"\n[files]\nfolder = {:?}\n",
            contents.path()
        );
        std::fs::write(&config, text).unwrap();
        self.end_by(|command| {
            command.arg("--config").arg(&config);
        });
    }

    fn end_by(self, give: impl FnOnce(&mut Command)) {
        for server in self.servers {
            server.stop();
        }
        let mut command = crate::server::program();
        command.args(["verify", "--store", self.database.url()]);
        give(&mut command);
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}{errors}");
    }
}

fn node(database: &Database) -> Server {
    let folder = Folder::new();
    let command = serve_on(&folder, database.url());
    Server::start_as(folder, command)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_writers_on_three_nodes_one_is_applied() {
    let nodes = Nodes::start(3);
    let clients = nodes.crowd(32).await;
    let mut tag = clients[0].create(PATH, r#"{"writer":-1}"#).await;
    for round in 0..60 {
        let answers = at_once(&clients, |n, client| {
            let tag = tag.clone();
            async move {
                let body = format!(r#"{{"round":{round},"writer":{n}}}"#);
                client.put(PATH, &body).if_match(&tag).send().await
            }
        })
        .await;
        let counts = (count(&answers, 200), count(&answers, 409));
        assert_eq!(counts, (1, 31), "round {round}");
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
        for client in &clients[..3] {
            let stored = client.get(PATH).await;
            assert_eq!((&stored.body, stored.tag()), (&winner.body, winner.tag()));
        }
        for loser in answers.iter().filter(|answer| answer.status == 409) {
            assert_eq!(loser.json()["current"], winner.json());
        }
        tag = winner.tag();
    }
    nodes.end();
}

/// A version that one node acknowledged, or a newer one, is what every other shows from then on: by GET,
/// list, feed and history.
#[tokio::test]
async fn every_node_shows_what_any_acknowledged() {
    let nodes = Nodes::start(3);
    nodes.client(0).create(PATH, r#"{"n":0}"#).await;
    for n in 1..200 {
        let (writer, other) = (nodes.client(n), nodes.client(n + 1 + n % 2));
        let body = format!(r#"{{"n":{n}}}"#);
        let written = writer.put(PATH, &body).if_match("*").send().await;
        assert_eq!(written.status, 200, "{written:?}");
        let shown = match n % 4 {
            0 => other.get("/api/notes").await.json()["items"][0]["data"].clone(),
            1 => {
                let since = n - 1;
                let feed = other.get(&format!("/api/_changes?since={since}")).await;
                let items = feed.json()["items"].as_array().unwrap().clone();
                items.last().unwrap()["data"].clone()
            }
            2 => {
                let path = format!("{PATH}/versions?limit=1");
                other.get(&path).await.json()["items"][0]["data"].clone()
            }
            _ => other.get(PATH).await.json(),
        };
        assert_eq!(shown, json!({"n": n}), "after {n}");
    }
    nodes.end();
}

/// Whoever follows any node gets every version once, in one order, while all nodes write.
#[tokio::test(flavor = "multi_thread")]
async fn feeds_of_all_nodes_are_complete_and_the_same() {
    const EACH: usize = 60;
    let nodes = Nodes::start(3);
    let mut streams = Vec::new();
    for server in &nodes.servers {
        let url = format!("{}/api/_changes?since=0", server.url());
        streams.push(Stream::open(&url, None).await);
    }
    let clients = nodes.crowd(9).await;
    let writes = clients.into_iter().enumerate().map(|(writer, client)| {
        tokio::spawn(async move {
            for n in 0..EACH {
                let path = format!("/api/notes/{}", (writer + n) % 7);
                let body = format!(r#"{{"by":{writer},"n":{n}}}"#);
                let put = client.put(&path, &body);
                let put = match client.get(&path).await.status {
                    404 => put.header("If-None-Match", "*"),
                    _ => put.if_match("*"),
                };
                let answer = put.send().await;
                assert!(
                    matches!(answer.status, 200 | 201 | 204 | 409 | 412),
                    "{answer:?}"
                );
            }
        })
    });
    join_all(writes).await;
    let last = nodes.client(0).get("/api/_changes?since=now").await.json();
    let (last, _) = last["last"].as_str().unwrap().split_once('-').unwrap();
    let last: u64 = last.parse().unwrap();
    assert!(last > EACH as u64, "{last}");
    let mut followed = Vec::new();
    for mut stream in streams {
        let mut seen = Vec::new();
        while seen.len() < last as usize {
            let event = stream.next().await.expect("the stream goes on");
            seen.push((
                event.data["seq"].as_u64().unwrap(),
                event.data["data"].clone(),
            ));
        }
        let seqs: Vec<_> = seen.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(seqs, (1..=last).collect::<Vec<_>>());
        followed.push(seen);
    }
    assert_eq!(followed[0], followed[1]);
    assert_eq!(followed[1], followed[2]);
    nodes.end();
}

#[tokio::test]
async fn a_lock_that_one_node_gave_keeps_writers_of_another_out() {
    let nodes = Nodes::start(2);
    let (one, other) = (nodes.client(0), nodes.client(1));
    let tag = one.create(PATH, "{}").await;
    let lock = format!("{PATH}/lock");
    let body = r#"{"ttl_s":60,"owner":"ann"}"#;
    let taken = one.post(&lock, body).by("ann").send().await.json();
    let refused = other.put(PATH, r#"{"n":1}"#).if_match(&tag).by("bob");
    let refused = refused.send().await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (423, &json!("Locked"))
    );
    let again = other.post(&lock, body).by("bob").send().await;
    assert_eq!(again.status, 423, "{again:?}");
    assert_eq!(other.get(&lock).await.json()["owner"], "ann");
    let token = format!("<{}>", taken["token"].as_str().unwrap());
    let free = other.ask("DELETE", &lock).header("Lock-Token", &token);
    assert_eq!(free.by("ann").send().await.status, 204);
    let second = other.post(&lock, body).by("bob").send().await.json();
    let fencing = |lock: &Value| lock["fencing"].as_u64().unwrap();
    assert!(fencing(&second) > fencing(&taken), "{second} after {taken}");
    let late = one.put(PATH, r#"{"n":2}"#).if_match(&tag);
    let late = late.header("Lock-Token", &token).send().await;
    assert_eq!(late.status, 423, "the former holder is out: {late:?}");
    nodes.end();
}

/// A request that is sent to two nodes at once is performed once, and both tell the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_two_nodes_get_at_once_is_performed_once() {
    let nodes = Nodes::start(2);
    let clients = nodes.crowd(2).await;
    for round in 0..40 {
        let answers: Vec<Answer> = at_once(&clients, |_, client| async move {
            let body = format!(r#"{{"round":{round}}}"#);
            let ask = client.post("/api/orders", &body);
            ask.header("Idempotency-Key", &format!("\"{round}\""))
                .send()
                .await
        })
        .await;
        let tags: Vec<_> = answers.iter().map(Answer::tag).collect();
        assert_eq!(tags[0], tags[1], "round {round}");
        let replayed = answers.iter();
        let replayed = replayed.filter(|it| it.header("idempotent-replayed").is_some());
        assert_eq!(replayed.count(), 1, "round {round}: {answers:?}");
    }
    let list = nodes.client(0).get("/api/orders?limit=1000").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 40);
    nodes.end();
}

/// One reads, adds one and writes, wherever it comes to; refused, it does so again.
#[tokio::test(flavor = "multi_thread")]
async fn increments_of_12_clients_on_three_nodes_add_up() {
    let nodes = Nodes::start(3);
    nodes.client(0).create(PATH, r#"{"n":0}"#).await;
    let clients = nodes.crowd(12).await;
    let work = clients.into_iter().map(|client| {
        tokio::spawn(async move {
            for _ in 0..10 {
                loop {
                    let read = client.get(PATH).await;
                    let n = read.json()["n"].as_u64().unwrap();
                    let body = format!(r#"{{"n":{}}}"#, n + 1);
                    let written = client.put(PATH, &body).if_match(&read.tag()).send().await;
                    if written.status == 200 {
                        break;
                    }
                    assert_eq!(written.status, 409, "{written:?}");
                }
            }
        })
    });
    for done in join_all(work).await {
        done.unwrap();
    }
    for index in 0..3 {
        assert_eq!(
            nodes.client(index).get(PATH).await.json(),
            json!({"n": 120})
        );
    }
    nodes.end();
}

/// Merged edits of all nodes are in the document, each once.
#[tokio::test(flavor = "multi_thread")]
async fn edits_that_are_merged_on_three_nodes_are_all_there() {
    let nodes = Nodes::start(3);
    let tag = nodes.client(0).create(PATH, r#"{"a":0}"#).await;
    let clients = nodes.crowd(12).await;
    let answers = at_once(&clients, |n, client| {
        let tag = tag.clone();
        async move {
            let body = format!(r#"{{"edit{n}":{n}}}"#);
            let patch = client.merge_patch(PATH, &body).if_match(&tag);
            patch.header("Prefer", "conflict=merge").send().await
        }
    })
    .await;
    assert_eq!(count(&answers, 200), 12, "{answers:?}");
    let merged = nodes.client(1).get(PATH).await.json();
    for n in 0..12 {
        assert_eq!(merged[format!("edit{n}")], n, "{merged}");
    }
    nodes.end();
}

/// What the tester says of two and of three nodes.
#[tokio::test(flavor = "multi_thread")]
async fn the_tester_finds_nothing_on_several_nodes() {
    for count in [2, 3] {
        let nodes = Nodes::start(count);
        nodes.client(0).create(PATH, r#"{"title":"a","n":1}"#).await;
        let url = |index: usize| format!("{}{PATH}", nodes.servers[index].url());
        let folder = tempfile::TempDir::new().unwrap();
        let mut check = crate::server::program();
        check.args(["check", &url(0), "--writers", "32", "--rounds", "3"]);
        for index in 1..count {
            check.args(["--base", nodes.servers[index].url()]);
        }
        check.args(["--report", "json=report.json"]);
        let output = check.current_dir(folder.path()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{told}");
        let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["grade"], "A+", "{count} nodes: {told}");
        nodes.end();
    }
}

/// The example's script, which kills a server.
#[test]
fn the_example_of_several_nodes_shows_what_it_says() {
    let database = Cluster::shared().database();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/several-nodes");
    let output = Command::new("node")
        .arg(example.join("kill.mjs"))
        .arg(database.url())
        .env("DETENTE", env!("CARGO_BIN_EXE_detente"))
        .output()
        .expect("node runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{errors}");
    assert!(told.contains("the counter is"), "{told}");
}

/// A reader that need not see what others acknowledged a moment ago sees it soon.
#[tokio::test]
async fn local_reads_lag_and_catch_up() {
    let database = Cluster::shared().database();
    let folder = Folder::with_config("read_consistency = \"local\"\n");
    let mut command = serve_on(&folder, database.url());
    command
        .arg("--config")
        .arg(folder.path().join("detente.toml"));
    let local = Server::start_as(folder, command);
    let other = node(&database);
    let mut tag = other.client().create(PATH, r#"{"n":0}"#).await;
    let mut stream = Stream::open(&format!("{}/api/_changes", local.url()), None).await;
    assert!(stream.next().await.is_some());
    for n in 1..20 {
        let body = format!(r#"{{"n":{n}}}"#);
        let put = other.client().put(PATH, &body).if_match(&tag);
        tag = put.send().await.tag();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while local.client().get(PATH).await.json() != json!({"n": n}) {
            assert!(tokio::time::Instant::now() < deadline, "{n} does not come");
        }
    }
}
