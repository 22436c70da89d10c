use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::server::{Folder, Server, program};
use crate::store::Embedded;

fn start(folder: Folder, arguments: &[&str]) -> Server {
    let command = folder.command(&[&["serve"], arguments].concat());
    Server::start_as(folder, command)
}

/// The first warning of the log with this in it.
fn warning(server: &Server, part: &str) -> String {
    loop {
        let line = server.log.recv_timeout(Duration::from_secs(20));
        let line = line.unwrap_or_else(|_| panic!("no warning says {part:?}"));
        if line.contains("WARN") && line.contains(part) {
            return line;
        }
    }
}

#[tokio::test]
async fn flags_let_browsers_and_tokens_in() {
    let arguments = [
        "--listen",
        ":0",
        "--cors",
        "https://a.example",
        "--cors",
        "http://localhost:3000",
        "--token",
        "ann:s3cret=",
        "--token",
        "plain",
    ];
    let server = start(Folder::new(), &arguments);
    assert!(
        server.url().starts_with("http://127.0.0.1:"),
        "{}",
        server.url()
    );
    let client = server.client();
    let put = |secret: &str| {
        let put = client.put("/api/notes/1", "{}").if_match("*");
        put.header("Authorization", &format!("Bearer {secret}"))
            .header("Origin", "http://localhost:3000")
            .send()
    };
    assert_eq!(client.get("/api/notes/1").await.status, 401);
    let create = client
        .put("/api/notes/1", "{}")
        .header("Authorization", "Bearer s3cret=");
    assert_eq!(create.send().await.status, 201);
    let answer = put("plain").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("http://localhost:3000")
    );
    let changes = client
        .ask("GET", "/api/_changes")
        .header("Authorization", "Bearer plain");
    let changes = changes.send().await.json();
    let by = [0, 1].map(|row| changes["items"][row]["updated_by"].clone());
    assert_eq!(by, [json!("ann"), json!("token")]);
}

#[test]
fn flags_that_are_none_are_refused_without_their_secrets() {
    let cases: [(&[&str], &str); 6] = [
        (&["--cors", "example.org"], "--cors example.org"),
        (&["--token", "ann:"], "--token: must be a secret"),
        (
            &["--token", "a:s3cret", "--token", "b:s3cret"],
            "has this secret already",
        ),
        (&["--listen", "localhost"], "must be an address and a port"),
        (&["--listen", ":99999"], "must be an address and a port"),
        (&["--listen", "unix:"], "must be an address and a port"),
    ];
    for (arguments, message) in cases {
        let folder = Folder::new();
        let run = folder
            .command(&[&["serve"], arguments].concat())
            .output()
            .unwrap();
        let errors = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(message), "{arguments:?}: {errors}");
        assert!(!errors.contains("s3cret"), "{errors}");
        assert!(!folder.data().exists(), "{arguments:?}");
    }
}

#[tokio::test]
async fn stored_collections_that_nobody_declares_are_named_at_the_start() {
    let server = Server::start();
    for path in ["/api/notes/1", "/api/users/1", "/spaces/other/api/Things/1"] {
        server.client().create(path, "{}").await;
    }
    let folder = server.stop();
    std::fs::write(folder.path().join("detente.toml"), "[collections.users]\n").unwrap();
    let server = Server::start_in(folder);
    let warning = warning(&server, "not declared");
    assert!(warning.contains("default/notes, other/Things"), "{warning}");
    assert!(!warning.contains("users"), "{warning}");
    assert_eq!(server.client().get("/api/notes/1").await.status, 404);
}

/// `detente serve` for all the world, in a network of its own, where nobody can reach it.
fn serve_all(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command
        .args([
            "--user",
            "--map-root-user",
            "--net",
            env!("CARGO_BIN_EXE_detente"),
            "serve",
        ])
        .args(["--listen", "0.0.0.0:0"])
        .args(arguments)
        .arg("--data")
        .arg(folder.data());
    command
}

#[test]
fn an_open_door_is_refused_or_warned_of() {
    if Embedded::NoNetwork.is_absent() {
        return;
    }
    let folder = Folder::new();
    let refused = serve_all(&folder, &[]).output().unwrap();
    let errors = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{errors}");
    for way in ["0.0.0.0:", "--token", "--insecure-open"] {
        assert!(errors.contains(way), "{way}: {errors}");
    }
    let command = serve_all(&folder, &["--token", "ann:secret"]);
    drop(Server::start_as(folder, command));
    let folder = Folder::new();
    let command = serve_all(&folder, &["--insecure-open"]);
    let server = Server::start_as(folder, command);
    let warning = warning(&server, "ANYBODY");
    assert!(warning.contains("0.0.0.0:"), "{warning}");
}

/// One request on a socket in the file system, and its answer.
fn ask(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_socket_in_the_file_system_serves_and_goes_with_the_server() {
    let folder = Folder::new();
    let socket = folder.path().join("detente.sock");
    let place = format!("unix:{}", socket.display());
    let serve = |folder: &Folder| {
        let mut command = folder.command(&["serve", "--listen", &place]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    // One that a crashed server left.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let mut server = serve(&folder).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains(&format!("listens on {place}, ")), "{line}");
    let put = "PUT /api/notes/1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let answer = ask(&socket, put);
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let second = serve(&Folder::new()).output().unwrap();
    assert_eq!(second.status.code(), Some(3), "somebody listens there");
    let stopped = Command::new("kill")
        .arg(server.id().to_string())
        .status()
        .unwrap();
    assert!(stopped.success() && server.wait().unwrap().success());
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_backup_of_a_running_server_is_a_sound_store() {
    if Embedded::Backup.is_absent() {
        return;
    }
    let server = Server::start();
    let client = server.client();
    for n in 0..50 {
        client.create(&format!("/api/notes/{n}"), "{}").await;
    }
    let writes = tokio::spawn({
        let client = client.clone();
        async move {
            for n in 0.. {
                client.create(&format!("/api/more/{n}"), "{}").await;
            }
        }
    });
    let file = server.data().join("../copy.db");
    let backup = || {
        let mut command = program();
        command
            .args(["backup", "--data"])
            .arg(server.data())
            .arg(&file);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let first = backup().await.unwrap();
    let told = String::from_utf8(first.stdout).unwrap();
    assert!(
        first.status.success() && told.contains("sound; documents: "),
        "{told}"
    );
    let again = backup().await.unwrap();
    assert_eq!(again.status.code(), Some(2), "a backup overwrites nothing");
    writes.abort();

    let restored = Folder::new();
    std::fs::create_dir_all(restored.data()).unwrap();
    std::fs::copy(&file, restored.data().join("detente.db")).unwrap();
    let restored = Server::start_in(restored);
    let all = restored.client().get("/api").await.json();
    let notes = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "notes");
    assert_eq!(notes.unwrap()["documents"], 50);
    let left = std::fs::read_dir(file.parent().unwrap()).unwrap();
    let left = left.filter(|it| {
        it.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.')
    });
    assert_eq!(left.count(), 0, "nothing else is left");

    let none = Folder::new();
    let missing = none
        .command(&["backup"])
        .arg(none.path().join("x.db"))
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(3));
    assert!(!none.data().exists() && !none.path().join("x.db").exists());
}

#[tokio::test]
async fn a_hangup_does_not_end_the_server() {
    let server = Server::start();
    server.signal("HUP");
    loop {
        let line = server
            .log
            .recv_timeout(Duration::from_secs(20))
            .expect("it says so");
        if line.contains("read the configuration again") {
            break;
        }
    }
    server.client().create("/api/notes/1", "{}").await;
    server.stop();
}

#[tokio::test]
async fn an_empty_configuration_is_as_none() {
    let server = Server::with_config("");
    server.client().create("/api/notes/1", "{}").await;
    let page = server.client().get("/").await;
    assert!(page.text().contains("/api/documents"), "{}", page.text());
    let server = Server::with_config("[collections.users]\nschema = { type = \"object\" }\n");
    assert_eq!(
        server
            .client()
            .put("/api/notes/1", "{}")
            .send()
            .await
            .status,
        404
    );
    let page = server.client().get("/").await;
    assert!(!page.text().contains("/api/documents"), "{}", page.text());
}

#[test]
fn the_program_describes_itself_to_shells_and_readers() {
    let run = |arguments: &[&str]| {
        let run = program().args(arguments).output().unwrap();
        assert!(run.status.success(), "{arguments:?}");
        String::from_utf8(run.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]);
        assert!(
            script.contains("backup") && script.contains("--listen") || shell == "fish",
            "{shell}"
        );
    }
    assert!(run(&["man"]).contains(".TH detente 1"));
    let folder = Folder::new();
    let pages = folder.path().join("man1");
    run(&["man", pages.to_str().unwrap()]);
    let page = std::fs::read_to_string(pages.join("detente-serve.1")).unwrap();
    assert!(page.contains("cors"), "{page}");
}
