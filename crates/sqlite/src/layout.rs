use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use detente_store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, OpenFlags, Transaction};

use crate::checkpoint;
use crate::failure::Failure;
use crate::marker::Marker;
use crate::open::OpenError;
use crate::row::signed;
use crate::update;

/// "DTNT": marks the file as ours.
const APPLICATION: i64 = 0x4454_4e54;

/// The layout that this program reads and writes, and the oldest that it brings up to date.
const FORMAT: i64 = 6;
const OLDEST: i64 = 1;

/// Since this one, rows have seals.
const SEALED: i64 = 4;

/// The writer's page cache, in KiB; a reader's is small, for what is hot is cached above it.
const WRITER_CACHE_KIB: i64 = 49_152;
const READER_CACHE_KIB: i64 = 4096;

const READING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

const TABLES: &str = "
CREATE TABLE versions (
    seq INTEGER PRIMARY KEY,
    space TEXT NOT NULL,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    prev INTEGER,
    by TEXT NOT NULL,
    at INTEGER NOT NULL,    -- milliseconds since 1970
    kind INTEGER NOT NULL,  -- 1 document, 2 tombstone
    body TEXT NOT NULL
);
CREATE TABLE heads (
    space TEXT NOT NULL,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    PRIMARY KEY (space, collection, id)
) WITHOUT ROWID;
CREATE TABLE unique_keys (
    space TEXT NOT NULL,
    collection TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (space, collection, name, value)
) WITHOUT ROWID;
CREATE TABLE milestones (   -- every 64th version of a document
    space TEXT NOT NULL,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (space, collection, id, version)
) WITHOUT ROWID;
CREATE TABLE constraints (  -- what unique_keys was built from
    collection TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (collection, name)
) WITHOUT ROWID;
CREATE TABLE marker (       -- one row: heads agrees with the log up to here
    heads_through INTEGER NOT NULL
);
INSERT INTO marker VALUES (0);
";

/// What came with each format. A new store goes through all formats, so that there is one way to
/// write each down.
const SINCE_2: &str = "
ALTER TABLE versions ADD COLUMN base INTEGER;  -- where it was merged: the version its writer began from
ALTER TABLE marker ADD COLUMN fencing INTEGER NOT NULL DEFAULT 0; -- the largest ever given out
ALTER TABLE marker ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;  -- versions that are no longer kept
CREATE TABLE locks (
    space TEXT NOT NULL,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    token TEXT NOT NULL,
    fencing INTEGER NOT NULL,
    owner TEXT NOT NULL,
    by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (space, collection, id)
) WITHOUT ROWID;
CREATE TABLE receipts (     -- what was performed under an Idempotency-Key
    number INTEGER PRIMARY KEY,
    scope BLOB NOT NULL UNIQUE,
    payload BLOB NOT NULL,
    at INTEGER NOT NULL,
    writes TEXT NOT NULL    -- JSON: [[seq, created], ...]
);
CREATE TABLE conflicts (    -- refused writes
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    space TEXT NOT NULL,
    collection TEXT NOT NULL,
    document TEXT NOT NULL,
    by TEXT NOT NULL,
    method TEXT NOT NULL,
    kind TEXT NOT NULL,
    paths TEXT NOT NULL,    -- JSON: [pointer, ...]
    base_version INTEGER,
    base_seq INTEGER,
    current_version INTEGER,
    current_seq INTEGER,
    outcome INTEGER NOT NULL,  -- 0 open, 1 resolved, 2 dismissed
    settled_at INTEGER,
    settled_by TEXT,
    settled_version INTEGER,
    weight INTEGER NOT NULL,
    edit_kind INTEGER NOT NULL,  -- 1 document, 2 merge patch, 3 JSON patch, 4 deletion
    edit TEXT NOT NULL
);
CREATE TABLE merges (       -- how often edits were merged
    space TEXT NOT NULL,
    hour INTEGER NOT NULL,  -- its beginning
    collection TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (space, hour, collection)
) WITHOUT ROWID;
";

const SINCE_3: &str = "
ALTER TABLE conflicts ADD COLUMN agent TEXT;   -- the program that asked for the write
";

/// What came with format 4: the hash of each row beside it, and second lists of names, for a name that
/// changed on the disk looks as if it had never been there. [`update`] fills in the hashes.
const SINCE_4: &str = "
ALTER TABLE versions ADD COLUMN checksum INTEGER;  -- XXH3 of the body
ALTER TABLE versions ADD COLUMN seal INTEGER;      -- XXH3 of all other columns
ALTER TABLE heads ADD COLUMN seal INTEGER;
ALTER TABLE unique_keys ADD COLUMN seal INTEGER;
ALTER TABLE locks ADD COLUMN seal INTEGER;
ALTER TABLE receipts ADD COLUMN seal INTEGER;
ALTER TABLE conflicts ADD COLUMN checksum INTEGER; -- XXH3 of the edit
ALTER TABLE conflicts ADD COLUMN seal INTEGER;
ALTER TABLE merges ADD COLUMN seal INTEGER;
ALTER TABLE marker ADD COLUMN schema INTEGER;      -- XXH3 of the words in sqlite_schema
ALTER TABLE marker ADD COLUMN seal INTEGER;        -- NULL: not all rows have theirs
CREATE TABLE pruned (       -- which versions are kept no longer: a bit for each of 1024
    block INTEGER PRIMARY KEY,
    bits BLOB NOT NULL,
    seal INTEGER NOT NULL
);
CREATE INDEX heads_again ON heads (space, collection, id);
CREATE INDEX unique_keys_again ON unique_keys (space, collection, name, value);
CREATE INDEX receipts_again ON receipts (scope);
CREATE INDEX conflicts_again ON conflicts (id);
CREATE INDEX merges_again ON merges (space, hour, collection);
";

const SINCE_5: &str = "
ALTER TABLE conflicts ADD COLUMN settled_reason TEXT;
";

const SINCE_6: &str = "
ALTER TABLE locks ADD COLUMN terms TEXT;       -- JSON, of those that are shared or reach below a folder
";

const STEPS: [(i64, &str); 5] = [
    (2, SINCE_2),
    (3, SINCE_3),
    (4, SINCE_4),
    (5, SINCE_5),
    (6, SINCE_6),
];

/// What a store of this format lacks.
fn since(format: i64) -> String {
    let missing = STEPS.into_iter().filter(|(since, _)| *since > format);
    missing.map(|(_, text)| text).collect()
}

/// A folder that holds a store, claimed by this process for as long as it is open.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) database: PathBuf,
    _lock: File,
}

impl Claimed {
    /// Claims the folder `data`, creating it if there is none.
    pub(crate) fn new(data: &Path) -> Result<Self, OpenError> {
        let path = || data.to_owned();
        let fail = |source: std::io::Error| OpenError::Folder {
            path: path(),
            source,
        };
        fs::create_dir_all(data).map_err(fail)?;
        let lock = File::create(data.join("lock")).map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                database: database_in(data),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path() }),
            Err(TryLockError::Error(error)) => Err(fail(error)),
        }
    }
}

pub(crate) fn database_in(data: &Path) -> PathBuf {
    data.join("detente.db")
}

/// The database of a store that must exist.
pub(crate) fn existing_in(data: &Path) -> Result<PathBuf, OpenError> {
    let database = database_in(data);
    match database.is_file() {
        true => Ok(database),
        false => Err(foreign(&database, "there is no such file")),
    }
}

/// The one connection that writes. Creates the tables in an empty file; touches no other.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let found = inspect(&connection, path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Until the writer does it itself, which it does once it is open.
    connection.pragma_update(None, "wal_autocheckpoint", signed(checkpoint::PAGES))?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    bring_up_to_date(&connection, found)?;
    keep_statements(&connection)?;
    Ok(connection)
}

fn bring_up_to_date(connection: &Connection, found: State) -> Result<(), OpenError> {
    let missing = match found {
        State::Empty => {
            let all = since(OLDEST);
            format!("{TABLES} {all} PRAGMA application_id={APPLICATION};")
        }
        State::Older(format) | State::Sealed(format) => since(format),
        State::Unfinished | State::Current => String::new(),
    };
    let missing = format!("{missing} PRAGMA user_version={FORMAT};");
    match found {
        State::Current => {}
        State::Sealed(_) => update::extend(connection, &missing)?,
        State::Empty | State::Older(_) | State::Unfinished => {
            connection.execute_batch(&format!("BEGIN; {missing} COMMIT;"))?;
            update::seal_all(connection)?;
        }
    }
    Ok(())
}

/// The first connection that reads: looks whether the file is ours.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(path, READING)?;
    match inspect(&connection, path)? {
        State::Current => Ok(tuned(connection)?),
        State::Empty => Err(foreign(path, "it is empty")),
        State::Older(_) | State::Sealed(_) | State::Unfinished => Err(OpenError::Older {
            path: path.to_owned(),
        }),
    }
}

/// As long as this is held, all that a connection reads is of one moment. `None`: it is anyway.
pub(crate) fn one_moment(connection: &Connection) -> Result<Option<Transaction<'_>>, Failure> {
    let is_needed = connection.is_autocommit();
    let begin = is_needed.then(|| connection.unchecked_transaction());
    Ok(begin.transpose()?)
}

/// Another connection to a file that was looked at before.
pub(crate) fn connect_reader(path: &Path) -> Result<Connection, Failure> {
    let connection = tuned(Connection::open_with_flags(path, READING)?)?;
    // It read the description of the tables anew.
    Marker::read(&connection)?;
    Ok(connection)
}

fn tuned(connection: Connection) -> Result<Connection, Failure> {
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    keep_statements(&connection)?;
    Ok(connection)
}

/// Statements are prepared once. SQLite prepares one anew for each value that it is given where it knows how values
/// are spread, which takes longer than to run it; it does not where plans must stay as they are.
fn keep_statements(connection: &Connection) -> Result<(), Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Empty,
    /// Ours, in a format that can be brought up to date.
    Older(i64),
    /// The same, and all its rows have their seals.
    Sealed(i64),
    /// It is being brought up to date, or that was interrupted.
    Unfinished,
    Current,
}

fn foreign(path: &Path, reason: &str) -> OpenError {
    OpenError::Foreign {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Looks before anything is written: a file that is not ours, or newer than us, stays as it is.
fn inspect(connection: &Connection, path: &Path) -> Result<State, OpenError> {
    let number =
        |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application = match number("application_id") {
        Ok(application) => application,
        Err(error) => {
            return Err(match OpenError::from(error) {
                OpenError::Store(StoreError::Damaged(reason)) => foreign(path, &reason.to_string()),
                other => other,
            });
        }
    };
    let format = number("user_version")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, format) {
        (0, 0) if tables == 0 => Ok(State::Empty),
        (APPLICATION, FORMAT) if update::is_finished(connection)? => Ok(State::Current),
        (APPLICATION, FORMAT) => Ok(State::Unfinished),
        (APPLICATION, found @ SEALED..FORMAT) if update::is_finished(connection)? => {
            Ok(State::Sealed(found))
        }
        (APPLICATION, found @ OLDEST..FORMAT) => Ok(State::Older(found)),
        (APPLICATION, found) => Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known: FORMAT,
        }),
        _ => Err(foreign(path, "another program made this database")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a format left it, with versions in it.
    fn older(path: &Path, format: i64) {
        let connection = Connection::open(path).unwrap();
        let rows = "
            INSERT INTO versions VALUES (1, 'default', 'notes', 'a', 1, NULL, 'ann', 1000, 1, '{}');
            INSERT INTO heads VALUES ('default', 'notes', 'a', 1, 1, 7, 1000, 1);
            INSERT INTO unique_keys VALUES ('default', 'notes', 'n', 'v', 'a');";
        let steps = STEPS.iter().filter(|it| it.0 <= format);
        let later: String = steps.map(|it| it.1).collect();
        let text = format!(
            "PRAGMA journal_mode = WAL; BEGIN; {TABLES} {rows} {later}
             PRAGMA application_id={APPLICATION}; PRAGMA user_version={format}; COMMIT;"
        );
        connection.execute_batch(&text).unwrap();
    }

    /// Also where SQLite knows how the values of the table are spread.
    #[test]
    fn statements_are_prepared_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("detente.db");
        let writer = open_writer(&path).unwrap();
        let key = |number| detente_core::Key::new("default", "notes", number).unwrap();
        let row = "INSERT INTO heads VALUES ('default', 'notes', ?1, 1, 1, 7, 1000, 1, 0)";
        for number in 0..200 {
            writer.execute(row, [number.to_string()]).unwrap();
        }
        writer.execute_batch("ANALYZE").unwrap();
        for connection in [
            &connect_reader(&path).unwrap(),
            &open_writer(&path).unwrap(),
        ] {
            let mut statement = connection.prepare_cached(crate::row::CURRENT).unwrap();
            for number in ["1", "2", "150"] {
                let key = key(number);
                let rows = statement.query([key.space(), key.collection(), key.id()]);
                assert!(
                    rows.unwrap().next().unwrap().is_none(),
                    "there are no versions"
                );
            }
            let again = statement.get_status(rusqlite::StatementStatus::RePrepare);
            assert_eq!(again, 0);
        }
    }

    #[test]
    fn older_stores_are_brought_up_to_date() {
        (OLDEST..FORMAT).for_each(is_brought_up_to_date);
    }

    fn is_brought_up_to_date(format: i64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("detente.db");
        older(&path, format);
        let refused = open_reader(&path).unwrap_err();
        assert!(matches!(refused, OpenError::Older { .. }), "{refused}");
        drop(open_writer(&path).unwrap());
        let reader = open_reader(&path).unwrap();
        let kept: (i64, Option<i64>) = reader
            .query_row("SELECT seq, base FROM versions", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(kept, (1, None));
        assert_eq!(crate::inspect::look(&reader).unwrap(), []);
        let new = folder.path().join("new.db");
        assert_eq!(schema(&reader), schema(&open_writer(&new).unwrap()));
    }

    fn schema(connection: &Connection) -> Vec<String> {
        let sql = "SELECT name || coalesce(sql, '') FROM sqlite_schema ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    }

    /// Its seals were made when it was written, and are not made anew from what is there by now.
    #[test]
    fn what_was_damaged_in_an_older_store_with_seals_is_still_found() {
        for damage in ["", "UPDATE heads SET version = 2"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("detente.db");
            older(&path, 3);
            let connection = open_writer(&path).unwrap();
            let new = schema(&connection);
            let back = "ALTER TABLE conflicts DROP COLUMN settled_reason;
                        ALTER TABLE locks DROP COLUMN terms; PRAGMA user_version=4;";
            connection.execute_batch(back).unwrap();
            let schema_before = crate::marker::schema_of(&connection).unwrap();
            connection
                .execute_batch("UPDATE marker SET seal = 0")
                .unwrap();
            let before = Marker {
                heads_through: 0,
                fencing: 0,
                pruned: 0,
                schema: schema_before,
            };
            before.write(&connection).unwrap();
            connection.execute_batch(damage).unwrap();
            drop(connection);
            let refused = open_reader(&path).unwrap_err();
            assert!(matches!(refused, OpenError::Older { .. }), "{refused}");
            drop(open_writer(&path).unwrap());
            let reader = open_reader(&path).unwrap();
            assert_eq!(schema(&reader), new);
            let found = crate::inspect::look(&reader).unwrap();
            assert_eq!(found.is_empty(), damage.is_empty(), "{found:?}");
        }
    }
}
