//! An edit that was refused, applied to the document that is there now.

use detente_core::json;
use detente_core::merge::{Choice, Choices, merge};
use detente_core::merge_patch;
use serde_json::{Map, Value};

use super::retry::{Edit, Side};
use super::value::same;

impl Edit {
    /// Ours as it is to be sent again; `None` if somebody has to decide first.
    pub(super) fn apply(
        &self,
        base: Option<&Value>,
        ours: &Value,
        theirs: &Value,
    ) -> Option<Value> {
        match self {
            Self::Rewrite => Some(ours.clone()),
            Self::Patch => {
                let change = base.map_or_else(|| ours.clone(), |base| change(base, ours));
                let patched = merge_patch(Some(&to_core(theirs)?), &to_core(&change)?);
                from_core(&patched)
            }
            Self::Merge { prefer, strategies } => {
                let base = base.and_then(to_core);
                let (ours, theirs) = (to_core(ours)?, to_core(theirs)?);
                let join = |choices: &Choices| {
                    merge(
                        base.as_ref(),
                        Some(&ours),
                        Some(&theirs),
                        strategies,
                        choices,
                    )
                };
                let found = join(&Choices::new());
                if found.is_clean() {
                    return from_core(&found.document?);
                }
                let choice = match (*prefer)? {
                    Side::Ours => Choice::Ours,
                    Side::Theirs => Choice::Theirs,
                };
                let paths = found.conflicts.iter().map(|it| it.path.clone());
                let decided = join(&paths.map(|path| (path, choice.clone())).collect());
                from_core(&decided.document?)
            }
        }
    }
}

/// The merge patch (RFC 7396) that makes `after` of `before`.
pub(super) fn change(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return after.clone();
    };
    let mut patch = Map::new();
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, value) in after {
        match before.get(name) {
            Some(old) if same(old, value) => {}
            Some(old) if old.is_object() && value.is_object() => {
                patch.insert(name.clone(), change(old, value));
            }
            _ => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(patch)
}

/// Whether `document` has all that `patch` (RFC 7396) says.
pub(super) fn carries(document: &Value, patch: &Value) -> bool {
    let (Value::Object(members), Value::Object(patch)) = (document, patch) else {
        return same(document, patch);
    };
    patch
        .iter()
        .all(|(name, value)| match (value, members.get(name)) {
            (Value::Null, found) => found.is_none_or(Value::is_null),
            (value, Some(found)) => carries(found, value),
            (_, None) => false,
        })
}

/// By way of its text: the core keeps every digit.
pub(super) fn to_core(value: &Value) -> Option<json::Value> {
    json::parse(value.to_string().as_bytes()).ok()
}

pub(super) fn from_core(value: &json::Value) -> Option<Value> {
    serde_json::from_str(&value.to_text()).ok()
}

#[cfg(test)]
mod tests {
    use detente_core::merge::{Strategies, Strategy};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_what_differs() {
        let cases = [
            // (before, after, merge patch)
            (
                json!({"a": 1, "b": 2}),
                json!({"a": 1, "b": 3}),
                json!({"b": 3}),
            ),
            (
                json!({"a": 1, "b": 2}),
                json!({"a": 1.0}),
                json!({"b": null}),
            ),
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"b": 1, "c": 3}}),
                json!({"a": {"c": 3}}),
            ),
            (
                json!({"a": [1]}),
                json!({"a": [1, 2]}),
                json!({"a": [1, 2]}),
            ),
            (json!({}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}})),
            (json!({"a": 1}), json!({"a": 1}), json!({})),
        ];
        for (before, after, patch) in cases {
            assert_eq!(change(&before, &after), patch, "{before} {after}");
            assert!(carries(&after, &patch), "{after} {patch}");
        }
        assert!(!carries(&json!({"a": 1}), &json!({"a": 2})));
        assert!(!carries(&json!({"a": 1}), &json!({"a": null})));
        assert!(!carries(&json!({}), &json!({"a": 2})));
    }

    #[test]
    fn an_edit_is_applied_to_what_is_there_now() {
        let merge = |prefer, place: &str, strategy| {
            let mut strategies = Strategies::default();
            strategies.set(&place.parse().unwrap(), strategy);
            Edit::Merge { prefer, strategies }
        };
        let base = json!({"a": 1, "b": 1, "l": ["x"]});
        let cases = [
            // (edit, ours, theirs, result)
            (
                Edit::Patch,
                json!({"a": 2, "b": 1, "l": ["x"]}),
                json!({"a": 1, "b": 5, "l": []}),
                Some(json!({"a": 2, "b": 5, "l": []})),
            ),
            (
                Edit::Rewrite,
                json!({"a": 2}),
                json!({"a": 1, "b": 5}),
                Some(json!({"a": 2})),
            ),
            (
                merge(None, "/l", Strategy::Append),
                json!({"a": 1, "b": 1, "l": ["x", "o"]}),
                json!({"a": 1, "b": 1, "l": ["x", "t"]}),
                Some(json!({"a": 1, "b": 1, "l": ["x", "t", "o"]})),
            ),
            (
                merge(None, "/l", Strategy::Append),
                json!({"a": 2, "b": 1, "l": ["x"]}),
                json!({"a": 3, "b": 1, "l": ["x"]}),
                None,
            ),
            (
                merge(Some(Side::Ours), "/l", Strategy::Append),
                json!({"a": 2, "b": 1, "l": ["x"]}),
                json!({"a": 3, "b": 4, "l": ["x"]}),
                Some(json!({"a": 2, "b": 4, "l": ["x"]})),
            ),
            (
                merge(Some(Side::Theirs), "/l", Strategy::Append),
                json!({"a": 2, "b": 3, "l": ["x"]}),
                json!({"a": 3, "b": 1, "l": ["x"]}),
                Some(json!({"a": 3, "b": 3, "l": ["x"]})),
            ),
        ];
        for (edit, ours, theirs, result) in cases {
            assert_eq!(
                edit.apply(Some(&base), &ours, &theirs),
                result,
                "{edit:?} {ours} {theirs}"
            );
        }
    }
}
