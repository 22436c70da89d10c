//! Whatever happens to connections and to PostgreSQL, what was acknowledged is there, once; what was
//! not acknowledged is not.

#[path = "faults/proxy.rs"]
mod proxy; // cuts connections at any byte
#[path = "faults/workload.rs"]
mod workload; // clients of two nodes, and what they were told

use std::sync::LazyLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use detente_cluster::{Cluster, Options};
use detente_core::{Decision, Moment};
use detente_postgres::{Postgres, PostgresOptions};
use detente_store::conformance::Dice;
use detente_store::{Commit, Fate, Reader, Store, StoreError, Transacted, WriteError};
use tokio::runtime::Runtime;

use proxy::Proxy;
use workload::{Node, Told, Workload};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let builder = &mut tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// How many rounds of faults: more with `DETENTE_FAULT_ROUNDS`.
fn rounds() -> u64 {
    let wanted = std::env::var("DETENTE_FAULT_ROUNDS");
    wanted.map_or(20, |text| text.parse().expect("a number of rounds"))
}

#[test]
fn what_was_acknowledged_is_there_once() {
    let mut cluster = Cluster::start(Options {
        fsync: true,
        ..Options::default()
    });
    let database = cluster.database();
    let proxies = [0, 1].map(|_| RUNTIME.block_on(Proxy::start(database.url())));
    let mut dice = Dice(0x9e37_79b9);
    let mut all = Told::default();
    let mut workload = Workload::start(&RUNTIME, &proxies);
    for round in 0..rounds() {
        let told = workload.run(&RUNTIME, round, || {
            for _ in 0..4 {
                std::thread::sleep(Duration::from_millis(20 + dice.roll(80)));
                harm(&mut dice, &mut cluster, &proxies);
            }
        });
        assert!(!told.acknowledged.is_empty(), "round {round}: nobody wrote");
        all.add(told);
    }
    workload.end();
    let cut: u64 = proxies
        .iter()
        .map(|it| it.cut.load(Ordering::Relaxed))
        .sum();
    assert!(cut > 0, "no connection was cut");
    let found = all.judge(&RUNTIME, database.url());
    let (acknowledged, failed) = (all.acknowledged.len(), all.failed.len());
    println!("{acknowledged} acknowledged, {failed} refused by the store, {cut} connections cut");
    assert!(failed > 0, "the store was never away");
    assert_eq!(found, Vec::<String>::new());
}

fn harm(dice: &mut Dice, cluster: &mut Cluster, proxies: &[Proxy]) {
    let proxy = &proxies[dice.roll(2) as usize];
    match dice.roll(8) {
        0 => {
            cluster.kill_backends();
        }
        1 => {
            cluster.stop_immediately();
            std::thread::sleep(Duration::from_millis(dice.roll(100)));
            cluster.start_again();
        }
        2 => {
            proxy.refuse(true);
            std::thread::sleep(Duration::from_millis(dice.roll(200)));
            proxy.refuse(false);
        }
        _ => proxy.cut_after(dice.roll(4000)),
    }
}

/// A commit that is still under way when its fate is asked for is prevented for good.
#[test]
fn a_commit_that_arrives_late_is_not_written() {
    let database = Cluster::shared().database();
    let proxy = RUNTIME.block_on(Proxy::start(database.url()));
    let open = Postgres::open(&proxy.url, PostgresOptions::default());
    let mut store = RUNTIME.block_on(open).unwrap();
    let commit = |store: &mut Postgres, seq| {
        store.begin(&[], Moment(1).into()).unwrap();
        store.append(&Commit {
            versions: vec![workload::version(seq)],
            ..Commit::default()
        })
    };
    assert!(matches!(commit(&mut store, 1), Fate::Committed));
    assert!(matches!(commit(&mut store, 2), Fate::Committed));
    proxy.hold("\"n\":3");
    let Fate::Unknown(batch) = commit(&mut store, 3) else {
        panic!("its answer was cut off");
    };
    assert!(matches!(store.fate(batch), Fate::Lost));
    RUNTIME.block_on(proxy.deliver());
    let found = database.run_sql("SELECT max(seq), (SELECT last_seq FROM spaces) FROM versions");
    assert_eq!(found, "2|2");
}

/// Reads and writes fail while the database is away, and succeed when it is back.
#[test]
fn nothing_is_written_while_the_database_is_away() {
    let mut cluster = Cluster::start(Options {
        fsync: true,
        ..Options::default()
    });
    let database = cluster.database();
    let node = Node::start(&RUNTIME, database.url());
    assert!(matches!(
        node.put(&RUNTIME, 1, None),
        Ok(Decision::Apply(_))
    ));
    cluster.stop_fast();
    for n in 2..5 {
        let written = node.put(&RUNTIME, n, None);
        assert_eq!(written.unwrap_err(), WriteError::Away);
        let fresh = RUNTIME.block_on(node.reader.fresh("default"));
        assert!(matches!(fresh, Err(StoreError::Away)), "{fresh:?}");
    }
    cluster.start_again();
    let Ok(Decision::Apply(applied)) = node.put(&RUNTIME, 5, None) else {
        panic!("the database is back");
    };
    assert_eq!((applied.stored.seq, applied.stored.version), (2, 1));
    node.end();
}

/// Whoever waits for a write that nobody knows of is told so, and finds out by the same key.
#[test]
fn a_write_that_nobody_knows_of_is_told_and_settled_by_its_key() {
    let database = Cluster::shared().database();
    let proxy = RUNTIME.block_on(Proxy::start(database.url()));
    let node = Node::start(&RUNTIME, &proxy.url);
    assert!(matches!(
        node.put(&RUNTIME, 1, Some([1; 32])),
        Ok(Decision::Apply(_))
    ));
    proxy.hold("\"n\":2");
    proxy.refuse_new();
    let written = node.put(&RUNTIME, 2, Some([2; 32]));
    assert_eq!(written.unwrap_err(), WriteError::Unknown);
    proxy.refuse(false);
    let again = node.once(&RUNTIME, 2, [2; 32]);
    assert!(matches!(again, Ok(Transacted::Replayed(_))), "{again:?}");
    assert_eq!(database.run_sql("SELECT count(*) FROM versions"), "2");
    node.end();
}

/// The judge is not asleep: what it is to find, it finds.
#[test]
fn a_lost_a_doubled_and_an_unwanted_write_are_told() {
    let cluster = Cluster::shared();
    let database = cluster.database();
    let proxies = [0, 1].map(|_| RUNTIME.block_on(Proxy::start(database.url())));
    let mut workload = Workload::start(&RUNTIME, &proxies);
    let told = workload.run(&RUNTIME, 0, || {
        std::thread::sleep(Duration::from_millis(300))
    });
    workload.end();
    let url = database.url();
    assert_eq!(told.judge(&RUNTIME, url), Vec::<String>::new());
    let found = |wrong: Told| wrong.judge(&RUNTIME, url).join("\n");
    let mut doubled = told.clone();
    doubled.acknowledged.push(told.acknowledged[0].clone());
    assert!(found(doubled).contains("acknowledged twice"));
    let mut unwanted = told.clone();
    let taken = unwanted.acknowledged.pop().unwrap();
    unwanted.failed.push(taken.body);
    assert!(found(unwanted).contains("was said not to be"));
    database.run_sql("DELETE FROM versions WHERE seq = 3");
    assert!(found(told).contains("is lost"));
}
