//! The cases of json-patch-tests, from its npm package `json-patch-test-suite`.

use std::path::{Path, PathBuf};
use std::process::Command;

use detente_core::JsonPatch;
use detente_core::json::{Value, parse};

const PACKAGE: &str = "json-patch-test-suite@1.1.0";

/// The folder of the package, which is installed into the build folder if it is missing.
fn suite() -> PathBuf {
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm");
    let folder = prefix.join("node_modules/json-patch-test-suite");
    if !folder.join("tests.json").exists() {
        std::fs::create_dir_all(&prefix).unwrap();
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--prefix",
        ])
        .arg(&prefix)
        .arg(PACKAGE);
        let installed = npm.output().expect("npm runs");
        assert!(
            installed.status.success(),
            "{}",
            String::from_utf8_lossy(&installed.stderr)
        );
    }
    folder
}

#[test]
fn every_case_of_json_patch_tests() {
    let folder = suite();
    let mut ran = 0;
    for file in ["tests.json", "spec_tests.json"] {
        let text = std::fs::read(folder.join(file)).unwrap();
        // One case has a duplicate member, on purpose, so the file as a whole is not I-JSON.
        let cases: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap();
        for case in &cases {
            let case = &parse(case.to_string().as_bytes()).unwrap();
            // A case without a patch is only a comment.
            let enabled = case.get("disabled") != Some(&Value::Bool(true));
            if let (Some(document), Some(patch), true) =
                (case.get("doc"), case.get("patch"), enabled)
            {
                check(case, document, patch);
                ran += 1;
            }
        }
    }
    assert!(ran >= 90, "only {ran} cases");
}

fn check(case: &Value, document: &Value, patch: &Value) {
    let result = JsonPatch::from_value(patch)
        .map_err(|error| error.to_string())
        .and_then(|patch| {
            patch
                .apply(document, 1 << 20)
                .map_err(|failure| failure.to_string())
        });
    match case.get("expected") {
        Some(expected) => assert_eq!(result.as_ref(), Ok(expected), "{case}"),
        None if case.get("error").is_some() => assert!(result.is_err(), "{case}: {result:?}"),
        None => assert!(result.is_ok(), "{case}: {result:?}"),
    }
}
