mod key; // what an element is called in a path
mod order; // whose order the elements stand in

use std::borrow::Cow;
use std::collections::HashMap;

use indexmap::IndexMap;

use super::place::Place;
use super::side::{Alike, Joined, Sides};
use super::walk::{At, Walk};
use super::{Choice, Collision, Join, Strategy};
use crate::json::{Pointer, Value};
use order::{Arrangement, Orders};

pub(super) use key::{by_token, token};

/// The elements of one side, in order, by the token of their key.
type Elements<'a> = IndexMap<Cow<'a, str>, &'a Value>;

/// The elements of the three sides; base has none if it is absent.
struct Lists<'a> {
    base: Elements<'a>,
    ours: Elements<'a>,
    theirs: Elements<'a>,
}

impl<'a> Lists<'a> {
    /// `None` if a side is not an array, or if its elements are not identified by their keys.
    fn of(sides: Sides<'a>, key: &Pointer) -> Option<Self> {
        Some(Self {
            base: sides
                .base
                .map_or(Some(Elements::new()), |base| elements(base, key))?,
            ours: elements(sides.ours?, key)?,
            theirs: elements(sides.theirs?, key)?,
        })
    }

    /// All tokens, those of theirs first.
    fn tokens(&self) -> impl Iterator<Item = &str> {
        let ours = self.ours.keys().filter(|it| !self.theirs.contains_key(*it));
        let gone = |token: &&Cow<'_, str>| {
            !self.theirs.contains_key(*token) && !self.ours.contains_key(*token)
        };
        let base = self.base.keys().filter(gone);
        self.theirs.keys().chain(ours).chain(base).map(|it| &**it)
    }

    fn sides(&self, token: &str) -> Sides<'a> {
        let of = |elements: &Elements<'a>| elements.get(token).copied();
        Sides {
            base: of(&self.base),
            ours: of(&self.ours),
            theirs: of(&self.theirs),
        }
    }
}

fn elements<'a>(list: &'a Value, key: &Pointer) -> Option<Elements<'a>> {
    let Value::Array(items) = list else {
        return None;
    };
    let mut elements = Elements::with_capacity(items.len());
    for item in items {
        let token = key::token(item.as_object().and(item.at(key))?);
        if elements.insert(token, item).is_some() {
            return None;
        }
    }
    Some(elements)
}

impl Walk {
    /// Joins element by element, matched by key. A choice for the list itself decides only its
    /// order.
    pub(super) fn join_list<'a>(
        &mut self,
        at: At<'_, 'a>,
        sides: Sides<'a>,
        strategy: &Strategy,
        key: &Pointer,
    ) -> Joined<'a> {
        let alike = sides.alike();
        let choice = at.mark.and_then(|mark| mark.choice);
        let is_chosen = choice.is_some() || at.mark.is_some_and(|mark| mark.has_choice_below());
        // Even equal edits may have counted something twice, inside an element.
        let agree = alike.ours_theirs && !at.here.reaches_below();
        let is_settled = alike.ours_base || alike.theirs_base || agree;
        let is_torn = at.mark.is_some_and(|mark| mark.has_torn_group_below());
        let lists = if is_torn || is_settled && !is_chosen {
            None
        } else {
            Lists::of(sides, key)
        };
        match (lists, choice) {
            (Some(lists), _) => self.join_elements(at, sides, alike, &lists),
            (None, Some(choice)) => self.choose(at, sides, choice),
            (None, None) => self.join_whole(at, sides, alike, strategy),
        }
    }

    fn join_elements<'a>(
        &mut self,
        at: At<'_, 'a>,
        sides: Sides<'a>,
        alike: Alike,
        lists: &Lists<'a>,
    ) -> Joined<'a> {
        let (agreed, collided) = (self.merge.agreements.len(), self.merge.conflicts.len());
        let (mut is_ours, mut is_theirs) = (true, true);
        let mut found = HashMap::with_capacity(lists.theirs.len());
        for token in lists.tokens() {
            let below = At {
                place: Place::In(&at.place, token),
                here: &at.here.below(token),
                mark: at.mark.and_then(|mark| mark.below(token)),
            };
            let joined = self.join(below, lists.sides(token));
            is_ours &= joined.is_ours;
            is_theirs &= joined.is_theirs;
            if let Some(value) = joined.value {
                found.insert(token, value);
            }
        }
        let Arrangement { order, is_disputed } = self.arrange(at, sides, lists, &found);
        is_ours &= lists.ours.keys().eq(&order);
        is_theirs &= lists.theirs.keys().eq(&order);
        if is_disputed {
            self.collide(at, sides, alike, "keyed-list", Collision::Order);
        } else if alike.ours_theirs && !alike.theirs_base && is_theirs {
            self.merge.agreements.truncate(agreed);
            self.note_agreement(at, sides);
        } else if !alike.is_settled() && self.merge.conflicts.len() == collided {
            self.merge.joined.push(Join {
                path: at.place.pointer(),
                strategy: "keyed-list",
                review: false,
                lost: None,
            });
        }
        let value = if is_theirs {
            sides.theirs.map(Cow::Borrowed)
        } else if is_ours {
            sides.ours.map(Cow::Borrowed)
        } else {
            let items = order.iter().filter_map(|token| found.remove(token));
            let items = items.map(Cow::into_owned).collect();
            Some(Cow::Owned(Value::Array(items)))
        };
        Joined {
            value,
            alike,
            is_ours,
            is_theirs,
        }
    }

    fn arrange<'k>(
        &mut self,
        at: At<'_, '_>,
        sides: Sides<'_>,
        lists: &'k Lists<'_>,
        found: &HashMap<&str, Cow<'_, Value>>,
    ) -> Arrangement<'k> {
        let kept = |elements: &'k Elements<'_>| -> Vec<&'k str> {
            let tokens = elements.keys().map(|token| &**token);
            tokens.filter(|token| found.contains_key(token)).collect()
        };
        let orders = Orders {
            base: kept(&lists.base),
            ours: kept(&lists.ours),
            theirs: kept(&lists.theirs),
        };
        let choice = at.mark.and_then(|mark| mark.choice);
        if choice.is_some() {
            self.note_choice(at, sides);
        }
        match choice {
            Some(Choice::Ours) => orders.arrange_like(&orders.ours),
            Some(Choice::Theirs) => orders.arrange_like(&orders.theirs),
            Some(Choice::Base) => orders.arrange_like(&orders.base),
            _ => orders.arrange(),
        }
    }
}
