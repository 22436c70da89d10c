use std::cmp::Ordering;

use super::Collision;
use crate::Timestamp;
use crate::json::Value;

/// Which end of an order wins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extreme {
    Max,
    Min,
}

impl Extreme {
    /// The larger or smaller of two numbers, the later or earlier of two RFC 3339 instants.
    pub(super) fn join<'a>(
        self,
        ours: &'a Value,
        theirs: &'a Value,
    ) -> Result<&'a Value, Collision> {
        let order = order(ours, theirs).ok_or(Collision::Type)?;
        let order = match self {
            Self::Max => order,
            Self::Min => order.reverse(),
        };
        // The same instant in two notations: the same one is kept, whichever side it is on.
        let order = order.then_with(|| theirs.as_str().cmp(&ours.as_str()));
        Ok(if order == Ordering::Greater {
            ours
        } else {
            theirs
        })
    }
}

fn order(ours: &Value, theirs: &Value) -> Option<Ordering> {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => Some(ours.cmp(theirs)),
        (Value::String(ours), Value::String(theirs)) => {
            Some(Timestamp::parse(ours)?.cmp(&Timestamp::parse(theirs)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{join_all, text};
    use super::*;

    #[test]
    fn the_larger_number_and_the_later_instant() {
        let (noon, later) = (r#""2026-11-22T12:00:00Z""#, r#""2026-11-22T12:00:00.1Z""#);
        let elsewhere = r#""2026-11-22T13:00:00+01:00""#;
        let cases = [
            // (ours, theirs, max, min)
            ("5", "7", "7", "5"),
            ("7.0", "5", "7.0", "5"),
            (
                "9007199254740993",
                "9007199254740992",
                "9007199254740993",
                "9007199254740992",
            ),
            (noon, later, later, noon),
            (elsewhere, later, later, elsewhere),
            (noon, elsewhere, noon, noon),
            ("5", noon, "type", "type"),
            (noon, r#""noon""#, "type", "type"),
            ("true", "false", "type", "type"),
            ("null", "5", "type", "type"),
        ];
        for (ours, theirs, max, min) in cases {
            for (which, expected) in [(Extreme::Max, max), (Extreme::Min, min)] {
                for (ours, theirs) in [(ours, theirs), (theirs, ours)] {
                    join_all(&[("", ours, theirs, expected)], |_, ours, theirs| {
                        text(which.join(ours, theirs).cloned())
                    });
                }
            }
        }
    }
}
