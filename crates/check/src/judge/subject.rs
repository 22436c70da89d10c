use crate::history::{History, Name, Step};
use crate::judge::rules::Rules;

/// One resource's operations, and what tells its versions apart.
pub(super) struct Subject<'a> {
    pub(super) steps: &'a [Step],
    /// Places in the history of this resource's operations, in their order.
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
    pub(super) fn new(
        steps: &'a [Step],
        places: &'a [u32],
        rules: &Rules,
        marks: &mut Marks,
    ) -> Self {
        let values = has_unique_values(steps, places, marks);
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
        &self.steps[self.places[at] as usize]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &'a Step)> {
        let steps = self.steps;
        self.places
            .iter()
            .enumerate()
            .map(move |(at, place)| (at, &steps[*place as usize]))
    }
}

fn has_unique_values(steps: &[Step], places: &[u32], marks: &mut Marks) -> bool {
    marks.clear();
    let steps = places.iter().map(|place| &steps[*place as usize]);
    let mut writes = steps.filter(|step| step.may_write());
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

/// The places of each resource's operations, in the order in which resources first occur.
pub(super) fn by_key(history: &History) -> Vec<Vec<u32>> {
    let mut keys: Vec<Vec<u32>> = Vec::new();
    let mut marks = Marks::new(history.names().len());
    for (place, step) in (0..).zip(history.steps()) {
        let key = marks.get(step.key).unwrap_or_else(|| {
            let fresh = u32::try_from(keys.len()).expect("there are fewer keys than names");
            marks.set(step.key, fresh);
            keys.push(Vec::new());
            fresh
        });
        keys[key as usize].push(place);
    }
    keys
}
