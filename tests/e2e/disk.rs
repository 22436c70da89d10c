use std::process::Command;

use crate::client::Client;
use crate::server::{Folder, Server};
use crate::store::Embedded;

/// A file system of a few megabytes, mounted for this process tree alone by `unshare`.
fn small_disk(folder: &Folder, megabytes: u32) -> Command {
    let data = folder.data();
    std::fs::create_dir_all(&data).unwrap();
    let mount = format!(
        "mount -t tmpfs -o size={megabytes}m tmpfs {data} && exec {program} serve --listen 127.0.0.1:0 --data {data}",
        data = data.display(),
        program = env!("CARGO_BIN_EXE_detente")
    );
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount]);
    command
}

/// Writes are refused with 507 while reads go on; when there is room again, so do writes.
#[tokio::test]
async fn a_full_disk_refuses_writes_and_nothing_else() {
    if Embedded::Disk.is_absent() {
        return;
    }
    let folder = Folder::new();
    let command = small_disk(&folder, 6);
    let server = Server::start_as(folder, command);
    let client = server.client();
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(200_000));
    let mut stored = Vec::new();
    let refused = loop {
        let path = format!("/api/documents/{}", stored.len());
        let answer = client.put(&path, &body).send().await;
        if answer.status != 201 {
            break answer;
        }
        stored.push(path);
        assert!(stored.len() < 100, "the disk never fills");
    };
    assert_eq!(refused.status, 507, "{refused:?}");
    assert_eq!(refused.json()["type"], "/problems/storage-full");
    assert!(!stored.is_empty());
    for path in &stored {
        assert_eq!(client.get(path).await.text(), body);
    }
    assert_eq!(
        client
            .get(&format!("/api/documents/{}", stored.len()))
            .await
            .status,
        404
    );
    assert_eq!(client.get("/readyz").await.status, 200);
    // A refusal that the conflict log has no room for.
    let stale = client
        .put(&stored[0], &body)
        .if_match("\"9-9000000000000\"");
    assert_eq!(stale.send().await.status, 409);
    let log = client.get("/api/_conflicts").await;
    assert_eq!(log.status, 200, "{log:?}");
    let statistics = client.get("/api/_conflicts/stats").await;
    assert_eq!(statistics.status, 200, "{statistics:?}");
    grow(&server, 64);
    let again = client.put("/api/documents/after", &body).send().await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(count_changes(&client).await, stored.len() + 1);
}

/// Pages are short where documents are large: `next` says whether there are more.
async fn count_changes(client: &Client) -> usize {
    let (mut since, mut count) = ("0".to_owned(), 0);
    loop {
        let path = format!("/api/_changes?limit=1000&since={since}");
        let page = client.get(&path).await.json();
        count += page["items"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => since = next.to_owned(),
            None => return count,
        }
    }
}

/// What is acknowledged is safe, so there is nothing wrong with the end.
#[tokio::test]
async fn a_server_on_a_full_disk_stops_well() {
    if Embedded::Disk.is_absent() {
        return;
    }
    let folder = Folder::new();
    let command = small_disk(&folder, 4);
    let mut server = Server::start_as(folder, command);
    let client = server.client();
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(100_000));
    let mut count = 0;
    while client
        .put(&format!("/api/documents/{count}"), &body)
        .send()
        .await
        .status
        == 201
    {
        count += 1;
    }
    let stale = client
        .put("/api/documents/0", &body)
        .if_match("\"9-9000000000000\"");
    assert_eq!(stale.send().await.status, 409);
    server.signal("TERM");
    let status = server.wait();
    let log: Vec<_> = server.log.iter().collect();
    assert_eq!(status.code(), Some(0), "{log:?}");
}

/// Gives the server's small disk more room, from within its own name spaces.
fn grow(server: &Server, megabytes: u32) {
    let status = Command::new("nsenter")
        .args([
            "--target",
            &server.id().to_string(),
            "--user",
            "--mount",
            "--preserve-credentials",
        ])
        .args(["mount", "-o", &format!("remount,size={megabytes}m")])
        .arg(server.data())
        .status()
        .unwrap();
    assert!(status.success());
}
