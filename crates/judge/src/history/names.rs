use std::num::NonZeroU32;

use xxhash_rust::xxh3::xxh3_64;

/// A text that occurs in a history. Two are equal if their texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name(NonZeroU32);

/// All names of a history, each once, in one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    text: String,
    /// By name: where its text ends. It begins where that of the one before ends.
    ends: Vec<usize>,
    /// An open hash table: half of the hash, and the name. A power of two, never more than half full.
    slots: Vec<(u32, Option<Name>)>,
}

impl Name {
    /// The name that has this index.
    pub(crate) fn of_index(index: u32) -> Self {
        let number = index.checked_add(1).and_then(NonZeroU32::new);
        Self(number.expect("a history has fewer than 2^32 names"))
    }

    /// From 0, without gaps.
    pub(crate) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Names {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn text(&self, name: Name) -> &str {
        let index = name.index();
        let from = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[from..self.ends[index]]
    }

    /// The name whose text this is; a new one if there is none.
    ///
    /// # Panics
    ///
    /// With more than 2³² − 2 names.
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        if self.slots.len() < 2 * (self.ends.len() + 1) {
            self.grow();
        }
        let hash = xxh3_64(text.as_bytes());
        let (slot, found) = self.find(hash, text);
        if let Some(name) = found {
            return name;
        }
        self.text.push_str(text);
        self.ends.push(self.text.len());
        let number = u32::try_from(self.ends.len())
            .ok()
            .and_then(NonZeroU32::new);
        let name = Name(number.expect("a history has fewer than 2^32 names"));
        self.slots[slot] = (half(hash), Some(name));
        name
    }

    fn find(&self, hash: u64, text: &str) -> (usize, Option<Name>) {
        let mask = self.slots.len() - 1;
        let mut slot = place(hash, mask);
        loop {
            match self.slots[slot] {
                (_, None) => return (slot, None),
                (other, Some(name)) if other == half(hash) && self.text(name) == text => {
                    return (slot, Some(name));
                }
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let size = (4 * self.ends.len()).next_power_of_two().max(64);
        self.slots = vec![(0, None); size];
        for index in 0..self.ends.len() {
            let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
            let name = number.map(Name).expect("it was interned");
            let hash = xxh3_64(self.text(name).as_bytes());
            let mut slot = place(hash, size - 1);
            while self.slots[slot].1.is_some() {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = (half(hash), Some(name));
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the low bits are what is wanted"
)]
fn place(hash: u64, mask: usize) -> usize {
    hash as usize & mask
}

fn half(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_name() {
        let mut names = Names::default();
        let texts: Vec<_> = (0..5000).map(|n| format!("name {}", n % 1700)).collect();
        let interned: Vec<_> = texts.iter().map(|text| names.intern(text)).collect();
        assert_eq!(names.len(), 1700);
        for (text, name) in texts.iter().zip(&interned) {
            assert_eq!(names.text(*name), text);
            assert_eq!(names.intern(text), *name, "{text}");
        }
        let empty = names.intern("");
        assert_eq!(names.text(empty), "");
    }
}
