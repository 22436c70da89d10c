use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::sync::{Mutex, Notify};

use crate::client::Client;
use crate::server::{Folder, Server};
use crate::store::Embedded;

const CONFIG: &str = "[collections.documents]\n[[collections.documents.unique]]\nname = \"slot\"\nfields = [\"/slot\"]\n";

const WRITERS: usize = 16;
const DOCUMENTS: usize = 5;

/// What was acknowledged: for each document its versions with their tags and bodies.
#[derive(Default)]
struct Acknowledged {
    versions: BTreeMap<String, BTreeMap<u64, (String, Option<String>)>>,
    /// With the path: no tag may ever name two contents.
    tags: HashSet<(String, String)>,
}

impl Acknowledged {
    fn note(&mut self, path: &str, version: u64, tag: String, body: Option<String>) {
        if body.is_some() {
            assert!(
                self.tags.insert((path.to_owned(), tag.clone())),
                "{path}: {tag} was used twice"
            );
        }
        let versions = self.versions.entry(path.to_owned()).or_default();
        assert!(
            versions.insert(version, (tag, body)).is_none(),
            "{path}: version {version} twice"
        );
    }
}

/// A small generator, so that a run can be repeated from its seed (Marsaglia's xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Writes to its own documents until the server is gone.
async fn load(
    client: Client,
    writer: usize,
    seed: u64,
    known: Arc<Mutex<Acknowledged>>,
    acks: Arc<Acks>,
) {
    let mut dice = Dice(seed | 1);
    let mut round = 0;
    loop {
        round += 1;
        let path = format!("/api/documents/{writer}-{}", dice.roll(DOCUMENTS as u64));
        let slot = dice.roll(WRITERS as u64 * 3);
        let body = format!(
            r#"{{"seed":{seed},"round":{round},"slot":{slot},"pad":"{}"}}"#,
            "x".repeat(300)
        );
        let request = match dice.roll(10) {
            0 => client.ask("DELETE", &path).if_match("*"),
            1 => client
                .merge_patch(&path, &format!(r#"{{"round":{round}}}"#))
                .if_match("*"),
            _ => match client.ask("GET", &path).try_send().await {
                Ok(current) if current.status == 200 => {
                    client.put(&path, &body).if_match(&current.tag())
                }
                Ok(_) => client.put(&path, &body).header("If-None-Match", "*"),
                Err(_) => return,
            },
        };
        let Ok(answer) = request.try_send().await else {
            return;
        };
        if !matches!(answer.status, 200 | 201 | 204) {
            assert!(matches!(answer.status, 404 | 409), "{answer:?}");
            continue;
        }
        let version = answer.header("document-version").unwrap().parse().unwrap();
        let (tag, body) = match answer.status {
            204 => (String::new(), None),
            _ => (answer.tag(), Some(answer.text().to_owned())),
        };
        known.lock().await.note(&path, version, tag, body);
        acks.add();
    }
}

/// Counts acknowledgements, and rings when there are enough.
struct Acks {
    count: AtomicUsize,
    enough: usize,
    bell: Notify,
}

impl Acks {
    fn add(&self) {
        if self.count.fetch_add(1, Ordering::SeqCst) + 1 == self.enough {
            self.bell.notify_one();
        }
    }
}

async fn check(client: &Client, known: &Acknowledged) {
    for (path, versions) in &known.versions {
        for (version, (tag, body)) in versions {
            let found = client.get(&format!("{path}/versions/{version}")).await;
            match body {
                Some(body) => {
                    assert_eq!(
                        (found.status, found.text()),
                        (200, body.as_str()),
                        "{path} version {version}"
                    );
                    assert_eq!(&found.tag(), tag, "{path} version {version}");
                }
                None => assert_eq!(found.status, 410, "{path} version {version}"),
            }
        }
        let (newest, _) = versions.last_key_value().unwrap();
        let current = client.get(path).await;
        let found = match current.status {
            200 => current.header("document-version").unwrap().parse().unwrap(),
            410 => current.json()["current_version"].as_u64().unwrap(),
            status => panic!("{path} answers {status}"),
        };
        // What was under way when the power went may be there, too: that is nobody's loss.
        assert!(
            found >= *newest,
            "{path}: version {found}, but {newest} was acknowledged"
        );
    }
    check_feed(client, known).await;
}

async fn check_feed(client: &Client, known: &Acknowledged) {
    let mut told = HashSet::new();
    let mut since = "0".to_owned();
    let mut last = 0;
    loop {
        let page = client
            .get(&format!("/api/_changes?limit=1000&since={since}"))
            .await
            .json();
        for item in page["items"].as_array().unwrap() {
            let seq = item["seq"].as_u64().unwrap();
            assert_eq!(seq, last + 1, "the feed has a gap");
            last = seq;
            let path = format!("/api/documents/{}", item["id"].as_str().unwrap());
            told.insert((path, item["version"].as_u64().unwrap()));
        }
        since = page["last"].as_str().unwrap().to_owned();
        if page["next"].is_null() {
            break;
        }
    }
    for (path, versions) in &known.versions {
        for version in versions.keys() {
            assert!(
                told.contains(&(path.clone(), *version)),
                "{path} version {version} is not in the feed"
            );
        }
    }
}

/// Heads, lists and unique keys agree with the log: by the program's own audit, and by SQL once the
/// store was closed, for only then are all heads in their table.
fn audit(folder: &Folder, is_closed: bool) {
    let verified = folder.command(&["verify"]).output().unwrap();
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
    if !is_closed || Embedded::File.is_absent() {
        return;
    }
    let database = rusqlite::Connection::open(folder.data().join("detente.db")).unwrap();
    let count = |sql: &str| {
        database
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let newest = "SELECT max(seq) AS seq FROM versions GROUP BY space, collection, id";
    let heads = "SELECT seq FROM heads";
    assert_eq!(
        count(&format!("SELECT count(*) FROM ({newest} EXCEPT {heads})")),
        0
    );
    assert_eq!(
        count(&format!("SELECT count(*) FROM ({heads} EXCEPT {newest})")),
        0
    );
    let claimed = format!(
        "SELECT id, json_extract(body, '$.slot') AS slot FROM versions
         WHERE kind = 1 AND seq IN ({newest}) AND slot IS NOT NULL"
    );
    assert_eq!(
        count(&format!("SELECT count(*) FROM ({claimed})")),
        count("SELECT count(*) FROM unique_keys")
    );
    assert_eq!(
        count(&format!("SELECT count(*) FROM ({claimed})")),
        count(&format!("SELECT count(DISTINCT slot) FROM ({claimed})"))
    );
}

/// Load, kill -9 after a random number of acknowledgements, restart, compare. The number of rounds
/// is DETENTE_CRASH_ROUNDS, the seed DETENTE_CRASH_SEED.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let number = |name: &str, default: u64| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    };
    let rounds = number("DETENTE_CRASH_ROUNDS", 30);
    let seed = number("DETENTE_CRASH_SEED", 0x9e37_79b9_7f4a_7c15);
    println!("DETENTE_CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    let known = Arc::new(Mutex::new(Acknowledged::default()));
    let mut folder = Folder::with_config(CONFIG);
    for round in 0..rounds {
        let server = Server::start_in(folder);
        let acks = Arc::new(Acks {
            count: AtomicUsize::new(0),
            enough: 1 + usize::try_from(dice.roll(400)).unwrap(),
            bell: Notify::new(),
        });
        let writers = (0..WRITERS).map(|writer| {
            let seed = dice.roll(u64::MAX);
            tokio::spawn(load(
                server.client(),
                writer,
                seed,
                Arc::clone(&known),
                Arc::clone(&acks),
            ))
        });
        let writers: Vec<_> = writers.collect();
        acks.bell.notified().await;
        folder = server.crash();
        for writer in join_all(writers).await {
            writer.unwrap();
        }
        let server = Server::start_in(folder);
        check(&server.client(), &*known.lock().await).await;
        // Every other time the audit meets a store that was closed by another crash.
        let is_closed = round % 2 == 0;
        folder = if is_closed {
            server.stop()
        } else {
            server.crash()
        };
        audit(&folder, is_closed);
    }
    let known = known.lock().await;
    let total: usize = known.versions.values().map(BTreeMap::len).sum();
    assert!(
        total as u64 > rounds * 50,
        "only {total} writes: too little was tested"
    );
}
