use detente_core::json::Value;
use detente_core::merge::Conflict;
use detente_core::rules::{Duplicate, StateConflict, Violation};

use super::{REPEAT_LIMIT, What};

/// Longest text that a message may have, in bytes: rules and validators put values into theirs.
const MESSAGE_LIMIT: usize = 4096;

/// Whether values are too large, all together, to be repeated.
pub fn are_too_large<'a>(values: impl IntoIterator<Item = &'a Value>) -> bool {
    let weights = values.into_iter().map(Value::weight);
    weights.sum::<usize>() > REPEAT_LIMIT
}

/// The values that collide.
pub(super) fn values<'a>(conflicts: &'a [Conflict]) -> impl Iterator<Item = &'a Value> {
    let of_one = |it: &'a Conflict| [&it.base, &it.ours, &it.theirs];
    conflicts.iter().flat_map(of_one).flatten()
}

/// A message, cut where it is too long.
pub(super) fn cut(mut message: String) -> String {
    if message.len() > MESSAGE_LIMIT {
        message.truncate(message.floor_char_boundary(MESSAGE_LIMIT));
        message.push('…');
    }
    message
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
