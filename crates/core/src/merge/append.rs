use super::Collision;
use crate::json::Value;

/// Joins arrays or strings: base, what theirs added at its end, and what ours added, since ours
/// commits later. If base is absent, it counts as empty.
pub(super) fn join(base: Option<&Value>, ours: &Value, theirs: &Value) -> Result<Value, Collision> {
    let joined = match (base, ours, theirs) {
        (None, Value::Array(ours), Value::Array(theirs)) => joined_items(&[], ours, theirs),
        (Some(Value::Array(base)), Value::Array(ours), Value::Array(theirs)) => {
            joined_items(base, ours, theirs)
        }
        (None, Value::String(ours), Value::String(theirs)) => joined_text("", ours, theirs),
        (Some(Value::String(base)), Value::String(ours), Value::String(theirs)) => {
            joined_text(base, ours, theirs)
        }
        _ => None,
    };
    joined.ok_or_else(|| Collision::of(base, Some(ours), Some(theirs)))
}

fn joined_items(base: &[Value], ours: &[Value], theirs: &[Value]) -> Option<Value> {
    let is_extended = ours.starts_with(base) && theirs.starts_with(base);
    is_extended.then(|| Value::Array([theirs, &ours[base.len()..]].concat()))
}

fn joined_text(base: &str, ours: &str, theirs: &str) -> Option<Value> {
    let our_tail = ours.strip_prefix(base)?;
    theirs
        .starts_with(base)
        .then(|| Value::String([theirs, our_tail].concat()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{join_all, text};
    use super::*;

    #[test]
    fn both_tails_follow_the_base() {
        let cases = [
            // (base, ours, theirs, joined)
            ("[1]", "[1,2]", "[1,3,4]", "[1,3,4,2]"),
            ("[1]", "[1,2]", "[1,2]", "[1,2,2]"),
            ("[1]", "[1.0,2]", "[1.00]", "[1.00,2]"),
            ("", "[1]", "[2]", "[2,1]"),
            (r#""a""#, r#""ab""#, r#""ac""#, r#""acb""#),
            ("", r#""b""#, r#""c""#, r#""cb""#),
            ("[1]", "[2]", "[1,3]", "edit-edit"),
            ("[1]", "[1,3]", "[0,1]", "edit-edit"),
            (r#""a""#, r#""b""#, r#""ac""#, "edit-edit"),
            ("[1]", r#""x""#, "[1,2]", "type"),
            (r#""a""#, "[1]", "[2]", "edit-edit"),
            ("", "1", "2", "add-add"),
        ];
        join_all(&cases, |base, ours, theirs| text(join(base, ours, theirs)));
    }
}
