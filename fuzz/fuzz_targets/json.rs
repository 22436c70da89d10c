//! I-JSON. The two readings of a text agree, nothing is lost on the way back to text, and
//! serde_json takes and understands what is taken here.

#![no_main]

use detente_core::json::{self, MAX_DEPTH, Number, Pointer, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let parsed = json::parse(data);
    assert_eq!(
        json::check(data),
        parsed.as_ref().map(drop).map_err(Clone::clone)
    );
    let is_object = parsed.as_ref().map(|value| value.as_object().is_some());
    assert_eq!(
        json::check_object(data).as_ref(),
        is_object.as_ref().map_err(|error| *error)
    );
    match parsed {
        Ok(value) => accepted(data, &value),
        Err(error) => {
            assert!(error.offset <= data.len(), "{error}");
            refused(data, &error.message);
        }
    }
});

fn accepted(data: &[u8], value: &Value) {
    assert!(value.depth() <= MAX_DEPTH);
    let text = std::str::from_utf8(data).unwrap();
    there_and_back(value);
    shorter(text, value);
    canonical(value);
    // There 128 levels are one too many, and numbers have to fit a double.
    match serde_json::from_str(text) {
        Ok(theirs) => assert!(is_same(value, &theirs), "{theirs}"),
        Err(error) => assert!(value.depth() == MAX_DEPTH || overflows(value), "{error}"),
    }
}

/// Only RFC 7493's rule on duplicate names is not serde_json's, too.
fn refused(data: &[u8], message: &str) {
    if serde_json::from_slice::<serde_json::Value>(data).is_ok() {
        assert!(message.starts_with("duplicate member name"), "{message}");
    }
}

fn there_and_back(value: &Value) {
    let text = value.to_text();
    let again = json::parse(text.as_bytes()).unwrap();
    assert_eq!(again, *value);
    assert_eq!(again.to_text(), text);
    assert_eq!(json::compact(&text), text);
}

fn shorter(text: &str, value: &Value) {
    let compact = json::compact(text);
    assert!(compact.len() <= text.len());
    assert_eq!(json::parse(compact.as_bytes()).as_ref(), Ok(value));
    assert_eq!(json::compact(&compact), compact);
    let is_space = |c| matches!(c, ' ' | '\t' | '\n' | '\r');
    assert_eq!(
        json::find(text, &Pointer::root()),
        Some(text.trim_matches(is_space))
    );
}

/// Equal values have one canonical text, and only they do. Neighbours in arrays are compared.
fn canonical(value: &Value) {
    match value {
        Value::Array(items) => {
            for pair in items.windows(2) {
                let is_one_text = pair[0].canonical() == pair[1].canonical();
                assert_eq!(pair[0] == pair[1], is_one_text, "{} {}", pair[0], pair[1]);
                if let [Value::Number(one), Value::Number(other)] = pair {
                    assert_eq!(one.cmp(other), other.cmp(one).reverse());
                    // Rounding may make equal, but never turns an order around.
                    assert!(
                        one > other || one.as_f64() <= other.as_f64(),
                        "{one} {other}"
                    );
                }
            }
            items.iter().for_each(canonical);
        }
        Value::Object(members) => members.values().for_each(canonical),
        Value::Number(number) => {
            let again = json::parse(with_one_more_zero(number.as_str()).as_bytes()).unwrap();
            assert_eq!(again, *value);
            assert_eq!(again.canonical(), value.canonical());
        }
        _ => {}
    }
}

/// The same number: `1` becomes `1.0`, `-1.5e7` becomes `-1.50e7`.
fn with_one_more_zero(number: &str) -> String {
    let (mantissa, exponent) = number.split_at(number.find(['e', 'E']).unwrap_or(number.len()));
    let zero = if mantissa.contains('.') { "0" } else { ".0" };
    format!("{mantissa}{zero}{exponent}")
}

fn is_same(ours: &Value, theirs: &serde_json::Value) -> bool {
    use serde_json::Value as Theirs;
    match (ours, theirs) {
        (Value::Null, Theirs::Null) => true,
        (Value::Bool(ours), Theirs::Bool(theirs)) => ours == theirs,
        (Value::Number(ours), Theirs::Number(theirs)) => is_near(ours, theirs),
        (Value::String(ours), Theirs::String(theirs)) => ours == theirs,
        (Value::Array(ours), Theirs::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs)
                    .all(|(ours, theirs)| is_same(ours, theirs))
        }
        (Value::Object(ours), Theirs::Object(theirs)) => {
            let is_there = |(name, ours): (&String, &Value)| {
                theirs.get(name).is_some_and(|theirs| is_same(ours, theirs))
            };
            ours.len() == theirs.len() && ours.iter().all(is_there)
        }
        _ => false,
    }
}

/// By default serde_json rounds fast, not to the nearest; whole numbers are exact where they fit.
fn is_near(ours: &Number, theirs: &serde_json::Number) -> bool {
    if let (Some(ours), Some(theirs)) = (ours.as_i64(), theirs.as_i64()) {
        return ours == theirs;
    }
    let (ours, theirs) = (ours.as_f64(), theirs.as_f64().unwrap_or(f64::NAN));
    (ours - theirs).abs() <= ours.abs() * 1e-13 + f64::MIN_POSITIVE
}

/// Whether a number is past what a double holds, or so near that rounding may take it there.
fn overflows(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().abs() > 1e308,
        Value::Array(items) => items.iter().any(overflows),
        Value::Object(members) => members.values().any(overflows),
        _ => false,
    }
}
