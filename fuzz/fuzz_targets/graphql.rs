//! GraphQL: whatever is sent is read in bounded time, and answered with JSON that is no longer than it may be.
//!
//! The first line of the input has the variables, and is what the fields of the roots come to; the rest is the
//! document.

#![no_main]

use std::sync::LazyLock;

use detente_core::json::{self, Value};
use detente_graphql::{Answer, Api, Bounds, Collection, Completion, Plan, Resolved, Sent};
use libfuzzer_sys::fuzz_target;

static API: LazyLock<Api> = LazyLock::new(|| {
    let schema = include_str!("../schemas/user.json");
    let schema = serde_json::from_str(schema).expect("a schema");
    let collection = |name, schema, needs_condition| Collection {
        name,
        type_name: None,
        schema,
        needs_condition,
    };
    let collections = [
        collection("users", Some(&schema), true),
        collection("notes", None, false),
    ];
    Api::of(&collections, true).expect("names that do not clash")
});

const BOUNDS: Bounds = Bounds {
    depth: 12,
    complexity: 2_000,
    aliases: 50,
    answer_bytes: 64 * 1024,
    introspection: true,
};

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let values = json::parse(lines.next().unwrap_or_default()).unwrap_or(Value::Null);
    let Ok(text) = std::str::from_utf8(lines.next().unwrap_or_default()) else {
        return;
    };
    let members = values.as_object().into_iter().flatten();
    let sent = |value: &Value| Sent::Text(value.to_text().into());
    let variables = members.map(|(name, value)| (name.clone(), sent(value))).collect();
    let document = match API.document(text) {
        Ok(document) => document,
        Err(faults) => {
            assert!(!faults.is_empty());
            return must_be_json(&Answer::refused(&faults));
        }
    };
    let plan = match Plan::of(&API, document, None, variables, &BOUNDS) {
        Ok(plan) => plan,
        Err(faults) => {
            assert!(!faults.is_empty());
            return must_be_json(&Answer::refused(&faults));
        }
    };
    let mut completion = Completion::new(&API, &plan);
    for step in &plan.steps {
        let _ = API.tests(step);
        if !completion.meta(step) {
            completion.put(step, Resolved::from(&values));
        }
    }
    must_be_json(&completion.finish());
});

/// Errors, too, are told within bounds; a schema that is asked for is as long as it is.
fn must_be_json(answer: &Answer) {
    let value = json::parse(answer.text.as_bytes()).expect("an answer is JSON");
    assert!(value.get("data").is_some() || value.get("errors").is_some());
}
