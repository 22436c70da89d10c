use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::history::{Kind, NEVER, Name, Outcome, Step};
use crate::search::{Found, Limit, Model, search};
use crate::subject::Subject;
use crate::versions::number;

/// How many operations are tried at first, back from where the contradiction showed.
const FEW: usize = 8;

/// Tells whether some operations of a resource contradict each other, whatever the others did.
///
/// Of what is left out, a read is as if it had not been. A write may still be what the rest saw: in its place stands one
/// that may have left that at any time, or not at all. So operations that contradict each other do so in the whole
/// history, too.
pub(super) struct Witnesses<'s, 'a> {
    subject: &'s Subject<'a>,
    by_tag: HashMap<Name, Vec<u32>>,
    by_value: HashMap<Name, Vec<u32>>,
    /// Writes that left a tag or a value that is not known.
    loose: Vec<u32>,
    deletions: Vec<u32>,
    /// The tag that a value was first seen with, and the value that a tag was.
    tag_of: HashMap<Name, Name>,
    value_of: HashMap<Name, Name>,
}

/// What an operation saw: a tag, a value.
type Sight = (Option<Name>, Option<Name>);

impl<'s, 'a> Witnesses<'s, 'a> {
    pub(super) fn new(subject: &'s Subject<'a>) -> Self {
        let mut all = Self {
            subject,
            by_tag: HashMap::new(),
            by_value: HashMap::new(),
            loose: Vec::new(),
            deletions: Vec::new(),
            tag_of: HashMap::new(),
            value_of: HashMap::new(),
        };
        let pairs = subject.iter().filter(|(_, step)| step.is_ok());
        for (tag, value) in pairs.filter_map(|(_, step)| Some((step.tag?, step.value?))) {
            all.tag_of.entry(value).or_insert(tag);
            all.value_of.entry(tag).or_insert(value);
        }
        for (at, step) in (0..).zip(subject.iter().map(|(_, step)| step)) {
            if step.may_write() {
                all.declare(at, all.complete((step.tag, step.value)));
            } else if step.may_change() {
                all.deletions.push(at);
            }
        }
        all
    }

    fn declare(&mut self, at: u32, (tag, value): Sight) {
        if let Some(value) = value {
            self.by_value.entry(value).or_default().push(at);
        }
        if let Some(tag) = tag {
            self.by_tag.entry(tag).or_default().push(at);
        }
        if tag.is_none() || value.is_none() {
            self.loose.push(at);
        }
    }

    /// The few operations that contradict each other, found around `suspects`. Ascending.
    ///
    /// Without any one of them, the rest does not. Where the limit is reached, some may be needless.
    pub(super) fn smallest(&self, suspects: &[u32], limit: &mut Limit<'_>) -> Vec<u32> {
        let suspects: BTreeSet<u32> = suspects.iter().copied().collect();
        let mut few: Vec<u32> = suspects.into_iter().collect();
        if !self.contradict(&few, limit) {
            few = self.widen(&few, limit).unwrap_or(few);
        }
        let mut size = few.len().div_ceil(2);
        while size > 0 {
            let before = few.len();
            self.drop_runs(&mut few, size, limit);
            // Once a single one is gone, others may have become needless.
            size = match size {
                1 if few.len() < before => 1,
                1 => 0,
                _ => size.div_ceil(2),
            };
        }
        few
    }

    /// Takes more and more of what was going on before and after the last of `suspects` ended.
    fn widen(&self, suspects: &[u32], limit: &mut Limit<'_>) -> Option<Vec<u32>> {
        let step = |at: u32| self.subject.step(at as usize);
        let end = suspects.iter().map(|at| step(*at).ended).max()?;
        let all = 0..number(self.subject.places.len());
        let (mut before, mut after): (Vec<u32>, Vec<u32>) =
            all.partition(|at| step(*at).begun <= end);
        before.sort_by_key(|at| (Reverse(step(*at).settled().min(end)), *at));
        after.sort_by_key(|at| (step(*at).begun, *at));
        let mut size = FEW;
        loop {
            let near = before.iter().take(size).chain(after.iter().take(size));
            let some: BTreeSet<u32> = near.chain(suspects).copied().collect();
            let some: Vec<u32> = some.into_iter().collect();
            if self.contradict(&some, limit) {
                return Some(some);
            }
            if size >= before.len().max(after.len()) || limit.steps == 0 {
                return None;
            }
            size *= 2;
        }
    }

    /// Drops each run of `size` operations that is not needed.
    fn drop_runs(&self, few: &mut Vec<u32>, size: usize, limit: &mut Limit<'_>) {
        let mut from = 0;
        while from < few.len() {
            let mut rest = few.clone();
            rest.drain(from..(from + size).min(few.len()));
            if self.contradict(&rest, limit) {
                *few = rest;
            } else {
                from += size;
            }
        }
    }

    /// Whether no order explains these operations, neither alone nor with what the others may have left. `few` is ascending.
    pub(super) fn contradict(&self, few: &[u32], limit: &mut Limit<'_>) -> bool {
        let model = Model {
            identity: self.subject.identity,
            trusts_refusals: self.subject.trusts_refusals,
        };
        let alone = few.iter().map(|at| *self.subject.step(*at as usize));
        let mut steps: Vec<Step> = alone.collect();
        let found = search(&steps, model, limit);
        let left_out = self.left_out(few);
        if left_out.is_empty() || !matches!(found, Found::NoOrder(_)) {
            return matches!(found, Found::NoOrder(_));
        }
        steps.extend(left_out);
        matches!(search(&steps, model, limit), Found::NoOrder(_))
    }

    /// What changes that are not among `few` may have left for these to see.
    fn left_out(&self, few: &[u32]) -> Vec<Step> {
        let Some(first) = few.first() else {
            return Vec::new();
        };
        let steps = || few.iter().map(|at| self.subject.step(*at as usize));
        let mut sights: Vec<Sight> = steps()
            .map(sight)
            .filter(|seen| *seen != (None, None))
            .collect();
        // What is known best comes first: in doubt, the rest is the same version.
        sights.sort_by_key(|(tag, value)| tag.is_none() || value.is_none());
        let mut left: Vec<Sight> = Vec::new();
        for seen in sights {
            let seen = self.complete(seen);
            if self.may_be_of_another(seen, few) && !self.is_told(seen, &left) {
                left.push(seen);
            }
        }
        let step = |kind, (tag, value): Sight| Step {
            begun: 0,
            ended: NEVER,
            outcome: Outcome::Unknown,
            kind,
            base: None,
            expected: None,
            absent: false,
            tag,
            value,
            ..*self.subject.step(*first as usize)
        };
        let nothing =
            steps().filter(|step| step.absent || matches!(step.kind, Kind::Create | Kind::Delete));
        let deletions = self.deletions.iter().filter(|at| is_out(few, at));
        let deletions = deletions
            .zip(nothing)
            .map(|_| step(Kind::Delete, (None, None)));
        left.iter()
            .map(|seen| step(Kind::Write, *seen))
            .chain(deletions)
            .collect()
    }

    /// Whether what was seen may be what a write left that is not among `few`.
    fn may_be_of_another(&self, (tag, value): Sight, few: &[u32]) -> bool {
        let of = |all: &'_ HashMap<Name, Vec<u32>>, name: Option<Name>| {
            let writers = name
                .and_then(|name| all.get(&name))
                .map_or(&[][..], Vec::as_slice);
            let out = writers.iter().filter(|at| is_out(few, at)).count();
            (out > 0, out < writers.len())
        };
        let (tag_is_out, tag_is_in) = of(&self.by_tag, tag);
        let (value_is_out, value_is_in) = of(&self.by_value, value);
        let identity = self.subject.identity;
        if tag_is_in && identity.tags || value_is_in && identity.values {
            return false;
        }
        let agrees = |one: Option<Name>, other: Option<Name>| {
            one.is_none() || other.is_none() || one == other
        };
        let mut loose = self.loose.iter().filter(|at| is_out(few, at));
        tag_is_out
            || value_is_out
            || loose.any(|at| {
                let step = self.subject.step(*at as usize);
                let (its_tag, its_value) = self.complete((step.tag, step.value));
                agrees(its_tag, tag) && agrees(its_value, value)
            })
    }

    /// Whether `left` has the version that was seen, where versions are told apart.
    fn is_told(&self, (tag, value): Sight, left: &[Sight]) -> bool {
        let identity = self.subject.identity;
        let same = |one: Option<Name>, other| one.is_some() && one == other;
        left.iter().any(|(its_tag, its_value)| {
            identity.tags && same(tag, *its_tag) || identity.values && same(value, *its_value)
        })
    }

    /// With the value that the tag was seen with, and the other way round.
    fn complete(&self, (tag, value): Sight) -> Sight {
        let known_tag = || {
            let value = value.filter(|_| self.subject.identity.values)?;
            self.tag_of.get(&value).copied()
        };
        let known_value = || self.value_of.get(&tag?).copied();
        (tag.or_else(known_tag), value.or_else(known_value))
    }
}

/// What had to be there for an operation.
fn sight(step: &Step) -> Sight {
    if step.is_read() {
        (step.tag, step.value)
    } else {
        (step.base, step.expected)
    }
}

fn is_out(few: &[u32], at: &u32) -> bool {
    few.binary_search(at).is_err()
}
