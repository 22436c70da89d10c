use crate::history::{Name, Resource, Step};
use crate::rules::Rules;

/// One resource's operations, and what tells its versions apart.
pub(super) struct Subject<'a> {
    /// In the order of the history, by names of their own ([`Renamed`]).
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
    /// `steps` are those of the resource, renamed.
    pub(super) fn new(
        resource: &'a Resource,
        steps: &'a [Step],
        rules: &Rules,
        marks: &mut Marks,
    ) -> Self {
        let values = has_unique_values(steps, marks);
        Self {
            steps,
            places: &resource.places,
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

    /// Makes room for so many names.
    pub(super) fn reserve(&mut self, names: usize) {
        if self.slots.len() < names {
            self.slots.resize(names, (0, 0));
        }
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

/// One resource's operations, their values and tags named anew, as they occur.
///
/// In a history the names of all resources are mixed, and what is looked up by them lies all over its memory. These lie
/// in the order of time. Actor and key keep theirs.
pub(super) struct Renamed {
    pub(super) steps: Vec<Step>,
    /// How many names were given.
    pub(super) names: usize,
    /// By the history's names.
    marks: Marks,
}

impl Renamed {
    /// For a history with so many names.
    pub(super) fn new(names: usize) -> Self {
        Self {
            steps: Vec::new(),
            names: 0,
            marks: Marks::new(names),
        }
    }

    /// Forgets the resource before, and takes the operations of this one. O(n).
    pub(super) fn rename(&mut self, steps: &[Step]) {
        let mut names = 0;
        let marks = &mut self.marks;
        marks.clear();
        let mut rename = |name: Option<Name>| {
            let name = name?;
            let number = marks.get(name).unwrap_or_else(|| {
                marks.set(name, names);
                names += 1;
                names - 1
            });
            Some(Name::of_index(number))
        };
        let renamed = steps.iter().map(|step| Step {
            base: rename(step.base),
            expected: rename(step.expected),
            value: rename(step.value),
            tag: rename(step.tag),
            ..*step
        });
        self.steps.clear();
        self.steps.extend(renamed);
        self.names = names as usize;
    }
}
