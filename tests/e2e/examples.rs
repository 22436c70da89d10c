use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{Folder, Server, program};

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .filter(|path| path.join("run.mjs").exists())
        .collect();
    found.sort();
    found
}

/// Each example's own script, twice against the same data, as a reader would run it.
#[test]
fn every_example_shows_what_it_says() {
    let examples = examples();
    assert!(examples.len() >= 12, "{examples:?}");
    for example in examples {
        let folder = Folder::new();
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]);
        command.arg(example.join("detente.toml"));
        folder.give(&mut command);
        let server = Server::start_as(folder, command);
        for _ in 0..2 {
            run(&example, server.url());
        }
    }
}

/// The plain client needs no configuration at all.
#[test]
fn the_plain_client_works_on_a_server_without_a_file() {
    let server = Server::start();
    let plain = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plain-client");
    run(&plain, server.url());
}

fn run(example: &Path, url: &str) {
    let output = Command::new("node")
        .arg(example.join("run.mjs"))
        .arg(url)
        .output()
        .expect("node runs");
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        example.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
