use crate::history::names::Name;
use crate::history::step::Step;

/// One resource's operations beside each other, as they are judged together, and their places in the history.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resource {
    /// In the order of the history.
    pub(crate) steps: Vec<Step>,
    pub(crate) places: Vec<u32>,
}

/// Where an operation is: its resource, and which of that resource's operations it is.
#[derive(Clone, Copy, Debug)]
struct Spot {
    resource: u32,
    at: u32,
}

/// All operations of a history, by resource.
#[derive(Clone, Debug, Default)]
pub(super) struct Resources {
    /// In the order in which they first occur.
    all: Vec<Resource>,
    /// By place.
    spots: Vec<Spot>,
    /// By name of a key: the number of its resource, plus one. No longer than the highest of those names demands.
    by_key: Vec<u32>,
}

impl Resources {
    pub(super) fn push(&mut self, step: Step) {
        let place = number(self.spots.len());
        let resource = self.of(step.key);
        let of = &mut self.all[resource as usize];
        let at = number(of.steps.len());
        of.steps.push(step);
        of.places.push(place);
        self.spots.push(Spot { resource, at });
    }

    pub(super) fn len(&self) -> usize {
        self.spots.len()
    }

    pub(super) fn all(&self) -> &[Resource] {
        &self.all
    }

    pub(super) fn step(&self, place: usize) -> &Step {
        let Spot { resource, at } = self.spots[place];
        &self.all[resource as usize].steps[at as usize]
    }

    /// The number of a key's resource; a new one if there is none.
    fn of(&mut self, key: Name) -> u32 {
        let index = key.index();
        if self.by_key.len() <= index {
            self.by_key.resize(index + 1, 0);
        }
        let known = &mut self.by_key[index];
        if *known == 0 {
            self.all.push(Resource::default());
            *known = number(self.all.len());
        }
        *known - 1
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a history has fewer than 2^32 operations")
}
