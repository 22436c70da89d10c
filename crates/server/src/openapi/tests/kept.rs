//! Descriptions as files, so that a change of one is seen. `UPDATE_DESCRIPTIONS=1` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Served, closed, describe, mixed, reference_names, ruled};

/// A description in parts: every operation and every component by its place, and the rest.
type Parts = BTreeMap<String, Value>;

#[test]
fn descriptions_are_as_kept() {
    let open = parts(&Served::default());
    hold("open", &open);
    for (name, served) in [("closed", closed()), ("mixed", mixed()), ("ruled", ruled())] {
        hold(name, &difference(&open, parts(&served)));
    }
}

fn parts((policy, settings): &Served) -> Parts {
    let mut description = describe(policy, settings, &settings.site);
    // A release changes nothing else.
    description["info"]["version"] = "0.0.0".into();
    let mut parts = Parts::new();
    for (name, value) in description.as_object().unwrap() {
        if !["paths", "components"].contains(&name.as_str()) {
            parts.insert(name.clone(), value.clone());
            continue;
        }
        for (group, members) in value.as_object().unwrap() {
            for (member, value) in members.as_object().unwrap() {
                parts.insert(format!("{name} {group} {member}"), value.clone());
            }
        }
    }
    parts
}

/// What `other` has that `open` has not or has otherwise, operations in short; null for what it lacks.
fn difference(open: &Parts, other: Parts) -> Parts {
    let lacks = open.keys().filter(|place| !other.contains_key(*place));
    let lacks: Vec<_> = lacks.map(|place| (place.clone(), Value::Null)).collect();
    let differs = |(place, value): &(String, Value)| open.get(place) != Some(value);
    let in_short = |(place, value): (String, Value)| match place.starts_with("paths ") {
        true => (place, in_short(&value)),
        false => (place, value),
    };
    let differing = other.into_iter().filter(differs).map(in_short);
    differing.chain(lacks).collect()
}

/// An operation by the names of the components that it refers to.
fn in_short(operation: &Value) -> Value {
    let names = |value: &Value| json!(reference_names(value).into_iter().collect::<BTreeSet<_>>());
    let responses = operation["responses"].as_object().unwrap().iter();
    let responses: BTreeMap<_, _> = responses.map(|(status, it)| (status, names(it))).collect();
    json!({
        "operationId": operation["operationId"],
        "parameters": names(&operation["parameters"]),
        "requestBody": names(&operation["requestBody"]),
        "responses": responses,
    })
}

fn hold(name: &str, parts: &Parts) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/openapi/tests")
        .join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_DESCRIPTIONS").is_some() {
        std::fs::write(&file, write(parts)).unwrap();
    }
    let kept = read(&std::fs::read_to_string(&file).unwrap());
    for place in kept.keys().chain(parts.keys()) {
        assert_eq!(
            parts.get(place),
            kept.get(place),
            "{place} in {name}: made, and kept"
        );
    }
}

/// One part a line: its place, a tab, its JSON.
fn write(parts: &Parts) -> String {
    let mut text = String::new();
    for (place, value) in parts {
        writeln!(text, "{place}\t{value}").unwrap();
    }
    text
}

fn read(text: &str) -> Parts {
    let part = |line: &str| {
        let (place, value) = line.split_once('\t').unwrap();
        (place.to_owned(), serde_json::from_str(value).unwrap())
    };
    text.lines().map(part).collect()
}
