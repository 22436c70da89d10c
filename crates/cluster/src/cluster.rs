use std::iter;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rustix::process::Signal;

use crate::database::Database;
use crate::folder::Folder;
use crate::server::{NotStarted, Server};
use crate::sql;

/// A PostgreSQL server with data of its own.
///
/// When this is dropped, the server has ended, and its data is soon removed; so also when the process
/// ends, however it ends.
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: first the server, then what it serves.
    server: Server,
    folder: Folder,
    disk: Option<u32>,
    settings: Vec<String>,
    databases: AtomicU32,
}

/// How a cluster is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether what is committed would survive a power failure; without, tests are faster.
    pub fsync: bool,
    pub max_connections: u32,
    /// The size in MiB of a disk of its own, for [`Cluster::database_on_disk`]. It is in memory, empty
    /// again after a stop, and only root can make it.
    pub disk: Option<u32>,
    /// Names and values of more settings (`postgresql.conf`); they win over all others.
    pub settings: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            fsync: false,
            max_connections: 200,
            disk: None,
            settings: Vec::new(),
        }
    }
}

impl Cluster {
    /// The cluster that all tests of this process share. The first call starts it.
    pub fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Cluster::start(Options::default()))
    }

    /// A cluster for one test, which may stop it.
    pub fn start(options: Options) -> Cluster {
        Cluster::start_on(ports(), options)
    }

    fn start_on(ports: impl Iterator<Item = u16>, options: Options) -> Cluster {
        let folder = Folder::new();
        let disk = options.disk;
        let settings = settings(options);
        let server = first_free(ports, |port| Server::start(&folder, port, disk, &settings));
        Cluster {
            server,
            folder,
            disk,
            settings,
            databases: AtomicU32::new(0),
        }
    }

    /// A new, empty database: in UTF-8, ordered by bytes.
    pub fn database(&self) -> Database {
        self.database_in("pg_default")
    }

    /// The same on the disk of its own; the log of PostgreSQL is elsewhere, and has room.
    ///
    /// # Panics
    ///
    /// If there is no such disk ([`Options::disk`]).
    pub fn database_on_disk(&self) -> Database {
        let disk = self.folder.disk();
        self.run_sql(&format!(
            "create tablespace disk location '{}'",
            disk.display()
        ));
        self.database_in("disk")
    }

    fn database_in(&self, tablespace: &str) -> Database {
        let name = format!("t_{}", self.databases.fetch_add(1, Relaxed));
        self.run_sql(&format!(
            "create database {name} template template0 encoding 'UTF8' locale 'C'
             tablespace {tablespace}"
        ));
        Database::at(self.url(&name))
    }

    /// Makes the disk of its own larger.
    pub fn grow_disk(&self, megabytes: u32) {
        self.server.grow_disk(&self.folder, megabytes);
    }

    /// Runs `statements` in the database `postgres`, as [`Database::run_sql`] does in its own.
    pub fn run_sql(&self, statements: &str) -> String {
        sql::run(&self.url("postgres"), statements)
    }

    /// The postmaster's process, which [`Cluster::start_again`] changes.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Stops it as a crash would: nothing more is written, and the next start recovers.
    pub fn stop_immediately(&mut self) {
        self.server.stop(Signal::QUIT);
    }

    /// Stops it in order: transactions are rolled back, clients let go, and all is written.
    pub fn stop_fast(&mut self) {
        self.server.stop(Signal::INT);
    }

    /// Starts it after a stop, with the same data on the same port.
    pub fn start_again(&mut self) {
        assert!(!self.server.is_running(), "it was not stopped");
        let started = Server::start(&self.folder, self.server.port(), self.disk, &self.settings);
        self.server = started.unwrap_or_else(|error| panic!("PostgreSQL did not start: {error:?}"));
    }

    /// Ends the connections of all clients, waits until they are gone, and says how many there were.
    pub fn kill_backends(&mut self) -> usize {
        let ended = self.run_sql(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity
             where backend_type = 'client backend' and pid <> pg_backend_pid()",
        );
        ended.lines().filter(|it| *it == "t").count()
    }

    fn url(&self, database: &str) -> String {
        let port = self.server.port();
        format!("postgres://postgres@127.0.0.1:{port}/{database}")
    }
}

/// Some ports to try. The kernel gives none of these to outgoing connections, not even while the
/// server is stopped (Linux: `ip_local_port_range`).
fn ports() -> impl Iterator<Item = u16> {
    iter::repeat_with(|| fastrand::u16(20_000..32_000)).take(20)
}

/// There is no asking beforehand whether a port is free: another process could take it meanwhile.
fn first_free(
    mut ports: impl Iterator<Item = u16>,
    start: impl Fn(u16) -> Result<Server, NotStarted>,
) -> Server {
    let started = ports.find_map(|port| match start(port) {
        Ok(server) => Some(server),
        Err(NotStarted::PortTaken) => None,
        Err(NotStarted::Failed { log }) => panic!("PostgreSQL did not start:\n{log}"),
    });
    started.expect("one of the ports is free")
}

/// `name=value`; the last one of a name counts.
fn settings(options: Options) -> Vec<String> {
    let synced = if options.fsync { "on" } else { "off" };
    let ours = [
        format!("fsync={synced}"),
        // It guards against pages that were torn as the power failed, which is only of use with fsync.
        format!("full_page_writes={synced}"),
        "synchronous_commit=on".to_owned(),
        // A recovery syncs all files first: together in 40 ms, one by one in 4 s.
        "recovery_init_sync_method=syncfs".to_owned(),
        format!("max_connections={}", options.max_connections),
    ];
    let more = options.settings.into_iter();
    let more = more.map(|(name, value)| format!("{name}={value}"));
    ours.into_iter().chain(more).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_that_is_taken_is_passed_over() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let taken = listener.local_addr().expect("it is bound").port();
        let cluster = Cluster::start_on(iter::once(taken).chain(ports()), Options::default());
        assert_ne!(cluster.server.port(), taken);
        assert_eq!(cluster.run_sql("select 1"), "1");
    }

    #[test]
    #[should_panic(expected = "unrecognized configuration parameter")]
    fn what_the_log_says_is_told() {
        let settings = vec![("no_such_setting".to_owned(), "1".to_owned())];
        Cluster::start(Options {
            settings,
            ..Options::default()
        });
    }
}
