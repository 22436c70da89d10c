//! Which store the servers of these tests keep their data in: `DETENTE_TEST_STORE=postgres` gives each a
//! database of its own, and otherwise it is the embedded store.

use std::process::Command;
use std::sync::OnceLock;

use detente_cluster::{Cluster, Database};

/// Whether servers are on PostgreSQL.
///
/// Panics if the variable says what no store is called.
fn is_shared() -> bool {
    match std::env::var("DETENTE_TEST_STORE").as_deref() {
        Err(_) | Ok("" | "sqlite") => false,
        Ok("postgres") => true,
        Ok(other) => panic!("DETENTE_TEST_STORE={other}: must be sqlite or postgres"),
    }
}

/// The database of one server, made when a command first asks for it; dropped with the value.
#[derive(Default)]
pub(crate) struct Store(OnceLock<Database>);

impl Store {
    /// Has `command` work on this store, if it is not the embedded one, which is in the data folder.
    pub(crate) fn give(&self, command: &mut Command) {
        if is_shared() {
            let database = self.0.get_or_init(|| Cluster::shared().database());
            command.env("DETENTE_STORE", database.url());
        }
    }
}

impl Drop for Store {
    /// Hundreds of them would fill a small disk. The server may have been killed a moment ago.
    fn drop(&mut self) {
        let is_failing = std::thread::panicking();
        if let Some(database) = self.0.get().filter(|_| !is_failing) {
            let (_, name) = database
                .url()
                .rsplit_once('/')
                .expect("it ends with a name");
            Cluster::shared().run_sql(&format!("drop database {name} with (force)"));
        }
    }
}

/// What the embedded store alone has, so that tests about it say nothing of the shared one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Embedded {
    /// A file that a test reads, spoils, writes to by SQL, or puts back.
    File,
    /// A disk that fills up below it.
    Disk,
    /// `detente backup` and what comes of it.
    Backup,
    /// A lock that keeps a second process out.
    OneProcess,
    /// The clock of the server's own process. PostgreSQL's counts for the shared store.
    OwnClock,
    /// No need of a network: these servers are in one of their own, where no database can be reached.
    NoNetwork,
}

impl Embedded {
    /// Whether this run has the other store; it says so then, and the test is to end.
    #[track_caller]
    pub(crate) fn is_absent(self) -> bool {
        if is_shared() {
            let place = std::panic::Location::caller();
            eprintln!("{place}: skipped on PostgreSQL, being about {self:?}");
        }
        is_shared()
    }
}
