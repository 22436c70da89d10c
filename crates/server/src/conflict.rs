pub(crate) mod collision; // a stale edit beside what came since
pub(crate) mod record; // a refused write as the conflict log keeps it
pub(crate) mod story; // what happened since the base, and where the edits collide

use std::sync::Arc;

use axum::http::{Method, header};
use bytes::Bytes;
use detente_core::json::{Draft, Object, Pointer, Value, object};
use detente_core::rules::{Duplicate, StateConflict};
use detente_core::{Collision, Command, Edit, Head, Key, Lock, PatchFailure, Refusal, VersionTag};
use detente_store::{Reader, Settled, StoreError};

use self::record::Explained;
use self::story::Story;

use crate::app::App;
use crate::problem::{Problem, ProblemKind};
use crate::resource::document_href;
use crate::settings::{Collection, StaleStatus};
use crate::write::invalid;

/// Bodies past this size are not repeated in a refusal, in bytes.
const REPEAT_LIMIT: usize = 256 * 1024;

/// A write that was refused, as far as its refusal is to be explained by it.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) method: Method,
    pub(crate) command: Arc<Command>,
    pub(crate) collection: Arc<Collection>,
    pub(crate) may_read: bool,
    /// Whether it was to be joined with what came since.
    pub(crate) wants_merge: bool,
    /// The body, as it was sent.
    pub(crate) sent: Bytes,
}

/// Turns a refusal into the answer that lets its reader resolve it in one round trip.
pub(crate) async fn explain(
    app: &Arc<App>,
    attempt: Attempt,
    refusal: Refusal,
) -> Result<Explained, Problem> {
    if attempt.is_light(&*app.reader, &refusal) {
        let explained = attempt.explain(&*app.reader, refusal);
        return Ok(explained.map_err(Problem::internal)?.recorded(&attempt));
    }
    // What rests on history is read and compared where that holds up nobody else.
    app.read(move |reader| {
        let explained = attempt.explain(reader, refusal)?;
        Ok(explained.recorded(&attempt))
    })
    .await
}

/// So many versions, of so many bytes together, are compared on the request's own thread.
const LIGHT_VERSIONS: usize = 8;
const LIGHT_BYTES: usize = 32 * 1024;

/// The refusal of a settlement: somebody was faster, or the log keeps the conflict no more.
pub(crate) fn settled_before(settled: Option<&Settled>) -> Problem {
    let Some(settled) = settled else {
        return Problem::not_found("The log has no such conflict.");
    };
    let outcome = record::outcome_name(Some(settled.outcome));
    let detail = format!("{} {outcome} this conflict already.", settled.by);
    Problem::new(ProblemKind::ConflictSettled, detail)
        .with("outcome", outcome)
        .with("settled_by", settled.by.to_string())
        .with("settled_at", settled.at.to_string())
        .with("settled_version", settled.version)
}

impl Attempt {
    fn explain(&self, reader: &dyn Reader, refusal: Refusal) -> Result<Explained, StoreError> {
        let story = |head| Story::read(self, reader, head);
        Ok(match refusal {
            Refusal::Missing => self.missing().into(),
            Refusal::ConditionRequired => self.condition_required().into(),
            Refusal::Invalid(violations) => invalid(violations).into(),
            Refusal::State { conflict, head } => {
                let field = self.collection.rules.rules.lifecycle.as_ref();
                let path = field.map(|lifecycle| lifecycle.field.to_string());
                let problem = self.state(conflict, head);
                Explained::new(problem, path.into_iter().collect()).on(head)
            }
            Refusal::Duplicate { duplicates, head } => {
                let fields = duplicates.iter().flat_map(|it| &it.fields);
                let paths = fields.map(ToString::to_string).collect();
                Explained::new(self.duplicate(&duplicates, head), paths).on(head)
            }
            Refusal::Patch { failure, head } => {
                let paths = vec![failure.place().1.to_string()];
                Explained::new(self.patch(&failure, &head), paths).on(Some(head))
            }
            Refusal::Deleted { head } => {
                let story = story(Some(head))?;
                Explained::new(self.deleted(&story), vec![String::new()]).told_by(&story)
            }
            Refusal::Stale { head } => {
                let story = story(head)?;
                if self.wants_merge && self.is_base_gone(reader, head)? {
                    return Ok(self.base_gone(&story));
                }
                self.stale(self.stale_kind(), &story, None)
            }
            Refusal::PreconditionFailed { field, head } => {
                let story = story(Some(head))?;
                self.stale(ProblemKind::PreconditionFailed, &story, Some(field))
            }
            Refusal::Unmergeable { constraint, head } => {
                self.unmergeable(&story(Some(head))?, &constraint)
            }
            // Without its base, the edit could not be joined with what is current by then.
            Refusal::Locked { lock } => Explained::from(self.locked(&lock)).told_by(&story(None)?),
            Refusal::LockLost { head } => {
                Explained::from(lock_lost()).told_by(&story(None)?).on(head)
            }
        })
    }

    /// Whether all that explaining a refusal takes is small, and in memory.
    fn is_light(&self, reader: &dyn Reader, refusal: &Refusal) -> bool {
        let (Refusal::Stale { head: Some(head) }, Some(condition)) =
            (refusal, &self.command.preconditions.if_match)
        else {
            return false;
        };
        let tags = condition.tags().iter();
        let named = tags.filter_map(|tag| tag.opaque().parse::<VersionTag>().ok());
        let Some(oldest) = named.map(|tag| tag.seq).min() else {
            return false;
        };
        let mut bytes = self.sent.len();
        let mut next = Some(head.seq);
        for _ in 0..LIGHT_VERSIONS {
            let Some(stored) = next.and_then(|seq| reader.recall_version(seq)) else {
                return false;
            };
            bytes += stored.body.len();
            if bytes > LIGHT_BYTES {
                return false;
            }
            if stored.seq <= oldest {
                return true;
            }
            next = stored.prev;
        }
        false
    }

    fn missing(&self) -> Problem {
        let key = &self.command.key;
        Problem::not_found(format!(
            "{} has no document {:?}.",
            key.collection(),
            key.id()
        ))
    }

    fn locked(&self, lock: &Lock) -> Problem {
        locked(lock, &self.command.key)
    }

    /// Whether If-Match names a version that was this document's, by all that its tag says, and is
    /// not kept any more.
    fn is_base_gone(&self, reader: &dyn Reader, head: Option<Head>) -> Result<bool, StoreError> {
        let (Some(head), Some(condition)) = (head, &self.command.preconditions.if_match) else {
            return Ok(false);
        };
        for tag in condition.tags() {
            let Some(tag) = VersionTag::from_entity_tag(tag) else {
                continue;
            };
            let is_older = tag.version < head.version && tag.seq < head.seq;
            if is_older && reader.version(tag.seq)?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn base_gone(&self, story: &Story) -> Explained {
        let detail = "The version that your edit began from is no longer kept, so nobody can tell \
                      your changes from theirs. GET the document and make the edit anew.";
        let problem = Problem::new(ProblemKind::BaseGone, detail)
            .with("current_etag", story.tag())
            .with("resolutions", self.resolutions(story));
        let problem = problem.with_facts(story.current.as_ref().map(|it| it.head()));
        let problem = match story.tag() {
            Some(tag) => problem.header(header::ETAG, &tag),
            None => problem,
        };
        Explained::new(problem, Vec::new()).told_by(story)
    }

    fn stale_kind(&self) -> ProblemKind {
        match self.collection.stale_status {
            StaleStatus::Conflict => ProblemKind::StaleVersion,
            StaleStatus::PreconditionFailed => ProblemKind::PreconditionFailed,
        }
    }

    /// Whether it is an edit of a version that the request itself names.
    fn is_merge(&self) -> bool {
        matches!(self.command.edit, Edit::Merge(_))
    }

    fn href(&self) -> String {
        document_href(&self.command.key)
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
            let holder = Key::from_parts(
                self.command.key.space(),
                self.command.key.collection(),
                &duplicate.holder,
            );
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
            resolution("recreate", "PUT", self.href()).with("if_none_match", "*"),
        ];
        let problem = Problem::new(ProblemKind::Deleted, detail)
            .with("current_version", tombstone.version)
            .with("your_version", story.base.as_ref().map(|base| base.version))
            .with("deleted_at", tombstone.at.to_string())
            .with("deleted_by", tombstone.by.to_string());
        if !self.may_read {
            return problem.with("resolutions", resolutions);
        }
        let mut conflict = Draft::default()
            .with("path", "")
            .with("kind", Collision::EditDelete.name())
            .with("strategy", "manual")
            .with("by", &*tombstone.by)
            .with("version", tombstone.version);
        if let Some(base) = story
            .base
            .as_ref()
            .filter(|base| base.body.len() <= REPEAT_LIMIT)
        {
            conflict.add("base", base.document());
        }
        problem
            .with("conflicts", vec![conflict])
            .with("changes_since", story.changes())
            .with("mergeable", false)
            .with("resolutions", resolutions)
    }
}

pub(crate) fn locked(lock: &Lock, key: &Key) -> Problem {
    let detail = format!(
        "{} holds the lock of this document until {}.",
        lock.owner, lock.expires_at
    );
    let lock_href = format!("{}/lock", document_href(key));
    Problem::new(ProblemKind::Locked, detail)
        .with("locked_by", lock.owner.as_str())
        .with("fencing", lock.fencing)
        .with("expires_at", lock.expires_at.to_string())
        .with("resolutions", vec![resolution("lock", "GET", lock_href)])
}

pub(crate) fn lock_lost() -> Problem {
    let detail = "Lock-Token names no lock that is held: its time has passed, or it was released or \
                  broken. Others may have written since: take a new lock, and read before you write.";
    Problem::new(ProblemKind::LockLost, detail)
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

fn resolution(rel: &str, method: &str, href: impl AsRef<str>) -> Draft {
    Draft::default()
        .with("rel", rel)
        .with("method", method)
        .with("href", href.as_ref())
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
