use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::server::Server;

/// The commands that the README prints, one after the other, on a server of our own.
#[test]
fn the_commands_of_the_readme_run_as_printed() {
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
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap();
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
}
