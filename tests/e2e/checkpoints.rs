use std::path::Path;
use std::process::Command;

use crate::client::Client;
use crate::server::{Folder, Server};
use crate::store::Embedded;

/// One line of the metrics.
async fn metric(client: &Client, name: &str) -> f64 {
    let metrics = client.get("/metrics").await;
    let prefix = format!("{name} ");
    let line = metrics
        .text()
        .lines()
        .find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("{name} is missing"))
        .parse()
        .unwrap()
}

/// Builds what lets writes of the database fail while the file `flag` is there.
fn faulty(folder: &Folder, flag: &Path) -> Command {
    let library = folder.path().join("faults.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/e2e/faults.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .args([&library, Path::new(source)])
        .status()
        .unwrap();
    assert!(built.success());
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("LD_PRELOAD", library).env("FAIL_WHILE", flag);
    command
}

async fn write_until(client: &Client, log_bytes: f64) {
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(1_000_000));
    while metric(client, "detente_write_ahead_log_bytes").await < log_bytes {
        for _ in 0..8 {
            let written = client.post("/api/notes", &body);
            let written = written.header("Prefer", "return=minimal").send().await;
            assert_eq!(written.status, 201, "{written:?}");
        }
    }
}

/// Writes go on, and whoever watches the server is told, long before the disk is full.
#[tokio::test]
async fn a_log_that_cannot_be_written_to_the_database_is_told() {
    if Embedded::File.is_absent() {
        return;
    }
    let folder = Folder::new();
    let flag = folder.path().join("fail");
    let command = faulty(&folder, &flag);
    let server = Server::start_as(folder, command);
    let client = server.client();
    client.create("/api/notes/first", "{}").await;
    std::fs::write(&flag, "").unwrap();

    write_until(&client, 80e6).await;
    assert!(metric(&client, "detente_failed_checkpoints").await >= 1.0);
    let told =
        |line: String| line.contains("the write-ahead log cannot be written to the database");
    assert!(server.log.iter().any(told));
    assert_eq!(client.get("/readyz").await.status, 200);
    write_until(&client, 280e6).await;
    let refused = client.get("/readyz").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.text().contains("write-ahead log"), "{refused:?}");
    assert_eq!(client.get("/healthz").await.status, 200);
    assert_eq!(client.get("/api/notes/first").await.status, 200);

    std::fs::remove_file(&flag).unwrap();
    // It is tried again when the log has grown by a little more; then it begins anew.
    for n in 0.. {
        let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(1_000_000));
        client.create(&format!("/api/later/{n}"), &body).await;
        if metric(&client, "detente_failed_checkpoints").await == 0.0 {
            break;
        }
        assert!(n < 100, "it is never tried again");
    }
    assert_eq!(client.get("/readyz").await.status, 200);
    assert!(
        server
            .log
            .iter()
            .any(|line| line.contains("can be written to the database again"))
    );
    let folder = server.stop();
    let verified = folder.command(&["verify"]).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

/// What all others wait for while one request is decided.
#[tokio::test]
async fn the_longest_hold_of_the_writer_is_told() {
    if Embedded::File.is_absent() {
        return;
    }
    let server = Server::start();
    let client = server.client();
    client.create("/api/notes/1", "{}").await;
    let hold = metric(&client, "detente_writer_longest_hold_seconds").await;
    assert!(hold > 0.0 && hold < 10.0, "{hold}");
}
