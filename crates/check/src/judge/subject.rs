use crate::history::{History, Name, Step};
use crate::judge::rules::Rules;

/// One resource's operations, and what tells its versions apart.
pub(super) struct Subject<'a> {
    /// In the order of the history.
    pub(super) steps: &'a [Step],
    /// Their places in the history.
    pub(super) places: &'a [u32],
    pub(super) identity: Identity,
    pub(super) trusts_refusals: bool,
}

/// What tells the versions of one resource apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// No two writes write one value, and none that was there before.
    pub(super) values: bool,
    /// No tag is given twice, and none that was there before.
    pub(super) tags: bool,
}

impl<'a> Subject<'a> {
    pub(super) fn new(gathered: &'a Gathered, rules: &Rules, marks: &mut Marks) -> Self {
        let Gathered { steps, places } = gathered;
        let values = has_unique_values(steps, marks);
        Self {
            steps,
            places,
            identity: Identity {
                values,
                // A tag stands for one value, so where values differ, tags do.
                tags: values || rules.tags_are_unique,
            },
            trusts_refusals: rules.trusts_refusals,
        }
    }

    pub(super) fn step(&self, at: usize) -> &'a Step {
        &self.steps[at]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &'a Step)> {
        self.steps.iter().enumerate()
    }
}

fn has_unique_values(steps: &[Step], marks: &mut Marks) -> bool {
    marks.clear();
    let mut writes = steps.iter().filter(|step| step.may_write());
    writes.all(|step| {
        step.value
            .is_some_and(|value| marks.set(value, 0).is_none())
    })
}

/// A number for some of a history's names; forgotten all at once.
pub(super) struct Marks {
    turn: u32,
    /// By name: the turn in which it was set, and the number.
    slots: Vec<(u32, u32)>,
}

impl Marks {
    pub(super) fn new(names: usize) -> Self {
        Self {
            turn: 1,
            slots: vec![(0, 0); names],
        }
    }

    pub(super) fn clear(&mut self) {
        self.turn += 1;
    }

    pub(super) fn get(&self, name: Name) -> Option<u32> {
        let (turn, number) = self.slots[name.index()];
        (turn == self.turn).then_some(number)
    }

    /// The number that was there before.
    pub(super) fn set(&mut self, name: Name, number: u32) -> Option<u32> {
        let before = self.get(name);
        self.slots[name.index()] = (self.turn, number);
        before
    }
}

/// One resource's operations beside each other, as they are gone through several times, and their places in the history.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) steps: Vec<Step>,
    pub(super) places: Vec<u32>,
}

/// By resource, in the order in which they first occur.
pub(super) fn by_key(history: &History) -> Vec<Gathered> {
    let mut marks = Marks::new(history.names().len());
    let mut counts: Vec<usize> = Vec::new();
    for step in history.steps() {
        let key = marks.get(step.key).unwrap_or_else(|| {
            let fresh = u32::try_from(counts.len()).expect("there are fewer keys than names");
            marks.set(step.key, fresh);
            counts.push(0);
            fresh
        });
        counts[key as usize] += 1;
    }
    let with_room = |count| Gathered {
        steps: Vec::with_capacity(count),
        places: Vec::with_capacity(count),
    };
    let mut keys: Vec<Gathered> = counts.into_iter().map(with_room).collect();
    for (place, step) in (0..).zip(history.steps()) {
        if let Some(key) = marks.get(step.key) {
            let of = &mut keys[key as usize];
            of.steps.push(*step);
            of.places.push(place);
        }
    }
    keys
}
