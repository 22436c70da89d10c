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

/// Before anything is sent: nobody is to wait for a report that cannot be had.
#[test]
fn a_report_that_cannot_be_written_is_told_at_once() {
    let tester = Tester::new();
    tester.write("kept.json", "old");
    tester.write("h.jsonl", "");
    std::fs::create_dir(tester.folder().join("folder")).unwrap();
    // Nothing listens there: a request would end with 3.
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/one", listener.local_addr().unwrap())
    };
    let cases = [
        // (what is checked, report, what is told)
        (
            vec![gone.as_str()],
            "tap=absent/a.tap",
            "cannot write absent/a.tap",
        ),
        (vec![gone.as_str()], "json=folder", "cannot write folder"),
        (
            vec!["--history", "h.jsonl"],
            "html=absent/a.html",
            "cannot write absent/a.html",
        ),
    ];
    for (target, report, told) in cases {
        let arguments = ["check", "--report", "json=kept.json", "--report", report];
        let run = tester.run(&[&arguments[..], &target].concat());
        assert_eq!(run.code, 2, "{run}");
        assert!(run.errors.contains(told), "{run}");
    }
    let run = tester.run(&[
        "check",
        &gone,
        "--report",
        "json=kept.json",
        "--report",
        "tap=new.tap",
    ]);
    assert_eq!(run.code, 3, "{run}");
    assert_eq!(tester.text("kept.json"), "old");
    assert!(!tester.folder().join("new.tap").exists());
}
