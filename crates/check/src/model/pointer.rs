//! JSON Pointers (RFC 6901).

use serde_json::{Map, Value};

/// Sets the member at a JSON Pointer (RFC 6901); objects on the way are made where they are missing.
pub(crate) fn set(document: &mut Value, pointer: &str, value: Value) {
    let Some((parent, last)) = pointer.rsplit_once('/') else {
        *document = value;
        return;
    };
    let mut place = document;
    for token in parent.split('/').skip(1) {
        let name = unescape(token);
        if let Value::Array(items) = place {
            match name.parse::<usize>().ok().filter(|at| *at < items.len()) {
                Some(at) => place = &mut items[at],
                None => return,
            }
            continue;
        }
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(members) = place else {
            return;
        };
        place = members
            .entry(name)
            .or_insert_with(|| Value::Object(Map::new()));
    }
    match place {
        Value::Object(members) => {
            members.insert(unescape(last), value);
        }
        Value::Array(items) => {
            if let Some(item) = last.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                *item = value;
            }
        }
        _ => {}
    }
}

/// Takes the member at a JSON Pointer away.
pub(crate) fn remove(document: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else {
        return;
    };
    if let Some(Value::Object(members)) = document.pointer_mut(parent) {
        members.shift_remove(&unescape(last));
    }
}

/// Every value in a document that holds no others, with the pointer to it, in document order.
pub(crate) fn leaves(document: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect(document, String::new(), &mut found);
    found
}

fn collect<'a>(value: &'a Value, at: String, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                collect(member, format!("{at}/{}", escape(name)), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{at}/{index}"), found);
            }
        }
        _ => found.push((at, value)),
    }
}

pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_set_wherever_they_stand() {
        let cases = [
            // (document, pointer, result of setting 1)
            (json!({}), "/a", json!({"a": 1})),
            (json!({"a": 2, "b": 3}), "/a", json!({"a": 1, "b": 3})),
            (json!({}), "/a/b", json!({"a": {"b": 1}})),
            (
                json!({"a": [1, {"b": 2}]}),
                "/a/1/b",
                json!({"a": [1, {"b": 1}]}),
            ),
            (json!({"a": [1]}), "/a/7", json!({"a": [1]})),
            (json!({}), "/x~1y", json!({"x/y": 1})),
        ];
        for (document, pointer, expected) in cases {
            let mut changed = document.clone();
            set(&mut changed, pointer, json!(1));
            assert_eq!(changed, expected, "{pointer} in {document}");
        }
    }
}
