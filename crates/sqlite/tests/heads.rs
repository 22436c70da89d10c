//! Followers of heads alone while heads leave for their table: each ends with the newest version of
//! every document.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;
use detente_core::{
    CollectionRules, Command, Condition, Edit, Key, Moment, Preconditions, Proposal, Seq,
};
use detente_sqlite::{Sqlite, SqliteOptions, SqliteReader};
use detente_store::{Changes, Clerk, Follow, Order, PageLimit, Reader, Store, Transaction};
use pollster::FutureExt;
use tempfile::TempDir;

const DOCUMENTS: usize = 150;
const COMMITS: usize = 300;
const TOGETHER: usize = 20;

fn key(n: usize) -> Key {
    Key::new("default", "c", &n.to_string()).unwrap()
}

fn write(clerk: &mut Clerk<Sqlite>, turn: usize) {
    let rules = Arc::new(CollectionRules::default());
    let put = |m: usize| {
        // Steps that share no divisor with the number of documents: all of them come, in turn.
        let n = (turn * TOGETHER + m) * 7 % DOCUMENTS;
        let body = Bytes::from_static(b"{}");
        let proposal = Proposal::check(&rules.rules, body, None).unwrap();
        let mut command = Command::new(key(n), Edit::Put(proposal), "ann".into());
        let is_new = turn * TOGETHER + m < DOCUMENTS;
        command.preconditions = Preconditions {
            if_match: (!is_new).then_some(Condition::Any),
            ..Preconditions::default()
        };
        (command.into(), Arc::clone(&rules))
    };
    let all = Transaction {
        writes: (0..TOGETHER).map(put).collect(),
        ..Transaction::default()
    };
    let now = Moment(turn as u64);
    let replies = clerk.serve(&[Order::Write(all)], now).unwrap();
    assert!(replies.iter().all(Result::is_ok));
}

/// Reads on until it is over and there is no more.
fn follow(reader: &SqliteReader, is_over: &AtomicBool) -> HashMap<Key, Seq> {
    let mut wanted = Changes {
        space: "default".into(),
        collection: None,
        since: 0,
        follow: Follow::Heads,
        limit: PageLimit::rows(11),
    };
    let mut newest = HashMap::new();
    loop {
        let was_over = is_over.load(Ordering::SeqCst);
        let page = reader.changes(&wanted).block_on().unwrap();
        for stored in page.items {
            assert!(stored.seq > wanted.since && stored.seq <= page.through);
            newest.insert(stored.key.clone(), stored.seq);
        }
        wanted.since = page.through;
        if was_over && !page.more {
            assert_eq!(wanted.since, reader.last_seq("default"));
            return newest;
        }
    }
}

#[test]
fn followers_of_heads_end_with_the_newest_of_each() {
    let folder = TempDir::new().unwrap();
    let options = SqliteOptions {
        cache_bytes: 0,
        dirty_limit: 60,
        ..SqliteOptions::default()
    };
    let mut clerk = Clerk::new(Sqlite::open(folder.path(), options).unwrap());
    let reader = clerk.store().reader();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let followers = [(); 2].map(|()| scope.spawn(|| follow(&reader, &is_over)));
        (0..COMMITS).for_each(|turn| write(&mut clerk, turn));
        is_over.store(true, Ordering::SeqCst);
        for follower in followers {
            let newest = follower.join().unwrap();
            assert_eq!(newest.len(), DOCUMENTS);
            for (key, seq) in newest {
                let head = reader.head(&key).block_on().unwrap().unwrap();
                assert_eq!(head.seq, seq, "{key:?}");
            }
        }
    });
}
