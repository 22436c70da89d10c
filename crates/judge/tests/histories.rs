//! Recorded histories, in folders named by verdict. A violation's file is named by its kind, and what makes it special.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use detente_judge::history::{History, write};
use detente_judge::{Method, Rules, Verdict, ViolationKind, Watch, judge};
use serde_json::Value;

fn recorded(verdict: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/histories")
        .join(verdict);
    let files = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<_> = files
        .map(|file| file.expect("it can be listed").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "there are histories that are {verdict}");
    paths
}

fn history(path: &Path) -> History {
    let file = File::open(path).expect("the file is there");
    History::read(BufReader::new(file))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn verdict(history: &History) -> Verdict {
    let rules = Rules {
        steps: 200_000,
        ..Rules::default()
    };
    judge(history, &rules, &mut || false).verdict
}

#[test]
fn what_could_have_been() {
    for path in recorded("linearizable") {
        assert_eq!(
            verdict(&history(&path)),
            Verdict::Linearizable,
            "{}",
            path.display()
        );
    }
}

#[test]
fn what_could_not() {
    for path in recorded("violation") {
        let history = history(&path);
        let Verdict::Violation(violation) = verdict(&history) else {
            panic!("{} is a violation", path.display());
        };
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        let kind = stem
            .split("--")
            .next()
            .unwrap_or_default()
            .replace('-', " ");
        assert_eq!(
            violation.kind.name(),
            kind,
            "{}: {violation:?}",
            path.display()
        );
        let few = violation
            .witness
            .iter()
            .filter_map(|place| history.get(*place));
        let alone = verdict(&few.collect());
        assert!(
            matches!(alone, Verdict::Violation(_)),
            "{}: {violation:?}",
            path.display()
        );
    }
}

#[test]
fn there_is_a_history_of_each_kind_of_violation() {
    let stems = recorded("violation");
    let stems: Vec<_> = stems
        .iter()
        .filter_map(|path| path.file_stem()?.to_str())
        .collect();
    for (name, _) in ViolationKind::ALL {
        let stem = name.replace(' ', "-");
        assert!(stems.contains(&stem.as_str()), "{name}");
    }
}

#[test]
fn what_takes_too_many_steps() {
    for path in recorded("unknown") {
        let verdict = verdict(&history(&path));
        assert!(
            matches!(verdict, Verdict::Unknown { .. }),
            "{}: {verdict:?}",
            path.display()
        );
    }
}

#[test]
fn a_search_stops_when_the_time_is_over() {
    let history = history(&recorded("unknown")[0]);
    let judgement = judge(&history, &Rules::default(), &mut || true);
    assert!(matches!(judgement.verdict, Verdict::Unknown { .. }));
    assert_eq!(judgement.method, Method::Search);
}

/// Where tags are unique, what two operations show is told when the second arrives.
#[test]
fn a_watch_tells_at_once_what_it_tells_in_the_end() {
    let rules = Rules {
        tags_are_unique: true,
        steps: 200_000,
        ..Rules::default()
    };
    let mut told = 0;
    for path in ["linearizable", "violation"].into_iter().flat_map(recorded) {
        let history = history(&path);
        // The one history whose tags are digests.
        if path.ends_with("digest-that-comes-back.jsonl") {
            continue;
        }
        let mut operations: Vec<_> = history.iter().collect();
        operations.sort_by_key(|operation| operation.ended.unwrap_or(u64::MAX));
        let mut watch = Watch::new(rules.clone());
        let at_once: Vec<_> = operations
            .iter()
            .filter_map(|operation| watch.push(operation))
            .collect();
        let in_the_end = watch.finish(&mut || false).verdict;
        let is_violation = matches!(in_the_end, Verdict::Violation(_));
        assert_eq!(
            is_violation,
            verdict(&history) != Verdict::Linearizable,
            "{}",
            path.display()
        );
        assert!(
            is_violation || at_once.is_empty(),
            "{}: {at_once:?}",
            path.display()
        );
        told += usize::from(!at_once.is_empty());
    }
    assert!(told >= 8, "{told} were told at once");
}

#[test]
fn the_schema_describes_what_is_written() {
    let schema: Value =
        serde_json::from_str(include_str!("../schemas/history.json")).expect("the schema is JSON");
    let schema = jsonschema::validator_for(&schema).expect("it is a schema");
    for path in ["linearizable", "violation", "unknown"]
        .into_iter()
        .flat_map(recorded)
    {
        for operation in history(&path).iter() {
            let mut line = Vec::new();
            write(&operation, &mut line).expect("a vector can be written to");
            let line = serde_json::from_slice(&line).expect("a line is JSON");
            assert!(schema.is_valid(&line), "{}: {line}", path.display());
        }
    }
    let cases = [
        r#"{"actor":"a","key":"k","kind":"read","begun":1,"ended":2,"outcome":"ok"}"#,
        r#"{"actor":"a","key":"k","kind":"read","begun":1,"ended":null,"outcome":"ok","value":"v"}"#,
        r#"{"actor":"a","key":"k","kind":"compare-and-set","begun":1,"ended":2,"outcome":"ok","value":"v"}"#,
        r#"{"actor":"a","key":"k","kind":"write","begun":1,"ended":2,"outcome":"ok","base":"b"}"#,
        r#"{"actor":"a","key":"k","kind":"delete","begun":1,"ended":2,"outcome":"ok","tag":"b"}"#,
        r#"{"actor":"a","key":"k","kind":"write","begun":1,"ended":2,"outcome":"refused","tag":"b"}"#,
        r#"{"actor":"a","key":"k","kind":"read","begun":1,"ended":2,"outcome":"ok","value":"v","extra":1}"#,
        r#"{"actor":"a","key":"k","kind":"read","begun":1,"ended":2,"outcome":"ok","value":"v","absent":true}"#,
    ];
    for line in cases {
        assert!(History::read(line.as_bytes()).is_err(), "{line}");
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        assert!(!schema.is_valid(&line), "{line}");
    }
}

/// However long the history, the witness is found near where it went wrong.
#[test]
fn a_fault_in_a_long_history_has_a_small_witness() {
    let mut lines = String::new();
    let mut line = |actor: &str, at: usize, rest: String| {
        let (begun, ended) = (at * 10, at * 10 + 15);
        lines += &format!(
            r#"{{"actor":"{actor}","key":"k","begun":{begun},"ended":{ended},"outcome":"ok",{rest}}}"#
        );
        lines.push('\n');
    };
    let write = |at: usize| {
        let base = at - 1;
        format!(r#""kind":"compare-and-set","base":"t{base}","value":"v{at}","tag":"t{at}""#)
    };
    for at in 1..=50_000 {
        line("alice", at, write(at));
    }
    line("bob", 60_000, String::from(r#""kind":"read","tag":"t100""#));
    let history = History::read(lines.as_bytes()).expect("it is well formed");
    let Verdict::Violation(violation) = verdict(&history) else {
        panic!("the read is stale");
    };
    assert_eq!(violation.kind, ViolationKind::WrongEnd);
    assert_eq!(violation.witness, [100, 50_000]);
}
