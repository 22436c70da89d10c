use std::process::{Command, Stdio};

use super::tester::Tester;
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
        let child = program()
            .args(["check", &url, "--rounds", "50"])
            .current_dir(tester.folder())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        while version(&server).await < before + writes {
            tokio::task::yield_now().await;
        }
        let sent = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()));
        let ended = tokio::task::spawn_blocking(|| child.wait_with_output());
        let ended = ended.await.unwrap().unwrap();
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(130), "{errors}");
        assert!(errors.contains("putting everything back"), "{errors}");
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

async fn version(server: &Server) -> u64 {
    let list = server.client().get("/api/notes").await.json();
    let items = list["items"].as_array().unwrap();
    let one = items.iter().find(|item| item["id"] == "one").unwrap();
    one["version"].as_u64().unwrap()
}
