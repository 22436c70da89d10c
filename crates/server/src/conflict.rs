mod story; // what happened since the base, and where the edits collide

use std::sync::Arc;

use axum::http::{Method, header};
use detente_core::json::{Object, Pointer, Value, object};
use detente_core::rules::{Duplicate, StateConflict};
use detente_core::{
    Collision, Conflict, Edit, Field, Head, Key, PatchFailure, Preconditions, Refusal,
};
use detente_store::{SqliteReader, StoreError};

use self::story::{Found, Story};

use crate::app::App;
use crate::document::invalid;
use crate::problem::{Problem, ProblemKind};
use crate::resource::document_href;
use crate::settings::StaleStatus;

/// Bodies past this size are not repeated in a refusal, in bytes.
const REPEAT_LIMIT: usize = 256 * 1024;

/// A write that was refused, as far as its refusal is to be explained by it.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) key: Key,
    pub(crate) method: Method,
    pub(crate) preconditions: Preconditions,
    pub(crate) edit: Edit,
    pub(crate) may_read: bool,
    pub(crate) stale_status: StaleStatus,
}

/// Turns a refusal into the answer that lets its reader resolve it in one round trip.
pub(crate) async fn explain(
    app: &Arc<App>,
    attempt: Attempt,
    refusal: Refusal,
) -> Result<Problem, Problem> {
    // What rests on history is read and compared where that holds up nobody else.
    app.read(move |reader| attempt.explain(reader, refusal))
        .await
}

impl Attempt {
    fn explain(&self, reader: &SqliteReader, refusal: Refusal) -> Result<Problem, StoreError> {
        Ok(match refusal {
            Refusal::Missing => Problem::not_found(format!(
                "{} has no document {:?}.",
                self.key.collection(),
                self.key.id()
            )),
            Refusal::ConditionRequired => self.condition_required(),
            Refusal::Invalid(violations) => invalid(violations),
            Refusal::State { conflict, head } => self.state(conflict, head),
            Refusal::Duplicate { duplicates, head } => self.duplicate(&duplicates, head),
            Refusal::Patch { failure, head } => self.patch(&failure, &head),
            Refusal::Deleted { head } => self.deleted(&Story::read(self, reader, Some(head))?),
            Refusal::Stale { head } => {
                let story = Story::read(self, reader, head)?;
                self.stale(self.stale_kind(), &story, None)
            }
            Refusal::PreconditionFailed { field, head } => {
                let story = Story::read(self, reader, Some(head))?;
                self.stale(ProblemKind::PreconditionFailed, &story, Some(field))
            }
        })
    }

    fn stale_kind(&self) -> ProblemKind {
        match self.stale_status {
            StaleStatus::Conflict => ProblemKind::StaleVersion,
            StaleStatus::PreconditionFailed => ProblemKind::PreconditionFailed,
        }
    }

    fn href(&self) -> String {
        document_href(&self.key)
    }

    /// `current_etag` is not told: it is the GET that protects, not the tag.
    fn condition_required(&self) -> Problem {
        let method = &self.method;
        let detail = format!(
            "{method} changes a document that exists. GET it, and send its ETag back in If-Match; \
             If-Match: * overwrites whatever is there."
        );
        let get = resolution("read", "GET", self.href());
        let problem = Problem::new(ProblemKind::PreconditionRequired, detail);
        problem.with("resolutions", vec![get])
    }

    fn state(&self, conflict: StateConflict, head: Option<Head>) -> Problem {
        // A message may hold values of the document, and the lifecycle's names its state.
        let message = if self.may_read {
            conflict.message
        } else {
            format!("The rule {} does not allow this.", conflict.rule)
        };
        let problem = Problem::new(ProblemKind::StateConflict, message);
        let problem = problem
            .named(conflict.error)
            .with("rule", conflict.rule)
            .with("failed_rules", conflict.failed_rules)
            .with("allowed_transitions", conflict.allowed_transitions);
        if !self.may_read {
            return problem;
        }
        let problem = match conflict.reason {
            Some(reason) => problem.with("reason", reason),
            None => problem,
        };
        let problem = problem.with("current_state", conflict.current_state);
        problem.with_facts(head)
    }

    fn duplicate(&self, duplicates: &[Duplicate], head: Option<Head>) -> Problem {
        let rows: Vec<Object> = duplicates.iter().map(|it| self.violation(it)).collect();
        let Some(first) = duplicates.first() else {
            return Problem::internal("a refusal for duplicates names none");
        };
        Problem::new(ProblemKind::DuplicateEntry, self.duplicate_message(first))
            .named(first.error.clone())
            .with_all(rows.first().cloned().unwrap_or_default())
            .with("violations", rows)
            .with_facts(head.filter(|_| self.may_read))
    }

    /// Who may not read is not told who holds the key, nor anything of the document but its names.
    fn duplicate_message(&self, duplicate: &Duplicate) -> String {
        if self.may_read {
            return duplicate.message.clone();
        }
        let names: Vec<String> = duplicate.fields.iter().map(field_name).collect();
        format!("Another document has the same {}.", listed(&names))
    }

    fn violation(&self, duplicate: &Duplicate) -> Object {
        let names: Vec<String> = duplicate.fields.iter().map(field_name).collect();
        let mut row = object([
            ("constraint", duplicate.constraint.as_str().into()),
            ("field", names.first().cloned().into()),
            ("fields", names.into()),
        ]);
        if self.may_read {
            let holder =
                Key::from_parts(self.key.space(), self.key.collection(), &duplicate.holder);
            let existing = object([
                ("id", duplicate.holder.as_str().into()),
                ("href", document_href(&holder).into()),
            ]);
            row.insert("values".into(), Value::Array(duplicate.values.clone()));
            row.insert("existing".into(), existing.into());
        }
        row.insert("message".into(), self.duplicate_message(duplicate).into());
        row
    }

    fn patch(&self, failure: &PatchFailure, head: &Head) -> Problem {
        let (operation, path) = failure.place();
        let mut detail = failure.to_string();
        detail.push('.');
        let mut problem = Problem::new(ProblemKind::PatchConflict, capitalized(&detail))
            .with("operation", operation as u64)
            .with("path", path.to_string());
        if let PatchFailure::TestFailed {
            expected, actual, ..
        } = failure
        {
            problem = problem.with("expected", expected.clone());
            if let (Some(actual), true) = (actual, self.may_read) {
                problem = problem.with("actual", actual.clone());
            }
        }
        problem.with_facts(Some(*head))
    }

    fn deleted(&self, story: &Story) -> Problem {
        let Some(tombstone) = &story.current else {
            return Problem::internal("a deleted document has no tombstone");
        };
        let detail = format!(
            "{} deleted this document in version {}.",
            tombstone.by, tombstone.version
        );
        let resolutions = vec![
            resolution("history", "GET", format!("{}/versions", self.href())),
            with_condition(
                resolution("recreate", "PUT", self.href()),
                "if_none_match",
                "*",
            ),
        ];
        let problem = Problem::new(ProblemKind::Deleted, detail)
            .with("current_version", tombstone.version)
            .with("your_version", story.base.as_ref().map(|base| base.version))
            .with("deleted_at", tombstone.at.to_string())
            .with("deleted_by", tombstone.by.to_string());
        if !self.may_read {
            return problem.with("resolutions", resolutions);
        }
        let mut conflict = object([
            ("path", "".into()),
            ("kind", Collision::EditDelete.name().into()),
            ("strategy", "manual".into()),
            ("by", tombstone.by.to_string().into()),
            ("version", tombstone.version.into()),
        ]);
        if let Some(base) = story
            .base
            .as_ref()
            .filter(|base| base.body.len() <= REPEAT_LIMIT)
        {
            conflict.insert("base".into(), base.document().into());
        }
        problem
            .with("conflicts", vec![conflict])
            .with("changes_since", story.changes())
            .with("mergeable", false)
            .with("resolutions", resolutions)
    }

    fn stale(&self, kind: ProblemKind, story: &Story, failed: Option<Field>) -> Problem {
        let ours = story.ours(self);
        let found = story.compare(&ours);
        let detail = story.tell(&found, failed);
        let mut problem = Problem::new(kind, detail)
            .with(
                "current_version",
                story.current.as_ref().map(|it| it.version),
            )
            .with("your_version", story.base.as_ref().map(|base| base.version))
            .with("current_etag", story.tag())
            .with("conflicting_fields", found.fields.clone())
            .with("conflicts", self.conflicts(story, &found))
            .with("changes_since", story.changes())
            .with("mergeable", found.mergeable);
        if !found.agreements.is_empty() {
            problem = problem.with("agreements", found.agreements.clone());
        }
        if story.omitted {
            problem = problem.with("changes_omitted", true);
        }
        if story.is_already_applied(&self.edit) {
            problem = problem.with("already_applied", true);
        }
        problem = self.add_documents(problem, story, found.joined);
        let problem = problem.with("resolutions", self.resolutions(story));
        match story.tag() {
            Some(tag) => problem.header(header::ETAG, &tag),
            None => problem,
        }
    }

    fn add_documents(&self, problem: Problem, story: &Story, joined: Option<Value>) -> Problem {
        let Some(current) = story.current.as_ref().filter(|_| self.may_read) else {
            return problem;
        };
        if current.body.len() > REPEAT_LIMIT {
            return problem.with("current_href", self.href());
        }
        let problem = match &story.current_document {
            Some(document) => problem.with("current", document.clone()),
            None => problem,
        };
        match joined {
            Some(joined) => problem.with("merged", joined),
            None => problem,
        }
    }

    fn conflicts(&self, story: &Story, found: &Found) -> Vec<Object> {
        let size = story
            .current
            .as_ref()
            .map_or(0, |current| current.body.len());
        let show_values = self.may_read && size <= REPEAT_LIMIT;
        let row = |conflict: &Conflict| {
            let mut row = object([
                ("path", conflict.path.to_string().into()),
                ("kind", conflict.collision.name().into()),
                ("strategy", "manual".into()),
            ]);
            if show_values {
                let values = [
                    ("base", &conflict.base),
                    ("yours", &conflict.ours),
                    ("current", &conflict.theirs),
                ];
                for (name, value) in values {
                    if let Some(value) = value {
                        row.insert(name.into(), value.clone());
                    }
                }
            }
            if let Some(author) = story.author(&conflict.path) {
                row.insert("by".into(), author.by.to_string().into());
                row.insert("version".into(), author.version.into());
            }
            row
        };
        found.conflicts.iter().map(row).collect()
    }

    fn resolutions(&self, story: &Story) -> Vec<Object> {
        let retry = resolution("retry", self.method.as_str(), self.href());
        let history = resolution("history", "GET", format!("{}/versions", self.href()));
        match story.tag() {
            Some(tag) => vec![
                with_condition(retry, "if_match", &tag),
                resolution("current", "GET", self.href()),
                history,
            ],
            None => vec![with_condition(
                resolution("create", "PUT", self.href()),
                "if_none_match",
                "*",
            )],
        }
    }
}

impl Problem {
    /// Which version is current, where there is one.
    fn with_facts(self, head: Option<Head>) -> Self {
        match head.filter(Head::is_document) {
            Some(head) => self
                .with("current_version", head.version)
                .with("current_etag", head.tag().to_entity_tag().to_field()),
            None => self,
        }
    }
}

fn resolution(rel: &str, method: &str, href: String) -> Object {
    object([
        ("rel", rel.into()),
        ("method", method.into()),
        ("href", href.into()),
    ])
}

fn with_condition(mut resolution: Object, name: &str, value: &str) -> Object {
    resolution.insert(name.into(), value.into());
    resolution
}

/// A top-level member by its name, anything deeper by its pointer.
fn field_name(pointer: &Pointer) -> String {
    match pointer.tokens() {
        [name] => name.clone(),
        _ => pointer.to_string(),
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [names @ .., last] => format!("{} and {last}", names.join(", ")),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
