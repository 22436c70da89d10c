use std::sync::Arc;
use std::time::SystemTime;

use detente_core::{Edit, Head, Moment, Patch};
use detente_store::{LoggedConflict, LostEdit, Settling, VersionPlace};

use super::Attempt;
use super::story::Story;
use crate::app::App;
use crate::problem::Problem;

/// A refusal, explained, and what the conflict log is to keep of it.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) problem: Problem,
    paths: Vec<String>,
    base: Option<VersionPlace>,
    current: Option<VersionPlace>,
    record: Option<LoggedConflict>,
}

impl From<Problem> for Explained {
    fn from(problem: Problem) -> Self {
        Self::new(problem, Vec::new())
    }
}

impl Explained {
    pub(super) fn new(problem: Problem, paths: Vec<String>) -> Self {
        Self {
            problem,
            paths,
            base: None,
            current: None,
            record: None,
        }
    }

    /// Which version was current.
    pub(super) fn on(mut self, head: Option<Head>) -> Self {
        self.current = head.map(place);
        self
    }

    pub(super) fn told_by(mut self, story: &Story) -> Self {
        self.base = story.base.as_ref().map(|base| place(base.head()));
        let current = story.current.as_ref().map(|it| it.head());
        self.on(current)
    }

    /// Makes the record for the log, if the refusal is one of those that are kept: a conflict with
    /// others, not a mistake of the writer's own.
    pub(super) fn recorded(mut self, attempt: &Attempt) -> Self {
        let row = self.problem.kind.describe();
        if !row.is_conflict() {
            return self;
        }
        let id = uuid::Uuid::now_v7().to_string();
        let command = &attempt.command;
        self.problem = self
            .problem
            .with("logged", conflict_href(command.key.space(), &id));
        self.record = Some(LoggedConflict {
            id,
            at: Moment::from(SystemTime::now()),
            key: command.key.clone(),
            by: Arc::clone(&command.by),
            method: attempt.method.to_string(),
            kind: row.slug.to_owned(),
            paths: std::mem::take(&mut self.paths),
            base: self.base,
            current: self.current,
            edit: lost_edit(attempt),
            settlement: None,
        });
        self
    }

    /// Hands the record to the log, and gives the refusal on.
    pub(crate) async fn log(self, app: &Arc<App>) -> Problem {
        if let Some(record) = self.record {
            let collection = app.settings.label(record.key.collection());
            app.metrics.conflicted(collection, &record.kind);
            app.writer.log(record).await;
        }
        self.problem
    }
}

fn place(head: Head) -> VersionPlace {
    VersionPlace {
        version: head.version,
        seq: head.seq,
    }
}

fn lost_edit(attempt: &Attempt) -> LostEdit {
    match &attempt.command.edit {
        Edit::Put(proposal) | Edit::Restore(proposal) => LostEdit::Document(proposal.body.clone()),
        Edit::Patch(patching) => match &*patching.patch {
            Patch::Merge(_) => LostEdit::MergePatch(attempt.sent.clone()),
            Patch::Json(_) => LostEdit::JsonPatch(attempt.sent.clone()),
        },
        Edit::Merge(merging) => match &merging.ours {
            Some(ours) => LostEdit::Document(ours.to_text().into()),
            None => LostEdit::Deletion,
        },
        Edit::Delete => LostEdit::Deletion,
    }
}

/// Where a conflict of the log is found.
pub(crate) fn conflict_href(space: &str, id: &str) -> String {
    let prefix = crate::resource::space_prefix(space);
    format!("{prefix}/api/_conflicts/{id}")
}

/// As the log tells it; `None` is open.
pub(crate) fn outcome_name(outcome: Option<Settling>) -> &'static str {
    match outcome {
        None => "open",
        Some(Settling::Resolved) => "resolved",
        Some(Settling::Dismissed) => "dismissed",
    }
}
