use serde_json::{Value, json};

use super::subject::Subject;
use super::{Members, refusal};
use crate::problem::ProblemKind;
use crate::settings::{Settings, Undeclared};

/// A server, as far as its description depends on it.
pub(super) struct Api<'a> {
    settings: &'a Settings,
    pub(super) subjects: Vec<Subject<'a>>,
}

/// The tag of what stands beside the collections, none of which can have this name.
pub(super) const SERVER: &str = "_server";

impl<'a> Api<'a> {
    pub(super) fn of(settings: &'a Settings) -> Self {
        let mut subjects: Vec<_> = settings
            .collections
            .iter()
            .map(|(name, collection)| Subject::new(settings, Some(name), collection))
            .collect();
        if let Undeclared::Allow(collection) = &settings.undeclared {
            subjects.push(Subject::new(settings, None, collection));
        }
        Self { settings, subjects }
    }

    pub(super) fn wants_tokens(&self) -> bool {
        self.settings.tokens.is_some()
    }

    pub(super) fn tags(&self) -> Vec<Value> {
        let mut tags: Vec<_> = self.subjects.iter().map(Subject::described_tag).collect();
        tags.push(json!({
            "name": SERVER,
            "description": "What the server tells of itself, and the changes of a whole space.",
        }));
        tags
    }

    /// The responses of an operation that anybody may ask for.
    pub(super) fn open(&self, success: Members, refusals: &[ProblemKind]) -> Members {
        answers(success, refusals.to_vec())
    }

    /// The responses of an operation that wants a token where there are tokens.
    pub(super) fn guarded(&self, success: Members, refusals: &[ProblemKind]) -> Members {
        guarded(self.settings, success, refusals)
    }
}

/// The responses of an operation that wants a token where there are tokens.
pub(super) fn guarded(settings: &Settings, success: Members, refusals: &[ProblemKind]) -> Members {
    let mut kinds = refusals.to_vec();
    match settings.tokens {
        Some(_) => kinds.extend([ProblemKind::Unauthenticated, ProblemKind::Forbidden]),
        // For an X-Actor that is no name.
        None => kinds.push(ProblemKind::Malformed),
    }
    answers(success, kinds)
}

fn answers(mut responses: Members, mut refusals: Vec<ProblemKind>) -> Members {
    refusals.push(ProblemKind::HeadersTooLarge);
    responses.extend(refusal::by_status(&refusals));
    responses
}
