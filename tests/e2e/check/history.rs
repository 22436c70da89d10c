use std::path::{Path, PathBuf};

use super::tester::Tester;

fn recorded(verdict: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../check/tests/histories")
        .join(verdict);
    let files = std::fs::read_dir(folder).unwrap();
    let mut found: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
        .collect();
    found.sort();
    found
}

/// The exit code is that of the verdict.
#[test]
fn a_recorded_history_is_judged() {
    for (verdict, code) in [("linearizable", 0), ("violation", 1)] {
        let files = recorded(verdict);
        assert!(files.len() > 3, "{files:?}");
        for file in files {
            let run = Tester::new().run(&["check", "--history", file.to_str().unwrap()]);
            assert_eq!(run.code, code, "{}: {run}", file.display());
            assert!(run.out.contains("operation"), "{run}");
        }
    }
}
