use std::path::Path;

use serde_json::json;

use super::tester::{Tester, probe};
use crate::server::{Folder, Server, program};

/// A server with an example's collections, which have schemas.
fn example(name: &str) -> Server {
    let config = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name)
        .join("detente.toml");
    let folder = Folder::new();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]);
    command.arg(config);
    folder.give(&mut command);
    Server::start_as(folder, command)
}

/// Of each collection one document is made, examined, and deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_described_api_is_examined_as_a_whole() {
    for (name, collections) in [
        ("shared-editor", &["documents"][..]),
        ("reservations", &["products"]),
    ] {
        let server = example(name);
        let description = format!("{}/openapi.json", server.url());
        let (run, report) = Tester::new().check(&[
            "--openapi",
            &description,
            "--writers",
            "2,32",
            "--rounds",
            "2",
        ]);
        assert_eq!(run.code, 0, "{name}: {run}");
        assert_eq!(report["grade"], "A+", "{name}: {run}");
        for collection in collections {
            let subject = format!("/api/{collection}/{{id}}");
            let came_to = |id: &str| {
                report["probes"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|probe| probe["id"] == id && probe["subject"] == *subject)
                    .unwrap_or_else(|| panic!("{id} of {subject}: {run}"))["verdict"]
                    .clone()
            };
            for id in ["A1", "B1", "B13", "D1", "D15", "E1"] {
                assert_eq!(came_to(id), "pass", "{name}: {id}: {run}");
            }
            let list = server.client().get(&format!("/api/{collection}")).await;
            assert_eq!(list.json()["items"], json!([]), "{name}: {run}");
        }
    }
}

/// Where nothing is declared, the description names a collection to try.
#[tokio::test(flavor = "multi_thread")]
async fn an_undeclared_collection_is_examined() {
    let server = Server::start();
    let description = format!("{}/openapi.json", server.url());
    let (run, report) = Tester::new().check(&["--openapi", &description, "--only", "A1,B1,D1,E1"]);
    assert_eq!(run.code, 0, "{run}");
    for id in ["A1", "B1", "D1", "E1"] {
        assert_eq!(probe(&report, id)["verdict"], "pass", "{id}: {run}");
    }
    let list = server.client().get("/api/documents").await;
    assert_eq!(list.json()["items"], json!([]), "{run}");
}

/// What a description lacks is told, at no cost for the grade.
#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_says_nothing_of_conflicts_is_told_so() {
    let server = Server::start();
    let tester = Tester::new();
    let path = json!({
        "get": { "responses": { "200": { "description": "it" } } },
        "put": {
            "requestBody": { "content": { "application/json": { "schema": {
                "type": "object",
                "properties": { "title": { "type": "string" } },
                "required": ["title"],
            } } } },
            "responses": { "200": { "description": "written" } },
        },
        "delete": { "responses": { "204": { "description": "deleted" } } },
    });
    tester.describe_notes("notes.json", &path);
    let arguments = [
        "--openapi",
        "notes.json",
        "--base",
        server.url(),
        "--writers",
        "2",
        "--rounds",
        "2",
    ];
    let (run, report) = tester.check(&arguments);
    assert_eq!(run.code, 0, "{run}");
    let declared = probe(&report, "E1");
    assert_eq!(
        (&declared["verdict"], &declared["severity"]),
        (&json!("fail"), &json!("info")),
        "{run}"
    );
    assert!(
        declared["reason"]
            .as_str()
            .unwrap()
            .contains("PUT lacks If-Match"),
        "{run}"
    );
    assert_eq!(probe(&report, "D1")["verdict"], "pass", "{run}");
    let list = server.client().get("/api/notes").await;
    assert_eq!(list.json()["items"], json!([]), "{run}");
}
