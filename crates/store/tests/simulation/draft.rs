use std::sync::Arc;

use detente_core::json::{Number, Object, Value, object};
use detente_core::{JsonPatch, Key, Patch};

use crate::access::anybody;
use crate::collection::{integer, is_letter, is_order};
use crate::dice::Dice;

/// Makes a document so large that it is not worked on while others wait.
const PADDING: usize = 66_000;

fn number(value: i64) -> Value {
    Value::Number(Number::from(value))
}

/// A document as `name` may begin it. `serial` was never used before.
pub(crate) fn new(dice: &mut Dice, key: &Key, serial: u64, name: &str) -> Value {
    let small = |dice: &mut Dice, end: u64| Value::from(dice.below(end));
    let members = if is_order(key) {
        let from = dice.below(4);
        let owner = match dice.below(8) {
            0 => Some(anybody(dice)),
            1 => None,
            _ => Some(name),
        };
        let owner = owner.map(|owner| ("owner".to_owned(), Value::from(owner)));
        let mut members = object([
            ("state", "draft".into()),
            ("slot", small(dice, 6)),
            ("stock", small(dice, 5)),
            ("from", from.into()),
            ("to", (from + dice.below(4)).into()),
            ("note", format!("n{serial}").into()),
        ]);
        members.extend(owner);
        members
    } else {
        object([
            ("title", format!("t{serial}").into()),
            ("body", format!("b{serial}").into()),
            ("count", small(dice, 9)),
            ("tags", vec![Value::from("a")].into()),
        ])
    };
    Value::Object(members)
}

/// What somebody makes of a document. `serial` was never used before.
pub(crate) fn edited(dice: &mut Dice, key: &Key, base: &Value, serial: u64) -> Value {
    let mut members = base.as_object().cloned().unwrap_or_default();
    for _ in 0..=dice.below(2) {
        let (name, value) = if is_order(key) {
            order_member(dice, serial)
        } else {
            note_member(dice, key, base, serial)
        };
        members.insert(name.to_owned(), value);
    }
    if is_letter(key) && dice.one_in(4) {
        members.shift_remove("to");
    }
    members.shift_remove("padding");
    if dice.one_in(150) {
        members.insert("padding".into(), "x".repeat(PADDING).into());
    }
    Value::Object(members)
}

fn order_member(dice: &mut Dice, serial: u64) -> (&'static str, Value) {
    match dice.below(13) {
        0..=3 => {
            let state = dice.pick(&["draft", "paid", "paid", "shipped", "cancelled", "lost"]);
            ("state", (*state).into())
        }
        4..=5 => ("slot", dice.below(6).into()),
        6..=7 => ("stock", number(i64::from(dice.below(8) as u8) - 1)),
        8 => ("from", dice.below(6).into()),
        9 => ("to", (2 + dice.below(6)).into()),
        10 => ("owner", anybody(dice).into()),
        _ => ("note", format!("n{serial}").into()),
    }
}

fn note_member(dice: &mut Dice, key: &Key, base: &Value, serial: u64) -> (&'static str, Value) {
    match dice.below(11) {
        10 if is_letter(key) => ("to", anybody(dice).into()),
        0..=1 => ("title", format!("t{serial}").into()),
        2..=3 => ("body", format!("b{serial}").into()),
        4..=6 => {
            let count = integer(base, "count").unwrap_or_default();
            let added = i64::try_from(serial).expect("no run is that long");
            ("count", number(count + added))
        }
        _ => {
            let mut tags = match base.get("tags") {
                Some(Value::Array(tags)) => tags.clone(),
                _ => Vec::new(),
            };
            let tag = Value::from(*dice.pick(&["a", "b", "c", "d", "e"]));
            match tags.iter().position(|it| *it == tag) {
                Some(at) => drop(tags.remove(at)),
                None => tags.push(tag),
            }
            ("tags", tags.into())
        }
    }
}

/// The edit from `base` to `ours` as a patch; now and then one that does not fit, or leaves no document.
pub(crate) fn patch(dice: &mut Dice, base: &Value, ours: &Value) -> Arc<Patch> {
    let nothing = Object::new();
    let members = |document: &Value| document.as_object().cloned().unwrap_or_default();
    let (before, after) = (members(base), members(ours));
    let removed = before.keys().filter(|name| !after.contains_key(*name));
    let changed = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(*value));
    if dice.one_in(25) {
        return Arc::new(Patch::Merge(Value::Null));
    }
    if dice.one_in(2) {
        let mut patch = nothing;
        patch.extend(changed.map(|(name, value)| (name.clone(), value.clone())));
        patch.extend(removed.map(|name| (name.clone(), Value::Null)));
        return Arc::new(Patch::Merge(Value::Object(patch)));
    }
    let operation = |op: &str, name: &str, value: Option<&Value>| {
        let mut operation = object([("op", op.into()), ("path", format!("/{name}").into())]);
        if let Some(value) = value {
            operation.insert("value".into(), value.clone());
        }
        Value::Object(operation)
    };
    let mut operations = Vec::new();
    if let Some((name, value)) = before.first().filter(|_| dice.one_in(2)) {
        operations.push(operation("test", name, Some(value)));
    }
    operations.extend(changed.map(|(name, value)| operation("add", name, Some(value))));
    operations.extend(removed.map(|name| operation("remove", name, None)));
    if dice.one_in(15) {
        operations.push(operation("remove", "nowhere", None));
    }
    let patch = JsonPatch::from_value(&Value::Array(operations));
    Arc::new(Patch::Json(patch.expect("these are operations")))
}
