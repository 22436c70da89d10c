use std::cmp::Ordering;
use std::collections::BinaryHeap;

use detente_core::Head;

/// Heads that the table may not have, one after the other in the order of their ids. Put in order as far as
/// they are asked for: a page of a list needs few of many.
#[derive(Debug)]
pub(crate) struct Pending(BinaryHeap<Entry>);

#[derive(Debug)]
struct Entry {
    id: Box<str>,
    head: Head,
    descending: bool,
}

impl Pending {
    /// Of one id there may be several; the newest counts.
    pub(crate) fn new(heads: impl Iterator<Item = (Box<str>, Head)>, descending: bool) -> Self {
        let entry = |(id, head)| Entry {
            id,
            head,
            descending,
        };
        // In linear time, where a tree would sort them all.
        Self(heads.map(entry).collect::<Vec<_>>().into())
    }

    /// The id of the next.
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.peek().map(|entry| &*entry.id)
    }

    /// Takes the next.
    pub(crate) fn next(&mut self) -> Option<(Box<str>, Head)> {
        let Entry { id, head, .. } = self.0.pop()?;
        while self.first() == Some(&*id) {
            self.0.pop();
        }
        Some((id, head))
    }

    /// Takes the next if it has this id.
    pub(crate) fn take(&mut self, id: &str) -> Option<Head> {
        let (_, head) = (self.first() == Some(id)).then(|| self.next()).flatten()?;
        Some(head)
    }
}

/// The greatest is the next.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_id = match self.descending {
            true => self.id.cmp(&other.id),
            false => other.id.cmp(&self.id),
        };
        by_id.then(self.head.seq.cmp(&other.head.seq))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use detente_core::{Digest, Kind, Moment};

    use super::*;

    fn pending(ids: &[(&str, u64)], descending: bool) -> Pending {
        let heads = ids.iter().map(|(id, seq)| {
            let head = Head {
                seq: *seq,
                version: 1,
                digest: Digest(0),
                kind: Kind::Document,
                at: Moment(0),
            };
            (Box::from(*id), head)
        });
        Pending::new(heads, descending)
    }

    fn all(mut pending: Pending) -> Vec<(Box<str>, u64)> {
        let next = || pending.next().map(|(id, head)| (id, head.seq));
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn heads_come_in_order_and_the_newest_of_each_counts() {
        let ids = [("b", 1), ("a", 2), ("b", 7), ("c", 3), ("b", 5)];
        let expected = |ids: [(&str, u64); 3]| ids.map(|(id, seq)| (Box::from(id), seq)).to_vec();
        let up = all(pending(&ids, false));
        assert_eq!(up, expected([("a", 2), ("b", 7), ("c", 3)]));
        let down = all(pending(&ids, true));
        assert_eq!(down, expected([("c", 3), ("b", 7), ("a", 2)]));
    }

    #[test]
    fn one_is_taken_by_its_id_if_it_is_the_next() {
        let mut pending = pending(&[("b", 1), ("a", 2), ("a", 3)], false);
        assert_eq!(pending.take("b"), None);
        assert_eq!(pending.take("a").map(|head| head.seq), Some(3));
        assert_eq!(pending.first(), Some("b"));
        assert_eq!(pending.take("b").map(|head| head.seq), Some(1));
        assert_eq!(pending.take("b"), None);
    }
}
