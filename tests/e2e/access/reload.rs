use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::json;

use crate::client::{Ask, Client};
use crate::server::{Folder, Server, program};
use crate::store::Embedded;

const ANN: &str = "[[tokens]]\nname = \"ann\"\nsecret = \"ann-secret\"\n";
const BOB: &str = "[[tokens]]\nname = \"bob\"\nsecret = \"bob-secret\"\n";
const NOTES: &str = "[collections.notes]\n";

/// A server, and where its configuration stands.
struct Running {
    server: Server,
    file: PathBuf,
}

impl Running {
    fn start(config: &str) -> Self {
        let folder = Folder::with_config(config);
        let file = folder.path().join("detente.toml");
        let server = Server::start_in(folder);
        Self { server, file }
    }

    fn write(&self, config: &str) {
        std::fs::write(&self.file, config).unwrap();
    }

    fn reload_command(&self) -> Command {
        let mut command = program();
        command.arg("reload").arg("--data").arg(self.server.data());
        command.arg("--config").arg(&self.file);
        command
    }

    /// `detente reload` with another configuration.
    fn reload(&self, config: &str) -> Output {
        self.write(config);
        self.reload_command().output().unwrap()
    }

    #[track_caller]
    fn must_reload(&self, config: &str) -> String {
        let output = self.reload(config);
        let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{told}");
        told
    }

    /// Reloads what has a mistake; what is told of it.
    #[track_caller]
    fn must_refuse(&self, config: &str) -> String {
        let output = self.reload(config);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        told
    }

    fn logs(&self, part: &str) -> String {
        loop {
            let line = self.server.log.recv_timeout(Duration::from_secs(20));
            let line = line.unwrap_or_else(|_| panic!("no line says {part:?}"));
            if line.contains(part) {
                return line;
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn by(name: &str, ask: Ask) -> Ask {
    ask.header("Authorization", &format!("Bearer {name}-secret"))
}

async fn status(client: &Client, name: &str, path: &str) -> u16 {
    by(name, client.ask("GET", path)).send().await.status
}

#[tokio::test]
async fn tokens_rules_collections_and_limits_change_while_the_server_runs() {
    let running = Running::start(&[NOTES, ANN, BOB].concat());
    let client = running.server.client();
    let note = json!({"owner": "bob"}).to_string();
    assert_eq!(
        by("bob", client.put("/api/notes/1", &note))
            .send()
            .await
            .status,
        201
    );
    // A token that is revoked is refused by the next request.
    let told = running.must_reload(&[NOTES, ANN].concat());
    assert!(!told.contains("next start"), "{told}");
    assert_eq!(status(&client, "bob", "/api/notes/1").await, 401);
    assert_eq!(status(&client, "ann", "/api/notes/1").await, 200);
    // Rules.
    let ruled = "[collections.notes.access]\nread = \"self.owner == caller.name\"\n";
    running.must_reload(&[ruled, ANN, BOB].concat());
    assert_eq!(status(&client, "ann", "/api/notes/1").await, 404);
    assert_eq!(status(&client, "bob", "/api/notes/1").await, 200);
    // Collections.
    assert_eq!(status(&client, "ann", "/api/others").await, 404);
    running.must_reload(&[NOTES, "[collections.others]\n", ANN].concat());
    assert_eq!(status(&client, "ann", "/api/others").await, 200);
    // Limits of sizes and of rates.
    let limits = "[limits]\nbody_bytes = 100\n[rates.writes]\nper_second = 0.01\nburst = 1\n";
    running.must_reload(&[NOTES, ANN, limits].concat());
    let large = json!({"text": "x".repeat(200)}).to_string();
    assert_eq!(
        by("ann", client.post("/api/notes", &large))
            .send()
            .await
            .status,
        413
    );
    assert_eq!(
        by("ann", client.post("/api/notes", "{}"))
            .send()
            .await
            .status,
        429
    );
    // Nobody gets a fresh allowance because something else changed.
    running.must_reload(&[NOTES, ANN, BOB, limits].concat());
    assert_eq!(
        by("ann", client.post("/api/notes", "{}"))
            .send()
            .await
            .status,
        429
    );
    // Origins.
    let origin = async || {
        let ask = by("ann", client.ask("GET", "/api/notes")).header("Origin", "https://a.example");
        let answer = ask.send().await;
        answer
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    assert_eq!(origin().await, None);
    running.must_reload(&["cors_origins = [\"https://a.example\"]\n", NOTES, ANN].concat());
    assert_eq!(origin().await.as_deref(), Some("https://a.example"));
}

#[tokio::test]
async fn a_hangup_reads_the_configuration_again() {
    let running = Running::start(&[NOTES, ANN].concat());
    let client = running.server.client();
    running.write(&[NOTES, BOB].concat());
    running.server.signal("HUP");
    running.logs("read the configuration again");
    assert_eq!(status(&client, "ann", "/api/notes").await, 401);
    assert_eq!(status(&client, "bob", "/api/notes").await, 200);
    running.write("nonsense");
    running.server.signal("HUP");
    let told = running.logs("mistakes");
    assert!(told.contains("detente.toml:1:"), "{told}");
    assert_eq!(status(&client, "bob", "/api/notes").await, 200);
}

#[tokio::test]
async fn a_mistake_keeps_what_was() {
    let keyed = "[[collections.notes.unique]]\nname = \"email\"\nfields = [\"/email\"]\n";
    let before = [NOTES, keyed, ANN].concat();
    let running = Running::start(&before);
    let client = running.server.client();
    let cases = [
        (format!("{before}\nunknown = 1\n"), "detente.toml:9:1"),
        (before.replace("secret =", "secert ="), "detente.toml:7:1"),
        (
            format!("{before}[collections.notes.access]\nread = \"slef.a == 1\"\n"),
            "detente.toml:9:9",
        ),
        ("[collections.notes".to_owned(), "detente.toml:1:"),
        ("tokens = []\n".to_owned(), "locks everybody out"),
        // By what documents are filed cannot change under them.
        ([NOTES, ANN].concat(), "unique keys changed"),
        (before.replace("/email", "/mail"), "unique keys changed"),
        (before.replace("notes", "users"), "unique keys changed"),
    ];
    for (config, told) in cases {
        let found = running.must_refuse(&config);
        assert!(
            found.contains("nothing changed") || found.contains(told),
            "{config}: {found}"
        );
        assert!(found.contains(told), "{config}: {found}");
        assert!(!found.contains("ann-secret"), "{found}");
        assert_eq!(status(&client, "ann", "/api/notes").await, 200);
    }
    std::fs::remove_file(&running.file).unwrap();
    assert_ne!(
        running.reload_command().output().unwrap().status.code(),
        Some(0)
    );
    assert_eq!(status(&client, "ann", "/api/notes").await, 200);
    running.must_reload(&[before.as_str(), BOB].concat());
    assert_eq!(status(&client, "bob", "/api/notes").await, 200);
}

#[tokio::test]
async fn what_waits_for_the_next_start_is_named() {
    let running = Running::start(&[NOTES, ANN].concat());
    let more = "listen = \"127.0.0.1:1\"\ncache_bytes = 1000\n";
    let limits = "[limits]\nconnections = 7\nqueued_writes = 9\n[conflicts]\nkeep_days = 1\n";
    let told = running.must_reload(&[more, NOTES, ANN, BOB, limits].concat());
    for setting in [
        "listen",
        "cache_bytes",
        "conflicts",
        "limits.connections",
        "limits.queued_writes",
    ] {
        assert!(told.contains(setting), "{setting}: {told}");
    }
    // The rest is so at once.
    assert_eq!(
        status(&running.server.client(), "bob", "/api/notes").await,
        200
    );
}

#[tokio::test]
async fn a_stream_ends_and_is_opened_again_under_the_new_rules() {
    let running = Running::start(&[NOTES, ANN, BOB].concat());
    let client = running.server.client();
    let note = json!({"owner": "bob"}).to_string();
    by("bob", client.put("/api/notes/1", &note)).send().await;
    let open = async |name: &str| {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = http.get(format!("{}/api/_changes?since=0", running.server.url()));
        let ask = ask.header("Accept", "text/event-stream");
        ask.header("Authorization", format!("Bearer {name}-secret"))
            .send()
            .await
            .unwrap()
    };
    let limit = Duration::from_secs(20);
    let (mut hers, mut his) = (open("ann").await, open("bob").await);
    let first = tokio::time::timeout(limit, hers.chunk())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(!first.is_empty());
    let ruled = "[collections.notes.access]\nread = \"self.owner == caller.name\"\n";
    running.must_reload(&[ruled, ANN].concat());
    for stream in [&mut hers, &mut his] {
        while tokio::time::timeout(limit, stream.chunk())
            .await
            .unwrap()
            .unwrap()
            .is_some()
        {}
    }
    assert_eq!(open("bob").await.status(), 401);
    let mut again = open("ann").await;
    assert_eq!(again.status(), 200);
    let own = json!({"owner": "ann", "is": "hers"}).to_string();
    by("ann", client.put("/api/notes/2", &own)).send().await;
    let mut told = String::new();
    while !told.contains("hers") {
        let chunk = tokio::time::timeout(limit, again.chunk())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        told += &text(&chunk);
    }
    assert!(!told.contains("bob"), "{told}");
}

/// Writers notice nothing of it: no request fails, and no write is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_under_load_costs_nothing() {
    let config = [NOTES, ANN].concat();
    let running = Running::start(&config);
    let writers = (0..8).map(|writer| {
        let client = running.server.client();
        tokio::spawn(async move {
            let path = format!("/api/notes/{writer}");
            let mut tag = by("ann", client.put(&path, r#"{"n":0}"#))
                .send()
                .await
                .tag();
            for n in 1..150 {
                let put = client
                    .put(&path, &json!({"n": n}).to_string())
                    .if_match(&tag);
                let answer = by("ann", put).send().await;
                assert_eq!(answer.status, 200, "{answer:?}");
                tag = answer.tag();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut reloads = 0;
    while writers.iter().any(|it| !it.is_finished()) || reloads < 5 {
        let other = format!(
            "{config}{BOB}[limits]\nbody_bytes = {}\n",
            100_000 + reloads
        );
        let mut command = running.reload_command();
        running.write(&other);
        let output = tokio::task::spawn_blocking(move || command.output());
        let output = output.await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        reloads += 1;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let client = running.server.client();
    for writer in 0..8 {
        let answer = by("ann", client.ask("GET", &format!("/api/notes/{writer}")))
            .send()
            .await;
        assert_eq!(
            (answer.json(), answer.header("document-version")),
            (json!({"n": 149}), Some("150"))
        );
    }
}

/// In a network of its own, where nobody can reach it.
#[test]
fn a_server_that_others_reach_does_not_become_open() {
    if Embedded::NoNetwork.is_absent() {
        return;
    }
    let folder = Folder::with_config(&[NOTES, ANN].concat());
    let file = folder.path().join("detente.toml");
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--net",
        env!("CARGO_BIN_EXE_detente"),
        "serve",
    ]);
    command
        .args(["--listen", "0.0.0.0:0", "--data"])
        .arg(folder.data());
    command.arg("--config").arg(&file);
    let server = Server::start_as(folder, command);
    let running = Running { server, file };
    let told = running.must_refuse(NOTES);
    assert!(told.contains("--insecure-open"), "{told}");
    running.must_reload(&[NOTES, BOB].concat());
}

#[tokio::test]
async fn a_new_token_works_as_it_is_printed() {
    let running = Running::start(&[NOTES, ANN].concat());
    let client = running.server.client();
    let run = |arguments: &[&str]| {
        let output = program()
            .args(["token", "new"])
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let printed = run(&[
        "zoë \"the reader\"",
        "--right",
        "read:notes",
        "--space",
        "default",
    ]);
    let (secret, lines) = printed.split_once('\n').unwrap();
    assert!(secret.len() >= 32 && !lines.contains(secret), "{printed}");
    running.must_reload(&[NOTES, ANN, lines].concat());
    let ask = async |ask: Ask, secret: &str| {
        let ask = ask.header("Authorization", &format!("Bearer {secret}"));
        ask.send().await
    };
    assert_eq!(
        ask(client.ask("GET", "/api/notes"), secret).await.status,
        200
    );
    assert_eq!(
        ask(client.ask("GET", "/spaces/other/api/notes"), secret)
            .await
            .status,
        403
    );
    let denied = ask(client.post("/api/notes", "{}"), secret).await;
    assert_eq!(denied.status, 403);
    assert!(denied.text().contains("zoë"), "{denied:?}");
    let other = run(&["zoë"]);
    assert_ne!(
        other.lines().next(),
        Some(secret),
        "a secret is new each time"
    );
    for wrong in [
        &["", "--right", "read"][..],
        &["a", "--right", "reads"],
        &["a", "--space", "_x"],
    ] {
        let output = program()
            .args(["token", "new"])
            .args(wrong)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(output.stdout.is_empty(), "{wrong:?}");
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

#[tokio::test]
async fn the_control_socket_is_its_owners_and_goes_with_the_server() {
    if Embedded::OneProcess.is_absent() {
        return;
    }
    let running = Running::start(&[NOTES, ANN].concat());
    let socket = running.server.data().join("control.sock");
    assert_eq!(mode(&socket), 0o600);
    // Nothing but what commands say is understood there.
    let nonsense = {
        use std::io::{Read, Write};
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(nonsense.contains("does not know"), "{nonsense}");
    // A second server on the same data takes nothing from the first.
    let second = {
        let mut command = program();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(running.server.data());
        command.arg("--config").arg(&running.file).output().unwrap()
    };
    assert_ne!(second.status.code(), Some(0));
    running.must_reload(&[NOTES, ANN, BOB].concat());
    // What a crash leaves is replaced.
    let folder = running.server.crash();
    assert!(socket.exists(), "a crash cleans nothing up");
    let file = folder.path().join("detente.toml");
    let server = Server::start_in(folder);
    let running = Running { server, file };
    assert_eq!(mode(&socket), 0o600);
    running.must_reload(&[NOTES, BOB].concat());
    assert_eq!(
        status(&running.server.client(), "ann", "/api/notes").await,
        401
    );
    let mut command = running.reload_command();
    let _folder = running.server.stop();
    assert!(!socket.exists());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("no server runs"),
        "{}",
        text(&output.stderr)
    );
}
