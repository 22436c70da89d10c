use detente_core::json::{Object, Value, object};
use detente_core::rules::{Duplicate, StateConflict, Violation};
use detente_core::{Head, Key};
use detente_service::MOST_PLACES;

use super::Subject;
use super::message::{field_name, listed};
use crate::problem::{Problem, ProblemKind};

impl Subject<'_> {
    pub(super) fn duplicate(
        &self,
        duplicates: &[Duplicate],
        head: Option<Head>,
        is_shown: bool,
    ) -> Problem {
        let row = |it: &Duplicate| self.duplicate_row(it, is_shown);
        let rows: Vec<Object> = duplicates.iter().map(row).collect();
        let Some(first) = duplicates.first() else {
            return Problem::internal("a refusal for duplicates names none");
        };
        let detail = self.duplicate_message(first, is_shown);
        Problem::new(ProblemKind::DuplicateEntry, detail)
            .named(first.error.clone())
            .with_all(rows.first().cloned().unwrap_or_default())
            .with("violations", rows)
            .with_facts(head)
    }

    fn duplicate_row(&self, duplicate: &Duplicate, is_shown: bool) -> Object {
        let names: Vec<String> = duplicate.fields.iter().map(field_name).collect();
        let mut row = object([
            ("constraint", duplicate.constraint.as_str().into()),
            ("field", names.first().cloned().into()),
            ("fields", names.into()),
        ]);
        if let (Some(key), true) = (self.key, is_shown) {
            let holder = Key::from_parts(key.space(), key.collection(), &duplicate.holder);
            let existing = object([
                ("id", duplicate.holder.as_str().into()),
                ("href", self.site.document(&holder).into()),
            ]);
            // None: they are too large.
            if !duplicate.values.is_empty() {
                row.insert("values".into(), Value::Array(duplicate.values.clone()));
            }
            if !duplicate.holder.is_empty() {
                row.insert("existing".into(), existing.into());
            }
        }
        let message = self.duplicate_message(duplicate, is_shown);
        row.insert("message".into(), message.into());
        row
    }

    /// Who may not read is not told who holds the key, nor anything of the document but its names.
    /// Within a batch, an earlier operation may be what would hold the key.
    fn duplicate_message(&self, duplicate: &Duplicate, is_shown: bool) -> String {
        let names: Vec<String> = duplicate.fields.iter().map(field_name).collect();
        match self.rests_on {
            Some(operation) if is_shown && duplicate.holder.is_empty() => format!(
                "Operation {operation} of this batch takes the same {} first.",
                listed(&names)
            ),
            _ if is_shown => duplicate.message.clone(),
            _ => format!("Another document has the same {}.", listed(&names)),
        }
    }
}

pub(super) fn state(conflict: StateConflict, head: Option<Head>, is_shown: bool) -> Problem {
    let problem = Problem::new(ProblemKind::StateConflict, conflict.message);
    let problem = problem
        .named(conflict.error)
        .with("rule", conflict.rule)
        .with("failed_rules", conflict.failed_rules)
        .with("allowed_transitions", conflict.allowed_transitions);
    if !is_shown {
        return problem;
    }
    let problem = match conflict.reason {
        Some(reason) => problem.with("reason", reason),
        None => problem,
    };
    let problem = problem.with("current_state", conflict.current_state);
    problem.with_facts(head)
}

pub(crate) fn invalid(violations: Vec<Violation>) -> Problem {
    let first = violations.first().map(|violation| {
        let place = if violation.path.is_empty() {
            "the document"
        } else {
            &violation.path
        };
        format!("{place}: {}", violation.message)
    });
    let detail = match violations.len() {
        1 => format!("{}.", first.unwrap_or_default()),
        count => format!(
            "{count} violations; the first: {}.",
            first.unwrap_or_default()
        ),
    };
    let omitted = violations.len().saturating_sub(MOST_PLACES);
    let rows = violations.into_iter().take(MOST_PLACES).map(row);
    let problem = Problem::new(ProblemKind::InvalidDocument, detail);
    let problem = problem.with("violations", rows.collect::<Vec<_>>());
    match omitted {
        0 => problem,
        count => problem.with("violations_omitted", count as u64),
    }
}

fn row(violation: Violation) -> Object {
    object([
        ("path", violation.path.into()),
        ("keyword", violation.keyword.into()),
        ("message", violation.message.into()),
    ])
}
