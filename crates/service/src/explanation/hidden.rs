//! Refusals about what a rule keeps from whoever asks: they are as if it were not there.

use detente_core::rules::{Deed, Duplicate};
use detente_core::{Constraint, Edit, Key, Refusal};

use super::seen::without_holder;
use super::{Attempt, Explanation, History, What};
use crate::reading::Steps;
use crate::{Action, Outcome, Principal, Service};

/// A refusal, once it is known whether its document is out of sight.
pub(super) enum Hidden {
    No(Refusal),
    /// It is, and the refusal is the one that a document would have that never was.
    As(Refusal),
    /// It is, and this is all that there is to say.
    Told(Box<Explanation>),
}

impl From<Deed> for Action {
    fn from(deed: Deed) -> Self {
        match deed {
            Deed::Create => Self::Create,
            Deed::Update => Self::Update,
            Deed::Delete => Self::Delete,
        }
    }
}

impl Service {
    /// Answers a write to a document that a rule hides as if the document were not there. That its id
    /// is taken cannot be hidden from somebody who wants to create it.
    pub(super) async fn hide(
        &self,
        attempt: &Attempt,
        principal: &Principal,
        refusal: Refusal,
    ) -> Outcome<Hidden> {
        let key = &attempt.command.key;
        if !self.is_hidden(principal, key).await? {
            return Ok(Hidden::No(refusal));
        }
        let names_a_version = attempt.command.preconditions.if_match.is_some();
        Ok(match &attempt.command.edit {
            Edit::Put(_) | Edit::Restore(_) if names_a_version => {
                Hidden::As(Refusal::Stale { head: None })
            }
            Edit::Put(_) | Edit::Restore(_) => {
                Hidden::Told(Explanation::of(attempt.denied(Deed::Create), key))
            }
            Edit::Patch(_) | Edit::Merge(_) | Edit::Delete => {
                Hidden::Told(Explanation::of(What::Missing, key))
            }
        })
    }

    /// A history without the versions that are out of sight, as if they were not there; and whether
    /// what is left may be shown.
    pub(crate) async fn history_in_sight(
        &self,
        principal: &Principal,
        key: &Key,
        mut history: History,
    ) -> Outcome<(History, bool)> {
        let may_read = principal.may(Action::Read, key);
        if !self.is_ruled(key.collection()) {
            return Ok((history, may_read));
        }
        let mut steps = Vec::with_capacity(history.steps.versions.len());
        for step in history.steps.versions {
            if self.is_in_sight(principal, &step).await? {
                steps.push(step);
            }
        }
        history.steps.versions = steps;
        if let Some(base) = &history.base
            && !self.is_in_sight(principal, base).await?
        {
            history.base = None;
            history.steps = Steps::default();
        }
        let shows_current = match &history.current {
            Some(current) => self.is_in_sight(principal, current).await?,
            None => true,
        };
        Ok((history, may_read && shows_current))
    }

    /// The refusal, without the holders of unique keys that are out of sight.
    pub(crate) async fn without_hidden_holders(
        &self,
        principal: &Principal,
        key: &Key,
        mut refusal: Refusal,
    ) -> Outcome<Refusal> {
        let duplicates = match &mut refusal {
            Refusal::Duplicate { duplicates, .. }
            | Refusal::Unmergeable {
                constraint: Constraint::Unique(duplicates),
                ..
            } => duplicates,
            _ => return Ok(refusal),
        };
        if !self.is_ruled(key.collection()) {
            return Ok(refusal);
        }
        for duplicate in duplicates {
            // One of the same batch has no holder.
            if duplicate.holder.is_empty() {
                continue;
            }
            let holder = Key::from_parts(key.space(), key.collection(), &duplicate.holder);
            if !self.sees_document(principal, &holder).await? {
                let message = "Another document has it already.".to_owned();
                *duplicate = Duplicate {
                    message,
                    ..without_holder(duplicate.clone())
                };
            }
        }
        Ok(refusal)
    }
}
