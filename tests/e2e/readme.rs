use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::server::Server;

/// The commands that the README prints, one after the other, on a server of our own.
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_readme_run_as_printed() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let blocks: Vec<_> = readme
        .split("```sh\n")
        .skip(1)
        .filter_map(|it| it.split("```").next())
        .collect();
    let script = blocks
        .into_iter()
        .filter(|block| block.contains("curl") || block.contains("-- check"))
        .collect::<String>();
    assert!(script.matches("curl").count() >= 5, "{script}");
    let server = Server::start();
    let folder = TempDir::new().unwrap();
    // The address differs, since a test must not claim a port that may be taken; and the program is built already.
    let script = format!(
        "set -euo pipefail\n{}",
        script.replace("127.0.0.1:4090", server.address()).replace(
            "cargo run --release -p detente --",
            env!("CARGO_BIN_EXE_detente")
        )
    );
    let output = tokio::task::block_in_place(|| {
        Command::new("bash")
            .args(["-c", &script])
            .current_dir(folder.path())
            .output()
    });
    let output = output.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{script}\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for expected in [
        "HTTP/1.1 201 Created",
        "HTTP/1.1 200 OK",
        "\"status\":409",
        "\"conflicting_fields\":[\"title\"]",
        "  A+   http://",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    let refusal = std::fs::read_to_string(folder.path().join("refusal.json")).unwrap();
    let refusal: Value = serde_json::from_str(&refusal).unwrap();
    let printed = readme.split("```json\n").nth(1).unwrap();
    let printed = printed.split("```").next().unwrap();
    is_part(&serde_json::from_str(printed).unwrap(), &refusal, "");
    // What the tester does there leaves this log alone.
    let log = server.client().get("/api/_conflicts").await.json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1, "{log}");
}

/// What is printed may leave out members, and the end of a list; times and ids of entries differ.
fn is_part(printed: &Value, whole: &Value, place: &str) {
    match (printed, whole) {
        (Value::Object(printed), Value::Object(whole)) => {
            for (name, value) in printed {
                let other = whole.get(name).unwrap_or(&Value::Null);
                is_part(value, other, &format!("{place}/{name}"));
            }
        }
        (Value::Array(printed), Value::Array(whole)) => {
            assert!(printed.len() <= whole.len(), "{place}");
            for (index, (value, other)) in printed.iter().zip(whole).enumerate() {
                is_part(value, other, &format!("{place}/{index}"));
            }
        }
        _ if place.ends_with("/at") || place == "/logged" => {
            assert!(whole.is_string(), "{place}: {whole}");
        }
        _ => assert_eq!(printed, whole, "{place}"),
    }
}
