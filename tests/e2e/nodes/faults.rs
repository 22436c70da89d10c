use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use detente_cluster::{Cluster, Database};
use serde_json::Value;
use tokio::sync::watch;

use super::node;
use crate::client::Client;
use crate::server::Server;

const NODES: usize = 3;
const CLIENTS: usize = 9;
const DOCUMENTS: usize = 3;

/// How many rounds of faults: more with `DETENTE_FAULT_ROUNDS`.
fn rounds() -> usize {
    let wanted = std::env::var("DETENTE_FAULT_ROUNDS");
    wanted.map_or(20, |text| text.parse().expect("a number of rounds"))
}

/// What clients were told of their writes, by body.
#[derive(Default)]
struct Told {
    /// With the tag.
    acknowledged: Vec<(String, String)>,
    /// It was said that nothing was written.
    failed: Vec<String>,
    unknown: usize,
}

/// Where each server is now.
type Places = watch::Receiver<Vec<Client>>;

async fn work(name: usize, places: Places, told: Arc<Mutex<Told>>, is_over: Arc<AtomicBool>) {
    let mut count = 0;
    while !is_over.load(Ordering::Relaxed) {
        count += 1;
        let client = places.borrow()[(name + count) % NODES].clone();
        let path = format!("/api/notes/{}", (name + count) % DOCUMENTS);
        edit(
            &client,
            &path,
            format!(r#"{{"by":{name},"n":{count}}}"#),
            &told,
        )
        .await;
    }
}

/// Reads a document, and writes it if it is still what was read.
async fn edit(client: &Client, path: &str, body: String, told: &Mutex<Told>) {
    let Ok(read) = client.ask("GET", path).try_send().await else {
        // It is being started again.
        tokio::time::sleep(Duration::from_millis(10)).await;
        return;
    };
    let put = client.put(path, &body);
    let put = match read.status {
        200 => put.if_match(&read.tag()),
        404 => put.header("If-None-Match", "*"),
        _ => return,
    };
    let answer = put.try_send().await;
    let mut told = told.lock().unwrap();
    match answer {
        Ok(answer) => match answer.status {
            200 | 201 => told.acknowledged.push((body, answer.tag())),
            503 if answer.json()["outcome"] == "unknown" => told.unknown += 1,
            409 | 412 | 503 => told.failed.push(body),
            other => panic!("{other}: {answer:?}"),
        },
        Err(_) => told.unknown += 1,
    }
}

/// Servers are killed and frozen, one after the other and two at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_killed_and_frozen_nodes_acknowledged_is_there_once() {
    let database = Cluster::shared().database();
    let mut servers: Vec<_> = (0..NODES).map(|_| node(&database)).collect();
    let all = |servers: &[Server]| servers.iter().map(Server::client).collect::<Vec<_>>();
    let (place, places) = watch::channel(all(&servers));
    let told = Arc::new(Mutex::new(Told::default()));
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|name| {
            let (told, is_over) = (Arc::clone(&told), Arc::clone(&is_over));
            tokio::spawn(work(name, places.clone(), told, is_over))
        })
        .collect();
    for round in 0..rounds() {
        let before = told.lock().unwrap().acknowledged.len();
        let (killed, frozen) = (round % NODES, (round + 1) % NODES);
        servers[frozen].signal("STOP");
        tokio::time::sleep(Duration::from_millis(20 + (round as u64 * 37) % 100)).await;
        let crashed = std::mem::replace(&mut servers[killed], node(&database));
        crashed.crash();
        place.send(all(&servers)).unwrap();
        servers[frozen].signal("CONT");
        // No round is over before somebody wrote.
        while told.lock().unwrap().acknowledged.len() < before + 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    drop(servers);
    let told = std::mem::take(&mut *told.lock().unwrap());
    println!(
        "{} acknowledged, {} refused, {} unknown",
        told.acknowledged.len(),
        told.failed.len(),
        told.unknown
    );
    assert!(told.unknown > 0, "no answer was cut off");
    assert_eq!(judge(&told, &database).await, Vec::<String>::new());
}

/// Holds what was told against what a new server shows.
async fn judge(told: &Told, database: &Database) -> Vec<String> {
    let server = node(database);
    let mut faults = Vec::new();
    let mut stored = HashMap::<String, Value>::new();
    let mut versions = HashMap::<String, u64>::new();
    let mut since = "0".to_owned();
    loop {
        let path = format!("/api/_changes?limit=1000&since={since}");
        let page = server.client().get(&path).await.json();
        for item in page["items"].as_array().unwrap() {
            let version = versions.entry(item["id"].to_string()).or_default();
            *version += 1;
            if item["version"] != *version {
                faults.push(format!("{item} is not version {version}"));
            }
            if stored
                .insert(item["data"].to_string(), item.clone())
                .is_some()
            {
                faults.push(format!("{item} is stored twice"));
            }
        }
        since = page["last"].as_str().unwrap().to_owned();
        if page["next"].is_null() {
            break;
        }
    }
    let mut tags = HashSet::new();
    for (body, tag) in &told.acknowledged {
        let found = stored
            .get(body)
            .map(|item| item["etag"].as_str().unwrap_or_default());
        if found != Some(tag) {
            faults.push(format!("{body} with {tag} is lost"));
        }
        if !tags.insert(tag) {
            faults.push(format!("{tag} was acknowledged twice"));
        }
    }
    let unwanted = told.failed.iter().filter(|body| stored.contains_key(*body));
    faults.extend(unwanted.map(|body| format!("{body} is stored, and was said not to be")));
    faults
}
