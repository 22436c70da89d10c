use std::path::Path;
use std::sync::Arc;
use std::vec;

use crate::failure::Failure;
use detente_core::{Applied, Head, Key, Lock, Receipt, Seq, Stored, rules::Claim};
use detente_store::{Commit, Retention, Settled, Store, StoreError};
use rusqlite::{Connection, params};

use crate::conflict_log::{self, ConflictLog};
use crate::heads::Memory;
use crate::layout::{self, Claimed};
use crate::open::OpenError;
use crate::read::{Shared, SqliteReader};
use crate::row::{self, kind_number, signed};
use crate::{lock, prune, receipt};

/// One version in so many is noted, so that an old version is found without walking all of them.
pub(crate) const MILESTONE: u64 = 64;

/// How many heads a commit writes for each version it appends, while heads are leaving: faster than
/// new ones come, so that a group has left before the next is full.
const LEAVING_PER_VERSION: usize = 2;

/// And at the least this part of the heads that may be dirty, so that a slow trickle of writes does
/// not drag a departure out for ever.
const LEAVING_PART: usize = 512;

/// How much a store keeps in memory.
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    /// Of versions that were written or read lately, in bytes.
    pub cache_bytes: usize,
    /// How many heads may differ from their table before they are written to it. After a crash, a
    /// few times as many versions are read again.
    pub dirty_limit: usize,
    /// How much of the conflict log is kept.
    pub conflicts: Retention,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 * 1024 * 1024,
            dirty_limit: 98_304,
            conflicts: Retention::default(),
        }
    }
}

/// The embedded store.
#[derive(Debug)]
pub struct Sqlite {
    pub(crate) connection: Connection,
    pub(crate) shared: Arc<Shared>,
    leaving: vec::IntoIter<(Key, Head)>,
    /// What the marker becomes once all that are leaving are written.
    leaving_through: Seq,
    is_leaving: bool,
    dirty_limit: usize,
    conflict_log: ConflictLog,
    _claimed: Claimed,
}

impl Sqlite {
    /// Opens the store in the folder `data`, creating it if there is none.
    ///
    /// After a crash the log's tail past the stored marker brings the heads up to date.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing that was there is changed.
    pub fn open(data: &Path, options: SqliteOptions) -> Result<Self, OpenError> {
        let claimed = Claimed::new(data)?;
        let connection = layout::open_writer(&claimed.database)?;
        let shared = Shared::load(&connection, &claimed.database, options.cache_bytes)?;
        Ok(Self {
            conflict_log: ConflictLog::open(&connection, options.conflicts)?,
            connection,
            shared: Arc::new(shared),
            leaving: Vec::new().into_iter(),
            leaving_through: 0,
            is_leaving: false,
            dirty_limit: options.dirty_limit,
            _claimed: claimed,
        })
    }

    fn start_transaction(&self) -> Result<(), Failure> {
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(())
    }

    fn start_leaving(&mut self) {
        self.leaving_through = self.shared.last_seq();
        self.leaving = self.shared.heads.leave().into_iter();
        self.is_leaving = true;
    }

    /// Writes `commit` and `count` of the heads that are leaving, all in one transaction.
    fn commit(&mut self, commit: &Commit, count: usize) -> Result<(), Failure> {
        let slice_len = count.min(self.leaving.len());
        let is_last = self.is_leaving && slice_len == self.leaving.len();
        let cuts = !commit.prunings.is_empty();
        if cuts {
            self.shared.versions.begin_cut();
        }
        let pruned = match self.write(commit, slice_len, is_last) {
            Ok(pruned) => pruned,
            Err(error) => {
                self.roll_back();
                self.shared.versions.end_cut(&[]);
                return Err(error);
            }
        };
        // Only what is committed has left: a commit that failed is tried again with the same slice.
        self.leaving.by_ref().take(slice_len).for_each(drop);
        self.conflict_log.wrote(&commit.conflicts);
        self.shared.publish(commit);
        if cuts {
            self.shared.versions.end_cut(&pruned);
        }
        if is_last {
            self.is_leaving = false;
            self.shared.heads.left();
        }
        Ok(())
    }

    /// Returns the versions that are kept no longer.
    fn write(&self, commit: &Commit, slice_len: usize, is_last: bool) -> Result<Vec<Seq>, Failure> {
        if self.connection.is_autocommit() {
            self.start_transaction()?;
        }
        append_versions(&self.connection, &commit.versions)?;
        move_claims(&self.connection, &commit.versions)?;
        lock::write(&self.connection, commit)?;
        receipt::write(&self.connection, commit)?;
        self.conflict_log.write(&self.connection, commit)?;
        let pruned = prune::prune(&self.connection, commit)?;
        write_heads(&self.connection, &self.leaving.as_slice()[..slice_len])?;
        if is_last {
            let through = signed(self.leaving_through);
            let mut mark = self
                .connection
                .prepare_cached("UPDATE marker SET heads_through = ?1")?;
            mark.execute([through])?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(pruned)
    }

    fn roll_back(&self) {
        // SQLite may have done so itself.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "could not roll back");
        }
    }

    /// Writes every head to its table.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if self.is_leaving {
            self.commit(&Commit::default(), usize::MAX)?;
        }
        self.start_leaving();
        self.commit(&Commit::default(), usize::MAX)
    }

    fn shut(&mut self) -> Result<(), Failure> {
        self.flush()?;
        self.connection
            .execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok(())
    }
}

impl Store for Sqlite {
    type Reader = SqliteReader;

    fn begin(&mut self) -> Result<(), StoreError> {
        Ok(self.start_transaction()?)
    }

    fn head(&self, key: &Key) -> Result<Option<Head>, StoreError> {
        let token = match self.shared.heads.get(key) {
            Memory::Known(head) => return Ok(Some(head)),
            Memory::Unknown(token) => token,
        };
        let found = row::find_head(&self.connection, key)?;
        if let Some(head) = found {
            self.shared.heads.remember(token, key, head);
        }
        Ok(found)
    }

    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, StoreError> {
        match self.shared.versions.get(seq) {
            Some(stored) => Ok(Some(stored)),
            None => Ok(row::find_version(&self.connection, seq)?),
        }
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, StoreError> {
        let (space, collection) = (key.space(), key.collection());
        Ok(row::find_holder(
            &self.connection,
            space,
            collection,
            claim,
        )?)
    }

    fn reader(&self) -> SqliteReader {
        SqliteReader::new(Arc::clone(&self.shared))
    }

    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, StoreError> {
        Ok(self.shared.locks.get(key))
    }

    fn last_fencing(&self) -> u64 {
        self.shared.locks.last_fencing()
    }

    fn receipt(&self, scope: &[u8; 32]) -> Result<Option<Receipt>, StoreError> {
        Ok(receipt::find(&self.connection, scope)?)
    }

    fn settled(&self, id: &str) -> Result<Option<Option<Settled>>, StoreError> {
        Ok(conflict_log::settled(&self.connection, id)?)
    }

    fn append(&mut self, commit: &Commit) -> Result<(), StoreError> {
        if !self.is_leaving && self.shared.heads.dirty_count() >= self.dirty_limit {
            self.start_leaving();
        }
        let count = if self.is_leaving {
            (self.dirty_limit / LEAVING_PART).max(commit.versions.len() * LEAVING_PER_VERSION)
        } else {
            0
        };
        Ok(self.commit(commit, count)?)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        Ok(self.shut()?)
    }
}

fn write_heads(connection: &Connection, heads: &[(Key, Head)]) -> Result<(), Failure> {
    let mut upsert = connection.prepare_cached(
        "INSERT OR REPLACE INTO heads (space, collection, id, seq, version, digest, at, kind)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (key, head) in heads {
        upsert.execute(params![
            key.space(),
            key.collection(),
            key.id(),
            signed(head.seq),
            signed(head.version),
            signed(head.digest.0),
            signed(head.at.0),
            kind_number(head.kind),
        ])?;
    }
    Ok(())
}

fn append_versions(connection: &Connection, batch: &[Applied]) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO versions (seq, space, collection, id, version, prev, by, at, kind, body, base)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for stored in batch.iter().map(|it| &*it.stored) {
        let Stored {
            seq, key, version, ..
        } = stored;
        insert.execute(params![
            signed(*seq),
            key.space(),
            key.collection(),
            key.id(),
            signed(*version),
            stored.prev.map(signed),
            &*stored.by,
            signed(stored.at.0),
            kind_number(stored.kind),
            stored.text(),
            stored.base.map(signed),
        ])?;
        if version.is_multiple_of(MILESTONE) {
            add_milestone(connection, key, *version, *seq)?;
        }
    }
    Ok(())
}

fn add_milestone(
    connection: &Connection,
    key: &Key,
    version: u64,
    seq: Seq,
) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO milestones (space, collection, id, version, seq) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let place = params![
        key.space(),
        key.collection(),
        key.id(),
        signed(version),
        signed(seq)
    ];
    insert.execute(place)?;
    Ok(())
}

/// In the order of the batch: a key that one write gives up, the next may take.
fn move_claims(connection: &Connection, batch: &[Applied]) -> Result<(), Failure> {
    for Applied {
        stored,
        claimed,
        released,
        ..
    } in batch
    {
        for claim in released {
            release(connection, &stored.key, claim)?;
        }
        for claim in claimed {
            self::claim(connection, &stored.key, claim)?;
        }
    }
    Ok(())
}

fn release(connection: &Connection, key: &Key, claim: &Claim) -> Result<(), Failure> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM unique_keys
         WHERE space = ?1 AND collection = ?2 AND name = ?3 AND value = ?4 AND id = ?5",
    )?;
    let row = params![
        key.space(),
        key.collection(),
        claim.constraint,
        claim.value,
        key.id()
    ];
    delete.execute(row)?;
    Ok(())
}

pub(crate) fn claim(connection: &Connection, key: &Key, claim: &Claim) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO unique_keys (space, collection, name, value, id) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let row = params![
        key.space(),
        key.collection(),
        claim.constraint,
        claim.value,
        key.id()
    ];
    insert.execute(row)?;
    Ok(())
}
