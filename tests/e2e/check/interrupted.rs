use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::tester::{Tester, probe};
use super::unguarded::Unguarded;
use crate::server::{Server, program};

const DRAFT: &str = r#"{"title":"Draft"}"#;

/// Whoever has enough of it gets back what was there before, at whatever moment.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_puts_everything_back() {
    let server = Server::start();
    server.client().create("/api/notes/one", DRAFT).await;
    let url = format!("{}/api/notes/one", server.url());
    let tester = Tester::new();
    // While it learns how to write, and while it races.
    for writes in [1, 60] {
        let before = version(&server).await;
        let child = begin(&tester, &[&url, "--rounds", "50"]);
        while version(&server).await < before + writes {
            tokio::task::yield_now().await;
        }
        interrupt(child).await;
        let list = server.client().get("/api/notes").await.json();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "after {writes}: {list}");
        assert_eq!(items[0]["data"].to_string(), DRAFT, "after {writes}");
    }
}

/// A budget that is spent leaves enough to delete what was made, wherever it ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_leaves_nothing_behind() {
    let server = Server::start();
    server.client().create("/api/notes/one", DRAFT).await;
    let url = format!("{}/api/notes/one", server.url());
    for budget in (90..1000).step_by(65) {
        let run = Tester::new().run(&[
            "check",
            &url,
            "--only",
            "B4,B7,B9,B13,D3,D9,D10",
            "--writers",
            "2",
            "--rounds",
            "200",
            "--budget",
            &budget.to_string(),
        ]);
        let list = server.client().get("/api/notes").await.json();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "with {budget}: {list}\n{run}");
        assert_eq!(items[0]["data"].to_string(), DRAFT, "with {budget}");
        assert!(!run.out.contains("could not be deleted"), "{budget}: {run}");
    }
}

/// Scenarios clear away what they had set up, and what came before is reported.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_suite_is_torn_down() {
    let server = Server::start();
    let tester = Tester::new();
    let scenario = format!(
        "base: {}\nscenario: endless\nrepeat: 100000\nsetup:\n  - {{PUT: /api/notes/one, json: {{title: Draft}}, capture: {{etag: header ETag}}}}\n\
         steps:\n  - {{PUT: /api/notes/one, etag: \"{{{{etag}}}}\", json: {{title: Done}}}}\nteardown:\n  \
         - {{GET: /api/notes/one, capture: {{now: header ETag}}}}\n  - {{DELETE: /api/notes/one, etag: \"{{{{now}}}}\"}}\n",
        server.url()
    );
    tester.write("endless.yaml", &scenario);
    let child = begin(&tester, &["endless.yaml"]);
    while server.client().get("/api/notes/one").await.status != 200 {
        tokio::task::yield_now().await;
    }
    interrupt(child).await;
    let list = server.client().get("/api/notes").await.json();
    assert_eq!(list["items"], json!([]));
    let report: Value = serde_json::from_str(&tester.text("report.json")).unwrap();
    assert_eq!(report["probes"][0]["id"], "endless");
}

/// However long it would wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_interrupted() {
    let server = Server::start();
    let tester = Tester::new();
    let scenario = format!(
        "base: {}\nscenario: patient\nsteps:\n  - {{PUT: /api/notes/one, json: {{}}}}\n  - wait: 600m\n\
         teardown:\n  - {{DELETE: /api/notes/one, headers: {{If-Match: \"*\"}}}}\n",
        server.url()
    );
    tester.write("patient.yaml", &scenario);
    let child = begin(&tester, &["patient.yaml"]);
    while server.client().get("/api/notes/one").await.status != 200 {
        tokio::task::yield_now().await;
    }
    interrupt(child).await;
    assert_eq!(server.client().get("/api/notes/one").await.status, 410);
}

/// Of a description, what is made is deleted, and what came before is reported.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_description_leaves_nothing_behind() {
    let server = Server::start();
    let description = format!("{}/openapi.json", server.url());
    let tester = Tester::new();
    let child = begin(&tester, &["--openapi", &description, "--rounds", "50"]);
    loop {
        let list = server.client().get("/api/documents").await.json();
        let items = list["items"].as_array().unwrap();
        let is_racing = |item: &Value| item["version"].as_u64() > Some(60);
        if items.iter().any(is_racing) {
            break;
        }
        tokio::task::yield_now().await;
    }
    interrupt(child).await;
    let list = server.client().get("/api/documents").await.json();
    assert_eq!(list["items"], json!([]));
    let report: Value = serde_json::from_str(&tester.text("report.json")).unwrap();
    assert_eq!(probe(&report, "A1")["verdict"], "pass");
}

/// What cannot be put back is told beside the report, with what was there.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_back_is_told() {
    let server = Unguarded::with_writes(20).await;
    let url = server.url.clone();
    let run = tokio::task::spawn_blocking(move || Tester::new().run(&["check", &url]));
    let run = run.await.unwrap();
    let told = format!(
        "detente: {}: the resource is not as it was before the run",
        server.url
    );
    assert!(run.errors.contains(&told), "{run}");
    assert!(
        run.errors
            .contains("what was there before the run:\n{\"title\":\"Draft\"}"),
        "{run}"
    );
}

fn begin(tester: &Tester, arguments: &[&str]) -> Child {
    program()
        .arg("check")
        .args(arguments)
        .args(["--report", "json=report.json"])
        .current_dir(tester.folder())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs")
}

async fn interrupt(child: Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
    let ended = tokio::task::spawn_blocking(|| child.wait_with_output());
    let ended = ended.await.unwrap().unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{errors}");
    assert!(errors.contains("putting everything back"), "{errors}");
}

async fn version(server: &Server) -> u64 {
    let list = server.client().get("/api/notes").await.json();
    let items = list["items"].as_array().unwrap();
    let one = items.iter().find(|item| item["id"] == "one").unwrap();
    one["version"].as_u64().unwrap()
}
