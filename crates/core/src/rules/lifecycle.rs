use indexmap::IndexMap;

use super::StateConflict;
use crate::json::{Pointer, Value};

/// The states that a document may be in, and the steps between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// Where a document has its state, a string.
    pub field: Pointer,
    /// The states in which a document may be created.
    pub initial: Vec<String>,
    /// Each state, with the states that may follow it.
    pub states: IndexMap<String, Vec<String>>,
}

/// A requested step. `from` is `None` if the document is new or has no state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
}

impl Lifecycle {
    /// The state of a document, if it has one.
    pub fn state_of(&self, document: Option<&Value>) -> Option<Value> {
        document?.at(&self.field).cloned()
    }

    /// The states that may follow; for a new document the initial ones. A document whose state is
    /// not declared (any more) may go to any declared one.
    pub fn allowed_from(&self, old: Option<&Value>) -> Vec<String> {
        let Some(old) = old else {
            return self.initial.clone();
        };
        let state = old.at(&self.field).and_then(Value::as_str);
        match state.and_then(|state| self.states.get(state)) {
            Some(next) => next.clone(),
            None => self.states.keys().cloned().collect(),
        }
    }

    /// Checks that the step from `old` to `new` is declared. Staying is always allowed.
    pub(super) fn judge(&self, old: Option<&Value>, new: &Value) -> Result<(), StateConflict> {
        let step = Step {
            from: old
                .and_then(|old| old.at(&self.field))
                .and_then(Value::as_str),
            to: new.at(&self.field).and_then(Value::as_str),
        };
        let allowed = self.allowed_from(old);
        let goes = step
            .to
            .is_some_and(|to| allowed.iter().any(|state| state == to));
        if goes || (step.from.is_some() && step.from == step.to) {
            return Ok(());
        }
        Err(StateConflict {
            error: "StateConflict".into(),
            rule: "lifecycle".into(),
            message: self.message(&step, old.is_none(), new, &allowed),
            current_state: self.state_of(old),
            allowed_transitions: allowed,
            failed_rules: vec!["lifecycle".into()],
            reason: None,
        })
    }

    fn message(&self, step: &Step<'_>, is_new: bool, new: &Value, allowed: &[String]) -> String {
        let field = &self.field;
        let next = match allowed {
            allowed if is_new => format!("start with {}", allowed.join(" or ")),
            [] => "no state may follow".to_owned(),
            allowed => format!("allowed: {}", allowed.join(", ")),
        };
        match (step.from, step.to) {
            (_, None) if new.at(field).is_none() => format!("{field} is missing; {next}"),
            (_, None) => format!("{field} must be a string; {next}"),
            (_, Some(to)) if is_new => format!("{field} cannot start as {to:?}; {next}"),
            (Some(from), Some(to)) => format!("{field} cannot go from {from:?} to {to:?}; {next}"),
            (None, Some(to)) => format!("{field} cannot become {to:?}; {next}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn steps_that_are_declared_and_steps_that_are_not() {
        let states = [
            ("draft", vec!["paid"]),
            ("paid", vec!["shipped"]),
            ("shipped", vec![]),
        ];
        let lifecycle = Lifecycle {
            field: "/status".parse().unwrap(),
            initial: vec!["draft".into()],
            states: states
                .into_iter()
                .map(|(state, next)| (state.into(), next.into_iter().map(String::from).collect()))
                .collect(),
        };
        let cases = [
            (None, "draft", None),
            (
                None,
                "paid",
                Some(r#"/status cannot start as "paid"; start with draft"#),
            ),
            (Some("draft"), "draft", None),
            (Some("draft"), "paid", None),
            (
                Some("draft"),
                "shipped",
                Some(r#"/status cannot go from "draft" to "shipped"; allowed: paid"#),
            ),
            (
                Some("shipped"),
                "draft",
                Some(r#"/status cannot go from "shipped" to "draft"; no state may follow"#),
            ),
            (Some("retired"), "paid", None),
            (Some("retired"), "retired", None),
            (
                Some("draft"),
                "retired",
                Some(r#"/status cannot go from "draft" to "retired"; allowed: paid"#),
            ),
        ];
        let in_state =
            |state: &str| parse(format!(r#"{{"status":"{state}"}}"#).as_bytes()).unwrap();
        for (from, to, message) in cases {
            let refusal = lifecycle
                .judge(from.map(in_state).as_ref(), &in_state(to))
                .err();
            let found = refusal.map(|refusal| refusal.message);
            assert_eq!(found.as_deref(), message, "{from:?} to {to}");
        }
        let draft = in_state("draft");
        let cases = [
            (None, "{}", "/status is missing; start with draft"),
            (
                None,
                r#"{"status":1}"#,
                "/status must be a string; start with draft",
            ),
            (Some(&draft), "{}", "/status is missing; allowed: paid"),
        ];
        for (old, new, message) in cases {
            let new = parse(new.as_bytes()).unwrap();
            let refusal = lifecycle.judge(old, &new).unwrap_err();
            assert_eq!(refusal.message, message);
        }
    }
}
