use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

use crate::client::Client;
use crate::server::{Folder, Server};
use crate::store::Embedded;

/// Where Debian's package `faketime` puts what stands between a program and the system's clock.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

const CONFIG: &str = "undeclared_collections = \"allow\"\n[collections.pages.history]\nkeep_versions = 1\nkeep_days = 1\n";

/// A server whose clock can be set; the time that passes stays as it is.
pub(crate) struct Faked {
    pub(crate) server: Server,
    clock: PathBuf,
}

fn faked(folder: &Folder, arguments: &[&str], says: &str) -> (Command, PathBuf) {
    let library = format!("/usr/lib/{}-linux-gnu/{LIBRARY}", std::env::consts::ARCH);
    assert!(PathBuf::from(&library).exists(), "install faketime");
    let clock = folder.path().join("clock");
    std::fs::write(&clock, says).unwrap();
    let mut command = folder.command(arguments);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    (command, clock)
}

impl Faked {
    pub(crate) fn start_in(folder: Folder, says: &str) -> Self {
        let (command, clock) = faked(&folder, &["serve", "--listen", "127.0.0.1:0"], says);
        Self {
            server: Server::start_as(folder, command),
            clock,
        }
    }

    pub(crate) fn set(&self, says: &str) {
        // At once: the server may read it at any time.
        let next = self.clock.with_extension("next");
        std::fs::write(&next, says).unwrap();
        std::fs::rename(next, &self.clock).unwrap();
    }

    fn has_logged(&self, words: &str) {
        assert!(self.server.log.iter().any(|line| line.contains(words)));
    }
}

fn seconds_from_now(time: &Value) -> i64 {
    let time = seconds(time.as_str().unwrap());
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    time - i64::try_from(now.as_secs()).unwrap()
}

/// The seconds of a time as the server writes it.
fn seconds(text: &str) -> i64 {
    let moment = detente_core::Moment::from_rfc3339(text).unwrap();
    i64::try_from(moment.second()).unwrap()
}

async fn order(client: &Client) -> crate::client::Answer {
    let order = client.post("/api/orders", r#"{"lamps":2}"#);
    order.header("Idempotency-Key", "k").send().await
}

/// Sixty-six versions, so that history is looked through once on the way.
async fn write_history(client: &Client, path: &str) -> u64 {
    let mut tag = client.create(path, r#"{"n":0}"#).await;
    for n in 1..66 {
        let put = client.put(path, &format!(r#"{{"n":{n}}}"#)).if_match(&tag);
        tag = put.send().await.tag();
    }
    let versions = client.get(&format!("{path}/versions?limit=100")).await;
    versions.json()["items"].as_array().unwrap().len() as u64
}

#[tokio::test]
async fn a_clock_that_leaps_ends_nothing_and_makes_nothing_old() {
    if Embedded::OwnClock.is_absent() {
        return;
    }
    let faked = Faked::start_in(Folder::with_config(CONFIG), "+0");
    let client = faked.server.client();
    let tag = client.create("/api/notes/1", r#"{"n":1}"#).await;
    let lock = client.post("/api/notes/1/lock", r#"{"ttl_s":60}"#);
    assert_eq!(lock.send().await.status, 201);
    let first = order(&client).await;
    assert_eq!(first.status, 201);
    let other = client.create("/api/notes/2", r#"{"n":1}"#).await;
    let newer = client.put("/api/notes/2", r#"{"n":2}"#).if_match(&other);
    assert_eq!(newer.send().await.status, 200);
    let stale = client.put("/api/notes/2", r#"{"n":3}"#).if_match(&other);
    assert_eq!(stale.send().await.status, 409);
    for (n, says) in [(3, "+2y"), (4, "+0"), (5, "-2y"), (6, "+0")] {
        faked.set(says);
        let path = format!("/api/notes/{n}");
        client.create(&path, "{}").await;
        let versions = client.get(&format!("{path}/versions")).await.json();
        let written = seconds_from_now(&versions["items"][0]["updated_at"]);
        assert!((-30..5).contains(&written), "{says}: {written} s");
        let locked = client.put("/api/notes/1", "{}").if_match(&tag).send().await;
        assert_eq!(locked.status, 423, "{says}");
        let lock = client.post(&format!("{path}/lock"), r#"{"ttl_s":600}"#);
        let ends = seconds_from_now(&lock.send().await.json()["expires_at"]);
        assert!((570..605).contains(&ends), "{says}: in {ends} s");
        let again = order(&client).await;
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{says}");
        let conflicts = client.get("/api/_conflicts").await.json();
        let logged = conflicts["items"][0]["at"].clone();
        assert!((-30..5).contains(&seconds_from_now(&logged)), "{says}");
        let kept = write_history(&client, &format!("/api/pages/{n}")).await;
        assert_eq!(kept, 66, "{says}");
    }
    faked.has_logged("the system's clock leapt");
}

/// What a clock says at the start, nothing contradicts; but it makes nothing old either.
#[tokio::test]
async fn a_start_with_a_clock_far_ahead_forgets_nothing() {
    if Embedded::OwnClock.is_absent() {
        return;
    }
    let faked = Faked::start_in(Folder::with_config(CONFIG), "+0");
    let client = faked.server.client();
    assert_eq!(order(&client).await.status, 201);
    let tag = client.create("/api/notes/2", r#"{"n":1}"#).await;
    let newer = client.put("/api/notes/2", r#"{"n":2}"#).if_match(&tag);
    assert_eq!(newer.send().await.status, 200);
    let stale = client.put("/api/notes/2", r#"{"n":3}"#).if_match(&tag);
    assert_eq!(stale.send().await.status, 409);
    assert_eq!(client.get("/api/_conflicts").await.status, 200);
    let folder = faked.server.crash();

    let faked = Faked::start_in(folder, "+2y");
    let client = faked.server.client();
    let again = order(&client).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    // Each new entry lets old ones go.
    for n in 0..4 {
        let stale = client.put("/api/notes/2", &format!(r#"{{"n":{n}}}"#));
        assert_eq!(stale.if_match(&tag).send().await.status, 409);
    }
    let conflicts = client.get("/api/_conflicts").await.json();
    assert_eq!(conflicts["items"].as_array().unwrap().len(), 5);
    faked.has_logged("nothing is forgotten as too old");
}

#[test]
fn a_clock_before_1970_is_refused_at_the_start() {
    let folder = Folder::new();
    let arguments = ["serve", "--listen", "127.0.0.1:0"];
    let (mut command, _) = faked(&folder, &arguments, "@1969-12-31 00:00:00");
    let ended = command.env("TZ", "UTC").output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("before 1970"), "{told}");
    assert_eq!(ended.status.code(), Some(3), "{told}");
}
