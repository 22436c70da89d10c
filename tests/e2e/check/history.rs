use std::path::{Path, PathBuf};

use super::tester::{Tester, probe};

fn recorded(verdict: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../judge/tests/histories")
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

/// Each form is written, with the verdict, what contradicts itself, and the history again.
#[test]
fn a_judged_history_is_reported() {
    for (verdict, told) in [("linearizable", "pass"), ("violation", "fail")] {
        let file = recorded(verdict).remove(0);
        let file = file.to_str().unwrap();
        let tester = Tester::new();
        let (run, report) = tester.check(&[
            "--history",
            file,
            "--report",
            "junit=report.xml",
            "--report",
            "html=report.html",
            "--report",
            "history=again.jsonl",
        ]);
        assert_eq!(report["target"], file, "{run}");
        assert_eq!(report["grade"], serde_json::Value::Null);
        let probe = probe(&report, "history");
        assert_eq!(probe["verdict"], told, "{run}");
        assert_eq!(
            probe["reason"]
                .as_str()
                .unwrap()
                .contains("contradict each other"),
            told == "fail",
            "{probe}"
        );
        assert_eq!(
            tester.text("report.xml").contains("<failure"),
            told == "fail"
        );
        assert!(tester.text("report.html").contains("history"));
        let again = tester.run(&["check", "--history", "again.jsonl"]);
        assert_eq!(again.code, run.code, "{again}");
    }
}

/// What proves nothing does not look like what found nothing.
#[test]
fn a_history_without_a_verdict_is_no_success() {
    let tester = Tester::new();
    tester.write("empty.jsonl", "\n");
    let (run, report) = tester.check(&["--history", "empty.jsonl"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.out.contains("nothing to judge"), "{run}");
    assert!(!run.out.contains("linearizable"), "{run}");
    assert_eq!(
        probe(&report, "history")["verdict"],
        "inconclusive",
        "{run}"
    );
}
