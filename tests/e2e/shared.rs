use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use detente_cluster::{Cluster, Database, Options};
use serde_json::{Value, json};

use crate::server::{Folder, Server, program};

const SECRET: &str = "s3cret";

/// The URL of a database, with a password that nobody asks for.
fn with_password(database: &Database) -> String {
    let user = format!("postgres:{SECRET}@");
    database.url().replacen("postgres@", &user, 1)
}

/// What it wrote to both outputs, which has no password.
#[track_caller]
fn told(output: &Output) -> String {
    let outputs = [&output.stdout[..], &output.stderr].concat();
    let told = String::from_utf8(outputs).unwrap();
    assert!(!told.contains(SECRET), "{told}");
    told
}

/// `detente` with these arguments on a database.
fn on(url: &str, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).args(["--store", url]);
    command
}

pub(crate) fn serve_on(folder: &Folder, url: &str) -> Command {
    let mut command = on(url, &["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(folder.data());
    command
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    output
}

/// Has a command read `input`.
fn feed(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// The lines of an export, without what a move does not keep: numbers and times of versions.
fn documents(exported: &[u8]) -> Vec<Value> {
    let lines = std::str::from_utf8(exported).unwrap().lines();
    let kept = lines.map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let members = line.as_object_mut().unwrap();
        members.remove("version");
        members.remove("updated_at");
        line
    });
    kept.collect()
}

#[tokio::test]
async fn everything_moves_between_stores() {
    let folder = Folder::new();
    let database = Cluster::shared().database();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(folder.data());
    let server = Server::start_as(folder, command);
    let client = server.client();
    for n in 0..300 {
        let body = format!("{{\"n\":{n}.50,\"text\":\"é\\n\"}}");
        let put = client.put(&format!("/api/documents/{n:03}"), &body);
        assert_eq!(put.by("ann").send().await.status, 201);
    }
    client.create("/spaces/other/api/notes/1", "{}").await;
    let folder = server.stop();
    let mut export = program();
    export.args(["export", "--data"]).arg(folder.data());
    let first = run(&mut export).stdout;
    assert_eq!(documents(&first).len(), 301);

    let url = with_password(&database);
    let imported = feed(&mut on(&url, &["import", "-"]), &first);
    let report = told(&imported);
    assert!(report.contains("301 documents written"), "{report}");
    let verified = told(&run(&mut on(&url, &["verify"])));
    assert!(
        verified.contains("sound; documents: 301, versions: 301"),
        "{verified}"
    );
    let again = feed(&mut on(&url, &["import", "-"]), &first);
    let report = told(&again);
    assert!(
        report.contains("0 documents written, 301 unchanged"),
        "{report}"
    );
    let second = run(&mut on(&url, &["export"])).stdout;
    assert_eq!(documents(&second), documents(&first));

    let back = Folder::new();
    let mut import = program();
    import.args(["import", "-", "--data"]).arg(back.data());
    told(&feed(&mut import, &second));
    let mut export = program();
    export.args(["export", "--data"]).arg(back.data());
    let third = run(&mut export).stdout;
    assert_eq!(documents(&third), documents(&first));
}

#[tokio::test]
async fn two_servers_share_a_database() {
    let database = Cluster::shared().database();
    let start = || {
        let folder = Folder::new();
        let command = serve_on(&folder, database.url());
        Server::start_as(folder, command)
    };
    let (one, other) = (start(), start());
    let tag = one.client().create("/api/notes/1", r#"{"n":1}"#).await;
    assert_eq!(
        other.client().get("/api/notes/1").await.text(),
        r#"{"n":1}"#
    );
    let put = other.client().put("/api/notes/1", r#"{"n":2}"#);
    assert_eq!(put.if_match(&tag).send().await.status, 200);
    let stale = one.client().put("/api/notes/1", r#"{"n":3}"#);
    assert_eq!(stale.if_match(&tag).send().await.status, 409);
    one.stop();
    assert_eq!(
        other.client().get("/api/notes/1").await.text(),
        r#"{"n":2}"#
    );
    other.stop();
    run(&mut on(database.url(), &["verify"]));
}

/// The first line says where the data is; nothing says the password, and the data folder has no data.
#[test]
fn a_server_tells_its_database_and_not_the_password() {
    let database = Cluster::shared().database();
    let folder = Folder::new();
    let mut command = serve_on(&folder, &with_password(&database));
    command.args(["--log", "debug"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let place = format!("its data is in {}\n", database.url());
    assert!(line.ends_with(&place), "{line}");
    assert!(!folder.data().join("detente.db").exists());
    let mut reload = program();
    reload.args(["reload", "--data"]).arg(folder.data());
    told(&run(&mut reload));
    let id = server.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    let output = server.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn a_store_that_is_none_is_refused_wherever_it_is_said() {
    let folder = Folder::new();
    let file = folder.path().join("documents.ndjson");
    std::fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    let commands: [&[&str]; 5] = [
        &["serve"],
        &["import", file],
        &["export"],
        &["verify"],
        &["backup", "copy.db"],
    ];
    let urls = [
        ("mysql://ann:s3cret@host/name", "postgres://user@"),
        ("postgres://ann:s3cret@host:port/name", "has a port"),
        ("postgres://ann:s3@s3cret@host/name", "%40"),
    ];
    for (url, message) in urls {
        let config = folder.path().join("store.toml");
        std::fs::write(&config, format!("\nstore = \"{url}\"\n")).unwrap();
        for arguments in commands {
            let by_flag = on(url, arguments).output().unwrap();
            let mut by_environment = program();
            by_environment.args(arguments).env("DETENTE_STORE", url);
            let by_environment = by_environment.output().unwrap();
            let mut by_file = program();
            by_file.args(arguments).arg("--config").arg(&config);
            let by_file = by_file.output().unwrap();
            let outputs = [
                (by_flag, "--store "),
                (by_environment, "--store "),
                (by_file, "store.toml:2:9: store "),
            ];
            for (output, place) in outputs {
                let told = told(&output);
                assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
                assert!(told.contains(place), "{arguments:?}: {told}");
                assert!(told.contains(message), "{arguments:?}: {told}");
            }
        }
        let mut check = program();
        let checked = check.args(["config", "check"]).arg(&config).output();
        let checked = checked.unwrap();
        assert_eq!(checked.status.code(), Some(2));
        assert!(told(&checked).contains("store.toml:2:9: store "));
    }
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_the_password() {
    // Nobody listens on this port.
    let url = "postgres://ann:s3cret@127.0.0.1:1/name";
    let config = Folder::with_config(&format!("store = \"{url}\"\n"));
    let config = config.path().join("detente.toml");
    let mut check = program();
    told(&run(check.args(["config", "check"]).arg(&config)));
    for arguments in [&["serve"][..], &["export"], &["verify"]] {
        let output = on(url, arguments).output().unwrap();
        let told = told(&output);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {told}");
        let place = "cannot open the store in postgres://ann@127.0.0.1:1/name";
        assert!(told.contains(place), "{arguments:?}: {told}");
    }
}

#[test]
fn what_is_for_a_data_folder_alone_says_so() {
    let url = "postgres://ann:s3cret@127.0.0.1:1/name";
    let cases: [(&[&str], &[&str]); 2] = [
        (&["backup", "copy.db"], &["pg_dump", "detente export"]),
        (&["verify", "--repair-from", "copy.db"], &["--repair-from"]),
    ];
    for (arguments, words) in cases {
        let output = on(url, arguments).output().unwrap();
        let told = told(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        for word in words {
            assert!(told.contains(word), "{arguments:?}: {told}");
        }
    }
}

#[test]
fn a_flag_beats_the_environment_beats_the_file() {
    let config = Folder::with_config("store = \"postgres://h/file\"\n");
    let config = config.path().join("detente.toml");
    let refused = |environment: bool, flag: bool| {
        let mut command = program();
        command.args(["backup", "copy.db", "--config"]).arg(&config);
        if environment {
            command.env("DETENTE_STORE", "postgres://h/environment");
        }
        if flag {
            command.args(["--store", "postgres://h/flag"]);
        }
        told(&command.output().unwrap())
    };
    let cases = [
        (false, false, "file"),
        (true, false, "environment"),
        (true, true, "flag"),
    ];
    for (environment, flag, name) in cases {
        let told = refused(environment, flag);
        let place = format!("postgres://h/{name}: ");
        assert!(told.contains(&place), "{told}");
    }
}

#[tokio::test]
async fn a_reload_leaves_the_store_for_the_next_start() {
    let server = Server::with_config("");
    let config = format!("store = \"postgres://ann:{SECRET}@host/name\"\n");
    std::fs::write(server.path("detente.toml"), config).unwrap();
    let mut reload = program();
    reload.args(["reload", "--data"]).arg(server.data());
    reload.arg("--config").arg(server.path("detente.toml"));
    let told = told(&run(&mut reload));
    assert!(told.contains("only its next start changes store"), "{told}");
    server.client().create("/api/notes/1", "{}").await;
    let description = server.client().get("/openapi.json").await;
    assert!(!description.text().contains(SECRET));
    assert_eq!(server.client().get("/api/notes/1").await.json(), json!({}));
}

/// As on one machine: writes are refused with 507 while reads go on, and when there is room again, so do
/// writes.
#[tokio::test]
async fn a_database_whose_disk_is_full_refuses_writes_and_nothing_else() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can mount a disk that is this small");
        return;
    }
    let cluster = Cluster::start(Options {
        disk: Some(24),
        ..Options::default()
    });
    let database = cluster.database_on_disk();
    let folder = Folder::new();
    let command = serve_on(&folder, database.url());
    let server = Server::start_as(folder, command);
    let client = server.client();
    let mut bodies = Vec::new();
    let refused = loop {
        // Nothing that a database could make smaller.
        let text: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(200_000)
            .collect();
        let body = format!(r#"{{"text":"{text}"}}"#);
        let path = format!("/api/documents/{}", bodies.len());
        let answer = client.put(&path, &body).send().await;
        if answer.status != 201 {
            break answer;
        }
        bodies.push(body);
        assert!(bodies.len() < 200, "the disk never fills");
    };
    assert_eq!(refused.status, 507, "{refused:?}");
    assert_eq!(refused.json()["type"], "/problems/storage-full");
    assert!(!bodies.is_empty());
    for (n, body) in bodies.iter().enumerate() {
        assert_eq!(
            client.get(&format!("/api/documents/{n}")).await.text(),
            *body
        );
    }
    let missing = client
        .get(&format!("/api/documents/{}", bodies.len()))
        .await;
    assert_eq!(missing.status, 404);
    assert_eq!(client.get("/readyz").await.status, 200);
    let stale = client
        .put("/api/documents/0", "{}")
        .if_match("\"9-9000000000000\"");
    assert_eq!(stale.send().await.status, 409);
    cluster.grow_disk(128);
    let again = client.put("/api/documents/after", &bodies[0]).send().await;
    assert_eq!(again.status, 201, "{again:?}");
    let all = client.get("/api/documents?count=true&limit=1").await.json();
    assert_eq!(all["total"], bodies.len() + 1);
}
