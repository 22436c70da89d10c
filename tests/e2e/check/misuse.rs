use super::tester::{Tester, probe};
use super::unguarded::Unguarded;
use crate::server::Server;

/// What was asked for cannot be: exit code 2, and a message that says why.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_command_is_told_what_is_wrong() {
    let url = "http://127.0.0.1:4090/api/documents/45";
    let tester = Tester::new();
    tester.write("empty.json", "{}");
    tester.write(
        "other.json",
        r#"{"arguments":["--rouns","3"],"seed":1,"probes":[]}"#,
    );
    tester.write("prose.txt", "no JSON");
    tester.write(
        "wrong.yaml",
        "base: http://127.0.0.1:4090\nscenari: a\nrace:\n  actors: 2\n  send: {PUT: /a}\nexpect: {winner: 1}\n",
    );
    let cases: &[(&[&str], &str)] = &[
        (&[], "nothing to check"),
        (&[url, "--writers", "1"], "1 is not in 2..=1000"),
        (&[url, "--rounds", "many"], "invalid digit"),
        (&[url, "--timeout", "0"], "above 0"),
        (&[url, "--timeout", "-1"], "above 0"),
        (
            &[url, "--fail-on", "bad"],
            "critical, high, medium, low, info",
        ),
        (&[url, "--http", "3"], "1.1, 2"),
        (&[url, "--report", "pdf=x"], "unknown form `pdf`"),
        (&[url, "--report", "json"], "a form and a file"),
        (&[url, "--unique", "email"], "begins with `/`"),
        (&[url, "--create", "POST"], "a method and a URL"),
        (&[url, "-H", "nothing"], "expected `Name: value`"),
        (&[url, "--body", "empty.json"], "--create"),
        (
            &[url, "--create", "POST /x", "--body", "absent.json"],
            "cannot read absent.json",
        ),
        (&[url, "--transfer", "POST /x"], "--accounts"),
        (&[url, "--only", "Z9"], "unknown probe `Z9`"),
        (&[url, "--skip", "D99"], "unknown probe `D99`"),
        (&[url, "--only", "E1"], "--openapi"),
        (&[url, "--repeat", "3"], "--repeat is for scenarios"),
        (&[url, "--unique-tags"], "--unique-tags"),
        (&[url, "wrong.yaml"], "give either one URL or scenarios"),
        (&["absent.yaml"], "cannot read absent.yaml"),
        (&["ftp://127.0.0.1/one"], "ftp is not supported"),
        (&["127.0.0.1:4090/one"], "http://127.0.0.1:4090/one?"),
        (&["wrong.yaml"], "wrong.yaml:2:1: "),
        (&["wrong.yaml"], "wrong.yaml:6:10: "),
        (&["--history", "absent.jsonl"], "cannot read absent.jsonl"),
        (&["--history", "prose.txt"], "prose.txt: line 1"),
        (&["--replay", "prose.txt"], "is not JSON"),
        (&["--replay", "empty.json"], "`arguments` is missing"),
        (&["--replay", "other.json"], "unexpected argument '--rouns'"),
        (&["--openapi", "absent.yaml"], "cannot read absent.yaml"),
        (&["--openapi", "prose.txt"], "prose.txt"),
        (&["new", "nothing"], "is not a URL"),
    ];
    for (arguments, message) in cases {
        let run = tester.run(&[&["check"], *arguments].concat());
        assert_eq!(run.code, 2, "{arguments:?}: {run}");
        assert!(run.errors.contains(message), "{arguments:?}: {run}");
        assert_eq!(run.out, "", "{arguments:?}");
    }
}

/// There is nothing to ask: exit code 3.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_or_read_is_told() {
    let server = Server::start();
    let absent = format!("{}/api/notes/absent", server.url());
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/one", listener.local_addr().unwrap())
    };
    let remote = "http://192.0.2.1/one";
    let tester = Tester::new();
    for (name, base) in [("gone.yaml", gone.as_str()), ("remote.yaml", remote)] {
        let scenario =
            format!("scenario: {name}\nbase: {base}\nsetup: [GET: /]\nsteps: [GET: /]\n");
        tester.write(name, &scenario);
    }
    let cases: &[(&[&str], &str)] = &[
        (&["check", &gone], "cannot be reached"),
        (&["check", "new", &gone], "cannot be reached"),
        (&["check", "--openapi", &gone], "cannot be reached"),
        (&["race", &gone], "cannot be reached"),
        (&["check", &absent], "was answered 404 Not Found"),
        (&["check", "new", &absent], "404"),
        (&["check", "--openapi", &absent], "gave no description"),
        (&["check", "gone.yaml"], "cannot be reached"),
        (&["check", "gone.yaml", "remote.yaml"], "cannot be reached"),
        (&["check", "remote.yaml"], "--allow-remote"),
        (&["check", remote], "--allow-remote"),
        (&["check", "new", remote], "--allow-remote"),
        (&["race", remote], "--allow-remote"),
    ];
    for (arguments, message) in cases {
        let run = tester.run(arguments);
        assert_eq!(run.code, 3, "{arguments:?}: {run}");
        assert!(run.errors.contains(message), "{arguments:?}: {run}");
    }
}

/// What was found decides between 0 and 1, by how bad it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_finding_fails_the_run_if_it_is_as_bad_as_asked() {
    let server = Unguarded::start().await;
    let url = server.url.clone();
    let ends = |options: &'static [&'static str]| {
        let url = url.clone();
        tokio::task::spawn_blocking(move || {
            Tester::new().run(&[&["check", &url], options].concat())
        })
    };
    let run = ends(&[]).await.unwrap();
    assert_eq!(run.code, 1, "{run}");
    for told in [
        "  F   ",
        "B1  critical",
        "stale",
        "To see it again:",
        "if-match: $etag",
    ] {
        assert!(run.out.contains(told), "{told} is missing: {run}");
    }
    assert!(run.errors.contains("high or worse"), "{run}");
    // B8 alone is of medium weight.
    let run = ends(&["--only", "B8"]).await.unwrap();
    assert_eq!(run.code, 0, "{run}");
    let run = ends(&["--only", "B8", "--fail-on", "medium"])
        .await
        .unwrap();
    assert_eq!(run.code, 1, "{run}");
    assert!(run.errors.contains("1 finding is medium or worse"), "{run}");
    // Where If-Match is not enforced there is nothing for B5 to judge, and nothing is proven.
    let run = ends(&["--only", "B5"]).await.unwrap();
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.errors.contains("nothing could be judged of writes"),
        "{run}"
    );
}

/// Whoever sends no tags gets no better grade than who ignores them: two clients write, and one edit is gone.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_without_validators_loses_updates() {
    let server = Unguarded::without_tags().await;
    let url = server.url.clone();
    let before = server.body();
    let check = move || {
        let tester = Tester::new();
        tester.check(&[&url, "--rounds", "2", "--writers", "2"])
    };
    let (run, report) = tokio::task::spawn_blocking(check).await.unwrap();
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(report["grade"], "F", "{run}");
    let found = probe(&report, "B1");
    assert_eq!(found["severity"], "critical", "{run}");
    for (member, told) in [
        ("reason", "no ETag, no Last-Modified and no version"),
        ("fix", "Send a strong ETag"),
        ("fix", "428"),
    ] {
        let text = found[member].as_str().unwrap();
        assert!(text.contains(told), "{told} is missing: {text}");
    }
    let evidence = found["evidence"].as_array().unwrap();
    let shown: Vec<_> = evidence
        .iter()
        .map(|it| ["actor", "method"].map(|name| it[name].as_str().unwrap()))
        .collect();
    let story = [
        ["alice", "GET"],
        ["bob", "GET"],
        ["bob", "PUT"],
        ["reader", "GET"],
        ["alice", "PUT"],
        ["reader", "GET"],
    ];
    assert_eq!(shown, story, "{run}");
    for told in ["B1  critical", "bob saves his edit", "bob's edit is gone"] {
        assert!(run.out.contains(told), "{told} is missing: {run}");
    }
    assert_eq!(server.body(), before, "it is put back");
}

/// What nobody can write is still read, and that it was no more than that fails the run.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_judged_by_reading() {
    let server = Server::start();
    let version = format!("{}/api/notes/one/versions/1", server.url());
    server
        .client()
        .create("/api/notes/one", r#"{"title":"Draft"}"#)
        .await;
    let tester = Tester::new();
    let (run, report) = tester.check(&[&version]);
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.errors.contains("nothing could be judged of writes"),
        "{run}"
    );
    assert_eq!(report["grade"], "?", "{run}");
    for (id, verdict) in [
        ("A1", "pass"),
        ("A2", "pass"),
        ("A3", "inconclusive"),
        ("D1", "inconclusive"),
    ] {
        assert_eq!(probe(&report, id)["verdict"], verdict, "{id}: {run}");
    }
}
