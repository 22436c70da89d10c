use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use detente_core::{Head, Key, Lock, Moment, Seq, Stored};
use detente_store::{Cache, Commit};
use tokio::sync::watch;
use uuid::Uuid;

use crate::queue::Contention;
use crate::rounds::Rounds;

/// How many heads of a space are remembered that the table has.
const HEADS: usize = 65_536;

/// What a node knows of a space: what its lane was when it was looked at last, and what follows from
/// that. It is never wrong about that moment; others may have written since.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) space: Box<str>,
    /// Tells lanes of this node apart, also those of one space at different times.
    pub(crate) number: u32,
    known: Mutex<Known>,
    pub(crate) watch: watch::Sender<Seq>,
    pub(crate) rounds: Rounds,
    pub(crate) contention: Contention,
}

/// Where a lane stands. A commit is guarded by its turn and its batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    /// Moves with every commit.
    pub(crate) turn: i64,
    /// Names the newest commit.
    pub(crate) batch: Uuid,
    pub(crate) last_seq: Seq,
    /// The commit that wrote the newest version.
    pub(crate) newest: Uuid,
    pub(crate) last_at: Moment,
    pub(crate) fencing: u64,
    /// The newest commit that changed a lock.
    pub(crate) locks_turn: i64,
    /// The generation of unique constraints that commits are checked against.
    pub(crate) rules: i64,
}

/// What was read of a lane, in one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) stand: Stand,
    pub(crate) folded: Seq,
    pub(crate) news: News,
    /// All locks, if they changed.
    pub(crate) locks: Option<HashMap<Key, Arc<Lock>>>,
}

#[derive(Debug)]
pub(crate) enum News {
    /// All versions after a seq that was known.
    Versions(Seq, Vec<Arc<Stored>>),
    /// Of all that heads may not have; nothing that was known counts any more.
    Heads(Vec<(Key, Head)>),
}

/// With it, what is read from the table of heads may be remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token(u64);

#[derive(Debug)]
pub(crate) struct Known {
    /// `None`: the lane was not looked at yet.
    pub(crate) stand: Option<Stand>,
    pub(crate) folded: Seq,
    pub(crate) locks: HashMap<Key, Arc<Lock>>,
    /// What the table of heads may not have.
    pending: HashMap<Key, Head>,
    heads: Cache<Key, Head>,
    /// Moves whenever heads stop to be pending, so that an old look at the table is told.
    era: u64,
}

impl Lane {
    pub(crate) fn new(space: &str, number: u32) -> Self {
        Self {
            space: space.into(),
            number,
            known: Mutex::new(Known {
                stand: None,
                folded: 0,
                locks: HashMap::new(),
                pending: HashMap::new(),
                heads: Cache::new(HEADS, |_| 1),
                era: 0,
            }),
            watch: watch::Sender::new(0),
            rounds: Rounds::new(),
            contention: Contention::default(),
        }
    }

    // A std mutex: it is held for a few lookups, and nothing awaits under it.
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("nothing panics while it is held")
    }

    pub(crate) fn stand(&self) -> Option<Stand> {
        self.known().stand
    }

    pub(crate) fn last_seq(&self) -> Seq {
        self.stand().map_or(0, |stand| stand.last_seq)
    }

    /// Tells whoever follows.
    fn tell(&self, last_seq: Seq) {
        self.watch.send_if_modified(|seen| {
            let is_new = last_seq > *seen;
            *seen = last_seq.max(*seen);
            is_new
        });
    }

    /// Takes in what was read, unless more is known by now.
    pub(crate) fn take_in(&self, snapshot: Snapshot) {
        let stand = snapshot.stand;
        self.known().take_in(snapshot);
        self.tell(stand.last_seq);
    }

    /// Takes in a commit of this node that was made on `before`.
    pub(crate) fn committed(&self, before: Stand, stand: Stand, commit: &Commit) {
        let mut known = self.known();
        // Somebody may have read it before we were told that it was written.
        if known.stand == Some(before) {
            for applied in &commit.versions {
                known.see(&applied.stored.key, applied.head);
            }
            for (key, lock) in &commit.locks {
                match lock {
                    Some(lock) => known.locks.insert(key.clone(), Arc::clone(lock)),
                    None => known.locks.remove(key),
                };
            }
            if !commit.locks.is_empty() {
                known.locks.retain(|_, lock| lock.is_held(commit.time.now));
            }
            known.stand = Some(stand);
        }
        drop(known);
        self.tell(stand.last_seq);
    }

    /// The table of heads has all up to here.
    pub(crate) fn folded(&self, through: Seq) {
        self.known().fold(through);
    }

    /// Nothing that is known counts: the database went back to an earlier state.
    pub(crate) fn forget(&self) {
        let mut known = self.known();
        known.stand = None;
        known.clear();
    }
}

impl Known {
    fn take_in(&mut self, snapshot: Snapshot) {
        let Snapshot {
            stand,
            folded,
            news,
            locks,
        } = snapshot;
        let is_news = match (&self.stand, &news) {
            // They follow what is known, if that was not dropped meanwhile.
            (Some(before), News::Versions(since, _)) => {
                stand.turn > before.turn && *since <= before.last_seq
            }
            (None, News::Versions(..)) => return,
            (Some(before), News::Heads(_)) => stand.turn > before.turn,
            (None, News::Heads(_)) => true,
        };
        match news {
            News::Versions(_, versions) if is_news => {
                let before = self.stand.map_or(0, |stand| stand.last_seq);
                for stored in versions.iter().filter(|it| it.seq > before) {
                    self.see(&stored.key, stored.head());
                }
            }
            News::Heads(heads) if is_news => {
                self.clear();
                self.pending.extend(heads);
            }
            _ => {}
        }
        if is_news {
            if let Some(locks) = locks {
                self.locks = locks;
            }
            self.stand = Some(stand);
        }
        self.fold(folded);
    }

    /// A version that is the newest of its document.
    fn see(&mut self, key: &Key, head: Head) {
        self.heads.remove(key);
        self.pending.insert(key.clone(), head);
    }

    fn fold(&mut self, through: Seq) {
        if through <= self.folded {
            return;
        }
        self.folded = through;
        self.era += 1;
        let heads = &mut self.heads;
        self.pending.retain(|key, head| {
            let is_pending = head.seq > through;
            if !is_pending {
                heads.insert(key.clone(), *head);
            }
            is_pending
        });
    }

    fn clear(&mut self) {
        self.era += 1;
        self.folded = 0;
        self.pending.clear();
        self.locks.clear();
        self.heads = Cache::new(HEADS, |_| 1);
    }

    /// The newest version of a document, if memory has it.
    pub(crate) fn head(&mut self, key: &Key) -> Option<Head> {
        let pending = self.pending.get(key).copied();
        pending.or_else(|| self.heads.get(key))
    }

    /// To be taken before the table of heads is read.
    pub(crate) fn token(&self) -> Token {
        Token(self.era)
    }

    /// Remembers what the table said, unless it may be outdated by now. Returns what is newest.
    pub(crate) fn remember(
        &mut self,
        Token(era): Token,
        key: &Key,
        head: Option<Head>,
    ) -> Option<Head> {
        if let Some(pending) = self.pending.get(key)
            && head.is_none_or(|head| head.seq < pending.seq)
        {
            return Some(*pending);
        }
        // The table may be ahead of what is known here, and then it is not remembered: a version that is
        // read on the way there would be taken for a newer one.
        let is_known = |head: &Head| self.stand.is_some_and(|stand| head.seq <= stand.last_seq);
        if let Some(head) = head.filter(is_known)
            && era == self.era
        {
            self.heads.insert(key.clone(), head);
        }
        head
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use detente_core::{Digest, Kind};

    use super::*;

    fn version(seq: Seq, id: &str) -> Arc<Stored> {
        Arc::new(Stored {
            seq,
            key: Key::new("default", "c", id).unwrap(),
            version: seq,
            prev: None,
            base: None,
            by: "ann".into(),
            at: Moment(0),
            kind: Kind::Document,
            body: Bytes::from_static(b"{}"),
            digest: Digest(0),
        })
    }

    fn snapshot(turn: i64, last_seq: Seq, folded: Seq, news: News) -> Snapshot {
        Snapshot {
            stand: Stand {
                turn,
                last_seq,
                ..Stand::default()
            },
            folded,
            news,
            locks: None,
        }
    }

    fn heads(versions: &[Arc<Stored>]) -> News {
        let heads = versions.iter().map(|it| (it.key.clone(), it.head()));
        News::Heads(heads.collect())
    }

    fn known(lane: &Lane, id: &str) -> Option<Seq> {
        let key = Key::new("default", "c", id).unwrap();
        lane.known().head(&key).map(|head| head.seq)
    }

    #[test]
    fn what_follows_is_taken_in_once_and_what_is_old_is_not() {
        let lane = Lane::new("default", 0);
        lane.take_in(snapshot(
            3,
            3,
            1,
            heads(&[version(2, "a"), version(3, "b")]),
        ));
        let more = || News::Versions(3, vec![version(4, "a"), version(5, "a")]);
        lane.take_in(snapshot(5, 5, 1, more()));
        assert_eq!((known(&lane, "a"), known(&lane, "b")), (Some(5), Some(3)));
        lane.take_in(snapshot(4, 4, 1, News::Versions(3, vec![version(4, "b")])));
        assert_eq!((known(&lane, "b"), lane.last_seq()), (Some(3), 5));
        lane.folded(5);
        assert_eq!(
            known(&lane, "a"),
            Some(5),
            "it is remembered when the table has it"
        );
    }

    /// Somebody read on, and before that was taken in, all that it follows was dropped.
    #[test]
    fn what_follows_what_was_dropped_is_dropped_too() {
        let lane = Lane::new("default", 0);
        lane.take_in(snapshot(3, 3, 0, heads(&[version(3, "b")])));
        let late = snapshot(4, 4, 0, News::Versions(3, vec![version(4, "a")]));
        lane.forget();
        lane.take_in(late);
        assert_eq!((lane.stand(), known(&lane, "a")), (None, None));
        lane.take_in(snapshot(2, 2, 0, heads(&[version(2, "a")])));
        let gap = snapshot(5, 5, 0, News::Versions(4, vec![version(5, "a")]));
        lane.take_in(gap);
        assert_eq!((known(&lane, "a"), lane.last_seq()), (Some(2), 2));
    }

    /// A reader looks into the table and is slow; meanwhile a write comes and is folded.
    #[test]
    fn an_old_look_at_the_table_is_not_remembered() {
        let lane = Lane::new("default", 0);
        lane.take_in(snapshot(1, 1, 1, heads(&[])));
        let key = Key::new("default", "c", "a").unwrap();
        let (token, old) = (lane.known().token(), version(1, "a").head());
        lane.take_in(snapshot(2, 2, 1, News::Versions(1, vec![version(2, "a")])));
        let found = lane.known().remember(token, &key, Some(old));
        assert_eq!(
            found.map(|head| head.seq),
            Some(2),
            "what is pending is newer"
        );
        lane.folded(2);
        lane.known().remember(token, &key, Some(old));
        assert_eq!(known(&lane, "a"), Some(2));
        let ahead = version(9, "d");
        let token = lane.known().token();
        lane.known().remember(token, &ahead.key, Some(ahead.head()));
        assert_eq!(
            known(&lane, "d"),
            None,
            "the table is ahead of what is known"
        );
    }
}
