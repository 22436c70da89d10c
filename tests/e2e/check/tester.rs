use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::program;

/// Runs of `detente`, in a folder of their own.
pub(crate) struct Tester(TempDir);

/// How a run ended, and what it said.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) errors: String,
}

impl Tester {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder().join(name), text).unwrap();
    }

    /// Writes a description of `/api/notes/{id}` and nothing else.
    pub(crate) fn describe_notes(&self, name: &str, path: &Value) {
        let description = json!({
            "openapi": "3.1.0",
            "info": { "title": "Notes", "version": "1" },
            "paths": { "/api/notes/{id}": path },
        });
        self.write(name, &description.to_string());
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder().join(name)).unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output: Output = program()
            .args(arguments)
            .current_dir(self.folder())
            .output()
            .expect("the program runs");
        Run {
            code: output.status.code().expect("it ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `detente check` with these arguments, and its JSON report.
    pub(crate) fn check(&self, arguments: &[&str]) -> (Run, Value) {
        let mut all = vec!["check"];
        all.extend(arguments);
        all.extend(["--report", "json=report.json"]);
        let run = self.run(&all);
        let report = std::fs::read_to_string(self.folder().join("report.json"))
            .unwrap_or_else(|_| panic!("{arguments:?} wrote no report\n{run}"));
        (run, serde_json::from_str(&report).unwrap())
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {}\n{}\n{}", self.code, self.out, self.errors)
    }
}

/// The probe of this id, of the first resource that has it.
pub(crate) fn probe<'a>(report: &'a Value, id: &str) -> &'a Value {
    let probes = report["probes"].as_array().expect("probes are a list");
    probes
        .iter()
        .find(|probe| probe["id"] == id)
        .unwrap_or_else(|| panic!("{id} is not in {report}"))
}
