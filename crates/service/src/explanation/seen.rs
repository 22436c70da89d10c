use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::Pointer;
use detente_core::merge::{Obstacle, Reason};
use detente_core::rules::{Duplicate, StateConflict, Violation};
use detente_core::{Gap, PatchFailure, Stored};

use super::{Broken, Clash, Demand, Divergence, Explanation, Shows, What};

/// What takes the place of a message that may hold values of a document.
fn rule_message(rule: &str) -> String {
    format!("The rule {rule} does not allow this.")
}

/// The same, where a validator's message may quote what it found.
fn keyword_message(keyword: &str) -> String {
    format!("the schema's {keyword} does not allow this")
}

impl Explanation {
    /// The explanation, less all that a document holds, unless that is shown: whoever may not read
    /// sees where edits collide, and no more.
    pub(crate) fn seen(self, is_shown: bool) -> Self {
        if is_shown {
            return self;
        }
        Self {
            what: self.what.without_content(),
            ..self
        }
    }
}

impl What {
    fn without_content(self) -> Self {
        match self {
            // The edits of others are in a document that a patch or a merge makes.
            Self::Invalid(violations) => {
                Self::Invalid(violations.into_iter().map(without_instance).collect())
            }
            Self::Duplicate { duplicates, .. } => Self::Duplicate {
                duplicates: duplicates.into_iter().map(without_holder).collect(),
                head: None,
                is_shown: false,
            },
            Self::State { conflict, .. } => Self::State {
                conflict: Box::new(without_state(*conflict)),
                head: None,
                is_shown: false,
            },
            Self::Patch { failure, .. } => Self::Patch {
                failure: without_actual(failure),
                head: None,
                is_shown: false,
            },
            other => other.with_divergence(Divergence::without_content),
        }
    }
}

impl Divergence {
    fn without_content(self) -> Self {
        let hidden = |clash: Clash| Clash {
            obstacle: clash.obstacle.map(without_key),
            broken: clash.broken.map(|it| it.without_values(&clash.path)),
            ..clash
        };
        let bare = self.without_documents();
        Self {
            base: bare.base.map(without_body),
            current: bare.current.map(without_body),
            clashes: bare.clashes.into_iter().map(hidden).collect(),
            joined: Vec::new(),
            shows: Shows::Nothing,
            ..bare
        }
    }
}

impl Broken {
    fn without_values(self, path: &Pointer) -> Self {
        let message = match &self.demand {
            Demand::Keyword(keyword) => keyword_message(keyword),
            Demand::Rule(rule) => rule_message(rule),
            Demand::Constraint(_) => format!("Another document has the same {path}."),
        };
        Self { message, ..self }
    }
}

fn without_key(obstacle: Obstacle) -> Obstacle {
    let reason = match obstacle.reason {
        Reason::RepeatedKey { key, .. } => Reason::RepeatedKey { key, value: None },
        reason => reason,
    };
    Obstacle { reason, ..obstacle }
}

/// Neither who holds the key, nor anything of the document but the names of its members.
pub(super) fn without_holder(duplicate: Duplicate) -> Duplicate {
    Duplicate {
        values: Vec::new(),
        holder: String::new(),
        message: String::new(),
        ..duplicate
    }
}

fn without_instance(violation: Violation) -> Violation {
    Violation {
        message: keyword_message(&violation.keyword),
        ..violation
    }
}

/// Versions have to be told by their numbers and tags.
fn without_body(stored: Arc<Stored>) -> Arc<Stored> {
    Arc::new(Stored {
        body: Bytes::new(),
        ..(*stored).clone()
    })
}

fn without_state(conflict: StateConflict) -> StateConflict {
    StateConflict {
        message: rule_message(&conflict.rule),
        current_state: None,
        // They follow from the state.
        allowed_transitions: Vec::new(),
        reason: None,
        ..conflict
    }
}

fn without_actual(failure: PatchFailure) -> PatchFailure {
    match failure {
        PatchFailure::TestFailed {
            operation,
            path,
            expected,
            ..
        } => PatchFailure::TestFailed {
            operation,
            path,
            expected,
            actual: None,
        },
        PatchFailure::NoSuchPath {
            operation,
            path,
            target,
            ..
        } => PatchFailure::NoSuchPath {
            operation,
            path,
            gap: Gap::Itself,
            target,
        },
        other => other,
    }
}
