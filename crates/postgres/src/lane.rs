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
    /// All versions since the stand that was known.
    Versions(Vec<Arc<Stored>>),
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
        let is_news = match &self.stand {
            Some(before) => stand.turn > before.turn,
            None => true,
        };
        match news {
            News::Versions(versions) if is_news => {
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
