/// The operations that have begun and not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    steps: Vec<usize>,
    begun: usize,
}

impl Pending {
    /// `rank` is how many began before it.
    pub(super) fn insert(&mut self, step: usize, rank: usize) {
        self.steps.push(step);
        self.begun = rank + 1;
    }

    pub(super) fn remove(&mut self, step: usize) {
        self.steps.retain(|other| *other != step);
    }

    /// In the order of their beginning.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().copied()
    }

    /// How many have begun, of all.
    pub(super) fn begun(&self) -> usize {
        self.begun
    }
}
