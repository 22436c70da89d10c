use std::path::Path;
use std::process::Command;

use crate::client::Client;
use crate::server::Server;
use crate::store::Embedded;

const DOCUMENTS: u64 = 12;

fn path(n: u64) -> String {
    format!("/api/notes/note-{n}")
}

fn body(n: u64, version: u64) -> String {
    format!(
        r#"{{"note":{n},"version":{version},"text":"{}"}}"#,
        "abc".repeat(20)
    )
}

async fn fill(client: &Client) {
    for n in 0..DOCUMENTS {
        client.create(&path(n), &body(n, 1)).await;
        let put = client.put(&path(n), &body(n, 2)).if_match("*");
        assert_eq!(put.send().await.status, 200);
    }
}

/// Changes one bit of what the newest version of a document says.
fn spoil(data: &Path, n: u64) {
    let file = data.join("detente.db");
    let mut content = std::fs::read(&file).unwrap();
    let text = body(n, 2);
    let at = content
        .windows(text.len())
        .position(|window| window == text.as_bytes())
        .unwrap();
    content[at + text.len() - 5] ^= 1;
    std::fs::write(&file, content).unwrap();
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(told).unwrap())
}

#[tokio::test]
async fn what_rots_is_never_answered_and_is_restored_from_a_backup() {
    if Embedded::File.is_absent() {
        return;
    }
    let server = Server::start();
    fill(&server.client()).await;
    let folder = server.stop();
    let backup = folder.path().join("backup");
    std::fs::create_dir(&backup).unwrap();
    std::fs::copy(folder.data().join("detente.db"), backup.join("detente.db")).unwrap();
    spoil(&folder.data(), 3);

    let server = Server::start_in(folder);
    let client = server.client();
    for _ in 0..3 {
        let refused = client.get(&path(3)).await;
        assert_eq!(refused.status, 500, "{refused:?}");
        let problem = refused.json();
        assert_eq!(problem["type"], "/problems/damaged");
        assert_eq!(
            (&problem["seq"], &problem["version"]),
            (&8.into(), &2.into())
        );
        assert!(!refused.text().contains("abc"), "{refused:?}");
        assert_eq!(refused.header("etag"), None);
    }
    let is_about_it = |line: &String| line.contains("the store is damaged");
    assert!(server.log.iter().any(|line| is_about_it(&line)));
    assert_eq!(client.get("/api/notes").await.status, 500);
    let before = client.get(&format!("{}/versions/1", path(3))).await;
    assert_eq!(before.status, 500, "its newest version is read as well");
    let page = client.get("/api/_changes?limit=100").await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 7, "{page}");
    assert_eq!(client.get("/api/_changes?since=7").await.status, 500);
    let after = client.get("/api/_changes?since=8").await.json();
    assert_eq!(after["items"].as_array().unwrap().len(), 16, "{after}");
    let again = server.log.try_iter().filter(is_about_it).count();
    assert_eq!(again, 0, "it is told once");
    let metrics = client.get("/metrics").await;
    assert!(metrics.text().contains("\ndetente_damaged 1\n"));
    for n in (0..DOCUMENTS).filter(|n| *n != 3) {
        assert_eq!(client.get(&path(n)).await.text(), body(n, 2));
    }
    let folder = server.stop();

    let (code, told) = run(&mut folder.command(&["verify"]));
    assert_eq!(code, Some(1), "{told}");
    let fault = "version 2 of default/notes/note-3 (seq 8) is not as it was written";
    assert!(told.contains(fault), "{told}");
    let lines = folder.path().join("export.ndjson");
    let (code, told) = run(folder.command(&["export"]).arg("--output").arg(&lines));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(fault), "{told}");
    let exported = std::fs::read_to_string(&lines).unwrap();
    assert_eq!(exported.lines().count(), 11);
    assert!(!exported.contains("note-3\""), "{exported}");

    let (code, told) = run(folder
        .command(&["verify"])
        .arg("--repair-from")
        .arg(&backup));
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("rows taken from the backup: 1"), "{told}");
    assert!(told.contains("sound"), "{told}");
    let server = Server::start_in(folder);
    assert_eq!(server.client().get(&path(3)).await.text(), body(3, 2));
}

#[tokio::test]
async fn a_backup_that_lacks_what_is_damaged_changes_nothing() {
    if Embedded::File.is_absent() {
        return;
    }
    let server = Server::start();
    server.client().create("/api/notes/first", "{}").await;
    let folder = server.stop();
    let backup = folder.path().join("backup");
    std::fs::create_dir(&backup).unwrap();
    std::fs::copy(folder.data().join("detente.db"), backup.join("detente.db")).unwrap();
    let server = Server::start_in(folder);
    fill(&server.client()).await;
    let folder = server.stop();
    spoil(&folder.data(), 3);
    let file = folder.data().join("detente.db");
    let damaged = std::fs::read(&file).unwrap();
    let (code, told) = run(folder
        .command(&["verify"])
        .arg("--repair-from")
        .arg(&backup));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("nothing was changed"), "{told}");
    assert!(told.contains("seq 9 of the log"), "{told}");
    assert!(std::fs::read(&file).unwrap() == damaged);
}

/// The same as the store's own test, as a client sees it.
#[tokio::test]
async fn no_flipped_bit_reaches_a_client() {
    if Embedded::File.is_absent() {
        return;
    }
    let server = Server::start();
    fill(&server.client()).await;
    let mut tags = Vec::new();
    for n in 0..DOCUMENTS {
        tags.push(server.client().get(&path(n)).await.tag());
    }
    let mut folder = server.stop();
    let sound = std::fs::read(folder.data().join("detente.db")).unwrap();
    let names = b"note";
    let places: Vec<_> = (0..sound.len())
        .filter(|at| sound[*at..].starts_with(names))
        .collect();
    let mut refused = 0;
    for round in 0..24 {
        let mut rotten = sound.clone();
        // In and around what names documents, spread over the tables and the bits of a byte.
        let at = places[round * places.len() / 24] + round % 20 - 10;
        rotten[at] ^= 1 << (round % 8);
        for ending in ["-wal", "-shm"] {
            // They are gone after a clean stop.
            let _ = std::fs::remove_file(folder.data().join(format!("detente.db{ending}")));
        }
        std::fs::write(folder.data().join("detente.db"), rotten).unwrap();
        let (code, _) = run(&mut folder.command(&["verify"]));
        let mut serve = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
        if code != Some(0) && !starts(&mut serve) {
            continue;
        }
        let server = Server::start_in(folder);
        for n in 0..DOCUMENTS {
            let answer = server.client().get(&path(n)).await;
            if answer.status == 500 {
                assert_eq!(answer.header("etag"), None);
                assert_ne!(code, Some(0), "verify found nothing at {at}");
                refused += 1;
            } else {
                assert_eq!(answer.text(), body(n, 2), "byte {at}");
                assert_eq!(answer.tag(), tags[usize::try_from(n).unwrap()]);
            }
        }
        folder = server.crash();
    }
    assert!(refused > 0, "no bit was one of a document");
}

/// Whether a server comes to listen; it is ended at once.
fn starts(serve: &mut Command) -> bool {
    let mut child = serve
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    let _ = child.kill();
    child.wait().unwrap();
    !line.is_empty()
}

/// What is missing at the end of a log shows only outside of it.
#[tokio::test]
async fn a_write_ahead_log_that_is_gone_is_missed() {
    if Embedded::File.is_absent() {
        return;
    }
    let server = Server::start();
    fill(&server.client()).await;
    let server = Server::start_in(server.stop());
    server.client().create("/api/notes/last", "{}").await;
    let folder = server.crash();
    std::fs::remove_file(folder.data().join("detente.db-wal")).unwrap();
    let (code, told) = run(&mut folder.command(&["verify"]));
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("the log ends at seq 24, though seq 25 was there"),
        "{told}"
    );
    let server = Server::start_in(folder);
    assert!(
        server
            .log
            .iter()
            .any(|line| line.contains("the log is shorter than it was"))
    );
    let page = server.client().get("/api/_changes?since=25").await.json();
    assert_eq!(page["reset"], true);
}
