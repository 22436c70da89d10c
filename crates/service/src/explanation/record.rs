use std::sync::Arc;

use detente_core::{Edit, Moment, Patch, Stored};
use detente_store::{LoggedConflict, LostEdit, VersionPlace};

use super::{Attempt, Explanation, LogPlace, What};
use crate::Service;

impl Explanation {
    /// Makes the record for the conflict log, if the refusal is one of those that are kept: a
    /// conflict with others, not a mistake of the writer's own.
    pub(super) fn recorded(mut self, attempt: &Attempt, base: Option<&Stored>) -> Self {
        let Some(kind) = self.what.conflict_kind() else {
            return self;
        };
        let command = &attempt.command;
        let current = match &self.what {
            What::State { head, .. } | What::Duplicate { head, .. } | What::Patch { head, .. } => {
                *head
            }
            _ => self.stored,
        };
        let place = |(version, seq)| VersionPlace { version, seq };
        let record = LoggedConflict {
            id: uuid::Uuid::now_v7().to_string(),
            key: command.key.clone(),
            by: Arc::clone(&command.by),
            // Whoever explains knows these.
            at: Moment::default(),
            agent: None,
            method: attempt.verb.to_owned(),
            kind: kind.to_owned(),
            paths: self.paths(attempt),
            base: base.map(|it| place((it.version, it.seq))),
            current: current.map(|it| place((it.version, it.seq))),
            edit: lost_edit(attempt),
            settlement: None,
        };
        self.logged = Some(LogPlace {
            space: command.key.space().to_owned(),
            id: record.id.clone(),
        });
        self.record = Some(Box::new(record));
        self
    }

    /// JSON Pointers to what collides.
    fn paths(&self, attempt: &Attempt) -> Vec<String> {
        match &self.what {
            What::State { .. } => {
                let lifecycle = attempt.collection.rules.rules.lifecycle.as_ref();
                lifecycle
                    .map(|it| it.field.to_string())
                    .into_iter()
                    .collect()
            }
            What::Duplicate { duplicates, .. } => {
                let fields = duplicates.iter().flat_map(|it| &it.fields);
                fields.map(ToString::to_string).collect()
            }
            What::Patch { failure, .. } => vec![failure.place().1.to_string()],
            what => what.divergence().map(|it| it.paths()).unwrap_or_default(),
        }
    }

    /// Hands the record to the conflict log, where it is kept by and by.
    pub(crate) async fn log(mut self: Box<Self>, service: &Service) -> Box<Self> {
        let kind = self.what.conflict_kind();
        if let (Some(record), Some(kind)) = (self.record.take(), kind) {
            let collection = service.policy.label(record.key.collection());
            if matches!(self.what, What::Locked(_)) {
                service.metrics.waited_for_lock();
            }
            service.metrics.conflicted(collection, kind);
            service.writer.log(*record).await;
        }
        self
    }

    /// The explanation of a refusal that is not kept.
    pub(crate) fn unlogged(mut self: Box<Self>) -> Box<Self> {
        self.logged = None;
        self.record = None;
        self
    }
}

/// What a refused write would have made of the document.
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
