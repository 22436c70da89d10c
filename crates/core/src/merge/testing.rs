use super::Collision;
use crate::json::{Value, parse};

/// Checks a table of (base, ours, theirs, expected), the sides as JSON, empty for an absent one.
pub(super) fn join_all(
    cases: &[(&str, &str, &str, &str)],
    join: impl Fn(Option<&Value>, &Value, &Value) -> String,
) {
    for (base, ours, theirs, expected) in cases {
        let [base_value, ours_value, theirs_value] = [base, ours, theirs].map(|text| value(text));
        let found = join(
            base_value.as_ref(),
            ours_value.as_ref().expect("a value of ours"),
            theirs_value.as_ref().expect("a value of theirs"),
        );
        assert_eq!(&found, expected, "{base} | {ours} | {theirs}");
    }
}

pub(super) fn value(text: &str) -> Option<Value> {
    let parsed = |text: &str| parse(text.as_bytes()).unwrap_or_else(|_| panic!("{text}"));
    (!text.is_empty()).then(|| parsed(text))
}

/// A joined value as JSON, a collision by its name.
pub(super) fn text(joined: Result<Value, Collision>) -> String {
    joined.map_or_else(|it| it.name().to_owned(), |it| it.to_text())
}
