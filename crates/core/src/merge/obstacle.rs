use std::collections::HashSet;

use super::Strategy;
use super::keyed_list::token;
use super::side::Sides;
use crate::Timestamp;
use crate::json::{Pointer, Value};

/// Why a strategy cannot join the values of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub side: Side,
    pub reason: Reason,
}

/// A value among those that meet in a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Base,
    Ours,
    Theirs,
    /// What a strategy made of the three.
    Joined,
}

/// What is wrong with the value of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The strategy joins values of this type only.
    WrongType { expected: &'static str },
    /// The element at this index of a keyed list is no object, or has no key at this place.
    NoKey { index: usize, key: Pointer },
    /// Two elements of a keyed list have one key, if it may be told this one.
    RepeatedKey { key: Pointer, value: Option<Value> },
    /// A sum with more digits than a number may have.
    TooLong,
}

impl Strategy {
    /// What keeps the strategy from joining values that both sides changed; `None` if the strategy
    /// could read them all.
    pub(super) fn obstacle(&self, sides: Sides<'_>) -> Option<Obstacle> {
        let of_type = |expected, is_it: &dyn Fn(&Value) -> bool| {
            let reason = |value: &Value| {
                let is_wrong = !is_it(value);
                is_wrong.then_some(Reason::WrongType { expected })
            };
            first(sides, &reason)
        };
        match self {
            Self::Counter => {
                let too_long = || Obstacle {
                    side: Side::Joined,
                    reason: Reason::TooLong,
                };
                let is_number = |it: &Value| matches!(it, Value::Number(_));
                of_type("number", &is_number).or_else(|| Some(too_long()))
            }
            Self::Text => of_type("string", &|it| matches!(it, Value::String(_))),
            Self::Set | Self::Append => of_type("array", &|it| matches!(it, Value::Array(_))),
            Self::KeyedList { key } => first(sides, &|list| unlike_keyed_list(list, key)),
            // The base is not looked at.
            Self::Max | Self::Min => {
                let sides = Sides {
                    base: None,
                    ..sides
                };
                first(sides, &unlike_extremes(sides))
            }
            _ => None,
        }
    }
}

/// The first side whose value has something wrong, ours before the others.
fn first(sides: Sides<'_>, reason: &dyn Fn(&Value) -> Option<Reason>) -> Option<Obstacle> {
    let sides = [
        (Side::Ours, sides.ours),
        (Side::Theirs, sides.theirs),
        (Side::Base, sides.base),
    ];
    sides.into_iter().find_map(|(side, value)| {
        let reason = reason(value?)?;
        Some(Obstacle { side, reason })
    })
}

/// Two numbers, or two instants: the stored one says which it should be.
fn unlike_extremes(sides: Sides<'_>) -> impl Fn(&Value) -> Option<Reason> {
    let is_number = |it: &Value| matches!(it, Value::Number(_));
    let is_instant = |it: &Value| it.as_str().is_some_and(|it| Timestamp::parse(it).is_some());
    let wants_instant = sides.theirs.is_some_and(is_instant);
    let wants_number = sides.theirs.is_some_and(is_number);
    move |value| {
        let expected = match (wants_number, wants_instant) {
            (true, _) if is_number(value) => return None,
            (_, true) if is_instant(value) => return None,
            (false, false) if is_number(value) || is_instant(value) => return None,
            (true, _) => "number",
            (_, true) => "RFC 3339 timestamp",
            _ => "number or RFC 3339 timestamp",
        };
        Some(Reason::WrongType { expected })
    }
}

fn unlike_keyed_list(list: &Value, key: &Pointer) -> Option<Reason> {
    let Value::Array(items) = list else {
        return Some(Reason::WrongType { expected: "array" });
    };
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let key = key.clone();
        let Some(value) = item.as_object().and(item.at(&key)) else {
            return Some(Reason::NoKey { index, key });
        };
        if !seen.insert(token(value)) {
            let value = Some(value.clone());
            return Some(Reason::RepeatedKey { key, value });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn obstacle(strategy: &Strategy, base: &str, ours: &str, theirs: &str) -> String {
        let parsed = |text: &str| (!text.is_empty()).then(|| parse(text.as_bytes()).unwrap());
        let (base, ours, theirs) = (parsed(base), parsed(ours), parsed(theirs));
        let sides = Sides {
            base: base.as_ref(),
            ours: ours.as_ref(),
            theirs: theirs.as_ref(),
        };
        let Some(Obstacle { side, reason }) = strategy.obstacle(sides) else {
            return String::new();
        };
        let reason = match reason {
            Reason::WrongType { expected } => format!("no {expected}"),
            Reason::NoKey { index, key } => format!("no {key} at {index}"),
            Reason::RepeatedKey { key, value } => format!("{key} {} twice", value.unwrap()),
            Reason::TooLong => "too long".into(),
        };
        format!("{side:?}: {reason}")
    }

    #[test]
    fn the_side_and_the_place_are_named() {
        let list = Strategy::KeyedList {
            key: "/id".parse().unwrap(),
        };
        let too_many = "9".repeat(1001);
        let noon = r#""2026-11-22T12:00:00Z""#;
        let cases = [
            // (strategy, base, ours, theirs, obstacle)
            (&list, "[]", r#"[{"id":1}]"#, r#"[{"id":2}]"#, ""),
            (
                &list,
                "[]",
                r#"[{"id":1},{"id":1.0}]"#,
                "[]",
                "Ours: /id 1.0 twice",
            ),
            (&list, "[]", r#"[{"id":1},{"id":"1"}]"#, "[]", ""),
            (
                &list,
                "[]",
                r#"[{"id":1},{"n":1}]"#,
                "[]",
                "Ours: no /id at 1",
            ),
            (&list, "[]", "[7]", "[]", "Ours: no /id at 0"),
            (&list, "[]", "[]", r#"{"id":1}"#, "Theirs: no array"),
            (&list, "7", "[]", "[]", "Base: no array"),
            (&list, "", "[]", "[]", ""),
            (&Strategy::Counter, "1", "\"2\"", "3", "Ours: no number"),
            (&Strategy::Counter, "null", "2", "3", "Base: no number"),
            (&Strategy::Counter, "1", "2", &too_many, "Joined: too long"),
            (&Strategy::Set, "[]", "[]", "7", "Theirs: no array"),
            (&Strategy::Text, "\"a\"", "7", "\"b\"", "Ours: no string"),
            (
                &Strategy::Max,
                "{}",
                "7",
                noon,
                "Ours: no RFC 3339 timestamp",
            ),
            (&Strategy::Max, "{}", noon, "7", "Ours: no number"),
            (
                &Strategy::Min,
                "1",
                "7",
                "true",
                "Theirs: no number or RFC 3339 timestamp",
            ),
            (&Strategy::Max, "{}", "6", "7", ""),
            (&Strategy::Manual, "1", "2", "3", ""),
        ];
        for (strategy, base, ours, theirs, expected) in cases {
            let found = obstacle(strategy, base, ours, theirs);
            assert_eq!(found, expected, "{strategy:?} {base} {ours} {theirs}");
        }
    }
}
