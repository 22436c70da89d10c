use crate::json::{Object, Pointer, Value};
use crate::merge::{Collision, Conflict};

fn names_of_both<'a>(ours: &'a Object, theirs: &'a Object) -> impl Iterator<Item = &'a String> {
    let only_ours = ours.keys().filter(|name| !theirs.contains_key(*name));
    theirs.keys().chain(only_ours)
}

/// Compares two values whose base is unknown: every place where they differ is a conflict.
pub fn compare_blind(ours: Option<&Value>, theirs: Option<&Value>) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    differ(&Pointer::root(), ours, theirs, &mut conflicts);
    conflicts
}

fn differ(
    path: &Pointer,
    ours: Option<&Value>,
    theirs: Option<&Value>,
    conflicts: &mut Vec<Conflict>,
) {
    if ours == theirs {
        return;
    }
    if let (Some(Value::Object(ours)), Some(Value::Object(theirs))) = (ours, theirs) {
        for name in names_of_both(ours, theirs) {
            let place = path.child(name.as_str());
            differ(&place, ours.get(name), theirs.get(name), conflicts);
        }
        return;
    }
    let collision = match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours.type_of() != theirs.type_of() => Collision::Type,
        (None, _) => Collision::DeleteEdit,
        (_, None) => Collision::EditDelete,
        _ => Collision::EditEdit,
    };
    conflicts.push(Conflict {
        path: path.clone(),
        collision,
        strategy: "manual",
        base: None,
        ours: ours.cloned(),
        theirs: theirs.cloned(),
        obstacle: None,
    });
}

/// The top-level members in which two documents differ, in the order of `after`, removed ones last.
pub fn changed_members(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let empty = Object::new();
    let before = before.and_then(Value::as_object).unwrap_or(&empty);
    let after = after.and_then(Value::as_object).unwrap_or(&empty);
    let removed = before.keys().filter(|name| !after.contains_key(*name));
    after
        .keys()
        .filter(|name| before.get(*name) != after.get(*name))
        .chain(removed)
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{Number, parse};

    fn value(text: &str) -> Option<Value> {
        (!text.is_empty()).then(|| parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn members_that_changed() {
        let (before, after) = (
            value(r#"{"a":1,"b":1,"d":1}"#),
            value(r#"{"c":1,"b":1.0,"a":2}"#),
        );
        assert_eq!(
            changed_members(before.as_ref(), after.as_ref()),
            ["c", "a", "d"]
        );
    }

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            (0..3i64).prop_map(|n| Value::Number(Number::from(n))),
            "[ab]".prop_map(Value::String),
            prop::collection::vec((0..2i64).prop_map(|n| Value::Number(n.into())), 0..2)
                .prop_map(Value::Array),
        ]
    }

    fn document() -> impl Strategy<Value = Value> {
        let object = |inner| {
            prop::collection::vec(("[a-d]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect()))
        };
        object(scalar().prop_recursive(2, 8, 3, object).boxed())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn blind_comparison_finds_nothing_only_in_equal_documents(
            ours in document(), theirs in document()
        ) {
            let conflicts = compare_blind(Some(&ours), Some(&theirs));
            prop_assert_eq!(conflicts.is_empty(), ours == theirs);
        }
    }
}
