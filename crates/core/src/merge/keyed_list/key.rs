use std::borrow::Cow;
use std::collections::HashMap;

use crate::json::{Pointer, Value, parse};

/// The token of an element with this key in a path: a string unchanged, unless it looks like JSON,
/// and anything else as its JSON text. So the keys 1 and "1" have different tokens.
pub(in crate::merge) fn token(key: &Value) -> Cow<'_, str> {
    match key {
        Value::String(text) if !reads_as_json(text) => Cow::Borrowed(text),
        Value::Number(number) => Cow::Owned(number.plain()),
        other => Cow::Owned(other.canonical()),
    }
}

fn reads_as_json(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'"' | b'[' | b'{') => true,
        Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => parse(text.as_bytes()).is_ok(),
        _ => false,
    }
}

/// The elements of a list by the tokens of their keys; of several with one key, the first.
pub(in crate::merge) fn by_token<'v>(
    list: &'v Value,
    key: &Pointer,
) -> HashMap<Cow<'v, str>, &'v Value> {
    let mut elements = HashMap::new();
    if let Value::Array(items) = list {
        for item in items {
            if let Some(value) = item.at(key) {
                elements.entry(token(value)).or_insert(item);
            }
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_tell_keys_of_all_types_apart() {
        let cases = [
            (r#""intro""#, "intro"),
            (r#""a/b~ c""#, "a/b~ c"),
            (r#""""#, ""),
            ("1", "1"),
            ("1.0", "1"),
            (r#""1""#, r#""1""#),
            (r#""1.0""#, r#""1.0""#),
            (r#""-""#, "-"),
            (r#""1a""#, "1a"),
            (r#""2026-11-22""#, "2026-11-22"),
            ("true", "true"),
            (r#""true""#, r#""true""#),
            (r#""truely""#, "truely"),
            ("null", "null"),
            (r#""null""#, r#""null""#),
            (r#""\"x""#, r#""\"x""#),
            (r#""[1""#, r#""[1""#),
            (r#"[true,"x"]"#, r#"[true,"x"]"#),
        ];
        for (key, expected) in cases {
            let key = parse(key.as_bytes()).unwrap();
            assert_eq!(token(&key), expected, "{key}");
        }
    }
}
