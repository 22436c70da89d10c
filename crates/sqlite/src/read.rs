use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::failure::Failure;
use detente_core::rules::Claim;
use detente_core::{CollectionKey, Head, Key, Kind, Lock, Moment, Seq, Stored};
use detente_store::{
    Changes, Commit, ConflictPage, Conflicts, Documents, Feed, LoggedConflict, MergedHour, Reader,
    StoreError, Visit,
};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::watch;

use crate::heads::{Heads, Memory};
use crate::lock::Locks;
use crate::open::OpenError;
use crate::row::{self, signed};
use crate::versions::Versions;
use crate::{conflict_log, history, layout};

/// Connections that are kept open between reads.
const IDLE_CONNECTIONS: usize = 8;

/// How many versions of others a reader of changes passes over before it reports where it got to.
const SCAN_LIMIT: usize = 20_000;

/// What the writer and all readers have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    database: PathBuf,
    last_seq: AtomicU64,
    watch: watch::Sender<Seq>,
    pub(crate) heads: Heads,
    pub(crate) locks: Locks,
    pub(crate) versions: Versions,
    idle: Mutex<Vec<Connection>>,
}

impl Shared {
    /// Reads where the log ends, and the heads that its tail past the marker makes.
    pub(crate) fn load(
        connection: &Connection,
        database: &Path,
        cache_bytes: usize,
    ) -> Result<Self, Failure> {
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let last_seq = number("SELECT coalesce(max(seq), 0) FROM versions")?;
        let marker = number("SELECT heads_through FROM marker")?;
        if marker > last_seq {
            let gap = format!("its heads go up to {marker}, its log only to {last_seq}");
            return Err(Failure::damaged(gap));
        }
        let shared = Self {
            database: database.to_owned(),
            last_seq: AtomicU64::new(last_seq.unsigned_abs()),
            watch: watch::Sender::new(last_seq.unsigned_abs()),
            heads: Heads::new(),
            locks: Locks::load(connection)?,
            versions: Versions::new(cache_bytes),
            idle: Mutex::new(Vec::new()),
        };
        shared.replay(connection, marker)?;
        Ok(shared)
    }

    fn replay(&self, connection: &Connection, marker: i64) -> Result<(), Failure> {
        let mut statement = connection.prepare(row::VERSIONS_SINCE)?;
        let mut rows = statement.query([marker])?;
        while let Some(row) = rows.next()? {
            let stored = row::stored(row)?;
            self.heads
                .publish([(&stored.key, stored.head())].into_iter());
        }
        Ok(())
    }

    pub(crate) fn last_seq(&self) -> Seq {
        self.last_seq.load(Ordering::Acquire)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Seq> {
        self.watch.subscribe()
    }

    /// Takes in what was committed. Bodies first: whoever sees the head finds its version.
    pub(crate) fn publish(&self, commit: &Commit) {
        self.locks.publish(commit);
        let Some(last) = commit.versions.last() else {
            return;
        };
        self.versions.publish(&commit.versions);
        let heads = commit.versions.iter();
        self.heads
            .publish(heads.map(|applied| (&applied.stored.key, applied.head)));
        self.last_seq.store(last.stored.seq, Ordering::Release);
        self.watch.send_replace(last.stored.seq);
    }
}

/// Reads from memory where it can, otherwise over a connection of its own.
#[derive(Clone, Debug)]
pub struct SqliteReader {
    shared: Arc<Shared>,
}

impl SqliteReader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Opens a store for reading only, also while a server has it open.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if there is no store that this program can read.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let database = layout::database_in(data);
        if !database.is_file() {
            return Err(OpenError::Foreign {
                path: database,
                reason: "there is no such file".into(),
            });
        }
        let connection = layout::open_reader(&database)?;
        let shared = Shared::load(&connection, &database, 0)?;
        Ok(Self::new(Arc::new(shared)))
    }

    fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let idle = self
            .shared
            .idle
            .lock()
            .expect("nothing panics while it is held")
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => layout::connect_reader(&self.shared.database)?,
        };
        let result = read(&connection);
        let mut idle = self
            .shared
            .idle
            .lock()
            .expect("nothing panics while it is held");
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
        Ok(result?)
    }
}

impl Reader for SqliteReader {
    fn last_seq(&self) -> Seq {
        self.shared.last_seq()
    }

    fn head(&self, key: &Key) -> Result<Option<Head>, StoreError> {
        let token = match self.shared.heads.get(key) {
            Memory::Known(head) => return Ok(Some(head)),
            Memory::Unknown(token) => token,
        };
        let found = self.with(|connection| row::find_head(connection, key))?;
        if let Some(head) = found {
            self.shared.heads.remember(token, key, head);
        }
        Ok(found)
    }

    fn current(&self, key: &Key) -> Result<Option<Arc<Stored>>, StoreError> {
        let mut missed = None;
        let token = loop {
            let head = match self.shared.heads.get(key) {
                Memory::Known(head) => head,
                Memory::Unknown(token) => break token,
            };
            if let Some(stored) = self.version(head.seq)? {
                return Ok(Some(stored));
            }
            // Newer ones came meanwhile, and this was let go: what is newest never is.
            if missed.replace(head.seq) == Some(head.seq) {
                return Err(is_missing(head).into());
            }
        };
        let cache_token = self.shared.versions.token();
        let found = self.with(|connection| row::find_current(connection, key))?;
        if let Some(stored) = &found {
            self.shared.heads.remember(token, key, stored.head());
            self.shared.versions.remember(cache_token, stored);
        }
        Ok(found)
    }

    fn recall(&self, key: &Key) -> Option<Arc<Stored>> {
        match self.shared.heads.get(key) {
            Memory::Known(head) => self.shared.versions.get(head.seq),
            Memory::Unknown(_) => None,
        }
    }

    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, StoreError> {
        if let Some(stored) = self.shared.versions.get(seq) {
            return Ok(Some(stored));
        }
        let token = self.shared.versions.token();
        let found = self.with(|connection| row::find_version(connection, seq))?;
        if let Some(stored) = &found {
            self.shared.versions.remember(token, stored);
        }
        Ok(found)
    }

    fn recall_version(&self, seq: Seq) -> Option<Arc<Stored>> {
        self.shared.versions.get(seq)
    }

    fn numbered(&self, head: &Stored, number: u64) -> Result<Option<Arc<Stored>>, StoreError> {
        if number == 0 || number > head.version {
            return Ok(None);
        }
        self.with(|connection| history::numbered(connection, head, number))
    }

    fn documents(&self, asked: &Documents<'_>, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        // Taken before the table is read: what leaves for the table in between is seen twice, not missed.
        let pending = self.shared.heads.pending(asked.collection);
        self.with(|connection| {
            Walk {
                reader: self,
                connection,
                asked,
                pending,
            }
            .run(visit)
        })
    }

    fn changes(&self, asked: &Changes<'_>) -> Result<Feed, StoreError> {
        self.with(|connection| read_changes(connection, asked))
    }

    fn document_changes(&self, key: &Key, since: Seq, limit: usize) -> Result<Feed, StoreError> {
        // Taken first: what is committed meanwhile is looked at the next time.
        let looked_at = self.last_seq().max(since);
        let mut feed = match self.current(key)? {
            Some(newest) => {
                self.with(|connection| history::changes(connection, &newest, since, limit))?
            }
            None => Feed {
                items: Vec::new(),
                through: since,
                more: false,
            },
        };
        if !feed.more {
            feed.through = feed.through.max(looked_at);
        }
        Ok(feed)
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, StoreError> {
        let (space, collection) = (key.space(), key.collection());
        self.with(|connection| row::find_holder(connection, space, collection, claim))
    }

    fn lock(&self, key: &Key) -> Option<Arc<Lock>> {
        self.shared.locks.get(key)
    }

    fn conflicts(&self, asked: &Conflicts) -> Result<ConflictPage, StoreError> {
        self.with(|connection| conflict_log::list(connection, asked))
    }

    fn conflict(&self, space: &str, id: &str) -> Result<Option<LoggedConflict>, StoreError> {
        self.with(|connection| conflict_log::find(connection, space, id))
    }

    fn merged(&self, space: &str, since: Moment) -> Result<Vec<MergedHour>, StoreError> {
        self.with(|connection| conflict_log::merged(connection, space, since))
    }

    fn pruned(&self) -> Result<u64, StoreError> {
        self.with(|connection| {
            let count = connection
                .query_row("SELECT pruned FROM marker", [], |row| row.get::<_, i64>(0))?;
            Ok(count.unsigned_abs())
        })
    }

    fn collections(&self) -> Result<Vec<CollectionKey>, StoreError> {
        let mut collections = self.shared.heads.pending_collections();
        self.with(|connection| {
            let mut next = connection.prepare_cached(
                "SELECT space, collection FROM heads WHERE (space, collection) > (?1, ?2)
                 ORDER BY space, collection LIMIT 1",
            )?;
            let mut last = (String::new(), String::new());
            loop {
                let found = next.query_row(params![last.0, last.1], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
                });
                let Some((space, collection)) = found.optional()? else {
                    return Ok(());
                };
                collections.push(CollectionKey {
                    space: space.as_str().into(),
                    collection: collection.as_str().into(),
                });
                last = (space, collection);
            }
        })?;
        collections.sort_unstable();
        collections.dedup();
        Ok(collections)
    }

    fn ping(&self) -> Result<(), StoreError> {
        self.with(|connection| Ok(connection.query_row("SELECT 1 FROM marker", [], |_| Ok(()))?))
    }
}

/// A walk through the documents of a collection: the table and what is not yet in it, merged by id.
struct Walk<'a> {
    reader: &'a SqliteReader,
    connection: &'a Connection,
    asked: &'a Documents<'a>,
    pending: BTreeMap<String, Head>,
}

impl Walk<'_> {
    fn run(mut self, visit: &mut Visit<'_>) -> Result<(), Failure> {
        let (comparison, direction) = match (self.asked.descending, self.asked.after) {
            (false, _) => (">", "ASC"),
            (true, Some(_)) => ("<", "DESC"),
            (true, None) => (">", "DESC"),
        };
        let sql = format!(
            "SELECT id, seq, version, digest, at, kind FROM heads
             WHERE space = ?1 AND collection = ?2 AND id {comparison} ?3 ORDER BY id {direction}"
        );
        // One read transaction: all that the walk sees is of one moment.
        let transaction = self.connection.unchecked_transaction()?;
        let mut statement = transaction.prepare_cached(&sql)?;
        let CollectionKey { space, collection } = self.asked.collection;
        let mut rows =
            statement.query(params![space, collection, self.asked.after.unwrap_or("")])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let head = row::head(row, 1)?;
            if self.visit_pending(Some(&id), visit)?.is_break() {
                return Ok(());
            }
            let newest = match self.pending.remove(&id) {
                Some(pending) if pending.seq > head.seq => pending,
                _ => head,
            };
            if self.show(&id, newest, visit)?.is_break() {
                return Ok(());
            }
        }
        self.visit_pending(None, visit).map(drop)
    }

    /// Visits what is pending and comes before `id`.
    fn visit_pending(
        &mut self,
        id: Option<&str>,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, Failure> {
        loop {
            let next = if self.asked.descending {
                self.pending.last_key_value()
            } else {
                self.pending.first_key_value()
            };
            let Some((next, head)) = next else {
                return Ok(ControlFlow::Continue(()));
            };
            let (next, head) = (next.clone(), *head);
            if id.is_some_and(|id| !self.comes_before(&next, id)) {
                return Ok(ControlFlow::Continue(()));
            }
            self.pending.remove(&next);
            let is_asked_for = self
                .asked
                .after
                .is_none_or(|after| self.comes_before(after, &next));
            if is_asked_for && self.show(&next, head, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    fn comes_before(&self, one: &str, other: &str) -> bool {
        if self.asked.descending {
            one > other
        } else {
            one < other
        }
    }

    fn show(
        &self,
        id: &str,
        head: Head,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, Failure> {
        if head.kind == Kind::Tombstone {
            return Ok(ControlFlow::Continue(()));
        }
        let stored = match row::find_version(self.connection, head.seq)? {
            Some(stored) => stored,
            // Newer ones came after the pending heads were taken, and this was let go.
            None => {
                let CollectionKey { space, collection } = self.asked.collection;
                let newest = self
                    .reader
                    .current(&Key::from_parts(space, collection, id))?;
                newest.ok_or_else(|| is_missing(head))?
            }
        };
        Ok(match stored.kind {
            Kind::Document => visit(stored),
            Kind::Tombstone => ControlFlow::Continue(()),
        })
    }
}

fn is_missing(head: Head) -> Failure {
    let seq = head.seq;
    Failure::damaged(format!("a head names version {seq}, which is not there"))
}

fn read_changes(connection: &Connection, asked: &Changes<'_>) -> Result<Feed, Failure> {
    let mut statement = connection.prepare_cached(row::VERSIONS_SINCE)?;
    let mut rows = statement.query([signed(asked.since)])?;
    let mut feed = Feed {
        items: Vec::new(),
        through: asked.since,
        more: false,
    };
    let mut looked_at = 0;
    while let Some(row) = rows.next()? {
        if feed.items.len() == asked.limit || looked_at == SCAN_LIMIT {
            feed.more = true;
            break;
        }
        looked_at += 1;
        let is_asked_for = row.get_ref(1)?.as_str().ok() == Some(asked.space)
            && asked.collection.is_none_or(|it| {
                row.get_ref(2)
                    .is_ok_and(|name| name.as_str().ok() == Some(it))
            });
        if is_asked_for {
            feed.items.push(row::stored(row)?);
        }
        feed.through = row.get::<_, i64>(0)?.unsigned_abs();
    }
    Ok(feed)
}
