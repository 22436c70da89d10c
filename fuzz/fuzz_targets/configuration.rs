//! `detente.toml`. Every text is read or refused, every mistake has a place in its file, and what
//! was accepted is taken whole and can be judged by.

#![no_main]

use std::path::Path;

use detente::config::{Config, Mistakes, parse};
use detente_core::json;
use detente_core::rules::Endless;
use libfuzzer_sys::fuzz_target;
use toml::de::{DeTable, DeValue};

/// Not a file itself. Beside it lie the schemas that the seeds name.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/detente.toml");

const DOCUMENTS: [&str; 3] = [
    r#"{"email":"a@b.org","status":"draft","stock":9223372036854775807,"tags":["a",{"b":null}]}"#,
    r#"{"email":"ß","status":"paid","stock":-9223372036854775808,"tags":[],"at":"2026-01-01T00:00:00Z"}"#,
    r#"{"email":1e400,"status":null,"stock":0.5,"self":{}}"#,
];

fuzz_target!(|text: &str| {
    let (table, _) = DeTable::parse_recoverable(text);
    if reads_elsewhere(table.get_ref()) {
        return;
    }
    match parse(Path::new(FILE), text) {
        Ok(config) => {
            taken_whole(&config, table.get_ref());
            judge(&config);
        }
        Err(Mistakes(found)) => {
            assert!(!found.is_empty());
            for mistake in found {
                assert!(mistake.line >= 1 && mistake.column >= 1, "{mistake}");
                assert!(!mistake.message.is_empty(), "{mistake}");
                if mistake.file == Path::new(FILE) {
                    let line = text.split('\n').nth(mistake.line - 1).expect("in the file");
                    assert!(mistake.column <= line.chars().count() + 1, "{mistake}");
                }
            }
        }
    }
});

/// The settings that name files which are read.
const FILES: [&str; 3] = ["schema", "key", "jwks"];

/// Whether a setting may name a file outside the folder. Reading such a file could block (a FIFO,
/// a terminal), never end (`/dev/zero`), or make a finding depend on the machine that it was made on.
fn reads_elsewhere(table: &DeTable<'_>) -> bool {
    table.iter().any(|(name, value)| match value.get_ref() {
        DeValue::String(path) => {
            FILES.contains(&name.get_ref().as_ref())
                && (path.starts_with('/') || path.contains(".."))
        }
        DeValue::Table(table) => reads_elsewhere(table),
        DeValue::Array(items) => items
            .iter()
            .filter_map(|item| item.get_ref().as_table())
            .any(reads_elsewhere),
        _ => false,
    })
}

/// Rules that are in the file but not in force would be worse than a refusal.
fn taken_whole(config: &Config, root: &DeTable<'_>) {
    let written = root
        .get("collections")
        .and_then(|it| it.get_ref().as_table());
    for (name, table) in written.into_iter().flatten() {
        let name = name.get_ref();
        let rules = &config.policy.collections[name.as_ref()].rules.rules;
        let table = table.get_ref();
        let count = |key| {
            let items = table.get(key).and_then(|it| it.get_ref().as_array());
            items.map_or(0, |items| items.len())
        };
        assert_eq!(
            rules.schema.is_some(),
            table.get("schema").is_some(),
            "{name}: schema"
        );
        assert_eq!(
            rules.lifecycle.is_some(),
            table.get("lifecycle").is_some(),
            "{name}: lifecycle"
        );
        assert_eq!(rules.unique.len(), count("unique"), "{name}: unique");
        assert_eq!(rules.checks.len(), count("rules"), "{name}: rules");
        let access = table.get("access").and_then(|it| it.get_ref().as_table());
        let is_ruled = |key| access.is_some_and(|it| it.get(key).is_some());
        let ruled = &rules.access;
        assert_eq!(ruled.read.is_some(), is_ruled("read"), "{name}: read");
        assert_eq!(ruled.create.is_some(), is_ruled("create"), "{name}: create");
        assert_eq!(ruled.update.is_some(), is_ruled("update"), "{name}: update");
        assert_eq!(ruled.delete.is_some(), is_ruled("delete"), "{name}: delete");
    }
}

fn judge(config: &Config) {
    let documents = DOCUMENTS.map(|text| json::parse(text.as_bytes()).unwrap());
    let sides = || documents.iter().map(Some).chain([None]);
    for collection in config.policy.collections.values() {
        let rules = &collection.rules.rules;
        for document in &documents {
            let _ = rules
                .schema
                .as_ref()
                .map(|schema| schema.violations(document));
            for (index, unique) in rules.unique.iter().enumerate() {
                if unique.claim(index, document).is_some() {
                    let _ = unique.duplicate("1", document, "2".to_owned());
                }
            }
        }
        for old in sides() {
            for new in sides() {
                for caller in [None, Some(&documents[2])] {
                    let _ = rules.judge("1", old, new, false, caller, &Endless);
                }
            }
        }
    }
}
