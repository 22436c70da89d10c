use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::failure::Failure;
use detente_core::{Key, Lock, Moment};
use detente_store::{Commit, Map, lock_terms, locks_below, with_lock_terms};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use crate::row::{signed, unsigned};
use crate::seal::{LOCKS, number, text};

/// The locks of all documents. Every write asks for one, so they are in memory as well.
#[derive(Debug)]
pub(crate) struct Locks {
    held: Mutex<Map<Key, Arc<Lock>>>,
    fencing: AtomicU64,
}

impl Locks {
    /// `fencing` is the largest number that was ever given out.
    pub(crate) fn load(connection: &Connection, fencing: u64) -> Result<Self, Failure> {
        let sql = format!("SELECT {} FROM locks", LOCKS.columns());
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut held = Map::default();
        while let Some(row) = rows.next()? {
            if !LOCKS.holds(row, 0)? {
                return Err(Failure::damaged("a lock is not as it was written"));
            }
            let unreadable = || Failure::damaged("a lock says what no lock does");
            let (key, lock) = lock(row)?.ok_or_else(unreadable)?;
            held.insert(key, lock);
        }
        Ok(Self {
            held: Mutex::new(held),
            fencing: AtomicU64::new(fencing),
        })
    }

    fn held(&self) -> MutexGuard<'_, Map<Key, Arc<Lock>>> {
        self.held.lock().expect("nothing panics while it is held")
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Lock>> {
        self.held().get(key).cloned()
    }

    pub(crate) fn below(&self, folder: &Key) -> Vec<(Key, Arc<Lock>)> {
        locks_below(self.held().iter(), folder)
    }

    pub(crate) fn last_fencing(&self) -> u64 {
        self.fencing.load(Ordering::Acquire)
    }

    /// Takes in what was committed.
    pub(crate) fn publish(&self, commit: &Commit) {
        if commit.locks.is_empty() {
            return;
        }
        self.fencing
            .fetch_max(commit.largest_fencing(), Ordering::AcqRel);
        let mut held = self.held();
        for (key, lock) in &commit.locks {
            match lock {
                Some(lock) => drop(held.insert(key.clone(), Arc::clone(lock))),
                None => drop(held.remove(key)),
            }
        }
        held.retain(|_, lock| lock.is_held(commit.time.now));
    }
}

/// `None` if its terms are none.
fn lock(row: &Row<'_>) -> Result<Option<(Key, Arc<Lock>)>, rusqlite::Error> {
    let text = |column: usize| row.get::<_, String>(column);
    let key = Key::from_parts(&text(0)?, &text(1)?, &text(2)?);
    let lock = Lock {
        token: text(3)?.into(),
        fencing: unsigned(row, 4)?,
        owner: text(5)?,
        by: text(6)?.into(),
        expires_at: Moment(unsigned(row, 7)?),
        is_deep: false,
        sharers: None,
    };
    let terms: Option<String> = row.get(8)?;
    let lock = with_lock_terms(lock, terms.as_deref());
    Ok(lock.map(|lock| (key, Arc::new(lock))))
}

/// Writes the locks of a commit, and drops those whose time has passed: to whoever still has their
/// tokens, none and one that has expired are the same.
pub(crate) fn write(connection: &Connection, commit: &Commit) -> Result<(), Failure> {
    if commit.locks.is_empty() {
        return Ok(());
    }
    let mut delete = connection
        .prepare_cached("DELETE FROM locks WHERE space = ?1 AND collection = ?2 AND id = ?3")?;
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO locks
             (space, collection, id, token, fencing, owner, by, expires_at, terms, seal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for (key, lock) in &commit.locks {
        let Some(lock) = lock else {
            delete.execute(params![key.space(), key.collection(), key.id()])?;
            continue;
        };
        let terms = lock_terms(lock);
        let row = [
            text(key.space()),
            text(key.collection()),
            text(key.id()),
            text(&lock.token),
            number(lock.fencing),
            text(&lock.owner),
            text(&lock.by),
            number(lock.expires_at.0),
            terms.as_deref().map_or(ValueRef::Null, text),
        ];
        LOCKS.write(&mut insert, &row, None)?;
    }
    connection
        .prepare_cached("DELETE FROM locks WHERE expires_at <= ?1")?
        .execute([signed(commit.time.now.0)])?;
    Ok(())
}
