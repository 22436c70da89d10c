use std::collections::{HashMap, HashSet};

use crate::history::{Kind, Name, Outcome, Step};
use crate::search::pending::Pending;
use crate::subject::Identity;

/// What holds of a resource, whatever the order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    pub(crate) identity: Identity,
    pub(crate) trusts_refusals: bool,
}

/// A tag or a value: one text may be both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mark {
    Tag(Name),
    Value(Name),
}

/// A tag and a value that stand together, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) tag: Option<Name>,
    pub(super) value: Option<Name>,
    /// The tag was given, and the value follows from it at most.
    pub(super) by_tag: bool,
}

impl Shown {
    pub(super) fn is_nothing(self) -> bool {
        self.tag.is_none() && self.value.is_none()
    }
}

/// What can be known of operations before they are put into an order.
pub(super) struct Facts<'s> {
    steps: &'s [Step],
    model: Model,
    pairs: Pairs,
    /// Tags that writes gave, and values that they wrote or proposed.
    given: HashSet<Name>,
    written: HashSet<Name>,
    /// All tags and values that were seen or demanded.
    tags: Vec<Name>,
    values: Vec<Name>,
    /// By step: how many began before it.
    ranks: Vec<usize>,
    /// By tag or value: the rank of the last operation that must see it.
    last_seen: HashMap<Mark, usize>,
    /// Tags that nobody is known to have given, and that an operation demands which need not have taken effect. All others
    /// that must see a tag do so before its version is replaced.
    mistakable: HashSet<Name>,
    counts: Vec<bool>,
    /// Operations that cannot both be.
    pub(super) contradiction: Option<Vec<usize>>,
}

impl<'s> Facts<'s> {
    pub(super) fn new(steps: &'s [Step], model: Model) -> Self {
        let mut contradiction = None;
        let pairs = Pairs::of(steps, model.identity, &mut contradiction);
        let mut facts = Self {
            steps,
            model,
            pairs,
            given: HashSet::new(),
            written: HashSet::new(),
            tags: Vec::new(),
            values: Vec::new(),
            ranks: ranks(steps),
            last_seen: HashMap::new(),
            mistakable: HashSet::new(),
            counts: Vec::new(),
            contradiction,
        };
        facts.see_writes();
        facts.see_looks();
        facts.counts = (0..steps.len()).map(|at| facts.matters(at)).collect();
        facts
    }

    fn see_writes(&mut self) {
        let mut givers: HashMap<Name, usize> = HashMap::new();
        for (at, step) in self.steps.iter().enumerate() {
            if !step.is_read() {
                self.written.extend(step.value);
            }
            if !step.may_write() {
                continue;
            }
            self.given.extend(self.shown(at).tag);
            let Some(tag) = step.tag.filter(|_| self.model.identity.tags) else {
                continue;
            };
            let other = givers.insert(tag, at);
            if self.contradiction.is_none() && (other.is_some() || step.base == Some(tag)) {
                self.contradiction = Some(other.into_iter().chain([at]).collect());
            }
        }
    }

    fn see_looks(&mut self) {
        let (mut tags, mut values) = (Vec::new(), Vec::new());
        for at in 0..self.steps.len() {
            let seen = self.seen(at);
            tags.extend(seen.tag);
            values.extend(seen.value);
            if self.is_optional(at) && self.model.identity.tags {
                let unknown = seen.tag.filter(|tag| !self.given.contains(tag));
                self.mistakable.extend(unknown);
            }
            if self.is_optional(at) || self.steps[at].outcome == Outcome::Refused {
                continue;
            }
            let marks = [seen.tag.map(Mark::Tag), seen.value.map(Mark::Value)];
            for mark in marks.into_iter().flatten() {
                let last = self.last_seen.entry(mark).or_default();
                *last = self.ranks[at].max(*last);
            }
        }
        for names in [&mut tags, &mut values] {
            names.sort_unstable();
            names.dedup();
        }
        (self.tags, self.values) = (tags, values);
    }

    /// Whether an operation says anything, or may have done anything that shows.
    fn matters(&self, at: usize) -> bool {
        let step = &self.steps[at];
        match (step.kind, step.outcome) {
            (Kind::Read, outcome) => outcome == Outcome::Ok,
            (Kind::Write, Outcome::Refused) => false,
            (_, Outcome::Refused) => self.model.trusts_refusals,
            (Kind::Delete, _) | (_, Outcome::Ok) => true,
            // A refusal may show that something was there, without showing what.
            (_, Outcome::Unknown) => {
                !self.model.identity.values || self.model.trusts_refusals || self.may_show(at)
            }
        }
    }

    /// Whether the version of a write of its own value was seen, or may have been by a tag that may be its.
    fn may_show(&self, at: usize) -> bool {
        let shown = self.shown(at);
        let sees = |all: &[Name], name: Option<Name>| {
            name.is_some_and(|name| all.binary_search(&name).is_ok())
        };
        let is_loose =
            |tag: &Name| !self.given.contains(tag) && !self.pairs.values.contains_key(tag);
        sees(&self.values, shown.value)
            || sees(&self.tags, shown.tag)
            || shown.tag.is_none() && self.tags.iter().any(is_loose)
    }

    pub(super) fn step(&self, at: usize) -> &Step {
        &self.steps[at]
    }

    pub(super) fn rank(&self, at: usize) -> usize {
        self.ranks[at]
    }

    pub(super) fn counts(&self, at: usize) -> bool {
        self.counts[at]
    }

    pub(super) fn identity(&self) -> Identity {
        self.model.identity
    }

    /// Whether an operation changes nothing.
    pub(super) fn only_looks(&self, at: usize) -> bool {
        !self.steps[at].may_change()
    }

    /// Whether it need not have taken effect.
    pub(super) fn is_optional(&self, at: usize) -> bool {
        self.steps[at].outcome == Outcome::Unknown
    }

    /// What a read saw, or a write left.
    pub(super) fn shown(&self, at: usize) -> Shown {
        let step = &self.steps[at];
        self.pairs.complete(step.tag, step.value)
    }

    /// What a write or a deletion demanded.
    pub(super) fn demanded(&self, at: usize) -> Shown {
        let step = &self.steps[at];
        self.pairs.complete(step.base, step.expected)
    }

    /// What is there, as far as an operation shows it.
    fn seen(&self, at: usize) -> Shown {
        let step = &self.steps[at];
        match (step.kind, step.outcome) {
            (Kind::Read, Outcome::Ok) => self.shown(at),
            (Kind::Read, _) => Shown::default(),
            _ => self.demanded(at),
        }
    }

    /// A tag, or a value, with what is known to stand with it.
    pub(super) fn standing_for(&self, name: Name, is_tag: bool) -> Shown {
        if is_tag {
            self.pairs.complete(Some(name), None)
        } else {
            self.pairs.complete(None, Some(name))
        }
    }

    pub(super) fn tags(&self) -> &[Name] {
        &self.tags
    }

    pub(super) fn values(&self) -> &[Name] {
        &self.values
    }

    /// Whether a tag may be that of a version whose tag is not known.
    pub(super) fn may_be_open_tag(&self, tag: Name) -> bool {
        !self.model.identity.tags || !self.given.contains(&tag)
    }

    pub(super) fn may_be_mistaken(&self, tag: Name) -> bool {
        self.mistakable.contains(&tag)
    }

    pub(super) fn may_be_open_value(&self, value: Name) -> bool {
        !self.model.identity.values || !self.written.contains(&value)
    }

    /// Whether an operation that has not begun must see a tag or a value.
    pub(super) fn is_seen_later(&self, mark: Mark, pending: &Pending) -> bool {
        let last = self.last_seen.get(&mark);
        last.is_some_and(|rank| *rank >= pending.begun())
    }

    /// Whether an operation must see a tag or a value for it to be what it was.
    pub(super) fn must_see(&self, at: usize, mark: Mark) -> bool {
        let seen = self.seen(at);
        let sees = match mark {
            Mark::Tag(tag) => seen.tag == Some(tag),
            Mark::Value(value) => seen.value == Some(value),
        };
        sees && self.steps[at].outcome == Outcome::Ok
    }
}

/// Which value stands with a tag and, where no value is written twice, which tag with a value.
struct Pairs {
    values: HashMap<Name, Name>,
    tags: HashMap<Name, Name>,
}

impl Pairs {
    fn of(steps: &[Step], identity: Identity, contradiction: &mut Option<Vec<usize>>) -> Self {
        let mut values: HashMap<Name, (Name, usize)> = HashMap::new();
        let mut tags: HashMap<Name, (Name, usize)> = HashMap::new();
        for (at, step) in steps.iter().enumerate() {
            let (Outcome::Ok, Some(tag), Some(value)) = (step.outcome, step.tag, step.value) else {
                continue;
            };
            let (other_value, by) = *values.entry(tag).or_insert((value, at));
            if other_value != value {
                contradiction.get_or_insert_with(|| vec![by, at]);
            }
            let (other_tag, by) = *tags.entry(value).or_insert((tag, at));
            if identity.values && other_tag != tag {
                contradiction.get_or_insert_with(|| vec![by, at]);
            }
        }
        let names = |pairs: HashMap<Name, (Name, usize)>| {
            pairs
                .into_iter()
                .map(|(one, (other, _))| (one, other))
                .collect()
        };
        Self {
            values: names(values),
            tags: if identity.values {
                names(tags)
            } else {
                HashMap::new()
            },
        }
    }

    fn complete(&self, tag: Option<Name>, value: Option<Name>) -> Shown {
        let known_value = || self.values.get(&tag?).copied();
        let known_tag = || self.tags.get(&value?).copied();
        Shown {
            tag: tag.or_else(known_tag),
            value: value.or_else(known_value),
            by_tag: tag.is_some(),
        }
    }
}

/// By step: how many began before it.
fn ranks(steps: &[Step]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_unstable_by_key(|at| (steps[*at].begun, *at));
    let mut ranks = vec![0; steps.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at] = rank;
    }
    ranks
}
