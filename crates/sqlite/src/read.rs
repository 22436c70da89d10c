use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::failure::Failure;
use detente_core::rules::Claim;
use detente_core::{CollectionKey, Head, Key, Moment, Seq, Stored};
use detente_store::{
    Changes, Commit, ConflictPage, Conflicts, Documents, Epoch, Extent, Feed, Follow, History,
    HistorySpan, Listed, Listing, LoggedConflict, MergedHour, PageLimit, Selection, Visit,
    read_back,
};
use rusqlite::{Connection, params};
use tokio::sync::watch;

use crate::checkpoint::Checkpoints;
use crate::damaged::Damaged;
use crate::disk::Disk;
use crate::feed::FeedRead;
use crate::heads::{Heads, Memory};
use crate::lock::Locks;
use crate::marker::Marker;
use crate::open::OpenError;
use crate::ping::Pinger;
use crate::row::{self, columns, signed};
use crate::versions::Versions;
use crate::walk::{Salvage, Walk, is_missing};
use crate::{conflict_log, extent, history, layout, pruned};

/// Connections that are kept open between reads.
const IDLE_CONNECTIONS: usize = 32;

/// What the writer and all readers have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) database: PathBuf,
    pub(crate) epoch: Epoch,
    last_seq: AtomicU64,
    watch: watch::Sender<Seq>,
    pub(crate) heads: Heads,
    pub(crate) locks: Locks,
    pub(crate) versions: Versions,
    pub(crate) damaged: Damaged,
    pub(crate) disk: Disk,
    pub(crate) checkpoints: Arc<Checkpoints>,
    pub(crate) pinger: Pinger,
    idle: Mutex<Vec<Connection>>,
}

impl Shared {
    /// Reads where the log ends, and the heads that its tail past the marker makes.
    pub(crate) fn load(
        connection: &Connection,
        database: &Path,
        marker: &Marker,
        cache_bytes: usize,
    ) -> Result<Self, Failure> {
        let last_seq = row::last_seq(connection)?;
        let through = marker.heads_through;
        if through > last_seq {
            let gap = format!("its heads go up to {through}, its log only to {last_seq}");
            return Err(Failure::damaged(gap));
        }
        let shared = Self {
            database: database.to_owned(),
            epoch: Epoch::new(),
            last_seq: AtomicU64::new(last_seq),
            watch: watch::Sender::new(last_seq),
            heads: Heads::new(),
            locks: Locks::load(connection, marker.fencing)?,
            versions: Versions::new(cache_bytes),
            damaged: Damaged::default(),
            disk: Disk::default(),
            checkpoints: Arc::default(),
            pinger: Pinger::default(),
            idle: Mutex::new(Vec::new()),
        };
        shared.replay(connection, through)?;
        Ok(shared)
    }

    /// Which documents have newer versions than the table of heads says hangs on every row of the
    /// tail, so all must be sound, and none be lost. Their bodies are not looked at.
    fn replay(&self, connection: &Connection, through: Seq) -> Result<(), Failure> {
        let mut statement = connection.prepare(row::VERSIONS_SINCE)?;
        let mut rows = statement.query([signed(through)])?;
        let mut next = through + 1;
        while let Some(row) = rows.next()? {
            let described = row::described(row)?;
            pruned::explain_gap(connection, &mut next, described.seq)?;
            self.heads
                .publish([(&described.key, described.head())].into_iter());
        }
        Ok(())
    }

    /// Notes what was found damaged.
    pub(crate) fn noting<T>(&self, found: Result<T, Failure>) -> Result<T, Failure> {
        found.inspect_err(|failure| self.damaged.note(failure))
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
        let database = layout::existing_in(data)?;
        let connection = layout::open_reader(&database)?;
        connection.execute_batch("BEGIN")?;
        let marker = Marker::read(&connection)?;
        let shared = Shared::load(&connection, &database, &marker, 0)?;
        shared.give_back(connection);
        Ok(Self::new(Arc::new(shared)))
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let connection = self.shared.connection()?;
        let result = read(&connection);
        self.shared.give_back(connection);
        self.shared.noting(result)
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
        // Looked at first: what is up to here is there, or kept no longer. What is past it may come.
        let was_written = (1..=self.shared.last_seq()).contains(&seq);
        let token = self.shared.versions.token();
        let found = self.with(|connection| match was_written {
            true => row::find_named(connection, seq),
            false => row::find_version(connection, seq),
        })?;
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
        let mut failure = None;
        self.walk(wanted, &mut |found| match found {
            Ok(stored) => visit(stored),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        })?;
        self.shared.noting(failure.map_or(Ok(()), Err))
    }

    /// As [`Self::documents`], past all that is damaged: each is told instead of a document.
    pub(crate) fn walk(
        &self,
        wanted: &Documents<'_>,
        visit: &mut Salvage<'_>,
    ) -> Result<(), Failure> {
        // Taken before the table is read: what leaves for the table in between is seen twice, not missed.
        let pending = self.shared.heads.pending(wanted);
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
        let last_seq = self.last_seq();
        self.with(|connection| {
            FeedRead {
                reads: self,
                connection,
                wanted,
                last_seq,
            }
            .run()
        })
    }

    /// The newest version of a document, which is not remembered: whoever goes through all of them
    /// would push out what is asked for often.
    pub(crate) fn newest(&self, key: &Key) -> Result<Option<Head>, Failure> {
        match self.shared.heads.get(key) {
            Memory::Known(head) => Ok(Some(head)),
            // Over a connection of its own, which sees what left for the table meanwhile.
            Memory::Unknown(_) => self.with(|connection| row::find_head(connection, key)),
        }
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

    pub(crate) fn count(&self, wanted: &Listing) -> Result<u64, Failure> {
        if wanted.has_all() {
            let collection = &wanted.collection;
            let pending = self.shared.heads.pending(&wanted.whole_walk());
            return self.with(|connection| extent::count(connection, collection, pending));
        }
        let mut count = 0;
        self.documents(&wanted.whole_walk(), &mut |stored| {
            count += u64::from(wanted.selects(&stored));
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    pub(crate) fn document_changes(
        &self,
        key: &Key,
        since: Seq,
        follow: Follow,
        limit: PageLimit,
    ) -> Result<Feed, Failure> {
        // Taken first: what is committed meanwhile is looked at the next time.
        let looked_at = self.last_seq().max(since);
        let mut feed = match self.current(key)? {
            Some(newest) if follow == Follow::Heads => Feed {
                through: newest.seq.max(since),
                items: Vec::from_iter((newest.seq > since).then_some(newest)),
                more: false,
            },
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
        self.with(|connection| Ok(Marker::read(connection)?.pruned))
    }

    pub(crate) fn extents(&self, space: &str) -> Result<Vec<Extent>, Failure> {
        let pending = self.shared.heads.pending_in(space);
        self.with(|connection| extent::extents(connection, space, &pending))
    }

    pub(crate) fn collections(&self) -> Result<Vec<CollectionKey>, Failure> {
        let mut collections = self.shared.heads.pending_collections();
        self.with(|connection| {
            let mut next = connection.prepare_cached(concat!(
                "SELECT ",
                columns!(heads),
                " FROM heads WHERE (space, collection) > (?1, ?2)
                 ORDER BY space, collection LIMIT 1",
            ))?;
            let mut last = (String::new(), String::new());
            loop {
                let mut rows = next.query(params![last.0, last.1])?;
                let Some(row) = rows.next()? else {
                    return Ok(());
                };
                row::head(row)?;
                let (space, collection) = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
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
}
