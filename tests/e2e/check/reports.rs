use detente_check::report::Form;
use serde_json::Value;

use super::tester::Tester;
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
