use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::failure::Failure;
use detente_core::rules::Claim;
use detente_core::{CollectionKey, Head, Key, Kind, Moment, Seq, Stored};
use detente_store::{
    Changes, Commit, ConflictPage, Conflicts, Documents, Extent, Feed, History, HistorySpan,
    Listed, Listing, LoggedConflict, MergedHour, PageLimit, Selection, Visit, read_back,
};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::watch;

use crate::heads::{Heads, Memory};
use crate::lock::Locks;
use crate::open::OpenError;
use crate::row::{self, signed};
use crate::versions::Versions;
use crate::{conflict_log, extent, history, layout};

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

    /// A connection that is idle, or a new one.
    fn connection(&self) -> Result<Connection, Failure> {
        let idle = self.idle().pop();
        idle.map_or_else(|| layout::connect_reader(&self.database), Ok)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().expect("nothing panics while it is held")
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

/// Reads from memory where it can, otherwise over a connection of its own. Blocks on the disk.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    pub(crate) shared: Arc<Shared>,
}

impl Reads {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Reads one state of a store, also while a server has it open: what is written meanwhile is not
    /// seen. One thread at a time may read it.
    pub(crate) fn open(data: &Path) -> Result<Self, OpenError> {
        let database = layout::database_in(data);
        if !database.is_file() {
            return Err(OpenError::Foreign {
                path: database,
                reason: "there is no such file".into(),
            });
        }
        let connection = layout::open_reader(&database)?;
        connection.execute_batch("BEGIN")?;
        let shared = Shared::load(&connection, &database, 0)?;
        shared.give_back(connection);
        Ok(Self::new(Arc::new(shared)))
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let connection = self.shared.connection()?;
        let result = read(&connection);
        self.shared.give_back(connection);
        result
    }

    pub(crate) fn last_seq(&self) -> Seq {
        self.shared.last_seq()
    }

    pub(crate) fn head(&self, key: &Key) -> Result<Option<Head>, Failure> {
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

    pub(crate) fn current(&self, key: &Key) -> Result<Option<Arc<Stored>>, Failure> {
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
                return Err(is_missing(head));
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

    pub(crate) fn recall(&self, key: &Key) -> Option<Arc<Stored>> {
        match self.shared.heads.get(key) {
            Memory::Known(head) => self.shared.versions.get(head.seq),
            Memory::Unknown(_) => None,
        }
    }

    pub(crate) fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, Failure> {
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

    pub(crate) fn recall_version(&self, seq: Seq) -> Option<Arc<Stored>> {
        self.shared.versions.get(seq)
    }

    pub(crate) fn numbered(
        &self,
        head: &Stored,
        number: u64,
    ) -> Result<Option<Arc<Stored>>, Failure> {
        if number == 0 || number > head.version {
            return Ok(None);
        }
        self.with(|connection| history::numbered(connection, head, number))
    }

    pub(crate) fn documents(
        &self,
        wanted: &Documents<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<(), Failure> {
        // Taken before the table is read: what leaves for the table in between is seen twice, not missed.
        let pending = self.shared.heads.pending(wanted.collection);
        self.with(|connection| {
            Walk {
                reader: self,
                connection,
                wanted,
                pending,
            }
            .run(visit)
        })
    }

    pub(crate) fn changes(&self, wanted: &Changes) -> Result<Feed, Failure> {
        self.with(|connection| read_changes(connection, wanted))
    }

    pub(crate) fn history(
        &self,
        newest: &Arc<Stored>,
        span: HistorySpan,
    ) -> Result<History, Failure> {
        read_back(newest, span, |seq| self.version(seq))
    }

    pub(crate) fn list(&self, wanted: &Listing) -> Result<Listed, Failure> {
        let mut selection = Selection::new(wanted);
        self.documents(&wanted.walk(), &mut |stored| selection.offer(stored))?;
        Ok(selection.finish())
    }

    pub(crate) fn document_changes(
        &self,
        key: &Key,
        since: Seq,
        limit: PageLimit,
    ) -> Result<Feed, Failure> {
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

    pub(crate) fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, Failure> {
        let (space, collection) = (key.space(), key.collection());
        self.with(|connection| row::find_holder(connection, space, collection, claim))
    }

    pub(crate) fn conflicts(&self, wanted: &Conflicts) -> Result<ConflictPage, Failure> {
        self.with(|connection| conflict_log::list(connection, wanted))
    }

    pub(crate) fn conflict(
        &self,
        space: &str,
        id: &str,
    ) -> Result<Option<LoggedConflict>, Failure> {
        self.with(|connection| conflict_log::find(connection, space, id))
    }

    pub(crate) fn merged(&self, space: &str, since: Moment) -> Result<Vec<MergedHour>, Failure> {
        self.with(|connection| conflict_log::merged(connection, space, since))
    }

    pub(crate) fn pruned(&self) -> Result<u64, Failure> {
        self.with(|connection| {
            let count = connection
                .query_row("SELECT pruned FROM marker", [], |row| row.get::<_, i64>(0))?;
            Ok(count.unsigned_abs())
        })
    }

    pub(crate) fn extents(&self, space: &str) -> Result<Vec<Extent>, Failure> {
        let pending = self.shared.heads.pending_in(space);
        self.with(|connection| extent::extents(connection, space, &pending))
    }

    pub(crate) fn collections(&self) -> Result<Vec<CollectionKey>, Failure> {
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

    pub(crate) fn ping(&self) -> Result<(), Failure> {
        self.with(|connection| Ok(connection.query_row("SELECT 1 FROM marker", [], |_| Ok(()))?))
    }
}

/// A walk through the documents of a collection: the table and what is not yet in it, merged by id.
struct Walk<'a> {
    reader: &'a Reads,
    connection: &'a Connection,
    wanted: &'a Documents<'a>,
    pending: BTreeMap<String, Head>,
}

impl Walk<'_> {
    fn run(mut self, visit: &mut Visit<'_>) -> Result<(), Failure> {
        let (comparison, direction) = match (self.wanted.descending, self.wanted.after) {
            (false, _) => (">", "ASC"),
            (true, Some(_)) => ("<", "DESC"),
            (true, None) => (">", "DESC"),
        };
        let sql = format!(
            "SELECT id, seq, version, digest, at, kind FROM heads
             WHERE space = ?1 AND collection = ?2 AND id {comparison} ?3 ORDER BY id {direction}"
        );
        let _moment = layout::one_moment(self.connection)?;
        let mut statement = self.connection.prepare_cached(&sql)?;
        let CollectionKey { space, collection } = self.wanted.collection;
        let mut rows =
            statement.query(params![space, collection, self.wanted.after.unwrap_or("")])?;
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
            let next = if self.wanted.descending {
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
            let is_wanted = self
                .wanted
                .after
                .is_none_or(|after| self.comes_before(after, &next));
            if is_wanted && self.show(&next, head, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    fn comes_before(&self, one: &str, other: &str) -> bool {
        if self.wanted.descending {
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
                let CollectionKey { space, collection } = self.wanted.collection;
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

fn read_changes(connection: &Connection, wanted: &Changes) -> Result<Feed, Failure> {
    let mut statement = connection.prepare_cached(row::VERSIONS_SINCE)?;
    let mut rows = statement.query([signed(wanted.since)])?;
    let mut feed = Feed {
        items: Vec::new(),
        through: wanted.since,
        more: false,
    };
    let mut looked_at = 0;
    let mut page = wanted.limit.meter();
    while let Some(row) = rows.next()? {
        if looked_at == SCAN_LIMIT {
            feed.more = true;
            break;
        }
        looked_at += 1;
        let is_wanted = row.get_ref(1)?.as_str().ok() == Some(&wanted.space)
            && wanted.collection.as_ref().is_none_or(|it| {
                row.get_ref(2)
                    .is_ok_and(|name| name.as_str().ok() == Some(it))
            });
        if is_wanted {
            let stored = row::stored(row)?;
            if !page.take(stored.body.len()) {
                feed.more = true;
                break;
            }
            feed.items.push(stored);
        }
        feed.through = row.get::<_, i64>(0)?.unsigned_abs();
    }
    Ok(feed)
}
