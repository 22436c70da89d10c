use super::tester::Tester;
use crate::server::Server;

/// A first scenario runs as it was printed, and passes.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_scenario_runs_and_leaves_the_resource_as_it_was() {
    let server = Server::start();
    let body = r#"{"title":"Draft","body":"Once"}"#;
    server.client().create("/api/notes/one", body).await;
    let url = format!("{}/api/notes/one", server.url());
    let tester = Tester::new();
    let new = tester.run(&["check", "new", &url]);
    assert_eq!((new.code, &*new.errors), (0, ""), "{new}");
    tester.write("notes.yaml", &new.out);
    let (run, report) = tester.check(&["notes.yaml", "--repeat", "10"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(report["grade"], serde_json::Value::Null);
    assert_eq!(report["probes"][0]["verdict"], "pass", "{run}");
    assert_eq!(report["probes"][0]["trials"], 10, "{run}");
    let now = server.client().get("/api/notes/one").await;
    assert_eq!(
        now.json(),
        serde_json::from_str::<serde_json::Value>(body).unwrap()
    );

    // What it asks for can be wrong: of two writers with one tag, both never win.
    tester.write("notes.yaml", &new.out.replace("winners: 1", "winners: 2"));
    let run = tester.run(&["check", "notes.yaml", "--repeat", "2"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.out.contains("notes.yaml"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_tells_how_each_request_was_answered() {
    let server = Server::start();
    let tag = server
        .client()
        .create("/api/notes/one", r#"{"title":"Draft"}"#)
        .await;
    let url = format!("{}/api/notes/one", server.url());
    let condition = format!("If-Match: {tag}");
    let arguments = [
        "race",
        "-n",
        "8",
        "-X",
        "PUT",
        "-H",
        &condition,
        "-d",
        r#"{"title":"{{index}}"}"#,
        &url,
    ];
    for protocol in ["1.1", "2"] {
        let run = Tester::new().run(&[&arguments[..], &["--http", protocol]].concat());
        assert_eq!(run.code, 0, "{run}");
        assert!(run.out.starts_with("8 requests left within"), "{run}");
        let refused = if protocol == "1.1" {
            "7 × 409 Conflict"
        } else {
            "8 × 409 Conflict"
        };
        assert!(run.out.contains(refused), "{run}");
        // The tag was used up by the first race.
        assert_eq!(run.out.contains("1 × 200 OK"), protocol == "1.1", "{run}");
    }
}

/// What differs from answer to answer is not shown as if all had it.
#[tokio::test(flavor = "multi_thread")]
async fn a_race_shows_what_each_answer_has_of_its_own() {
    let server = Server::start();
    let url = format!("{}/api/notes", server.url());
    let run = Tester::new().run(&["race", "-n", "3", "-d", r#"{"title":"Draft"}"#, &url]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.contains("3 × 201 Created"), "{run}");
    for field in ["location: /api/notes/", "etag: \"1-"] {
        let lines: Vec<_> = run
            .out
            .lines()
            .filter(|line| line.contains(field))
            .collect();
        assert_eq!(lines.len(), 3, "{run}");
        assert!(lines.iter().all(|line| line.ends_with("(1 of 3)")), "{run}");
    }
}
