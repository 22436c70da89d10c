//! PostgreSQL, for the servers that work on one.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;

use detente_cluster::{Cluster, Database, Options};

use super::scratch::Scratch;

/// One PostgreSQL, which syncs every commit, and a database for each directory of data.
#[derive(Default)]
pub(super) struct Databases {
    cluster: OnceCell<Cluster>,
    made: RefCell<HashMap<PathBuf, Database>>,
}

impl Databases {
    /// The database that belongs to a directory; made when it is first asked for.
    ///
    /// # Panics
    ///
    /// When Debian's PostgreSQL is not installed, or does not start.
    pub(super) fn of(&self, scratch: &Scratch) -> Database {
        let cluster = self.cluster.get_or_init(|| {
            Cluster::start(Options {
                fsync: true,
                ..Options::default()
            })
        });
        let mut made = self.made.borrow_mut();
        let database = made.entry(scratch.path().to_owned());
        database.or_insert_with(|| cluster.database()).clone()
    }
}
