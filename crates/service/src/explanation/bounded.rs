use std::sync::Arc;

use bytes::Bytes;
use detente_core::Stored;
use detente_core::json::Value;
use detente_core::merge::Join;
use detente_core::rules::{Duplicate, StateConflict, Violation};

use super::{Clash, Divergence, Explanation, REPEAT_LIMIT, Shows, What};

/// Longest text that a message may have, in bytes: rules and validators put values into theirs.
const MESSAGE_LIMIT: usize = 4096;

/// Whether values are too large, all together, to be repeated.
pub fn are_too_large<'a>(values: impl IntoIterator<Item = &'a Value>) -> bool {
    weight(values) > REPEAT_LIMIT
}

/// How many bytes of text values have, about.
fn weight<'a>(values: impl IntoIterator<Item = &'a Value>) -> usize {
    values.into_iter().map(Value::weight).sum()
}

/// The values that collide.
pub(super) fn values<'a>(clashes: &'a [Clash]) -> impl Iterator<Item = &'a Value> {
    let of_one = |it: &'a Clash| [&it.base, &it.yours, &it.current];
    clashes.iter().flat_map(of_one).flatten()
}

/// A message, cut where it is too long.
pub(super) fn cut(mut message: String) -> String {
    if message.len() > MESSAGE_LIMIT {
        message.truncate(message.floor_char_boundary(MESSAGE_LIMIT));
        message.push('…');
    }
    message
}

impl Explanation {
    /// How many bytes of documents and values it shows, about.
    pub(crate) fn shown_bytes(&self) -> usize {
        match &self.what {
            What::Stale(it, _) | What::PreconditionFailed(it, _) | What::Unmergeable(it, _) => {
                it.shown_bytes()
            }
            _ => 0,
        }
    }

    /// The same without documents and values, where they are too much to be shown.
    pub(crate) fn without_documents(self) -> Self {
        let bare = |divergence: Box<Divergence>| Box::new(divergence.without_documents());
        let what = match self.what {
            What::Stale(it, answer) => What::Stale(bare(it), answer),
            What::PreconditionFailed(it, field) => What::PreconditionFailed(bare(it), field),
            What::Unmergeable(it, answer) => What::Unmergeable(bare(it), answer),
            other => other,
        };
        Self { what, ..self }
    }
}

impl Divergence {
    fn shown_bytes(&self) -> usize {
        if self.shows != Shows::All {
            return 0;
        }
        let body = |stored: &Option<Arc<Stored>>| stored.as_ref().map_or(0, |it| it.body.len());
        let lost = self.joined.iter().filter_map(|it| it.lost.as_ref());
        body(&self.current)
            + self.merged.as_ref().map_or(0, Bytes::len)
            + weight(values(&self.clashes).chain(lost))
    }

    /// The same without documents and values. Whoever may read reads the current version at its address.
    pub(super) fn without_documents(self) -> Self {
        let bare = |clash: Clash| Clash {
            base: None,
            yours: None,
            current: None,
            ..clash
        };
        let without_lost = |join: Join| Join { lost: None, ..join };
        Self {
            clashes: self.clashes.into_iter().map(bare).collect(),
            joined: self.joined.into_iter().map(without_lost).collect(),
            merged: None,
            shows: Shows::TooLarge,
            ..self
        }
    }
}

impl What {
    /// The same, without values and texts that are too large to be repeated.
    pub(super) fn bounded(self) -> Self {
        match self {
            Self::Invalid(violations) => Self::Invalid(violations.into_iter().map(short).collect()),
            Self::Duplicate {
                duplicates,
                head,
                is_shown,
            } => Self::Duplicate {
                duplicates: without_large(duplicates),
                head,
                is_shown,
            },
            Self::State {
                conflict,
                head,
                is_shown,
            } => Self::State {
                conflict: Box::new(short_state(*conflict)),
                head,
                is_shown,
            },
            other => other,
        }
    }
}

fn short(violation: Violation) -> Violation {
    Violation {
        message: cut(violation.message),
        ..violation
    }
}

fn without_large(duplicates: Vec<Duplicate>) -> Vec<Duplicate> {
    let is_large = are_too_large(duplicates.iter().flat_map(|it| &it.values));
    let bounded = |it: Duplicate| Duplicate {
        values: if is_large { Vec::new() } else { it.values },
        message: cut(it.message),
        ..it
    };
    duplicates.into_iter().map(bounded).collect()
}

fn short_state(conflict: StateConflict) -> StateConflict {
    StateConflict {
        message: cut(conflict.message),
        current_state: conflict
            .current_state
            .filter(|state| !are_too_large([state])),
        reason: conflict.reason.map(cut),
        ..conflict
    }
}
