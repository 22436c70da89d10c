use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::num::NonZeroU32;

use crate::explanation::{explain, torn_or_reused};
use crate::history::{History, Kind, Name, Operation, Step};
use crate::judgement::Judgement;
use crate::rules::Rules;
use crate::violation::{Violation, ViolationKind};
use crate::whole::judge;

/// Judges a history while its operations arrive, in the order in which they ended.
///
/// What contradicts itself whatever is still to come is told at once, in O(1) for each operation. That is what two
/// operations show that name one tag; all of it only where tags are promised to be unique ([`Rules::tags_are_unique`]).
/// [`finish`](Self::finish) judges the whole.
#[derive(Debug)]
pub struct Watch {
    history: History,
    rules: Rules,
    /// By key and tag: places in the history.
    versions: HashMap<(Name, Name), Known, BuildHasherDefault<Nearby>>,
}

/// Which operations showed something of a version.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    written: Option<Place>,
    replaced: Option<Place>,
    /// With its value, and what that was.
    shown: Option<Place>,
    value: Option<Name>,
}

/// A place in the history, plus one.
type Place = NonZeroU32;

/// Hashes a key and a tag so that tags that are new at one time lie near each other.
#[derive(Debug, Default)]
struct Nearby(u64);

impl Hasher for Nearby {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = self.0.wrapping_mul(0x9E37_79B9).wrapping_add(number.into());
    }

    fn finish(&self) -> u64 {
        // A hash table takes the place from the low bits, and tells apart what is there by the high ones.
        const LOW: u64 = u64::MAX >> 8;
        self.0 & LOW | self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) & !LOW
    }
}

impl Watch {
    /// Watches nothing yet.
    pub fn new(rules: Rules) -> Self {
        Self {
            history: History::new(),
            rules,
            versions: HashMap::default(),
        }
    }

    /// Takes the next operation, and tells what it contradicts.
    pub fn push(&mut self, operation: &Operation<'_>) -> Option<Violation> {
        let place = self.history.len();
        self.history.push(operation);
        let step = *self.history.step(place);
        if !step.is_ok() {
            return None;
        }
        let by_base = step.base.and_then(|base| self.see_base(&step, base, place));
        let by_tag = step.tag.and_then(|tag| self.see_tag(&step, tag, place));
        let (kind, other) = by_base.or(by_tag)?;
        Some(self.violation(kind, other, place))
    }

    /// Judges everything that was pushed. `is_over` is asked whether the time for searching is used up.
    pub fn finish(&self, is_over: &mut dyn FnMut() -> bool) -> Judgement {
        judge(&self.history, &self.rules, is_over)
    }

    /// The operations so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    fn see_base(
        &mut self,
        step: &Step,
        base: Name,
        place: usize,
    ) -> Option<(ViolationKind, usize)> {
        let known = self.versions.entry((step.key, base)).or_default();
        let other = first(&mut known.replaced, place);
        let is_found = other != place && self.rules.tags_are_unique;
        is_found.then_some((ViolationKind::LostUpdate, other))
    }

    fn see_tag(&mut self, step: &Step, tag: Name, place: usize) -> Option<(ViolationKind, usize)> {
        let is_unique = self.rules.tags_are_unique;
        let known = self.versions.entry((step.key, tag)).or_default();
        if step.kind != Kind::Read {
            let other = first(&mut known.written, place);
            if other != place && is_unique {
                return Some((ViolationKind::TagReused, other));
            }
        } else if let Some(other) = known.replaced.map(at)
            && self.history.step(other).ended < step.begun
            && is_unique
        {
            return Some((ViolationKind::StaleRead, other));
        }
        let value = step.value?;
        let other = first(&mut known.shown, place);
        // Kept beside: the other operation is in no cache any more.
        let is_torn = *known.value.get_or_insert(value) != value;
        is_torn.then(|| (torn_or_reused(self.history.step(other), step), other))
    }

    fn violation(&self, kind: ViolationKind, other: usize, place: usize) -> Violation {
        let step = |place: &usize| *self.history.step(*place);
        let mut witness = vec![other, place];
        witness.sort_by_key(|place| (step(place).begun, *place));
        let told: Vec<_> = witness.iter().map(step).collect();
        let names = self.history.names();
        Violation {
            kind,
            key: names.text(told[0].key).to_owned(),
            explanation: explain(kind, &told, names),
            witness,
        }
    }
}

/// What was there first; `place`, if nothing was.
fn first(of: &mut Option<Place>, place: usize) -> usize {
    at(*of.get_or_insert_with(|| {
        let number = u32::try_from(place + 1).ok().and_then(Place::new);
        number.expect("a history has fewer than 2^32 operations")
    }))
}

fn at(place: Place) -> usize {
    place.get() as usize - 1
}
