use std::path::Path;
use std::sync::Arc;
use std::vec;

use crate::failure::Failure;
use detente_core::rules::{Claim, Rules};
use detente_core::{Applied, Checksum, Digest, Head, Key, Lock, Moment, Receipt, Seq, Stored};
use detente_store::{
    BatchToken, Commit, ConstraintConflict, Facts, Fate, Ground, Lack, Order, Retention,
    Settlement, Store, StoreError, Time, UniqueKey, Want,
};
use rusqlite::{Connection, params};

use crate::conflict_log::{self, ConflictLog};
use crate::heads::Memory;
use crate::layout::{self, Claimed};
use crate::mark::{Mark, Marked, Sequel};
use crate::marker::Marker;
use crate::open::OpenError;
use crate::read::{Reads, Shared};
use crate::reader::SqliteReader;
use crate::row::{self, kind_number, signed};
use crate::seal::{HEADS, UNIQUE_KEYS, VERSIONS, checksum, number, optional, text};
use crate::{constraint, lock, prune, receipt};

/// One version in so many is noted, so that an old version is found without walking all of them.
pub(crate) const MILESTONE: u64 = 64;

/// How many heads a commit writes for each version it appends, while heads are leaving: faster than
/// new ones come, so that a group has left before the next is full.
const LEAVING_PER_VERSION: usize = 2;

/// A commit writes at least this part of the heads that may be dirty: under a slow trickle of writes
/// a departure ends as well.
const LEAVING_PART: usize = 512;

/// There is nothing to tell apart: after one commit of unknown fate, this process makes no other.
const UNKNOWN: BatchToken = BatchToken(0);

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
    /// The time of the newest turn. Clocks may be set back; this is not.
    now: Moment,
    conflict_log: ConflictLog,
    marker: Marker,
    /// `None`: it cannot be written.
    mark: Option<Mark>,
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
        let mut connection = layout::open_writer(&claimed.database)?;
        let marker = Marker::read(&connection)?;
        let mut shared =
            Shared::load(&connection, &claimed.database, &marker, options.cache_bytes)?;
        let mark = go_on(data, &claimed.database, &connection, shared.last_seq());
        if let Some(mark) = &mark {
            shared.epoch = mark.epoch();
        }
        shared.checkpoints.watch(&mut connection)?;
        Ok(Self {
            conflict_log: ConflictLog::open(&connection, options.conflicts)?,
            marker,
            connection,
            shared: Arc::new(shared),
            leaving: Vec::new().into_iter(),
            leaving_through: 0,
            is_leaving: false,
            dirty_limit: options.dirty_limit,
            now: Moment(0),
            mark,
            _claimed: claimed,
        })
    }

    pub(crate) fn reads(&self) -> Reads {
        Reads::new(Arc::clone(&self.shared))
    }

    /// Unless one is under way, as it is where a turn was begun and given up.
    fn start_transaction(&self) -> Result<(), Failure> {
        if self.connection.is_autocommit() {
            self.connection.prepare_cached("BEGIN")?.execute([])?;
        }
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
        let (pruned, marker) = match self.write(commit, slice_len, is_last) {
            Ok(written) => written,
            Err(error) => {
                self.roll_back();
                self.shared.versions.end_cut(&[]);
                return Err(error);
            }
        };
        // Only what is committed has left: a commit that failed is tried again with the same slice.
        self.leaving.by_ref().take(slice_len).for_each(drop);
        self.marker = marker;
        self.conflict_log.wrote(&commit.conflicts);
        self.shared.publish(commit);
        self.move_mark(commit);
        if cuts {
            self.shared.versions.end_cut(&pruned);
        }
        if is_last {
            self.is_leaving = false;
            self.shared.heads.left();
        }
        Ok(())
    }

    fn move_mark(&mut self, commit: &Commit) {
        let Some((mark, newest)) = self.mark.as_ref().zip(commit.versions.last()) else {
            return;
        };
        if let Err(error) = mark.note(newest.stored.seq, newest.stored.digest) {
            tracing::warn!(%error, "the store's mark cannot be written on");
            self.mark = None;
        }
    }

    /// Returns the versions that are kept no longer, and the marker as it is now.
    fn write(
        &self,
        commit: &Commit,
        slice_len: usize,
        is_last: bool,
    ) -> Result<(Vec<Seq>, Marker), Failure> {
        self.start_transaction()?;
        append_versions(&self.connection, &commit.versions)?;
        move_keys(&self.connection, commit)?;
        lock::write(&self.connection, commit)?;
        receipt::write(&self.connection, commit)?;
        self.conflict_log.write(&self.connection, commit)?;
        let pruned = prune::prune(&self.connection, commit, &self.shared.damaged)?;
        write_heads(&self.connection, &self.leaving.as_slice()[..slice_len])?;
        let marker = Marker {
            heads_through: match is_last {
                true => self.leaving_through,
                false => self.marker.heads_through,
            },
            fencing: self.marker.fencing.max(commit.largest_fencing()),
            pruned: self.marker.pruned + pruned.len() as u64,
            ..self.marker
        };
        if marker != self.marker {
            marker.write(&self.connection)?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok((pruned, marker))
    }

    /// What was found damaged is noted on its way out.
    fn fact<T>(&self, found: Result<T, Failure>) -> Result<T, Lack> {
        Ok(self.shared.noting(found)?)
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

/// Takes the mark up where it was left, if the log is still the one that it tells of.
fn go_on(data: &Path, database: &Path, connection: &Connection, last: Seq) -> Option<Mark> {
    let find = |seq: Seq| {
        let found = row::find_described(connection, seq).ok().flatten();
        found.map(|stored| stored.digest)
    };
    let before = Marked::read(data);
    let same = before.filter(|before| match before.compare(database, last, find) {
        Sequel::Same => true,
        Sequel::Other => false,
        Sequel::Shorter(marked) => {
            tracing::error!(
                last,
                marked,
                "the log is shorter than it was: its write-ahead log is damaged or was deleted, or an \
                 older copy was put back. Followers of the feed begin anew"
            );
            false
        }
    });
    let digest = find(last).filter(|_| last > 0).unwrap_or(Digest(0));
    let mark = Mark::write_on(data, database, same, (last, digest));
    mark.inspect_err(|error| tracing::warn!(%error, "the store's mark cannot be written"))
        .ok()
}

impl Facts for Sqlite {
    fn head(&self, key: &Key) -> Result<Option<Head>, Lack> {
        let token = match self.shared.heads.get(key) {
            Memory::Known(head) => return Ok(Some(head)),
            Memory::Unknown(token) => token,
        };
        let found = self.fact(row::find_head(&self.connection, key))?;
        if let Some(head) = found {
            self.shared.heads.remember(token, key, head);
        }
        Ok(found)
    }

    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, Lack> {
        match self.shared.versions.get(seq) {
            Some(stored) => Ok(Some(stored)),
            None if seq > self.shared.last_seq() => Ok(None),
            None => self.fact(row::find_named(&self.connection, seq)),
        }
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, Lack> {
        let (space, collection) = (key.space(), key.collection());
        self.fact(row::find_holder(&self.connection, space, collection, claim))
    }

    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, Lack> {
        Ok(self.shared.locks.get(key))
    }

    fn locks_below(&self, folder: &Key) -> Result<Vec<(Key, Arc<Lock>)>, Lack> {
        Ok(self.shared.locks.below(folder))
    }

    fn receipt(&self, scope: &[u8; 32]) -> Result<Option<Receipt>, Lack> {
        self.fact(receipt::find(&self.connection, scope))
    }

    fn settled(&self, id: &str) -> Result<Option<Option<Settlement>>, Lack> {
        self.fact(conflict_log::settled(&self.connection, id))
    }
}

impl Store for Sqlite {
    type Reader = SqliteReader;

    const IS_EXCLUSIVE: bool = true;

    fn reader(&self) -> SqliteReader {
        SqliteReader::new(Arc::clone(&self.shared))
    }

    fn begin(&mut self, _: &[Order], clock: Time) -> Result<Ground, StoreError> {
        self.start_transaction()?;
        self.now = self.now.max(clock.now);
        Ok(Ground {
            next_seq: self.shared.last_seq() + 1,
            fencing: self.shared.locks.last_fencing(),
            time: Time {
                now: self.now,
                ..clock
            },
        })
    }

    /// All facts are at hand.
    fn fetch(&mut self, _: &[Want]) -> Result<(), StoreError> {
        Ok(())
    }

    fn append(&mut self, commit: &Commit) -> Fate {
        if !self.is_leaving && self.shared.heads.dirty_count() >= self.dirty_limit {
            self.start_leaving();
        }
        let count = if self.is_leaving {
            (self.dirty_limit / LEAVING_PART).max(commit.versions.len() * LEAVING_PER_VERSION)
        } else {
            0
        };
        match self.commit(commit, count).map_err(StoreError::from) {
            Ok(()) => Fate::Committed,
            Err(StoreError::Unknown(reason)) => {
                tracing::error!(reason, "whether a commit reached the disk is unknown");
                Fate::Unknown(UNKNOWN)
            }
            Err(error) => Fate::unwritten(error),
        }
    }

    /// Ends the process: memory may now say something else than the disk, and starting over is the
    /// only cure.
    fn fate(&mut self, _: BatchToken) -> Fate {
        tracing::error!("ending the process: what is on disk is unknown");
        std::process::abort();
    }

    fn constrain(
        &mut self,
        rules: &[(&str, &Rules)],
    ) -> Result<Vec<ConstraintConflict>, StoreError> {
        Ok(constraint::build(self, rules)?)
    }

    fn has_keys(&self, collection: &str, rules: &Rules) -> Result<bool, StoreError> {
        Ok(constraint::are_built(&self.connection, collection, rules)?)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        Ok(self.shut()?)
    }
}

fn write_heads(connection: &Connection, heads: &[(Key, Head)]) -> Result<(), Failure> {
    let mut upsert = connection.prepare_cached(
        // Not REPLACE: what the second list of names has of it stays as it is.
        "INSERT INTO heads (space, collection, id, seq, version, digest, at, kind, seal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET seq = excluded.seq, version = excluded.version,
             digest = excluded.digest, at = excluded.at, kind = excluded.kind,
             seal = excluded.seal",
    )?;
    for (key, head) in heads {
        let row = [
            text(key.space()),
            text(key.collection()),
            text(key.id()),
            number(head.seq),
            number(head.version),
            number(head.digest.0),
            number(head.at.0),
            number(kind_number(head.kind)),
        ];
        HEADS.write(&mut upsert, &row, None)?;
    }
    Ok(())
}

fn append_versions(connection: &Connection, batch: &[Applied]) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO versions
             (seq, space, collection, id, version, prev, by, at, kind, base, checksum, seal, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    for stored in batch.iter().map(|it| &*it.stored) {
        let Stored {
            seq, key, version, ..
        } = stored;
        let row = [
            number(*seq),
            text(key.space()),
            text(key.collection()),
            text(key.id()),
            number(*version),
            optional(stored.prev),
            text(&stored.by),
            number(stored.at.0),
            number(kind_number(stored.kind)),
            optional(stored.base),
            checksum(Checksum::of(&stored.body)),
        ];
        VERSIONS.write(&mut insert, &row, Some(stored.text()))?;
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

fn move_keys(connection: &Connection, commit: &Commit) -> Result<(), Failure> {
    for (key, holder) in &commit.keys {
        match holder {
            Some(id) => hold(connection, key, id)?,
            None => release(connection, key)?,
        }
    }
    Ok(())
}

fn release(connection: &Connection, key: &UniqueKey) -> Result<(), Failure> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM unique_keys
         WHERE space = ?1 AND collection = ?2 AND name = ?3 AND value = ?4",
    )?;
    delete.execute(params![
        key.space,
        key.collection,
        key.constraint,
        key.value
    ])?;
    Ok(())
}

/// Writes who holds a key, whoever held it before.
pub(crate) fn hold(connection: &Connection, key: &UniqueKey, id: &str) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO unique_keys (space, collection, name, value, id, seal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let UniqueKey {
        space,
        collection,
        constraint,
        value,
    } = key;
    let row = [
        text(space),
        text(collection),
        text(constraint),
        text(value),
        text(id),
    ];
    Ok(UNIQUE_KEYS.write(&mut insert, &row, None)?)
}
