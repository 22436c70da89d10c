use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use detente_core::{CollectionKey, Head, Key};

use detente_store::{Cache, Documents, Map};

use crate::pending::Pending;

/// How many heads that equal the table are remembered.
const CLEAN_LIMIT: usize = 65_536;

/// The newest version of each document, as far as memory has it.
///
/// A write makes its head dirty. When there are many, they are taken together and written to the
/// table in the order of their keys, a slice with each commit; only when all are there do they
/// leave. So at any time: dirty, then leaving, then the table, tells the newest version.
#[derive(Debug)]
pub(crate) struct Heads(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    // Looked up by every request, put in order only when they leave or are listed.
    dirty: Map<Key, Head>,
    leaving: Map<Key, Head>,
    clean: Cache<Key, Head>,
    /// How often heads have left. What was read from the table may be remembered only if none have
    /// since: else a newer head might have come and gone unseen.
    departures: u64,
}

/// What memory knows of a document.
pub(crate) enum Memory {
    Known(Head),
    /// Look into the table. With the token, what is found there may be remembered.
    Unknown(Token),
}

#[derive(Clone, Copy)]
pub(crate) struct Token(u64);

impl Heads {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Inner {
            dirty: Map::default(),
            leaving: Map::default(),
            clean: Cache::new(CLEAN_LIMIT, |_| 1),
            departures: 0,
        }))
    }

    // A std mutex: it is held for a few lookups, and nothing awaits under it.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0
            .lock()
            .expect("nothing panics while the heads are held")
    }

    pub(crate) fn get(&self, key: &Key) -> Memory {
        let mut inner = self.inner();
        let known = inner
            .dirty
            .get(key)
            .or_else(|| inner.leaving.get(key))
            .copied();
        match known.or_else(|| inner.clean.get(key)) {
            Some(head) => Memory::Known(head),
            None => Memory::Unknown(Token(inner.departures)),
        }
    }

    /// Remembers what the table said, unless it may be outdated by now.
    pub(crate) fn remember(&self, Token(departures): Token, key: &Key, head: Head) {
        let mut inner = self.inner();
        let is_current = inner.departures == departures
            && !inner.dirty.contains_key(key)
            && !inner.leaving.contains_key(key);
        if is_current {
            inner.clean.insert(key.clone(), head);
        }
    }

    /// Takes in the heads of a commit.
    pub(crate) fn publish<'a>(&self, heads: impl Iterator<Item = (&'a Key, Head)>) {
        let mut inner = self.inner();
        for (key, head) in heads {
            inner.clean.remove(key);
            inner.dirty.insert(key.clone(), head);
        }
    }

    pub(crate) fn dirty_count(&self) -> usize {
        self.inner().dirty.len()
    }

    /// Begins to move all dirty heads to the table: the caller writes the copies it gets, in their order.
    pub(crate) fn leave(&self) -> Vec<(Key, Head)> {
        let mut inner = self.inner();
        assert!(
            inner.leaving.is_empty(),
            "heads leave in one group after the other"
        );
        inner.leaving = std::mem::take(&mut inner.dirty);
        inner
            .leaving
            .iter()
            .map(|(key, head)| (key.clone(), *head))
            .collect()
    }

    /// All that were leaving are in the table, durably.
    pub(crate) fn left(&self) {
        let mut inner = self.inner();
        inner.departures += 1;
        for (key, head) in std::mem::take(&mut inner.leaving) {
            if !inner.dirty.contains_key(&key) {
                inner.clean.insert(key, head);
            }
        }
    }

    /// The heads of a collection that may not be in the table, behind the place where a walk begins.
    pub(crate) fn pending(&self, walk: &Documents<'_>) -> Pending {
        let inner = self.inner();
        let is_behind = |id: &str| match (walk.after, walk.descending) {
            (None, _) => true,
            (Some(after), false) => id > after,
            (Some(after), true) => id < after,
        };
        let all = inner.leaving.iter().chain(&inner.dirty);
        let own = all.filter(|(key, _)| key.is_in(walk.collection) && is_behind(key.id()));
        Pending::new(
            own.map(|(key, head)| (key.id().into(), *head)),
            walk.descending,
        )
    }

    /// The heads of a space that may not be in the table.
    pub(crate) fn pending_in(&self, space: &str) -> HashMap<Key, Head> {
        let inner = self.inner();
        let mut pending = HashMap::new();
        for group in [&inner.leaving, &inner.dirty] {
            let own = group.iter().filter(|(key, _)| key.space() == space);
            pending.extend(own.map(|(key, head)| (key.clone(), *head)));
        }
        pending
    }

    /// The collections among the heads that may not be in the table.
    pub(crate) fn pending_collections(&self) -> Vec<CollectionKey> {
        let inner = self.inner();
        let keys = inner.leaving.keys().chain(inner.dirty.keys());
        let mut collections: Vec<_> = keys
            .map(|key| CollectionKey {
                space: key.space().into(),
                collection: key.collection().into(),
            })
            .collect();
        collections.sort_unstable();
        collections.dedup();
        collections
    }
}

#[cfg(test)]
mod tests {
    use detente_core::{Digest, Kind, Moment};

    use super::*;

    fn key(id: &str) -> Key {
        Key::new("default", "c", id).unwrap()
    }

    fn head(seq: u64) -> Head {
        Head {
            seq,
            version: seq,
            digest: Digest(0),
            kind: Kind::Document,
            at: Moment(0),
        }
    }

    fn known(heads: &Heads, id: &str) -> Option<u64> {
        match heads.get(&key(id)) {
            Memory::Known(head) => Some(head.seq),
            Memory::Unknown(_) => None,
        }
    }

    #[test]
    fn the_newest_head_is_known_on_its_way_to_the_table() {
        let heads = Heads::new();
        heads.publish([(&key("a"), head(1))].into_iter());
        assert_eq!(heads.leave().len(), 1);
        assert_eq!(known(&heads, "a"), Some(1));
        heads.publish([(&key("a"), head(2))].into_iter());
        assert_eq!(known(&heads, "a"), Some(2));
        heads.left();
        assert_eq!(known(&heads, "a"), Some(2));
        assert_eq!(heads.dirty_count(), 1);
    }

    /// A reader looks into the table and is slow; meanwhile a write comes and leaves for the table.
    #[test]
    fn what_was_read_before_heads_left_is_not_remembered() {
        let heads = Heads::new();
        let Memory::Unknown(token) = heads.get(&key("a")) else {
            panic!("nothing is known yet");
        };
        heads.publish([(&key("a"), head(2))].into_iter());
        heads.remember(token, &key("a"), head(1));
        assert_eq!(known(&heads, "a"), Some(2));
        heads.leave();
        heads.left();
        heads.remember(token, &key("a"), head(1));
        assert_eq!(known(&heads, "a"), Some(2));
        heads.inner().clean.remove(&key("a"));
        heads.remember(token, &key("a"), head(1));
        assert_eq!(known(&heads, "a"), None);
    }
}
