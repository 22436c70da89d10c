use std::collections::HashMap;

use super::{Choice, Choices, Strategies};
use crate::json::{MAX_DEPTH, Pointer, Value};

/// What applies to a place in this merge, whatever its strategy, and to the places below it.
#[derive(Default)]
pub(super) struct Mark<'a> {
    pub(super) choice: Option<&'a Choice>,
    /// The place is in a group that both sides changed, in different ways.
    pub(super) in_torn_group: bool,
    below: HashMap<&'a str, Mark<'a>>,
}

impl<'a> Mark<'a> {
    /// `None` if there are no marks at all, which is the usual case.
    pub(super) fn all(
        [base, ours, theirs]: [Option<&Value>; 3],
        strategies: &'a Strategies,
        choices: &'a Choices,
    ) -> Option<Self> {
        let mut root = Self::default();
        // No document is deeper, but a place that somebody sends may be.
        let reachable = |(place, _): &(&Pointer, _)| place.tokens().len() <= MAX_DEPTH;
        for (place, choice) in choices.iter().filter(reachable) {
            root.reach(place).choice = Some(choice);
        }
        for places in strategies.groups() {
            let differ = |one, other| {
                places
                    .iter()
                    .any(|it| value_at(one, it) != value_at(other, it))
            };
            if differ(base, ours) && differ(base, theirs) && differ(ours, theirs) {
                for place in places {
                    root.reach(place).in_torn_group = true;
                }
            }
        }
        root.is_heeded().then_some(root)
    }

    fn reach(&mut self, place: &'a Pointer) -> &mut Self {
        let tokens = place.tokens().iter();
        tokens.fold(self, |at, token| at.below.entry(token).or_default())
    }

    fn is_heeded(&self) -> bool {
        self.choice.is_some() || self.in_torn_group || !self.below.is_empty()
    }

    pub(super) fn below(&self, token: &str) -> Option<&Self> {
        self.below.get(token)
    }

    /// Whether the place is decided as a whole, without looking at the places below.
    pub(super) fn replaces(&self) -> bool {
        self.in_torn_group || matches!(self.choice, Some(Choice::Value(_)))
    }

    pub(super) fn has_choice_below(&self) -> bool {
        let mut below = self.below.values();
        below.any(|mark| mark.choice.is_some() || mark.has_choice_below())
    }

    pub(super) fn has_torn_group_below(&self) -> bool {
        let mut below = self.below.values();
        below.any(|mark| mark.in_torn_group || mark.has_torn_group_below())
    }
}

fn value_at<'a>(side: Option<&'a Value>, place: &Pointer) -> Option<&'a Value> {
    side?.at(place)
}
