//! The rules of one collection: what its documents look like, what must be unique, which steps a
//! state allows.

mod access; // who may do what with which documents
mod duplicate; // unique keys of a document
mod expression; // CEL, compiled and checked at the start
mod guarded; // loops that end when patience does
mod lifecycle; // declared states and the steps between them
mod patience; // how long rules may take
mod schema; // JSON Schema 2020-12
mod shape; // the places that a schema leaves no room for
mod template; // messages with values in them
mod types; // type errors in an expression that can be found before it runs

pub use access::{Access, AccessRule, Deed};
pub use duplicate::{Claim, Duplicate, Unique};
use expression::{Answer, Change};
pub use expression::{Expression, ExpressionError};
pub use lifecycle::{Lifecycle, Step};
pub use patience::{Endless, Patience};
pub use schema::{Schema, SchemaError, Violation};
pub use template::{Template, TemplateError};

use crate::json::Value;
use crate::merge::Strategies;

/// What a collection requires of its documents. The default requires nothing.
#[derive(Debug, Default)]
pub struct Rules {
    pub schema: Option<Schema>,
    pub unique: Vec<Unique>,
    pub lifecycle: Option<Lifecycle>,
    pub checks: Vec<Check>,
    pub access: Access,
    /// How two edits of one document are merged.
    pub strategies: Strategies,
}

/// A rule in CEL. It is checked if everything that it mentions exists: a rule that mentions
/// `oldSelf` is not checked on create, one that mentions `self` is not checked on delete.
#[derive(Debug)]
pub struct Check {
    /// Becomes `error` in the refusal.
    pub name: String,
    /// The rule applies only where this holds.
    pub when: Option<Expression>,
    pub check: Expression,
    pub message: Option<Template>,
}

/// A refusal by a rule or a lifecycle (RFC 9110, section 15.5.10: the state of the resource forbids
/// it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateConflict {
    pub error: String,
    pub rule: String,
    pub message: String,
    pub current_state: Option<Value>,
    pub allowed_transitions: Vec<String>,
    /// The names of all rules that fail; the first one is `rule`.
    pub failed_rules: Vec<String>,
    /// Why `rule` could not be evaluated, if it failed for that reason.
    pub reason: Option<String>,
}

/// Why rules do not let a change through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// Not to whoever asks.
    Denied(Deed),
    State(StateConflict),
    /// The rules of this name took longer than they may for such documents.
    TooCostly {
        rule: String,
    },
}

impl Rules {
    /// Whether checking a write needs the parsed documents, not just their bytes.
    pub fn read_documents(&self) -> bool {
        !self.unique.is_empty()
            || self.lifecycle.is_some()
            || !self.checks.is_empty()
            || !self.access.is_open()
    }

    /// Whether checking a write evaluates conditions, which may take long for large documents.
    pub fn evaluate_conditions(&self) -> bool {
        !self.checks.is_empty() || !self.access.is_open()
    }

    /// Checks the change from `old` to `new`; `None` means that there is no document.
    ///
    /// Whether `caller` may do it comes first; `None` may do anything. Rules are checked before the
    /// lifecycle, since their refusals say more. For a document that `is_restored` the lifecycle does
    /// not apply.
    ///
    /// # Errors
    ///
    /// [`Forbidden`] with the first rule that fails.
    pub fn judge(
        &self,
        id: &str,
        old: Option<&Value>,
        new: Option<&Value>,
        is_restored: bool,
        caller: Option<&Value>,
        patience: &dyn Patience,
    ) -> Result<(), Forbidden> {
        if let Some(caller) = caller
            && let Some(deed) = self.access.forbids(old, new, caller, patience)
        {
            return Err(Forbidden::Denied(deed));
        }
        let mut failed: Vec<&Check> = Vec::new();
        let change = Change::new(old, new);
        for check in &self.checks {
            match check.allows(&change, patience) {
                Answer::True => {}
                Answer::False => failed.push(check),
                Answer::TooCostly => {
                    let rule = check.name.clone();
                    return Err(Forbidden::TooCostly { rule });
                }
            }
        }
        if let Some(first) = failed.first() {
            let document = new.or(old);
            return Err(Forbidden::State(StateConflict {
                error: first.name.clone(),
                rule: first.name.clone(),
                message: first.message(id, document),
                current_state: self.lifecycle.as_ref().and_then(|it| it.state_of(old)),
                allowed_transitions: self.allowed_from(old),
                failed_rules: failed.iter().map(|check| check.name.clone()).collect(),
                reason: first.check.reason(&change, patience),
            }));
        }
        match (&self.lifecycle, new) {
            (Some(lifecycle), Some(new)) if !is_restored => {
                lifecycle.judge(old, new).map_err(Forbidden::State)
            }
            _ => Ok(()),
        }
    }

    /// The unique keys that a document has.
    pub fn claims(&self, document: &Value) -> Vec<Claim> {
        let unique = self.unique.iter().enumerate();
        unique
            .filter_map(|(index, unique)| unique.claim(index, document))
            .collect()
    }

    fn allowed_from(&self, old: Option<&Value>) -> Vec<String> {
        let lifecycle = self.lifecycle.as_ref();
        lifecycle
            .map(|lifecycle| lifecycle.allowed_from(old))
            .unwrap_or_default()
    }
}

impl Check {
    fn allows(&self, change: &Change<'_>, patience: &dyn Patience) -> Answer {
        if !self.check.is_answerable(change) {
            return Answer::True;
        }
        let applies = match &self.when {
            None => Answer::True,
            Some(when) if !when.is_answerable(change) => Answer::False,
            Some(when) => when.answer(change, patience),
        };
        match applies {
            Answer::True => self.check.answer(change, patience),
            Answer::False => Answer::True,
            Answer::TooCostly => Answer::TooCostly,
        }
    }

    fn message(&self, id: &str, document: Option<&Value>) -> String {
        match &self.message {
            Some(template) => template.fill(id, document),
            None => format!(
                "The rule {} does not hold: {}",
                self.name,
                self.check.source()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::json::parse;

    fn conflict(forbidden: Forbidden) -> StateConflict {
        match forbidden {
            Forbidden::State(conflict) => conflict,
            other => panic!("{other:?}"),
        }
    }

    fn rule(forbidden: Forbidden) -> String {
        conflict(forbidden).rule
    }

    fn message(forbidden: Forbidden) -> String {
        conflict(forbidden).message
    }

    fn check(name: &str, when: Option<&str>, check: &str, message: Option<&str>) -> Check {
        let compile = |source: &str| Expression::compile(source).unwrap();
        Check {
            name: name.into(),
            when: when.map(compile),
            check: compile(check),
            message: message.map(|text| text.parse().unwrap()),
        }
    }

    #[test]
    fn a_rule_is_judged_where_all_that_it_mentions_exists() {
        let rules = Rules {
            checks: vec![
                check(
                    "Shipped",
                    Some("oldSelf.status == 'shipped'"),
                    "self == oldSelf",
                    None,
                ),
                check(
                    "OutOfStock",
                    None,
                    "self.stock >= 0",
                    Some("{/name} is out, {id}"),
                ),
                check("Kept", None, "!has(oldSelf.keep)", None),
            ],
            ..Rules::default()
        };
        let cases = [
            // (old, new, the rule that refuses)
            ("", r#"{"stock":0}"#, ""),
            ("", r#"{"stock":-1}"#, "OutOfStock"),
            ("", r#"{}"#, "OutOfStock"),
            (r#"{"stock":1}"#, r#"{"stock":1.5}"#, ""),
            (
                r#"{"status":"shipped","stock":1}"#,
                r#"{"status":"x","stock":1}"#,
                "Shipped",
            ),
            (
                r#"{"status":"shipped","stock":1}"#,
                r#"{"status":"shipped","stock":1}"#,
                "",
            ),
            (r#"{"status":"shipped"}"#, "", ""),
            (r#"{"keep":true}"#, "", "Kept"),
        ];
        for (old, new, refusing) in cases {
            let value = |text: &str| (!text.is_empty()).then(|| parse(text.as_bytes()).unwrap());
            let verdict = rules.judge(
                "7",
                value(old).as_ref(),
                value(new).as_ref(),
                false,
                None,
                &Endless,
            );
            let rule = verdict.err().map(rule).unwrap_or_default();
            assert_eq!(rule, refusing, "{old} to {new}");
        }
        let document = parse(br#"{"stock":-1,"name":"Tea"}"#).unwrap();
        let refusal = rules
            .judge("7", None, Some(&document), false, None, &Endless)
            .unwrap_err();
        assert_eq!(message(refusal), "Tea is out, 7");
    }

    /// Lasts for so many questions.
    #[derive(Debug)]
    struct Lasting(AtomicUsize);

    impl Patience for Lasting {
        fn is_over(&self) -> bool {
            self.0
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                })
                .is_err()
        }
    }

    #[test]
    fn a_rule_ends_when_patience_does_whatever_it_would_have_said() {
        let conditions = [
            "self.a.all(x, self.a.exists(y, y == x))",
            "!self.a.all(x, self.a.exists(y, y == x))",
            "self.a.exists(x, self.a.all(y, y != x))",
            "self.a.exists_one(x, self.a.exists_one(y, y == x))",
            "size(self.a.map(x, self.a.map(y, y + x))) > 0",
            "size(self.a.filter(x, self.a.exists(y, y == x))) == 100",
        ];
        let numbers: Vec<_> = (0..100).map(|n| n.to_string()).collect();
        let document = parse(format!(r#"{{"a":[{}]}}"#, numbers.join(",")).as_bytes()).unwrap();
        for condition in conditions {
            for when in [None, Some(condition)] {
                let rules = Rules {
                    checks: vec![check("Costly", when, condition, None)],
                    ..Rules::default()
                };
                for questions in [0, 1, 7, 99] {
                    let patience = Lasting(AtomicUsize::new(questions));
                    let answer = rules.judge("7", None, Some(&document), false, None, &patience);
                    let rule = "Costly".into();
                    assert_eq!(answer, Err(Forbidden::TooCostly { rule }), "{condition}");
                }
                let answer = rules.judge("7", None, Some(&document), false, None, &Endless);
                assert!(
                    !matches!(answer, Err(Forbidden::TooCostly { .. })),
                    "{condition}"
                );
            }
        }
    }
}
