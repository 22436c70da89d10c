use std::collections::{BTreeMap, HashSet};

use super::Collision;
use crate::json::Value;

/// The elements of a side by their canonical text, which is the same for equal elements.
struct Elements<'a>(BTreeMap<String, &'a Value>);

impl<'a> Elements<'a> {
    fn of(items: &'a [Value]) -> Self {
        let named = |item: &'a Value| (item.canonical(), item);
        Self(items.iter().map(named).collect())
    }
}

/// What all three have, in the order of base, then what either side added, by canonical text.
///
/// What one side removed is gone, what one side added is there: a set cannot conflict.
pub(super) fn join(base: Option<&Value>, ours: &Value, theirs: &Value) -> Result<Value, Collision> {
    let base: &[Value] = match base {
        None => &[],
        Some(Value::Array(base)) => base,
        Some(_) => return Err(Collision::Type),
    };
    let (Value::Array(our_items), Value::Array(their_items)) = (ours, theirs) else {
        return Err(Collision::Type);
    };
    let (ours, theirs) = (Elements::of(our_items), Elements::of(their_items));
    let names: Vec<_> = base.iter().map(Value::canonical).collect();
    let known: HashSet<_> = names.iter().map(String::as_str).collect();
    let is_same = |side: &Elements<'_>| {
        side.0.len() == known.len() && side.0.keys().all(|name| known.contains(name.as_str()))
    };
    // Nobody added or removed anything: neither order is better.
    if is_same(&ours) && is_same(&theirs) {
        return Ok(Value::Array(smaller(our_items, their_items).to_vec()));
    }
    let mut joined = Vec::new();
    let mut taken = HashSet::new();
    for name in &names {
        if let Some(item) = theirs.0.get(name)
            && ours.0.contains_key(name)
            && taken.insert(name.as_str())
        {
            joined.push((*item).clone());
        }
    }
    let mut added = ours.0;
    added.extend(theirs.0);
    added.retain(|name, _| !known.contains(name.as_str()));
    joined.extend(added.into_values().cloned());
    Ok(Value::Array(joined))
}

fn smaller<'a>(ours: &'a [Value], theirs: &'a [Value]) -> &'a [Value] {
    let text = |items: &[Value]| -> Vec<_> { items.iter().map(Value::canonical).collect() };
    if text(ours) < text(theirs) {
        ours
    } else {
        theirs
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{join_all, text};
    use super::*;

    #[test]
    fn what_a_side_added_is_there_and_what_it_removed_is_gone() {
        let cases = [
            // (base, ours, theirs, joined)
            (
                r#"["a","b"]"#,
                r#"["b"]"#,
                r#"["a","b","c"]"#,
                r#"["b","c"]"#,
            ),
            (
                r#"["a"]"#,
                r#"["a","c"]"#,
                r#"["b","a"]"#,
                r#"["a","b","c"]"#,
            ),
            (r#"["a"]"#, r#"["a","b"]"#, r#"["b","a"]"#, r#"["a","b"]"#),
            (r#"["a","b"]"#, r#"["b"]"#, r#"["a"]"#, "[]"),
            ("", "[2]", "[1]", "[1,2]"),
            ("[1]", "[1.0,2]", "[1.00,3]", "[1.00,2,3]"),
            (r#"[{"x":1,"y":2}]"#, r#"[{"y":2,"x":1},3]"#, "[]", "[3]"),
            ("[3,1,3]", "[1,3,2]", "[3,3,1,4]", "[3,1,2,4]"),
            ("[1,2]", "[2,1]", "[1,2,2]", "[1,2,2]"),
            ("[1,2]", "[1,2,2]", "[2,1]", "[1,2,2]"),
            ("{}", "[1]", "[2]", "type"),
            ("[1]", "[1,2]", "7", "type"),
        ];
        join_all(&cases, |base, ours, theirs| text(join(base, ours, theirs)));
    }
}
