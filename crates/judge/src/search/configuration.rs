use std::collections::HashMap;

use crate::history::{Kind, Name, Outcome};
use crate::search::facts::{Facts, Mark, Shown};
use crate::search::pending::Pending;

/// How far one order has come: what is there, and which of the pending operations have taken effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Configuration {
    state: State,
    /// Ascending.
    done: Vec<usize>,
    /// Tags whose versions were replaced, as far as they could be mistaken for the tag of a later one. Ascending.
    gone: Vec<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum State {
    Absent,
    Present { tag: Slot, value: Slot },
}

/// What is known of a tag or a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Slot {
    /// Nothing yet.
    Open,
    /// It is none that the history names.
    Other,
    Is(Name),
}

impl From<Option<Name>> for Slot {
    fn from(name: Option<Name>) -> Self {
        name.map_or(Self::Open, Self::Is)
    }
}

impl Configuration {
    /// Before the first operation: anything may be there, or nothing.
    pub(super) fn initial() -> Vec<Self> {
        let present = State::Present {
            tag: Slot::Open,
            value: Slot::Open,
        };
        let with = |state| Self {
            state,
            done: Vec::new(),
            gone: Vec::new(),
        };
        [State::Absent, present].map(with).into()
    }

    pub(super) fn has(&self, step: usize) -> bool {
        self.done.binary_search(&step).is_ok()
    }

    pub(super) fn forget(&mut self, step: usize) {
        if let Ok(at) = self.done.binary_search(&step) {
            self.done.remove(at);
        }
    }

    fn with(&self, state: State, step: usize) -> Self {
        let mut done = self.done.clone();
        if let Err(at) = done.binary_search(&step) {
            done.insert(at, step);
        }
        Self {
            state,
            done,
            gone: self.gone.clone(),
        }
    }

    /// Lets everything take effect that only looks and agrees with what is there. It changes nothing, so sooner is never
    /// worse.
    pub(super) fn absorb(&mut self, facts: &Facts<'_>, pending: &Pending) {
        for step in pending.iter() {
            if facts.only_looks(step) && self.agrees(step, facts) && !self.has(step) {
                *self = self.with(self.state, step);
            }
        }
    }

    /// Whether `step` finds what it should, and nothing more need be known for that.
    fn agrees(&self, step: usize, facts: &Facts<'_>) -> bool {
        let outcomes = self.look(step, facts);
        outcomes == [self.state]
    }

    /// All configurations in which `step` takes effect next.
    pub(super) fn apply(&self, step: usize, facts: &Facts<'_>, pending: &Pending) -> Vec<Self> {
        let of = facts.step(step);
        let found = self.look(step, facts);
        if facts.only_looks(step) {
            return found
                .into_iter()
                .map(|state| self.with(state, step))
                .collect();
        }
        let shown = facts.shown(step);
        let left = match of.kind {
            Kind::Delete => State::Absent,
            _ => State::Present {
                tag: shown.tag.into(),
                value: shown.value.into(),
            },
        };
        let mut found = found.into_iter();
        let Some(replaced) = found.find(|state| self.may_leave(*state, step, facts, pending))
        else {
            return Vec::new();
        };
        let mut after = self.with(left, step);
        if let State::Present {
            tag: Slot::Is(tag), ..
        } = replaced
            && facts.may_be_mistaken(tag)
            && let Err(at) = after.gone.binary_search(&tag)
        {
            after.gone.insert(at, tag);
        }
        vec![after]
    }

    /// What may be there if `step` finds what it demands; more than one if that leaves something open.
    fn look(&self, step: usize, facts: &Facts<'_>) -> Vec<State> {
        let of = facts.step(step);
        let (is_absent, same) = (self.state == State::Absent, vec![self.state]);
        let when = |holds: bool| if holds { same.clone() } else { Vec::new() };
        let demanded = facts.demanded(step);
        match (of.kind, of.outcome) {
            (Kind::Read, _) if of.absent => when(is_absent),
            (Kind::Read, _) => self.observe(facts.shown(step), facts).into_iter().collect(),
            (Kind::Create, Outcome::Refused) => when(!is_absent),
            (Kind::Create, _) => when(is_absent),
            (Kind::Delete, Outcome::Refused) if demanded.is_nothing() => when(is_absent),
            (_, Outcome::Refused) => self.miss(demanded, facts),
            _ if demanded.is_nothing() => when(true),
            _ => self.observe(demanded, facts).into_iter().collect(),
        }
    }

    /// What is there if it is what was shown.
    fn observe(&self, shown: Shown, facts: &Facts<'_>) -> Option<State> {
        let State::Present { tag, value } = self.state else {
            return None;
        };
        let agree = |slot: Slot, shown: Option<Name>, may_be: bool| match (slot, shown) {
            (slot, None) => Some(slot),
            (Slot::Open, Some(name)) => may_be.then_some(Slot::Is(name)),
            (slot, Some(name)) => (slot == Slot::Is(name)).then_some(slot),
        };
        let may_be_tag = shown.tag.is_some_and(|tag| {
            facts.may_be_open_tag(tag) && self.gone.binary_search(&tag).is_err()
        });
        let may_be_value = shown
            .value
            .is_some_and(|value| facts.may_be_open_value(value));
        Some(State::Present {
            tag: agree(tag, shown.tag, may_be_tag)?,
            value: agree(value, shown.value, may_be_value)?,
        })
    }

    /// What may be there if it is not what was demanded: by its tag, or by its value where there is no tag.
    fn miss(&self, demanded: Shown, facts: &Facts<'_>) -> Vec<State> {
        let State::Present { tag, value } = self.state else {
            return vec![self.state];
        };
        let known_apart = |slot: Slot, name: Option<Name>| match (slot, name) {
            (Slot::Open, _) | (_, None) => false,
            (slot, Some(name)) => slot != Slot::Is(name),
        };
        if known_apart(tag, demanded.tag) || known_apart(value, demanded.value) {
            return vec![self.state];
        }
        let open = match (demanded.by_tag, tag, value) {
            (true, Slot::Open, _) => facts.tags(),
            (false, _, Slot::Open) => facts.values(),
            _ => return Vec::new(),
        };
        let mut states = vec![match demanded.by_tag {
            true => State::Present {
                tag: Slot::Other,
                value,
            },
            false => State::Present {
                tag,
                value: Slot::Other,
            },
        }];
        let avoided = if demanded.by_tag {
            demanded.tag
        } else {
            demanded.value
        };
        for name in open.iter().filter(|name| Some(**name) != avoided) {
            let shown = facts.standing_for(*name, demanded.by_tag);
            states.extend(self.observe(shown, facts));
        }
        states
    }

    /// Whether `state` may be replaced by `step`. Where versions are told apart, none comes back: whoever saw it must have
    /// done so by now.
    fn may_leave(&self, state: State, step: usize, facts: &Facts<'_>, pending: &Pending) -> bool {
        let State::Present { tag, value } = state else {
            return true;
        };
        let is_needed = |mark: Mark| {
            let mut others = pending
                .iter()
                .filter(|other| *other != step && !self.has(*other));
            facts.is_seen_later(mark, pending) || others.any(|other| facts.must_see(other, mark))
        };
        let identity = facts.identity();
        let needs_tag = matches!(tag, Slot::Is(tag) if identity.tags && is_needed(Mark::Tag(tag)));
        !needs_tag
            && !matches!(value, Slot::Is(value) if identity.values && is_needed(Mark::Value(value)))
    }
}

/// Leaves out those that another makes needless: one that has come as far, with fewer of the operations used up that
/// need not take effect at all.
pub(super) fn without_dominated(all: Vec<Configuration>, facts: &Facts<'_>) -> Vec<Configuration> {
    if all.len() < 2 {
        return all;
    }
    let mut by_need: HashMap<(State, Vec<usize>, Vec<Name>), Vec<Configuration>> = HashMap::new();
    let mut order = Vec::new();
    for configuration in all {
        let required = configuration.done.iter().copied();
        let required = required.filter(|step| !facts.is_optional(*step)).collect();
        let alike = by_need
            .entry((configuration.state, required, configuration.gone.clone()))
            .or_insert_with_key(|key| {
                order.push(key.clone());
                Vec::new()
            });
        if !alike
            .iter()
            .any(|other| other.uses_no_more_than(&configuration))
        {
            alike.retain(|other| !configuration.uses_no_more_than(other));
            alike.push(configuration);
        }
    }
    let kept = order.iter().filter_map(|key| by_need.remove(key));
    kept.flatten().collect()
}

impl Configuration {
    fn uses_no_more_than(&self, other: &Self) -> bool {
        self.done.iter().all(|step| other.has(*step))
    }
}
