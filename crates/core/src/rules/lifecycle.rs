use indexmap::IndexMap;

use super::StateConflict;
use crate::json::{Pointer, Value};

/// The states that a document may be in, and the steps between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// Where a document says its state; a string.
    pub field: Pointer,
    /// The states in which a document may be created.
    pub initial: Vec<String>,
    /// Each state, with those that may follow it.
    pub states: IndexMap<String, Vec<String>>,
}

/// A step that was asked for: from where, to where. `None` from: the document is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
}

impl Lifecycle {
    pub fn state_of(&self, document: Option<&Value>) -> Option<Value> {
        document?.at(&self.field).cloned()
    }

    /// The states that may follow; for a new document the initial ones. A state that is no longer
    /// declared may be left for any that is.
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

    /// Whether the step from `old` to `new` is declared; staying is always allowed.
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
            message: self.message(&step, old.is_none(), &allowed),
            current_state: self.state_of(old),
            allowed_transitions: allowed,
            failed_rules: vec!["lifecycle".into()],
            reason: None,
        })
    }

    fn message(&self, step: &Step<'_>, is_new: bool, allowed: &[String]) -> String {
        let to = match step.to {
            Some(to) => format!("{to:?}"),
            None => "no state".to_owned(),
        };
        let next = match allowed {
            [] => "nothing may follow".to_owned(),
            allowed => format!("allowed: {}", allowed.join(", ")),
        };
        let field = &self.field;
        match step.from {
            _ if is_new => format!("{field} cannot begin as {to}; {next}"),
            Some(from) => format!("{field} cannot go from {from:?} to {to}; {next}"),
            None => format!("{field} cannot become {to}; {next}"),
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
                Some(r#"/status cannot begin as "paid"; allowed: draft"#),
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
                Some(r#"/status cannot go from "shipped" to "draft"; nothing may follow"#),
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
        let stateless = parse(b"{}").unwrap();
        let refusal = lifecycle.judge(None, &stateless).unwrap_err();
        assert_eq!(
            refusal.message,
            "/status cannot begin as no state; allowed: draft"
        );
    }
}
