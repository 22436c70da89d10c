use std::fmt;

use serde_json::Value;

use super::template::plain;

/// How one value stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Gt,
    Gte,
    Lt,
    Lte,
}

impl Comparison {
    /// Whether `a` stands so to `b`; texts by their letters, anything else by its number.
    pub(super) fn holds(self, a: &Value, b: &Value) -> bool {
        let order = match (a, b) {
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            _ => a
                .as_f64()
                .zip(number(b))
                .and_then(|(a, b)| a.partial_cmp(&b)),
        };
        order.is_some_and(|order| match self {
            Self::Gt => order.is_gt(),
            Self::Gte => order.is_ge(),
            Self::Lt => order.is_lt(),
            Self::Lte => order.is_le(),
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gt => "more than",
            Self::Gte => "at least",
            Self::Lt => "less than",
            Self::Lte => "at most",
        })
    }
}

/// A variable that was given on the command line is a text, also where it is a number.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
}

/// Equal as JSON: numbers by value, members in any order.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let has =
                |(name, value): (&String, &Value)| b.get(name).is_some_and(|it| same(value, it));
            a.len() == b.len() && a.iter().all(has)
        }
        _ => a == b,
    }
}

/// Whether it has a part of a text, an element of a list, a member of that name.
pub(super) fn contains(whole: &Value, part: &Value) -> bool {
    match whole {
        Value::String(text) => text.contains(&plain(part.clone())),
        Value::Array(items) => items.iter().any(|item| same(item, part)),
        Value::Object(members) => part.as_str().is_some_and(|name| members.contains_key(name)),
        _ => false,
    }
}

/// What its type is called; an integer is a number, too.
pub(super) fn type_names(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Null => &["null"],
        Value::Bool(_) => &["boolean"],
        Value::Number(number) if number.is_f64() => &["number"],
        Value::Number(_) => &["number", "integer"],
        Value::String(_) => &["string"],
        Value::Array(_) => &["array"],
        Value::Object(_) => &["object"],
    }
}

/// As JSON, cut off where it is long.
pub(super) fn short(value: &Value) -> String {
    const MAX: usize = 120;
    let text = value.to_string();
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
