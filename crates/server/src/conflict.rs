use std::sync::Arc;

use axum::http::{Method, header};
use detente_core::json::{self, Object, Pointer, Value, object};
use detente_core::rules::{Duplicate, StateConflict};
use detente_core::{
    Collision, Comparison, Condition, Conflict, Edit, Field, Head, Key, PatchFailure,
    Preconditions, Refusal, Seq, Stored, VersionTag, changed_members, compare, compare_blind,
};
use detente_store::{Reader, SqliteReader, StoreError};

use crate::app::App;
use crate::document::invalid;
use crate::problem::{Problem, ProblemKind};
use crate::resource::document_href;
use crate::settings::StaleStatus;

/// Bodies past this size are not repeated in a refusal, in bytes.
const REPEAT_LIMIT: usize = 256 * 1024;

/// How many versions between base and current are told one by one, and how much of them is read.
const TOLD_VERSIONS: usize = 100;
const TOLD_BYTES: usize = 4 * 1024 * 1024;

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

/// What happened between the version that a writer began from and the current one.
struct Story {
    /// The newest version that If-Match names and the document had.
    base: Option<Arc<Stored>>,
    base_document: Option<Value>,
    current: Option<Arc<Stored>>,
    current_document: Option<Value>,
    /// Each version after the base, the oldest first, with its document.
    steps: Vec<(Arc<Stored>, Option<Value>)>,
    /// Whether there are older steps than the ones above.
    omitted: bool,
}

/// What a writer wants a document to be.
enum Wanted {
    Document(Value),
    Nothing,
    /// A patch that does not fit what it was made for, at this path.
    Unclear(Pointer),
}

/// What a comparison of the writer's edit with the current version came to.
struct Found {
    conflicts: Vec<Conflict>,
    /// What both changed alike.
    agreements: Vec<String>,
    fields: Vec<String>,
    mergeable: bool,
    joined: Option<Value>,
}

impl Story {
    fn read(
        attempt: &Attempt,
        reader: &SqliteReader,
        head: Option<Head>,
    ) -> Result<Self, StoreError> {
        let current = match head {
            Some(head) => reader.version(head.seq)?,
            None => None,
        };
        let base = find_base(attempt, reader)?;
        let mut story = Self {
            base_document: base.as_ref().and_then(|base| base.document()),
            current_document: current.as_ref().and_then(|current| current.document()),
            base,
            current,
            steps: Vec::new(),
            omitted: false,
        };
        story.read_steps(reader)?;
        Ok(story)
    }

    fn read_steps(&mut self, reader: &SqliteReader) -> Result<(), StoreError> {
        let Some(base) = self.base.clone() else {
            return Ok(());
        };
        let mut bytes = 0;
        let mut next = self.current.clone();
        while let Some(step) = next.filter(|step| step.seq > base.seq) {
            bytes += step.body.len();
            if self.steps.len() == TOLD_VERSIONS || (bytes > TOLD_BYTES && !self.steps.is_empty()) {
                self.omitted = true;
                break;
            }
            next = match step.prev {
                Some(prev) => reader.version(prev)?,
                None => None,
            };
            let document = step.document();
            self.steps.push((step, document));
        }
        self.steps.reverse();
        Ok(())
    }

    fn tag(&self) -> Option<String> {
        let current = self.current.as_ref()?.head();
        current
            .is_document()
            .then(|| current.tag().to_entity_tag().to_string())
    }

    /// The document before a step; `None` too where that step is the first that was read of many.
    fn before(&self, index: usize) -> Option<&Value> {
        match index.checked_sub(1) {
            Some(before) => self.steps[before].1.as_ref(),
            None if self.omitted => None,
            None => self.base_document.as_ref(),
        }
    }

    fn changes(&self) -> Vec<Object> {
        let row = |(index, (step, document)): (usize, &(Arc<Stored>, Option<Value>))| {
            let mut row = object([
                ("version", step.version.into()),
                ("by", step.by.to_string().into()),
                ("at", step.at.to_string().into()),
            ]);
            if index > 0 || !self.omitted {
                let fields = changed_members(self.before(index), document.as_ref());
                row.insert("fields".into(), fields.into());
            }
            row
        };
        self.steps.iter().enumerate().map(row).collect()
    }

    /// Who last changed the value at a path.
    fn author(&self, path: &Pointer) -> Option<&Stored> {
        let value = |document: Option<&Value>| document.and_then(|it| it.at(path)).cloned();
        let first_known = usize::from(self.omitted);
        let changed =
            |index: &usize| value(self.steps[*index].1.as_ref()) != value(self.before(*index));
        let index = (first_known..self.steps.len()).rev().find(changed)?;
        Some(&self.steps[index].0)
    }

    /// A patch is applied to the exact base; where that is unknown, to the current version.
    fn ours(&self, attempt: &Attempt) -> Wanted {
        match &attempt.edit {
            Edit::Delete => Wanted::Nothing,
            Edit::Put(proposal) | Edit::Restore(proposal) => match json::parse(&proposal.body) {
                Ok(document) => Wanted::Document(document),
                Err(_) => Wanted::Nothing,
            },
            Edit::Patch(patching) => {
                let begun_from = self
                    .base_document
                    .as_ref()
                    .or(self.current_document.as_ref());
                let patched = begun_from.map(|it| patching.patch.apply(it, patching.max_bytes));
                match patched {
                    Some(Ok(document)) => Wanted::Document(document),
                    Some(Err(failure)) => Wanted::Unclear(failure.place().1.clone()),
                    None => Wanted::Nothing,
                }
            }
        }
    }

    fn compare(&self, ours: &Wanted) -> Found {
        let theirs = self.current_document.as_ref();
        let wanted = match ours {
            Wanted::Document(document) => Some(document),
            _ => None,
        };
        let found = match (ours, &self.base_document) {
            (Wanted::Unclear(path), _) => {
                let conflict = Conflict {
                    path: path.clone(),
                    collision: Collision::Inapplicable,
                    base: None,
                    ours: None,
                    theirs: theirs.and_then(|theirs| theirs.at(path)).cloned(),
                };
                let joined = theirs.cloned();
                Comparison {
                    conflicts: vec![conflict],
                    agreements: Vec::new(),
                    joined,
                }
            }
            (_, Some(base)) => compare(Some(base), wanted, theirs),
            // Where nothing is stored, nothing collides: the document just is not there.
            (_, None) => Comparison {
                conflicts: theirs.map_or_else(Vec::new, |it| compare_blind(wanted, Some(it))),
                agreements: Vec::new(),
                joined: None,
            },
        };
        let is_known = self.base_document.is_some() && self.current_document.is_some();
        let mergeable = is_known && found.conflicts.is_empty();
        Found {
            fields: self.fields(&found.conflicts),
            agreements: found.agreements.iter().map(field_name).collect(),
            mergeable,
            joined: found.joined.filter(|_| is_known),
            conflicts: found.conflicts,
        }
    }

    /// The top-level members in conflict. Where whole documents collide, those that were changed.
    fn fields(&self, conflicts: &[Conflict]) -> Vec<String> {
        let mut fields: Vec<String> = Vec::new();
        for conflict in conflicts {
            let names = match conflict.path.tokens().first() {
                Some(name) => vec![name.clone()],
                None => {
                    changed_members(self.base_document.as_ref(), self.current_document.as_ref())
                }
            };
            fields.extend(names);
        }
        let mut seen = std::collections::HashSet::new();
        fields.retain(|name| seen.insert(name.clone()));
        fields
    }

    /// Whether the current version is what the writer sent, stored directly on what it began from.
    /// Then its earlier answer was lost, or somebody else made the same change: the server cannot
    /// tell, and for a counter the difference is everything, so the write is refused all the same.
    fn is_already_applied(&self, edit: &Edit) -> bool {
        match (edit, &self.base, &self.current) {
            (Edit::Put(proposal), Some(base), Some(current)) => {
                current.prev == Some(base.seq) && current.body == proposal.body
            }
            _ => false,
        }
    }

    fn tell(&self, found: &Found, failed: Option<Field>) -> String {
        let Some(current) = &self.current else {
            return "There is no such document, and If-Match asks for one.".into();
        };
        let saved = format!("{} saved version {}", current.by, current.version);
        let Some(base) = &self.base else {
            return match failed {
                Some(Field::IfNoneMatch) => {
                    format!("There is such a document already: {saved}.")
                }
                Some(field) => format!("{} does not hold: {saved}.", field.name()),
                None => format!("{saved}; it never had the version that If-Match names."),
            };
        };
        if base.seq == current.seq {
            return "If-Match names the current version, but by a weak tag, which never matches \
                    (RFC 9110, section 13.1.1)."
                .into();
        }
        let begun = format!("{saved}; your edit began from version {}.", base.version);
        format!("{begun} {}", found.tell(base.version))
    }
}

impl Found {
    /// Where the two edits stand to each other.
    fn tell(&self, base: u64) -> String {
        let misfit = self
            .conflicts
            .iter()
            .find(|it| it.collision == Collision::Inapplicable);
        if let Some(misfit) = misfit {
            return format!(
                "Your patch does not fit version {base}: there is no {:?}.",
                misfit.path.to_string()
            );
        }
        match (self.fields.as_slice(), self.agreements.as_slice()) {
            ([], []) => "Your changes and theirs do not overlap.".into(),
            ([], alike) => format!("Both of you changed {} in the same way.", listed(alike)),
            (fields, _) => format!("Both of you changed {}.", listed(fields)),
        }
    }
}

fn find_base(attempt: &Attempt, reader: &SqliteReader) -> Result<Option<Arc<Stored>>, StoreError> {
    let Some(condition) = &attempt.preconditions.if_match else {
        return Ok(None);
    };
    let mut newest: Option<Arc<Stored>> = None;
    for tag in named_versions(condition) {
        let Some(stored) = reader.version(tag.seq as Seq)? else {
            continue;
        };
        let is_it = stored.key == attempt.key && stored.head().tag() == tag;
        if is_it
            && newest
                .as_ref()
                .is_none_or(|newest| newest.version < stored.version)
        {
            newest = Some(stored);
        }
    }
    Ok(newest)
}

/// A weak tag does not match, but it does tell which version the writer began from.
fn named_versions(condition: &Condition) -> impl Iterator<Item = VersionTag> {
    condition
        .tags()
        .iter()
        .filter_map(|tag| tag.opaque().parse().ok())
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
