//! JSON Pointers: each is written back as it was read, and finds the same in a text as in its tree.
//!
//! The first line of the input is a pointer, the rest a JSON text.

#![no_main]

use detente_core::json::{self, Pointer, Value};
use libfuzzer_sys::fuzz_target;

/// How many places of one document are visited.
const PLACES: usize = 100;

fuzz_target!(|text: &str| {
    let (pointer, text) = text.split_once('\n').unwrap_or((text, ""));
    let tree = json::parse(text.as_bytes()).ok();
    if let Ok(found) = pointer.parse::<Pointer>() {
        assert_eq!(found.to_string(), pointer);
        if let Some((parent, last)) = found.split_last() {
            assert_eq!(parent.child(last), found);
            assert!(found.starts_with(&parent));
        }
        if let Some(tree) = &tree {
            agree(text, tree, &found);
        }
    }
    if let Some(tree) = &tree {
        let mut left = PLACES;
        visit(text, tree, &Pointer::root(), tree, &mut left);
    }
});

fn agree(text: &str, tree: &Value, pointer: &Pointer) {
    let found = json::find(text, pointer).map(|found| json::parse(found.as_bytes()).unwrap());
    assert_eq!(found.as_ref(), tree.at(pointer), "{pointer:?}");
}

fn visit(text: &str, tree: &Value, place: &Pointer, value: &Value, left: &mut usize) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    assert_eq!(place.to_string().parse().as_ref(), Ok(place));
    assert_eq!(tree.at(place), Some(value));
    agree(text, tree, place);
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                visit(text, tree, &place.child(index.to_string()), item, left);
            }
            agree(text, tree, &place.child(items.len().to_string()));
            agree(text, tree, &place.child("-"));
        }
        Value::Object(members) => {
            for (name, member) in members {
                visit(text, tree, &place.child(name.as_str()), member, left);
            }
        }
        _ => agree(text, tree, &place.child("0")),
    }
}
