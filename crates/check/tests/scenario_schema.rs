//! The published schema and the parser agree on what a scenario is.

use std::path::{Path, PathBuf};

use detente_check::scenario::{Inputs, parse};
use jsonschema::Validator;
use serde_json::{Value, json};

fn schema() -> Validator {
    let text = include_str!("../schemas/scenario.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    assert!(
        jsonschema::meta::is_valid(&schema),
        "the schema is a schema"
    );
    jsonschema::draft202012::new(&schema).unwrap()
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

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // What npm installed there is not ours.
        if path.ends_with("node_modules") {
            continue;
        }
        if path.is_dir() {
            found.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|it| it == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn scenarios(folder: &str) -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    for path in yaml_files(&folder) {
        let text = std::fs::read_to_string(&path).unwrap();
        for document in serde_saphyr::from_multiple::<Value>(&text).unwrap_or_default() {
            found.push((path.clone(), document));
        }
    }
    found
}

#[test]
fn what_is_right_is_valid() {
    let schema = schema();
    let right = scenarios("tests/scenarios/right");
    let examples = scenarios("../../examples");
    assert!(
        right.len() >= 4 && examples.len() >= 10,
        "{}",
        examples.len()
    );
    for (path, document) in right.iter().chain(&examples) {
        let errors = schema.iter_errors(document);
        let errors: Vec<_> = errors
            .map(|it| format!("{}: {it}", it.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
}

/// What a schema cannot tell: the order of things, other files, and what stands inside of texts.
const BEYOND: [&str; 19] = [
    "is not set before",
    "is not a regular expression",
    "cannot be read",
    "unknown actor",
    "more than max",
    "unknown filter",
    "has no host",
    "with interleave",
    "in some orders",
    "can be used only in",
    "is listed twice",
    "captures no",
    "in this file",
    "a row must have",
    "JSON Pointer",
    "the environment has no",
    "is not a variable",
    "is not a method",
    "too many orders",
];

#[test]
fn what_is_wrong_is_not_valid() {
    let schema = schema();
    let wrong = scenarios("tests/scenarios/wrong");
    let differences = wrong
        .iter()
        .filter_map(|(path, document)| difference(&schema, document, &path.display().to_string()));
    let differences: Vec<_> = differences.collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Every scenario, with every value replaced and every mapping added to, one at a time.
#[test]
fn parser_and_schema_agree_on_what_is_off_by_one() {
    let schema = schema();
    let others = [
        Value::Null,
        json!(true),
        json!(0),
        json!(3),
        json!("text"),
        json!([]),
        json!({}),
        json!(["text"]),
        json!({"unknown": 1}),
    ];
    let mut tried = 0;
    let mut differences = Vec::new();
    let mut agree = |document: &Value, what: &str| {
        tried += 1;
        differences.extend(difference(&schema, document, what));
    };
    for (path, document) in scenarios("tests/scenarios/right") {
        for place in places(&document) {
            let name = path.file_name().unwrap_or_default().display();
            let at = format!("{name} at {place:?}");
            for other in &others {
                let mut changed = document.clone();
                *changed.pointer_mut(&place).unwrap() = other.clone();
                agree(&changed, &format!("{at}: {other}"));
            }
            if let Some(Value::Object(members)) = document.pointer(&place) {
                let mut added = document.clone();
                let object = added.pointer_mut(&place).unwrap().as_object_mut().unwrap();
                object.insert("unknown".to_owned(), json!(1));
                agree(&added, &format!("{at} with another member"));
                for name in members.keys() {
                    let mut removed = document.clone();
                    let object = removed
                        .pointer_mut(&place)
                        .unwrap()
                        .as_object_mut()
                        .unwrap();
                    object.remove(name);
                    agree(&removed, &format!("{at} without {name}"));
                }
            }
        }
    }
    assert!(tried > 1000, "{tried}");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// How parser and schema differ; `None` if they do not.
fn difference(schema: &Validator, document: &Value, what: &str) -> Option<String> {
    let is_valid = schema.is_valid(document);
    let said = match parse(Path::new("x.yaml"), &document.to_string(), &inputs()) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.0,
    };
    let is_shape = |message: &&str| !BEYOND.iter().any(|it| message.contains(it));
    let mut messages = said.iter().map(|it| it.message.as_str());
    match is_valid {
        true => messages
            .find(is_shape)
            .map(|message| format!("{what}: valid, and the parser says: {message}")),
        false => said
            .is_empty()
            .then(|| format!("{what}: not valid, and the parser takes it")),
    }
}

/// Every place below the root, as JSON Pointers.
fn places(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = vec![(String::new(), document)];
    while let Some((place, value)) = rest.pop() {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
                .collect(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(at, value)| (at.to_string(), value))
                .collect(),
            _ => Vec::new(),
        };
        for (name, value) in children {
            let child = format!("{place}/{name}");
            found.push(child.clone());
            rest.push((child, value));
        }
    }
    found
}
