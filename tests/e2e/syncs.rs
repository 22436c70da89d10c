use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use crate::server::{Folder, Server};
use crate::store::Embedded;

/// What the server did, as strace saw it.
#[derive(Debug, Default)]
struct Trace {
    /// When the syncs of the log began and ended.
    syncs: Vec<(usize, usize)>,
    /// When a write was there, and when its answer began to leave.
    writes: Vec<(usize, usize)>,
}

impl Trace {
    /// Reads what `strace -f -y` wrote. A call that others came in between has two lines: when it began, and when it
    /// ended.
    fn read(file: &Path) -> Self {
        let mut trace = Self::default();
        let mut begun: HashMap<String, usize> = HashMap::new();
        let mut asked: HashMap<String, usize> = HashMap::new();
        let mut waits: HashMap<String, String> = HashMap::new();
        let text = std::fs::read_to_string(file).unwrap();
        for (now, line) in text.lines().enumerate() {
            let (thread, call) = line.split_once(char::is_whitespace).unwrap();
            let (thread, call) = (thread.to_owned(), call.trim_start());
            let is_open = call.ends_with("<unfinished ...>");
            if let Some(rest) = call.strip_prefix("<... ") {
                if let Some(began) = begun.remove(&thread) {
                    trace.syncs.push((began, now));
                } else if let Some(connection) = waits.remove(&thread)
                    && rest.contains("\"PUT /api/")
                {
                    asked.insert(connection, now);
                }
                continue;
            }
            let Some((name, rest)) = call.split_once('(') else {
                continue;
            };
            let what = rest.split([',', ')', ' ']).next().unwrap().to_owned();
            match name {
                "fdatasync" | "fsync" if what.contains("/detente.db-wal") => match is_open {
                    true => drop(begun.insert(thread, now)),
                    false => trace.syncs.push((now, now)),
                },
                "read" | "readv" | "recvfrom" if is_open => drop(waits.insert(thread, what)),
                "read" | "readv" | "recvfrom" if rest.contains("\"PUT /api/") => {
                    asked.insert(what, now);
                }
                "write" | "writev" | "sendto" | "sendmsg" if rest.contains("\"HTTP/1.1 20") => {
                    if let Some(asked) = asked.remove(&what) {
                        trace.writes.push((asked, now));
                    }
                }
                _ => {}
            }
        }
        trace
    }

    /// The syncs that began when a write was there, and ended before its answer left.
    fn between(&self, (asked, answered): (usize, usize)) -> usize {
        let within = |sync: &&(usize, usize)| asked < sync.0 && sync.1 < answered;
        self.syncs.iter().filter(within).count()
    }
}

fn traced(folder: Folder) -> Server {
    let serve = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new("strace");
    command
        // The server is this process's own child, and strace watches from aside.
        .args(["-D", "-f", "-qq", "-y", "-s", "16", "-o"])
        .arg(folder.path().join("trace"))
        .arg("--trace=read,readv,recvfrom,write,writev,sendto,sendmsg,fsync,fdatasync")
        .arg(serve.get_program())
        .args(serve.get_args());
    Server::start_as(folder, command)
}

async fn commits(client: &crate::client::Client) -> usize {
    let answer = client.get("/metrics").await;
    let text = answer.text();
    let mut lines = text.lines();
    let count = lines.find_map(|line| line.strip_prefix("detente_commits_total "));
    count.expect("the metric is there").parse().unwrap()
}

/// Nothing is acknowledged before it is durable, and those that commit together share one sync.
#[tokio::test]
async fn each_batch_is_synced_once_and_before_its_first_answer() {
    const CLIENTS: usize = 24;
    const WRITES: usize = 6;

    if Embedded::Disk.is_absent() {
        return;
    }
    let server = traced(Folder::new());
    let client = server.client();
    client.create("/api/documents/first", "{}").await;
    let before = commits(&client).await;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        // With a connection of its own.
        let client = server.client();
        clients.push(tokio::spawn(async move {
            for count in 0..WRITES {
                let path = format!("/api/documents/{number}-{count}");
                let put = client.put(&path, r#"{"n":1}"#).send();
                assert_eq!(put.await.status, 201);
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    let batches = commits(&client).await - before;
    let file = server.path("trace");
    let trace = Trace::read(&file);
    let writes = &trace.writes[1..];
    assert_eq!(writes.len(), CLIENTS * WRITES, "{trace:?}");
    for write in &trace.writes {
        assert!(
            trace.between(*write) > 0,
            "{write:?} was told too soon: {trace:?}"
        );
    }
    let syncs = trace.syncs.iter().filter(|sync| sync.0 > trace.writes[0].1);
    assert_eq!(syncs.count(), batches, "{trace:?}");
    assert!(batches < writes.len(), "writes share commits");
}
