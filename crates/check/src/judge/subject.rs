use crate::history::{History, Name, Step};
use crate::judge::rules::Rules;

/// One resource's operations, and what tells its versions apart.
pub(super) struct Subject<'a> {
    /// In the order of the history. Their names may be others than there.
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
    pub(super) fn new(
        steps: &'a [Step],
        places: &'a [u32],
        rules: &Rules,
        marks: &mut Marks,
    ) -> Self {
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

/// The places of each resource's operations in the history; resources in the order in which they first occur.
pub(super) fn by_key(history: &History, marks: &mut Marks) -> Vec<Vec<u32>> {
    marks.clear();
    let mut keys: Vec<Vec<u32>> = Vec::new();
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

/// Lays one resource's operations beside each other, and numbers their tags and values without gaps: they are gone
/// through, and looked up, several times. Where there is no other resource, they are so already.
///
/// The names of tags and values are then no longer those of the history.
pub(super) fn gather<'s>(
    history: &'s History,
    places: &[u32],
    marks: &mut Marks,
    room: &'s mut Vec<Step>,
) -> &'s [Step] {
    let steps = history.steps();
    if places.len() == steps.len() {
        return steps;
    }
    marks.clear();
    let mut count = 0;
    let mut renamed = |name: Name| {
        let number = marks.get(name).unwrap_or_else(|| {
            marks.set(name, count);
            count += 1;
            count - 1
        });
        Name::from_index(number)
    };
    room.clear();
    room.extend(places.iter().map(|place| {
        let step = &steps[*place as usize];
        Step {
            base: step.base.map(&mut renamed),
            expected: step.expected.map(&mut renamed),
            value: step.value.map(&mut renamed),
            tag: step.tag.map(&mut renamed),
            ..*step
        }
    }));
    room
}
