//! Scenarios as files: those that are right, and those that are wrong with what is said of them.

use std::path::{Path, PathBuf};

use detente_check::scenario::{Inputs, parse};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/scenarios")
        .join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        .collect();
    found.sort();
    found
}

fn inputs() -> Inputs {
    let env = [("BASE", "http://127.0.0.1:8080"), ("SECRET", "s")];
    Inputs {
        env: env
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Inputs::default()
    }
}

/// What is said of a file, which goes by its name alone.
fn said(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = |found: &[detente_check::scenario::Mistake]| {
        let lines = found.iter().map(|it| it.to_string());
        let folder = path.parent().unwrap().display().to_string();
        let lines = lines.map(|line| line.replace(&format!("{folder}/"), "") + "\n");
        lines.collect::<String>()
    };
    match parse(path, &text, &inputs()) {
        Ok(suite) => Ok(lines(&suite.warnings)),
        Err(mistakes) => Err(lines(&mistakes.0)),
    }
}

#[test]
fn what_is_right_is_read() {
    for path in files(&folder("right")) {
        assert_eq!(said(&path), Ok(String::new()), "{}", path.display());
    }
}

/// To accept what is said now: run with `ACCEPT=1`.
#[test]
fn every_mistake_is_told_with_its_place() {
    let mut differing = Vec::new();
    for path in files(&folder("wrong")) {
        let found = said(&path).expect_err(&path.display().to_string());
        let kept = path.with_extension("txt");
        if std::env::var_os("ACCEPT").is_some() {
            std::fs::write(&kept, &found).unwrap();
        }
        let wanted = std::fs::read_to_string(&kept).unwrap_or_default();
        if found != wanted {
            differing.push(format!(
                "{}:\n{found}\ninstead of\n{wanted}",
                path.display()
            ));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}

#[test]
fn lost_quotes_are_warned_of() {
    let file = |headers: &str| {
        let text = format!(
            "scenario: x\nbase: http://a\nsteps:\n  - PUT: /a\n    headers: {{{headers}}}\n"
        );
        let suite = parse(Path::new("x.yaml"), &text, &Inputs::default()).unwrap();
        let warnings = suite.warnings.iter().map(ToString::to_string);
        warnings.collect::<Vec<_>>().join("\n")
    };
    let cases = [
        // (header fields, warning)
        (
            r#"If-Match: "v1""#,
            "x.yaml:5:25: If-Match is sent as v1, without the quotes of an entity tag: write '\"v1\"', or use `etag: v1` beside headers, which adds the quotes",
        ),
        (
            "if-none-match: 7",
            "x.yaml:5:30: if-none-match is sent as 7, without the quotes of an entity tag: write '\"7\"', or use `if_none_match: 7` beside headers, which adds the quotes",
        ),
        (r#"If-Match: '"v1"'"#, ""),
        (r#"If-Match: 'W/"v1", "v2"'"#, ""),
        (r#"If-Match: "*""#, ""),
        (r#"If-Match: "{{nonce}}""#, ""),
        (r#"X-Other: "v1""#, ""),
    ];
    for (headers, warning) in cases {
        assert_eq!(file(headers), warning, "{headers}");
    }
}

/// The guide's own scenarios, and parts of such, which are completed here.
#[test]
fn what_the_guide_shows_is_read() {
    let guide = include_str!("../../../docs/scenarios.md");
    let blocks = guide.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let mut read = 0;
    for block in blocks.filter(|block| !block.starts_with(' ')) {
        let has = |name: &str| block.lines().any(|line| line.starts_with(name));
        let mut text = block.to_owned();
        for (name, line) in [
            ("scenario:", "scenario: x\n"),
            ("base:", "base: http://a\n"),
        ] {
            if !has(name) {
                text = format!("{line}{text}");
            }
        }
        if !has("race:") && !has("steps:") {
            text += "steps: [GET: /]\n";
        }
        let mut inputs = inputs();
        for name in ["TOKEN", "ALICE", "BOB"] {
            inputs.env.insert(name.to_owned(), "x".to_owned());
        }
        inputs.vars.insert("etag".to_owned(), "\"v1\"".to_owned());
        if let Err(mistakes) = parse(Path::new("guide.yaml"), &text, &inputs) {
            panic!("{mistakes}\n{text}");
        }
        read += 1;
    }
    assert!(read >= 7, "{read}");
}
