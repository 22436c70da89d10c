//! Clusters as tests use them: shared, stopped, and left behind.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use detente_cluster::{Cluster, Options};

/// Set where this binary is the test process that gets killed.
const LEFT_BEHIND: &str = "DETENTE_CLUSTER_LEFT_BEHIND";

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A process that nobody waited for yet has a folder in /proc, but no program any more.
fn is_running(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

fn folder(cluster: &Cluster) -> PathBuf {
    let data = PathBuf::from(cluster.run_sql("show data_directory"));
    data.parent().expect("it is in a folder").to_owned()
}

#[test]
fn databases_do_not_see_each_others_tables() {
    let [one, other] = [(); 2].map(|()| Cluster::shared().database());
    one.run_sql("create table notes (body text)");
    let tables = "select count(*) from pg_tables where tablename = 'notes'";
    assert_eq!(one.run_sql(tables), "1");
    assert_eq!(other.run_sql(tables), "0");
}

#[test]
fn databases_are_in_utf_8_and_ordered_by_bytes() {
    let database = Cluster::shared().database();
    assert!(database.url().starts_with("postgres://postgres@127.0.0.1:"));
    assert_eq!(
        database.run_sql("select 'é' > 'z', length('é')"),
        "t|1",
        "{}",
        database.url()
    );
}

#[test]
fn the_shared_cluster_does_not_wait_for_the_disk() {
    let show = |setting: &str| Cluster::shared().run_sql(&format!("show {setting}"));
    assert_eq!(show("fsync"), "off");
    assert_eq!(show("synchronous_commit"), "on");
}

#[test]
#[should_panic(expected = "does not exist")]
fn sql_that_fails_panics() {
    Cluster::shared().run_sql("select * from nothing");
}

#[test]
fn what_was_committed_survives_a_stop() {
    let mut cluster = Cluster::start(Options {
        fsync: true,
        max_connections: 7,
        disk: None,
        settings: vec![("application_name".to_owned(), "ours".to_owned())],
    });
    let database = cluster.database();
    database.run_sql("create table notes (body text)");
    let stops: [fn(&mut Cluster); 2] = [Cluster::stop_immediately, Cluster::stop_fast];
    for (stop, stopped_before) in stops.into_iter().zip(0..) {
        database.run_sql("insert into notes values ('kept')");
        let pid = cluster.pid();
        stop(&mut cluster);
        assert!(!is_running(pid));
        cluster.start_again();
        let kept = database.run_sql("select count(*) from notes");
        assert_eq!(kept, (stopped_before + 1).to_string());
    }
    assert_eq!(cluster.run_sql("show fsync"), "on");
    assert_eq!(cluster.run_sql("show max_connections"), "7");
}

#[test]
fn a_sleeping_backend_is_killed() {
    let mut cluster = Cluster::start(Options::default());
    let database = cluster.database();
    let sleeper = thread::spawn(move || database.run_sql("select pg_sleep(600)"));
    let sleeping = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
    wait_until("it sleeps", || cluster.run_sql(sleeping) == "1");
    assert_eq!(cluster.kill_backends(), 1);
    assert!(sleeper.join().is_err(), "psql must have failed");
}

#[test]
fn a_dropped_cluster_leaves_nothing() {
    let cluster = Cluster::start(Options::default());
    let (pid, folder) = (cluster.pid(), folder(&cluster));
    assert!(is_running(pid) && folder.exists());
    drop(cluster);
    assert!(!is_running(pid));
    wait_until("its data is removed", || !folder.exists());
}

#[test]
fn a_killed_process_leaves_nothing() {
    if std::env::var_os(LEFT_BEHIND).is_some() {
        tell_and_wait();
    }
    let (mut process, mut lines) = process_with_a_cluster("a_killed_process_leaves_nothing");
    let pid = told(&mut lines, "pid: ").parse().expect("a number");
    let folder = told(&mut lines, "folder: ");
    assert!(is_running(pid) && Path::new(&folder).exists());
    process.kill().expect("it runs");
    process.wait().expect("it is our child");
    wait_until("the server ends", || !is_running(pid));
    wait_until("its data is removed", || !Path::new(&folder).exists());
}

fn tell_and_wait() -> ! {
    let cluster = Cluster::shared();
    println!("\npid: {}", cluster.pid());
    println!("folder: {}", folder(cluster).display());
    loop {
        thread::park();
    }
}

fn process_with_a_cluster(test: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(["--exact", test, "--nocapture"]);
    command.env(LEFT_BEHIND, "1").stdout(Stdio::piped());
    let mut process = command.spawn().expect("it runs");
    let output = process.stdout.take().expect("it is piped");
    (process, BufReader::new(output).lines())
}

fn told(lines: &mut Lines<BufReader<ChildStdout>>, what: &str) -> String {
    let lines = lines.map(|it| it.expect("the output is text"));
    let mut said = lines.filter_map(|it| it.strip_prefix(what).map(str::to_owned));
    said.next().expect("it says so before it ends")
}
