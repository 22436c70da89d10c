use std::borrow::Cow;

use super::extreme::Extreme;
use super::side::{Alike, Sides};
use super::{Collision, Strategy, append, counter, set, text};
use crate::json::Value;

/// The result of a strategy for two edits.
pub(super) enum Settled<'a> {
    /// Both sides have the same value, and it counts once.
    Agreement,
    Join {
        value: Option<Cow<'a, Value>>,
        review: bool,
        lost: Option<&'a Value>,
    },
}

/// Joins a value that both sides changed, as a whole.
pub(super) fn settle<'a>(
    strategy: &Strategy,
    sides: Sides<'a>,
    alike: Alike,
) -> Result<Settled<'a>, Collision> {
    let Sides { base, ours, theirs } = sides;
    let joined = match (ours, theirs) {
        (Some(ours), Some(theirs)) if counts_twice(strategy) || !alike.ours_theirs => {
            join_values(strategy, base, ours, theirs)
        }
        _ if *strategy == Strategy::Derived && !alike.ours_theirs => Ok(keep(theirs, ours)),
        _ => Err(Collision::of(base, ours, theirs)),
    };
    match joined {
        Err(_) if alike.ours_theirs => Ok(Settled::Agreement),
        joined => joined,
    }
}

/// Whether two equal edits both count.
fn counts_twice(strategy: &Strategy) -> bool {
    matches!(strategy, Strategy::Counter | Strategy::Append)
}

fn join_values<'a>(
    strategy: &Strategy,
    base: Option<&'a Value>,
    ours: &'a Value,
    theirs: &'a Value,
) -> Result<Settled<'a>, Collision> {
    match strategy {
        Strategy::LastWriter => Ok(keep(Some(ours), Some(theirs))),
        Strategy::FirstWriter | Strategy::Derived => Ok(keep(Some(theirs), Some(ours))),
        Strategy::Counter => counter::join(base, ours, theirs).map(put_together),
        Strategy::Set => set::join(base, ours, theirs).map(put_together),
        Strategy::Append => append::join(base, ours, theirs).map(put_together),
        Strategy::Max => Extreme::Max.join(ours, theirs).map(take),
        Strategy::Min => Extreme::Min.join(ours, theirs).map(take),
        Strategy::Text => text::join(base, ours, theirs).map(|it| Settled::Join {
            value: Some(Cow::Owned(Value::String(it.text))),
            review: it.review,
            lost: None,
        }),
        // Lists whose elements are identified by keys were joined element by element.
        Strategy::KeyedList { .. } => Err(Collision::Inapplicable),
        Strategy::Manual | Strategy::Atomic | Strategy::Group(_) => {
            Err(Collision::of(base, Some(ours), Some(theirs)))
        }
    }
}

fn keep<'a>(kept: Option<&'a Value>, lost: Option<&'a Value>) -> Settled<'a> {
    Settled::Join {
        value: kept.map(Cow::Borrowed),
        review: false,
        lost,
    }
}

fn take(value: &Value) -> Settled<'_> {
    Settled::Join {
        value: Some(Cow::Borrowed(value)),
        review: false,
        lost: None,
    }
}

fn put_together(value: Value) -> Settled<'static> {
    Settled::Join {
        value: Some(Cow::Owned(value)),
        review: false,
        lost: None,
    }
}
