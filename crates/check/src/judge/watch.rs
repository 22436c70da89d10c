use std::collections::HashMap;

use crate::history::{History, Kind, Name, Operation, Step};
use crate::judge::explanation::explain;
use crate::judge::judgement::Judgement;
use crate::judge::rules::Rules;
use crate::judge::violation::{Violation, ViolationKind};
use crate::judge::whole::judge;

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
    versions: HashMap<(Name, Name), Known>,
}

/// Which operations showed something of a version.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    written: Option<usize>,
    replaced: Option<usize>,
    /// With its value.
    shown: Option<usize>,
}

impl Watch {
    pub fn new(rules: Rules) -> Self {
        Self {
            history: History::new(),
            rules,
            versions: HashMap::new(),
        }
    }

    /// Takes the next operation, and tells what it contradicts.
    pub fn push(&mut self, operation: &Operation<'_>) -> Option<Violation> {
        let place = self.history.len();
        self.history.push(operation);
        let step = self.history.steps()[place];
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
        let other = *known.replaced.get_or_insert(place);
        let is_found = other != place && self.rules.tags_are_unique;
        is_found.then_some((ViolationKind::LostUpdate, other))
    }

    fn see_tag(&mut self, step: &Step, tag: Name, place: usize) -> Option<(ViolationKind, usize)> {
        let is_unique = self.rules.tags_are_unique;
        let known = self.versions.entry((step.key, tag)).or_default();
        if step.kind != Kind::Read {
            let other = *known.written.get_or_insert(place);
            if other != place && is_unique {
                return Some((ViolationKind::TagReused, other));
            }
        } else if let Some(other) = known.replaced
            && self.history.steps()[other].ended < step.begun
            && is_unique
        {
            return Some((ViolationKind::StaleRead, other));
        }
        let value = step.value?;
        let other = *known.shown.get_or_insert(place);
        let is_torn = self.history.steps()[other].value != Some(value);
        is_torn.then_some((ViolationKind::Torn, other))
    }

    fn violation(&self, kind: ViolationKind, other: usize, place: usize) -> Violation {
        let steps = self.history.steps();
        let mut witness = vec![other, place];
        witness.sort_by_key(|place| (steps[*place].begun, *place));
        let told: Vec<_> = witness.iter().map(|place| steps[*place]).collect();
        let names = self.history.names();
        Violation {
            kind,
            key: names.text(told[0].key).to_owned(),
            explanation: explain(kind, &told, names),
            witness,
        }
    }
}
