use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Mutex;

/// One bucket for each class.
pub(super) type Cells = [u64; 3];

/// The buckets of many keys: groups of places, each group with a lock of its own. A key has its place
/// in one group, if it has one.
pub(super) struct Table {
    groups: Box<[Mutex<Group>]>,
    /// Two, so that keys are told apart by 128 bits that nobody outside can foresee or learn. Keys
    /// themselves are not kept: they would have to be allocated, and be as long as strangers please.
    hashers: [RandomState; 2],
}

const PLACES: usize = 16;

/// All zeros is a key, too: one that nobody will have.
type Mark = [u64; 2];

#[derive(Clone, Copy)]
struct Group {
    marks: [Mark; PLACES],
    cells: [Cells; PLACES],
    /// What all share that found no place here.
    newcomers: Cells,
}

impl Table {
    pub(super) fn new(groups: usize) -> Self {
        let empty = || {
            Mutex::new(Group {
                marks: [[0; 2]; PLACES],
                cells: [[0; 3]; PLACES],
                newcomers: [0; 3],
            })
        };
        Self {
            groups: (0..groups).map(|_| empty()).collect(),
            hashers: std::array::from_fn(|_| RandomState::new()),
        }
    }

    /// Does something with the buckets of a key.
    pub(super) fn with<T>(&self, key: impl Hash, now: u64, act: impl FnOnce(&mut Cells) -> T) -> T {
        let mark = self.hashers.each_ref().map(|hasher| hasher.hash_one(&key));
        let group = &self.groups[(mark[0] % self.groups.len() as u64) as usize];
        let mut group = group.lock().expect("nothing panics while it is held");
        act(group.cells_of(mark, now))
    }
}

impl Group {
    fn cells_of(&mut self, mark: Mark, now: u64) -> &mut Cells {
        if let Some(place) = self.marks.iter().position(|it| *it == mark) {
            return &mut self.cells[place];
        }
        let is_idle = |cells: &Cells| cells.iter().all(|full_at| *full_at <= now);
        let Some(place) = self.cells.iter().position(is_idle) else {
            return &mut self.newcomers;
        };
        self.marks[place] = mark;
        // It may have been among the newcomers until now, and must not get twice what it may have.
        self.cells[place] = self.newcomers;
        &mut self.cells[place]
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.groups.len() * PLACES;
        f.debug_struct("Table").field("places", &places).finish()
    }
}

#[cfg(test)]
impl Table {
    /// Bytes of memory, and places whose keys are not idle.
    pub(super) fn extent(&self, now: u64) -> (usize, usize) {
        let bytes = size_of_val(&*self.groups);
        let live = |it: &Mutex<Group>| {
            let cells = it.lock().unwrap().cells;
            cells
                .iter()
                .filter(|it| it.iter().any(|at| *at > now))
                .count()
        };
        (bytes, self.groups.iter().map(live).sum())
    }
}
