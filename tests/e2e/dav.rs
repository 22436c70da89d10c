//! Files over WebDAV: by outside suites and programs, and where it can go wrong.

use std::process::{Command, Stdio};

use crate::client::{Answer, Ask, Client};
use crate::files::{CONFIG, create, large, names};
use crate::races::{at_once, count, crowd};
use crate::server::Server;

const LOCKINFO: &str = "<lockinfo xmlns=\"DAV:\"><lockscope><exclusive/></lockscope><locktype><write/></locktype>\
    <owner>Ann</owner></lockinfo>";

fn put(client: &Client, path: &str, content: &str) -> Ask {
    client.ask("PUT", path).body("text/plain", content)
}

async fn sent(client: &Client, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut ask = client.ask(method, path);
    for (name, value) in fields {
        ask = ask.header(name, value);
    }
    ask.send().await
}

async fn make(client: &Client, folder: &str) {
    let made = sent(client, "MKCOL", folder, &[]).await;
    assert_eq!(made.status, 201, "{made:?}");
}

async fn lock(client: &Client, path: &str, depth: &str) -> Answer {
    let ask = client.ask("LOCK", path).header("Depth", depth);
    ask.body("application/xml", LOCKINFO).send().await
}

/// As `If` has it.
fn held(answer: &Answer) -> String {
    format!("({})", answer.header("lock-token").unwrap())
}

async fn find(client: &Client, path: &str, depth: &str, body: &str) -> Answer {
    let ask = client.ask("PROPFIND", path).header("Depth", depth);
    let found = ask.body("application/xml", body).send().await;
    assert_eq!(found.status, 207, "{found:?}");
    found
}

/// All of litmus: 104 tests of basics, copies and moves, properties, locks, and HTTP.
#[test]
fn litmus_passes() {
    let server = Server::with_config(CONFIG);
    let output = Command::new("litmus")
        .arg("-k")
        .arg(format!("{}/dav/", server.url()))
        .current_dir(server.path(""))
        .output()
        .expect("litmus is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    let run = |line: &str| {
        let line = line.strip_prefix("<- summary for")?;
        let number = |mark: &str| {
            let before = line.split(mark).next()?;
            before.rsplit(' ').next()?.parse::<u32>().ok()
        };
        Some((number(" tests run")?, number(" failed")?))
    };
    let suites: Vec<_> = text.lines().filter_map(run).collect();
    let all: u32 = suites.iter().map(|it| it.0).sum();
    let failed: u32 = suites.iter().map(|it| it.1).sum();
    assert_eq!((suites.len(), all, failed), (5, 104, 0), "{text}");
}

/// A program of the desktop, a shell, and a program that synchronises: what one has written the others read.
#[test]
fn programs_of_others_agree() {
    let server = Server::with_config(CONFIG);
    let here = tempfile::tempdir().unwrap();
    let at = |name: &str| here.path().join(name);
    let files = [("a b.txt", 10), ("dir/é%.bin", 100_000), ("dir/e/empty", 0)];
    for (name, size) in files {
        let path = at("from").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, large(size)).unwrap();
    }
    let url = format!("{}/dav/", server.url());
    let rclone = |arguments: &[&str]| {
        let output = Command::new("rclone")
            .args([
                "--config",
                "",
                "--webdav-url",
                &url,
                "--webdav-vendor",
                "other",
            ])
            .args(arguments)
            .current_dir(here.path())
            .output()
            .expect("rclone is installed");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    rclone(&["sync", "from", ":webdav:rclone"]);
    rclone(&["check", "--download", "from", ":webdav:rclone"]);
    std::fs::remove_file(at("from/a b.txt")).unwrap();
    std::fs::write(at("from/dir/é%.bin"), "shorter").unwrap();
    rclone(&["sync", "from", ":webdav:rclone"]);
    rclone(&["check", "--download", "from", ":webdav:rclone"]);
    rclone(&["moveto", ":webdav:rclone", ":webdav:moved"]);
    rclone(&["copy", ":webdav:moved", "back"]);
    let mut compare = Command::new("diff");
    compare
        .args(["-r", "from", "back"])
        .current_dir(here.path());
    assert!(
        compare.status().unwrap().success(),
        "what came back differs"
    );

    let script = "cd moved/dir\nput from/dir/e/empty new.txt\nlock new.txt\nunlock new.txt\ncopy new.txt copy.txt\n\
        move copy.txt moved.txt\nmkcol sub\ndelete new.txt\nls\nget moved.txt got.txt\nquit\n";
    let mut cadaver = Command::new("cadaver")
        .arg(&url)
        .current_dir(here.path())
        .env("HOME", here.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("cadaver is installed");
    std::io::Write::write_all(&mut cadaver.stdin.take().unwrap(), script.as_bytes()).unwrap();
    let output = cadaver.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        !text.contains("failed") && text.contains("moved.txt"),
        "{text}"
    );
    assert_eq!(std::fs::read(at("got.txt")).unwrap(), b"");

    let curl = Command::new("curl")
        .args(["-sS", "--fail", "-T", "from/dir/é%.bin"])
        .arg(format!("{url}moved/curl.bin"))
        .current_dir(here.path())
        .status()
        .unwrap();
    assert!(curl.success());
    rclone(&["copyto", ":webdav:moved/curl.bin", "curl.bin"]);
    assert_eq!(std::fs::read(at("curl.bin")).unwrap(), b"shorter");
}

/// What is written by one face is read by the other, under one tag, which is strong at once.
#[tokio::test]
async fn both_faces_show_the_same_files() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let tag = create(&client, "/files/a/b.txt", "first").await;
    let read = client.get("/dav/a/b.txt").await;
    assert_eq!((read.text(), read.tag()), ("first", tag.clone()));
    let second = put(&client, "/dav/a/b.txt", "second")
        .if_match(&tag)
        .send()
        .await;
    assert_eq!(second.status, 204, "{second:?}");
    let stale = put(&client, "/dav/a/b.txt", "third")
        .if_match(&tag)
        .send()
        .await;
    assert_eq!(stale.status, 409, "{stale:?}");
    assert_eq!(stale.json()["current_version"], 2);
    let listed = format!("(<urn:x> [{}]) ([{}])", second.tag(), second.tag());
    let by_list = put(&client, "/dav/a/b.txt", "third").header("If", &listed);
    assert_eq!(by_list.send().await.status, 204);
    let again = put(&client, "/dav/a/b.txt", "fourth")
        .header("If", &listed)
        .send()
        .await;
    assert_eq!(again.status, 412, "{again:?}");
    // Nobody who knows no tags is kept out; what they replace is kept.
    assert_eq!(
        put(&client, "/dav/a/b.txt", "fourth").send().await.status,
        204
    );
    let versions = client.get("/file-versions/a/b.txt").await.json();
    assert_eq!(versions["items"].as_array().unwrap().len(), 4);
    let missing = put(&client, "/dav/nowhere/b.txt", "x").send().await;
    assert_eq!(missing.status, 409, "{missing:?}");
    assert_eq!(missing.json()["path"], "nowhere");
    let asked = sent(&client, "OPTIONS", "/dav/a/", &[]).await;
    assert_eq!(asked.header("dav"), Some("1, 2"));
    assert!(
        asked.header("allow").unwrap().contains("PROPPATCH"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_folder_moves_in_one_step_with_all_that_is_in_it() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    let content = large(40_000);
    for (path, content) in [
        ("a/x", "x"),
        ("a/sub/y", &*content),
        ("b/x", "old"),
        ("b/z", "z"),
    ] {
        create(&client, &format!("/files/{path}"), content).await;
    }
    let kept = sent(
        &client,
        "MOVE",
        "/dav/a",
        &[("Destination", "/dav/b"), ("Overwrite", "F")],
    )
    .await;
    assert_eq!(kept.status, 412, "{kept:?}");
    let moved = sent(&client, "MOVE", "/dav/a/", &[("Destination", "/dav/b/")]).await;
    assert_eq!(moved.status, 204, "{moved:?}");
    assert_eq!(names(&client, "/files/").await, ["b"]);
    assert_eq!(names(&client, "/files/b/").await, ["sub", "x"]);
    assert_eq!(client.get("/files/b/sub/y").await.text(), content);
    // What was replaced is a version of what replaced it.
    let old = client.get("/file-versions/b/x?version=1").await;
    assert_eq!(old.text(), "old");
    for (from, to, status) in [
        ("b", "/dav/b", 409),
        ("b", "/dav/b/sub/c", 409),
        ("b/sub", "/dav/b", 409),
        ("b", "/dav/no/where", 409),
        ("nothing", "/dav/c", 404),
        ("b", "http://elsewhere.example/dav/c", 400),
        ("b", "/files/c", 400),
        ("b", "/spaces/other/dav/c", 400),
        ("b", "/dav/x%2Fy", 400),
        ("b", "/dav/../c", 400),
        ("", "/dav/c", 409),
    ] {
        for method in ["MOVE", "COPY"] {
            let refused = sent(
                &client,
                method,
                &format!("/dav/{from}"),
                &[("Destination", to)],
            )
            .await;
            assert_eq!(refused.status, status, "{method} {from} {to}: {refused:?}");
        }
    }
    assert_eq!(
        sent(&client, "DELETE", "/dav/no/where", &[]).await.status,
        404
    );
    let shallow = [("Destination", "/dav/c"), ("Depth", "0")];
    assert_eq!(sent(&client, "COPY", "/dav/b", &shallow).await.status, 201);
    assert!(names(&client, "/files/c/").await.is_empty());
    let stale = [
        ("Destination", "/dav/d"),
        ("If-Match", "\"1-1000000000000\""),
    ];
    assert_eq!(sent(&client, "MOVE", "/dav/b", &stale).await.status, 412);
}

#[tokio::test]
async fn a_deep_lock_is_that_of_all_below_and_outlives_a_crash() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    make(&client, "/dav/a").await;
    make(&client, "/dav/a/b").await;
    create(&client, "/files/a/b/x", "x").await;
    let taken = lock(&client, "/dav/a", "infinity").await;
    assert_eq!(taken.status, 200, "{taken:?}");
    assert!(
        taken.text().contains("<D:depth>infinity</D:depth>"),
        "{taken:?}"
    );
    let token = held(&taken);
    let server = Server::start_in(server.crash());
    let client = server.client();
    for refused in [
        put(&client, "/dav/a/b/x", "y").send().await,
        put(&client, "/dav/a/b/new", "y").send().await,
        put(&client, "/files/a/b/new", "y").send().await,
        sent(&client, "MKCOL", "/dav/a/c", &[]).await,
        sent(&client, "DELETE", "/dav/a/b", &[]).await,
        sent(&client, "DELETE", "/dav/a", &[]).await,
        sent(&client, "MOVE", "/dav/a/b/x", &[("Destination", "/dav/x")]).await,
        sent(
            &client,
            "COPY",
            "/dav/a/b/x",
            &[("Destination", "/dav/a/y")],
        )
        .await,
        lock(&client, "/dav/a/b/x", "0").await,
        lock(&client, "/dav/", "infinity").await,
        client
            .ask("PROPPATCH", "/dav/a/b/x")
            .body("application/xml", PATCH)
            .send()
            .await,
    ] {
        assert_eq!(refused.status, 423, "{refused:?}");
        let text = refused.text();
        let names = [
            "lock-token-submitted",
            "no-conflicting-lock",
            "\"error\":\"Locked\"",
        ];
        assert!(names.iter().any(|it| text.contains(it)), "{text}");
    }
    let other = sent(&client, "COPY", "/dav/a/b/x", &[("Destination", "/dav/x")]).await;
    assert_eq!(other.status, 201, "a copy leaves it as it is: {other:?}");
    let held = [("If", token.as_str())];
    assert_eq!(sent(&client, "MKCOL", "/dav/a/c", &held).await.status, 201);
    let mine = put(&client, "/dav/a/b/x", "y")
        .header("If", &token)
        .send()
        .await;
    assert_eq!(mine.status, 204, "{mine:?}");
    // Its token is heeded by the other face, too.
    let bare = token.trim_matches(['(', ')']).to_owned();
    let listed = client.get("/files/a/b/x").await.tag();
    let by_files = put(&client, "/files/a/b/x", "z")
        .if_match(&listed)
        .header("Lock-Token", &bare);
    assert_eq!(by_files.send().await.status, 204);
    let renewed = sent(
        &client,
        "LOCK",
        "/dav/a/b/x",
        &[("If", &token), ("Timeout", "Second-100")],
    )
    .await;
    assert!(
        renewed.text().contains("<D:timeout>Second-100</D:timeout>"),
        "{renewed:?}"
    );
    let unlocked = sent(&client, "UNLOCK", "/dav/a/b/x", &[("Lock-Token", &bare)]).await;
    assert_eq!(unlocked.status, 204, "{unlocked:?}");
    assert_eq!(put(&client, "/dav/a/b/x", "free").send().await.status, 204);
    let lost = put(&client, "/dav/a/b/x", "y")
        .header("If", &token)
        .send()
        .await;
    assert_eq!(lost.status, 412, "{lost:?}");
    let lost = put(&client, "/files/a/b/x", "y")
        .if_match("*")
        .header("Lock-Token", &bare);
    assert_eq!(lost.send().await.status, 412);
}

/// Whatever name somebody gives: it stays text.
#[tokio::test]
async fn an_owner_is_shown_as_it_was_given() {
    let server = Server::start();
    let client = server.client();
    for (name, owner, shown) in [
        (
            "a",
            "{\"owner\":\"<b & co\"}",
            "<D:owner>&lt;b &amp; co</D:owner>",
        ),
        (
            "b",
            "{\"owner\":\"</D:owner><x/>\"}",
            "<D:owner>&lt;/D:owner&gt;&lt;x/&gt;</D:owner>",
        ),
    ] {
        create(&client, &format!("/files/{name}"), "x").await;
        let taken = client
            .post(&format!("/file-locks/{name}"), owner)
            .send()
            .await;
        assert_eq!(taken.status, 201, "{taken:?}");
        let found = find(&client, &format!("/dav/{name}"), "0", "").await;
        assert!(found.text().contains(shown), "{}", found.text());
    }
    create(&client, "/files/c", "x").await;
    let xml = LOCKINFO.replace("Ann", "<href>mailto:ann@b</href>");
    let ask = client.ask("LOCK", "/dav/c").body("application/xml", &xml);
    assert!(
        ask.send()
            .await
            .text()
            .contains("<D:owner><href xmlns=\"DAV:\">mailto:ann@b</href></D:owner>")
    );
    let lock = client.get("/file-locks/c").await.json();
    assert_eq!(lock["owner"], "mailto:ann@b");
    let refused = put(&client, "/files/c", "y").if_match("*").send().await;
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("mailto:ann@b holds the lock of \"c\" until"),
        "{detail}"
    );
}

/// A lock of a folder alone guards which names are in it, and not what they stand for.
#[tokio::test]
async fn a_lock_of_depth_0_is_that_of_the_names_in_a_folder() {
    let server = Server::start();
    let client = server.client();
    create(&client, "/files/a/b/x", "x").await;
    let token = held(&lock(&client, "/dav/a", "0").await);
    assert_eq!(put(&client, "/dav/a/b/x", "y").send().await.status, 204);
    assert_eq!(put(&client, "/dav/a/b/new", "y").send().await.status, 201);
    assert_eq!(put(&client, "/dav/a/new", "y").send().await.status, 423);
    assert_eq!(sent(&client, "DELETE", "/dav/a/b", &[]).await.status, 423);
    let mine = put(&client, "/dav/a/new", "y").header("If", &format!("</dav/a/> {token}"));
    assert_eq!(mine.send().await.status, 201);
}

const PATCH: &str = "<D:propertyupdate xmlns:D=\"DAV:\" xmlns:x=\"urn:x\"><D:set><D:prop>\
    <x:colour a=\"1 &lt; 2\">red <b>&amp; blue</b></x:colour><x:other/></D:prop></D:set></D:propertyupdate>";

#[tokio::test]
async fn properties_are_kept_whatever_becomes_of_the_file() {
    let server = Server::with_config(CONFIG);
    let client = server.client();
    create(&client, "/files/x", &large(50_000)).await;
    let set = client
        .ask("PROPPATCH", "/dav/x")
        .body("application/xml", PATCH)
        .send()
        .await;
    assert_eq!(set.status, 207, "{set:?}");
    assert!(set.text().contains("200 OK"), "{set:?}");
    let tag = client.get("/files/x").await.tag();
    let new = put(&client, "/files/x", "new").if_match(&tag).send().await;
    assert_eq!(new.status, 204, "{new:?}");
    assert_eq!(
        sent(&client, "COPY", "/dav/x", &[("Destination", "/dav/y")])
            .await
            .status,
        201
    );
    assert_eq!(
        sent(&client, "MOVE", "/dav/y", &[("Destination", "/dav/z")])
            .await
            .status,
        201
    );
    let wanted = "<propfind xmlns=\"DAV:\"><prop><colour xmlns=\"urn:x\"/><none xmlns=\"urn:x\"/><getetag/></prop></propfind>";
    let found = find(&client, "/dav/z", "0", wanted).await;
    let colour = "<colour xmlns=\"urn:x\" a=\"1 &lt; 2\">red <b xmlns=\"\">&amp; blue</b></colour>";
    assert!(found.text().contains(colour), "{}", found.text());
    assert!(found.text().contains("404 Not Found"), "{}", found.text());
    let protected = "<propertyupdate xmlns=\"DAV:\"><set><prop><getetag>x</getetag><a xmlns=\"u\"/></prop></set></propertyupdate>";
    let refused = client
        .ask("PROPPATCH", "/dav/z")
        .body("application/xml", protected)
        .send()
        .await;
    assert!(
        refused.text().contains("cannot-modify-protected-property"),
        "{refused:?}"
    );
    assert!(
        refused.text().contains("424 Failed Dependency"),
        "{refused:?}"
    );
    let long = PATCH.replace("red", &"r".repeat(70_000));
    let refused = client
        .ask("PROPPATCH", "/dav/z")
        .body("application/xml", &long)
        .send()
        .await;
    assert_eq!(refused.status, 413, "{refused:?}");
    for body in ["<a/>", "<", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"] {
        for method in ["PROPFIND", "PROPPATCH", "LOCK"] {
            let refused = client
                .ask(method, "/dav/z")
                .body("application/xml", body)
                .send()
                .await;
            assert_eq!(refused.status, 400, "{method} {body}: {refused:?}");
        }
    }
    // It is exported and imported as any document.
    let names = "<propfind xmlns=\"DAV:\"><propname/></propfind>";
    let found = find(&client, "/dav/z", "0", names).await;
    assert!(
        found.text().contains("<colour xmlns=\"urn:x\"/>"),
        "{}",
        found.text()
    );
}

#[tokio::test]
async fn a_large_folder_is_listed_in_pieces() {
    let server = Server::start();
    let client = server.client();
    for n in 0..1203 {
        create(&client, &format!("/files/d/{n:05} & <é>"), "x").await;
    }
    let found = find(&client, "/dav/d", "1", "").await;
    let text = found.text();
    assert_eq!(text.matches("<D:response>").count(), 1204);
    assert!(text.ends_with("</D:multistatus>\n"));
    assert!(
        text.contains("<D:href>/dav/d/00000%20%26%20%3C%C3%A9%3E</D:href>"),
        "{}",
        &text[..2000]
    );
    let all = client.ask("PROPFIND", "/dav/d").send().await;
    assert_eq!(all.status, 403);
    assert!(all.text().contains("propfind-finite-depth"), "{all:?}");
    // Much of it is in the versions themselves.
    for n in 0..300 {
        create(&client, &format!("/files/d/large/{n}"), &large(30_000)).await;
    }
    let moved = sent(&client, "MOVE", "/dav/d", &[("Destination", "/dav/e")]).await;
    assert_eq!(moved.status, 201, "{moved:?}");
    assert_eq!(
        find(&client, "/dav/e", "1", "")
            .await
            .text()
            .matches("<D:response>")
            .count(),
        1205
    );
}

/// 20 take and release the lock of one file: at each moment one holds it, and only who does writes.
#[tokio::test(flavor = "multi_thread")]
async fn of_20_who_want_a_lock_one_has_it() {
    let server = Server::start();
    lock_at_once(&crowd(&server, 20).await, 20).await;
}

pub(crate) async fn lock_at_once(clients: &[Client], rounds: usize) {
    create(&clients[0], "/files/x", "start").await;
    for round in 0..rounds {
        let answers = at_once(clients, |n, client| async move {
            let taken = lock(&client, "/dav/x", "0").await;
            if taken.status != 200 {
                return taken;
            }
            let token = held(&taken);
            for part in 0..3 {
                let content = format!("{n} {part}");
                let written = put(&client, "/dav/x", &content)
                    .header("If", &token)
                    .send()
                    .await;
                assert_eq!(written.status, 204, "{written:?}");
                assert_eq!(client.get("/dav/x").await.text(), content);
            }
            let token = token.trim_matches(['(', ')']);
            let freed = sent(&client, "UNLOCK", "/dav/x", &[("Lock-Token", token)]).await;
            assert_eq!(freed.status, 204, "{freed:?}");
            taken
        })
        .await;
        let got = count(&answers, 200);
        assert!(got >= 1, "{round}");
        assert_eq!(got + count(&answers, 423), clients.len(), "{round}");
    }
}

/// Whoever takes the lock of a folder and all below it finds nobody at work there.
#[tokio::test(flavor = "multi_thread")]
async fn a_deep_lock_and_writes_below_exclude_each_other() {
    let server = Server::start();
    deep_lock_against_writes(&crowd(&server, 16).await, 30).await;
}

pub(crate) async fn deep_lock_against_writes(clients: &[Client], rounds: usize) {
    for round in 0..rounds {
        make(&clients[0], &format!("/dav/d{round}")).await;
        let answers = at_once(clients, |n, client| async move {
            let folder = format!("/dav/d{round}");
            match n % 4 {
                0 => {
                    let taken = lock(&client, &folder, "infinity").await;
                    if taken.status == 200 {
                        let before = client.get(&format!("/files/d{round}/")).await;
                        let later = client.get(&format!("/files/d{round}/")).await;
                        assert_eq!(before.text(), later.text(), "somebody wrote under the lock");
                    }
                    taken
                }
                1 => sent(&client, "MKCOL", &format!("{folder}/sub{n}"), &[]).await,
                2 => lock(&client, &format!("{folder}/file{n}"), "0").await,
                _ => put(&client, &format!("{folder}/{n}"), "x").send().await,
            }
        })
        .await;
        let deep: Vec<_> = answers.iter().step_by(4).collect();
        let got = deep.iter().filter(|it| it.status == 200).count();
        assert!(got <= 1, "{round}: {answers:?}");
        for answer in &answers {
            assert!(
                [200, 201, 423].contains(&answer.status),
                "{round}: {answer:?}"
            );
        }
        // If the folder is locked now, nothing in it is locked by others.
        let locked = answers
            .iter()
            .skip(2)
            .step_by(4)
            .filter(|it| it.status == 201)
            .count();
        assert!(got == 0 || locked == 0, "{round}: {answers:?}");
    }
}

/// What `If` says of the place where a file is to be is compared and written in one step.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_replaces_no_version_that_it_does_not_name() {
    let server = Server::start();
    let clients = crowd(&server, 8).await;
    let setting = &clients[0];
    create(setting, "/files/other", "x").await;
    for round in 0..60 {
        let there = put(setting, "/dav/there", "first").send().await.tag();
        for n in 0..4 {
            put(setting, &format!("/dav/from{n}"), "moved").send().await;
        }
        let answers = at_once(&clients, |n, client| {
            let there = there.clone();
            async move {
                if n < 4 {
                    let list = format!("</dav/there> ([{there}])");
                    let fields = [("Destination", "/dav/there"), ("If", list.as_str())];
                    return sent(&client, "MOVE", &format!("/dav/from{n}"), &fields).await;
                }
                put(&client, "/dav/there", "written")
                    .if_match(&there)
                    .send()
                    .await
            }
        })
        .await;
        assert_eq!(count(&answers, 204), 1, "{round}: {answers:?}");
    }
    let tag = setting.get("/files/other").await.tag();
    let list = format!("</dav/other> ([{tag}])");
    let other = put(setting, "/dav/there", "x")
        .header("If", &list)
        .send()
        .await;
    assert_eq!(other.status, 400, "nothing keeps it as it is: {other:?}");
    let folder = setting.get("/files/").await.tag();
    let list = format!("</dav/> ([{folder}])");
    let fields = [("If", list.as_str())];
    assert_eq!(
        sent(setting, "MKCOL", "/dav/new", &fields).await.status,
        201
    );
    assert_eq!(
        sent(setting, "MKCOL", "/dav/newer", &fields).await.status,
        412
    );
}

/// A file that moves while others write it is in one place, with what somebody wrote last where they were told so.
#[tokio::test(flavor = "multi_thread")]
async fn no_write_is_lost_to_a_move() {
    let server = Server::start();
    move_against_writes(&crowd(&server, 12).await, 60).await;
}

pub(crate) async fn move_against_writes(clients: &[Client], rounds: usize) {
    let setting = &clients[0];
    make(setting, "/dav/from").await;
    make(setting, "/dav/to").await;
    for round in 0..rounds {
        let created = put(setting, "/dav/from/x", "start").send().await;
        let tag = created.tag();
        let answers = at_once(clients, |n, client| {
            let tag = tag.clone();
            async move {
                if n % 3 == 0 {
                    let (from, to) = match round % 2 {
                        0 => ("/dav/from/x", "/dav/to/x"),
                        _ => ("/dav/from", "/dav/to"),
                    };
                    return sent(&client, "MOVE", from, &[("Destination", to)]).await;
                }
                let content = format!("{round} {n}");
                put(&client, "/dav/from/x", &content)
                    .if_match(&tag)
                    .send()
                    .await
            }
        })
        .await;
        let is_write = |n: &usize| !n.is_multiple_of(3);
        let written: Vec<_> = (0..clients.len())
            .filter(is_write)
            .filter(|n| answers[*n].status == 204)
            .collect();
        assert!(written.len() <= 1, "{round}: {answers:?}");
        let moved = answers
            .iter()
            .step_by(3)
            .filter(|it| [201, 204].contains(&it.status))
            .count();
        assert!(moved >= 1, "{round}: {answers:?}");
        let there = setting.get("/dav/to/x").await;
        assert_eq!(there.status, 200, "{round}: {answers:?}");
        let expected = written
            .first()
            .map_or("start".to_owned(), |n| format!("{round} {n}"));
        assert_eq!(there.text(), expected, "{round}: {answers:?}");
        assert_eq!(setting.get("/dav/from/x").await.status, 410, "{round}");
        for answer in &answers {
            let may_be = [201, 204, 404, 409, 410];
            assert!(may_be.contains(&answer.status), "{round}: {answer:?}");
        }
        if round % 2 == 1 {
            make(setting, "/dav/from").await;
        }
    }
}
