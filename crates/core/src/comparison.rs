use crate::json::{Object, Pointer, Value};
use crate::merge::{Choices, Collision, Conflict, Strategies, merge};

/// What a three-way comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    pub conflicts: Vec<Conflict>,
    /// Places that both sides changed to the same value. They do not collide; but of two who count
    /// from 5 to 6, one counted in vain.
    pub agreements: Vec<Pointer>,
    /// All that one side alone changed, and theirs where the sides collide. `None` if that is
    /// nothing at all: both sides, or the only side with a say, deleted the document.
    pub joined: Option<Value>,
}

/// Compares two edits of one base, structurally: objects member by member, all else as a whole.
///
/// A side that equals the base leaves the say to the other; sides that agree do not collide.
/// Numbers compare by value and objects regardless of order, so neither `1.0` for `1` nor a
/// reordering is an edit.
pub fn compare(base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Comparison {
    let found = merge(base, ours, theirs, &Strategies::default(), &Choices::new());
    Comparison {
        conflicts: found.conflicts,
        agreements: found.agreements,
        joined: found.document,
    }
}

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
    fn who_changed_what_and_where_they_collide() {
        let cases = [
            // (base, ours, theirs, joined, conflicts)
            (
                r#"{"a":1,"b":1}"#,
                r#"{"a":2,"b":1}"#,
                r#"{"a":1,"b":2}"#,
                r#"{"a":2,"b":2}"#,
                "",
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":2}"#,
                r#"{"a":3}"#,
                r#"{"a":3}"#,
                "/a edit-edit",
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":2}"#,
                r#"{"a":2.0}"#,
                r#"{"a":2.0}"#,
                "",
            ),
            (
                r#"{"a":1}"#,
                r#"{}"#,
                r#"{"a":2}"#,
                r#"{"a":2}"#,
                "/a delete-edit",
            ),
            (r#"{"a":1}"#, r#"{"a":2}"#, "{}", "{}", "/a edit-delete"),
            ("{}", r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":2}"#, "/a add-add"),
            (
                r#"{"a":1}"#,
                r#"{"a":"x"}"#,
                r#"{"a":2}"#,
                r#"{"a":2}"#,
                "/a type",
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":null}"#,
                r#"{}"#,
                "{}",
                "/a edit-delete",
            ),
            (
                "{}",
                r#"{"a":{"x":1}}"#,
                r#"{"a":{"y":1}}"#,
                r#"{"a":{"y":1,"x":1}}"#,
                "",
            ),
            (
                r#"{"a":{"b":1}}"#,
                r#"{"a":{"b":2}}"#,
                r#"{"a":"x"}"#,
                r#"{"a":"x"}"#,
                "/a type",
            ),
            (
                r#"{"a":[1]}"#,
                r#"{"a":[1,2]}"#,
                r#"{"a":[1,3]}"#,
                r#"{"a":[1,3]}"#,
                "/a edit-edit",
            ),
            (
                r#"{"a/b":1}"#,
                r#"{"a/b":2}"#,
                r#"{"a/b":3}"#,
                r#"{"a/b":3}"#,
                "/a~1b edit-edit",
            ),
            (r#"{"a":1}"#, "", r#"{"a":2}"#, r#"{"a":2}"#, " delete-edit"),
            (r#"{"a":1}"#, "", r#"{"a":1}"#, "", ""),
            (r#"{"a":1}"#, r#"{"a":1.0}"#, r#"{"a":1}"#, r#"{"a":1}"#, ""),
        ];
        for (base, ours, theirs, joined, conflicts) in cases {
            let found = compare(
                value(base).as_ref(),
                value(ours).as_ref(),
                value(theirs).as_ref(),
            );
            let text = found
                .joined
                .map(|value| value.to_text())
                .unwrap_or_default();
            assert_eq!(text, joined, "{base} {ours} {theirs}");
            let named: Vec<_> = found
                .conflicts
                .iter()
                .map(|conflict| format!("{} {}", conflict.path, conflict.collision.name()))
                .collect();
            assert_eq!(named.join(","), conflicts, "{base} {ours} {theirs}");
        }
    }

    #[test]
    fn what_both_changed_alike_is_told() {
        let cases = [
            (r#"{"n":5}"#, r#"{"n":6,"a":1}"#, r#"{"n":6.0,"b":1}"#, "/n"),
            (
                r#"{"n":5,"x":{"y":1}}"#,
                r#"{"n":6,"x":{"y":2}}"#,
                r#"{"n":6,"x":{"y":2}}"#,
                "/n /x",
            ),
            (
                r#"{"x":{"y":1}}"#,
                r#"{"x":{"y":2,"z":1}}"#,
                r#"{"x":{"y":2}}"#,
                "/x/y",
            ),
            (r#"{"n":5}"#, r#"{"n":5}"#, r#"{"n":5}"#, ""),
            (r#"{"n":5}"#, "{}", "{}", "/n"),
        ];
        for (base, ours, theirs, expected) in cases {
            let found = compare(
                value(base).as_ref(),
                value(ours).as_ref(),
                value(theirs).as_ref(),
            );
            let named: Vec<_> = found.agreements.iter().map(ToString::to_string).collect();
            assert_eq!(named.join(" "), expected, "{base} {ours} {theirs}");
        }
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
        fn when_one_side_is_untouched_the_other_is_the_result(base in document(), x in document()) {
            for found in [compare(Some(&base), Some(&base), Some(&x)),
                          compare(Some(&base), Some(&x), Some(&base))] {
                prop_assert_eq!(found.joined.as_ref(), Some(&x));
                prop_assert!(found.conflicts.is_empty());
            }
        }

        #[test]
        fn sides_that_agree_do_not_collide(base in document(), x in document()) {
            let found = compare(Some(&base), Some(&x), Some(&x));
            prop_assert_eq!(found.agreements.is_empty(), base == x);
            prop_assert_eq!((found.conflicts, found.joined), (vec![], Some(x)));
        }

        #[test]
        fn swapping_the_sides_swaps_the_labels(
            base in document(), ours in document(), theirs in document()
        ) {
            let one = compare(Some(&base), Some(&ours), Some(&theirs));
            let other = compare(Some(&base), Some(&theirs), Some(&ours));
            if one.conflicts.is_empty() {
                prop_assert_eq!(&one.joined, &other.joined);
            }
            let mut swapped: Vec<_> = other.conflicts.into_iter().map(|conflict| Conflict {
                collision: match conflict.collision {
                    Collision::DeleteEdit => Collision::EditDelete,
                    Collision::EditDelete => Collision::DeleteEdit,
                    same => same,
                },
                ours: conflict.theirs,
                theirs: conflict.ours,
                ..conflict
            }).collect();
            let mut conflicts = one.conflicts;
            conflicts.sort_by(|a, b| a.path.cmp(&b.path));
            swapped.sort_by(|a, b| a.path.cmp(&b.path));
            prop_assert_eq!(conflicts, swapped);
        }

        #[test]
        fn what_one_side_alone_changed_is_kept(
            base in document(), ours in document(), theirs in document()
        ) {
            let found = compare(Some(&base), Some(&ours), Some(&theirs));
            let joined = found.joined.expect("both sides are documents");
            for name in ["a", "b", "c", "d"] {
                let (base, ours, theirs) = (base.get(name), ours.get(name), theirs.get(name));
                if ours == base || ours == theirs {
                    prop_assert_eq!(joined.get(name), theirs);
                } else if theirs == base {
                    prop_assert_eq!(joined.get(name), ours);
                }
            }
        }

        #[test]
        fn a_conflict_lies_where_base_and_both_sides_differ(
            base in document(), ours in document(), theirs in document()
        ) {
            for conflict in compare(Some(&base), Some(&ours), Some(&theirs)).conflicts {
                prop_assert_eq!(ours.at(&conflict.path), conflict.ours.as_ref());
                prop_assert_eq!(theirs.at(&conflict.path), conflict.theirs.as_ref());
                prop_assert_eq!(base.at(&conflict.path), conflict.base.as_ref());
                prop_assert_ne!(&conflict.ours, &conflict.theirs);
                prop_assert_ne!(&conflict.ours, &conflict.base);
                prop_assert_ne!(&conflict.theirs, &conflict.base);
            }
        }

        #[test]
        fn blind_comparison_finds_nothing_only_in_equal_documents(
            ours in document(), theirs in document()
        ) {
            let conflicts = compare_blind(Some(&ours), Some(&theirs));
            prop_assert_eq!(conflicts.is_empty(), ours == theirs);
        }
    }
}
