use detente_check::report::Form;
use serde_json::{Value, json};

use super::tester::Tester;
use super::unguarded::Unguarded;
use crate::server::Server;

/// Every form at once, and none of them tells a login.
#[tokio::test(flavor = "multi_thread")]
async fn all_forms_are_written_and_keep_secrets() {
    let server = Server::start();
    server
        .client()
        .create("/api/notes/one", r#"{"title":"Draft"}"#)
        .await;
    let url = format!("{}/api/notes/one", server.url());
    let tester = Tester::new();
    let mut arguments = vec!["check".to_owned(), url];
    arguments.extend(["--writers", "2", "--rounds", "2"].map(str::to_owned));
    for field in ["Authorization: Bearer s3cret", "Cookie: session=s3cret"] {
        arguments.extend(["-H".to_owned(), field.to_owned()]);
    }
    for (name, _) in Form::ALL {
        arguments.extend(["--report".to_owned(), format!("{name}=report.{name}")]);
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let run = tester.run(&arguments);
    assert_eq!(run.code, 0, "{run}");
    assert!(!run.out.contains("s3cret"), "{run}");
    for (name, _) in Form::ALL {
        let text = tester.text(&format!("report.{name}"));
        assert!(text.len() > 500, "{name}: {text}");
        assert!(!text.contains("s3cret"), "{name}");
    }
    let har: Value = serde_json::from_str(&tester.text("report.har")).unwrap();
    assert!(har["log"]["entries"].as_array().unwrap().len() > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_written_is_told() {
    let server = Server::start();
    server
        .client()
        .create("/api/notes/one", r#"{"title":"Draft"}"#)
        .await;
    let url = format!("{}/api/notes/one", server.url());
    let run = Tester::new().run(&[
        "check",
        &url,
        "--only",
        "A1",
        "--report",
        "tap=absent/a.tap",
    ]);
    assert_eq!(run.code, 3, "{run}");
    assert!(run.errors.contains("cannot write absent/a.tap"), "{run}");
}

/// What failed is run again, that alone, with the seed that it had.
#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_run_again() {
    let server = Unguarded::start().await;
    let url = server.url.clone();
    let runs = tokio::task::spawn_blocking(move || {
        let tester = Tester::new();
        let (first, report) = tester.check(&[&url, "--only", "A1,B1,B2,B8", "--seed", "7"]);
        let again = tester.run(&[
            "check",
            "--replay",
            "report.json",
            "--report",
            "json=again.json",
        ]);
        let replayed: Value = serde_json::from_str(&tester.text("again.json")).unwrap();
        (first, report, again, replayed)
    });
    let (first, report, again, replayed) = runs.await.unwrap();
    assert_eq!((first.code, again.code), (1, 1), "{first}\n{again}");
    assert_eq!((&report["seed"], &replayed["seed"]), (&json!(7), &json!(7)));
    let ids = |report: &Value| -> Vec<Value> {
        let probes = report["probes"].as_array().unwrap();
        probes.iter().map(|probe| probe["id"].clone()).collect()
    };
    assert_eq!(ids(&report), ["A1", "B1", "B2", "B8"], "{first}");
    assert_eq!(ids(&replayed), ["B1", "B2", "B8"], "{again}");
}

/// Where nothing failed there is nothing to run.
#[tokio::test(flavor = "multi_thread")]
async fn a_clean_report_is_not_run_again() {
    let tester = Tester::new();
    let report = json!({ "target": "http://127.0.0.1:4090/one", "seed": 1, "probes": [] });
    tester.write("report.json", &report.to_string());
    let run = tester.run(&["check", "--replay", "report.json"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.contains("nothing failed"), "{run}");
}
