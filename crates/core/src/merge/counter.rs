use super::Collision;
use crate::json::{Number, Value};

/// Base, plus the difference that each side made. An absent base counts as 0.
pub(super) fn join(base: Option<&Value>, ours: &Value, theirs: &Value) -> Result<Value, Collision> {
    let (Value::Number(ours), Value::Number(theirs)) = (ours, theirs) else {
        return Err(Collision::Type);
    };
    let base = match base {
        None => None,
        Some(Value::Number(base)) => Some(base),
        Some(_) => return Err(Collision::Type),
    };
    let total = Number::total(&[ours, theirs], base.as_slice());
    total.map(Value::Number).ok_or(Collision::Inapplicable)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{join_all, text};
    use super::*;

    #[test]
    fn both_differences_count() {
        let too_many = "9".repeat(1001);
        let cases = [
            // (base, ours, theirs, joined)
            ("5", "6", "6", "7"),
            ("5", "6", "3", "4"),
            ("", "2", "3", "5"),
            ("5", "6.0", "7", "8.0"),
            ("0.1", "0.2", "0.3", "0.4"),
            (
                "9007199254740993",
                "9007199254740994",
                "9007199254740995",
                "9007199254740996",
            ),
            ("1e2", "2e2", "3e2", "400"),
            ("\"5\"", "6", "7", "type"),
            ("5", "null", "7", "type"),
            ("5", "6", "\"7\"", "type"),
            ("0", "1e400", "1e-1000", "inapplicable"),
            ("1", "2", &too_many, "inapplicable"),
        ];
        join_all(&cases, |base, ours, theirs| text(join(base, ours, theirs)));
    }
}
