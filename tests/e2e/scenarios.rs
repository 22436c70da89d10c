use std::path::{Path, PathBuf};

use detente_check::client::{Client, Settings};
use detente_check::scenario::{self, Inputs};
use detente_check::{ProbeReport, Verdict};

use crate::server::{Folder, Server, program};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = std::fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().path().join("scenario.yaml"));
    let mut found: Vec<_> = files.filter(|path| path.exists()).collect();
    found.sort();
    found
}

/// Each example's scenarios, on a server with its configuration.
#[tokio::test(flavor = "multi_thread")]
async fn every_example_holds_what_its_scenarios_say() {
    let files = files();
    assert!(files.len() >= 12, "{files:?}");
    for file in files {
        let folder = Folder::new();
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]);
        command
            .arg(file.with_file_name("detente.toml"))
            .arg("--data")
            .arg(folder.data());
        let server = Server::start_as(folder, command);
        for report in reports(&file, server.url()).await {
            let (name, reason) = (&report.id, &report.reason);
            assert_eq!(
                report.verdict,
                Verdict::Pass,
                "{}: {name}: {reason}",
                file.display()
            );
        }
    }
}

async fn reports(file: &Path, url: &str) -> Vec<ProbeReport> {
    let inputs = Inputs {
        vars: [("base".to_owned(), url.to_owned())].into(),
        ..Inputs::default()
    };
    let text = std::fs::read_to_string(file).unwrap();
    let suite = scenario::parse(file, &text, &inputs).unwrap_or_else(|it| panic!("{it}"));
    assert!(suite.warnings.is_empty(), "{:?}", suite.warnings);
    let client = Client::new(Settings::usual()).unwrap();
    let mut reports = Vec::new();
    for scenario in &suite.scenarios {
        reports.push(scenario::run(scenario, &client, &scenario::Settings::default()).await);
    }
    reports
}
