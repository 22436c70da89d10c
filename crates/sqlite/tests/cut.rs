//! Readers of a document whose history is cut beneath them, as fast as it grows: nothing that is
//! kept is missed, and nothing that is gone comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;
use detente_core::{
    CollectionKey, CollectionRules, Command, Condition, Edit, Keep, Key, Moment, Preconditions,
    Proposal, Query, Seq,
};
use detente_sqlite::{Sqlite, SqliteOptions, SqliteReader};
use detente_store::{Clerk, Follow, Listing, Order, PageLimit, Reader, Store, Transaction};
use pollster::FutureExt;
use tempfile::TempDir;

/// How often so many versions are written at once that the newest of the time before may go.
const COMMITS: u64 = 400;
const TOGETHER: usize = 65;

/// A clerk and, as long as it works, readers.
fn while_history_is_cut(cache_bytes: usize, read: impl Fn(&SqliteReader, &mut Seq) + Sync) {
    let folder = TempDir::new().unwrap();
    let options = SqliteOptions {
        cache_bytes,
        ..SqliteOptions::default()
    };
    let mut clerk = Clerk::new(Sqlite::open(folder.path(), options).unwrap());
    write(&mut clerk, 0);
    let is_over = AtomicBool::new(false);
    let reader = clerk.store().reader();
    thread::scope(|scope| {
        let readers = [(); 2].map(|()| {
            scope.spawn(|| {
                let mut since = 0;
                while !is_over.load(Ordering::Relaxed) {
                    read(&reader, &mut since);
                }
            })
        });
        let is_read = || readers.iter().all(|reader| !reader.is_finished());
        (1..COMMITS)
            .take_while(|_| is_read())
            .for_each(|n| write(&mut clerk, n));
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(reader.pruned("default").block_on().unwrap() > 0);
}

fn write(clerk: &mut Clerk<Sqlite>, n: u64) {
    let rules = Arc::new(CollectionRules {
        history: Some(Keep {
            versions: 1,
            age_ms: 0,
        }),
        ..CollectionRules::default()
    });
    let is_first = n == 0;
    let put = |m: usize| {
        let body = Bytes::from(format!("{{\"n\":{n}}}"));
        let proposal = Proposal::check(&rules.rules, body, None).unwrap();
        let mut command = Command::new(key(), Edit::Put(proposal), "ann".into());
        command.preconditions = Preconditions {
            if_match: (!is_first || m > 0).then_some(Condition::Any),
            ..Preconditions::default()
        };
        (command.into(), Arc::clone(&rules))
    };
    let all = Transaction {
        writes: (0..TOGETHER).map(put).collect(),
        ..Transaction::default()
    };
    let replies = clerk.serve(&[Order::Write(all)], Moment(n)).unwrap();
    assert!(replies.iter().all(Result::is_ok));
}

fn key() -> Key {
    Key::new("default", "c", "a").unwrap()
}

#[test]
fn the_document_is_always_there() {
    let read = |reader: &SqliteReader, _: &mut Seq| {
        assert!(reader.current(&key()).block_on().unwrap().is_some());
    };
    while_history_is_cut(0, read);
}

#[test]
fn a_list_always_has_it() {
    let collection = CollectionKey::new("default", "c").unwrap();
    let listing = Listing {
        collection,
        query: Query::default(),
        limit: PageLimit::rows(10),
        after: None,
        sight: None,
    };
    let read = |reader: &SqliteReader, _: &mut Seq| {
        let listed = reader.list(&listing).block_on().unwrap();
        assert_eq!(listed.documents.len(), 1);
    };
    while_history_is_cut(0, read);
}

/// The newest version before a page is read is behind its start: so the page has that, or a newer.
#[test]
fn no_page_of_its_changes_passes_over_what_is_kept() {
    let read = |reader: &SqliteReader, since: &mut Seq| {
        let newest = reader.head(&key()).block_on().unwrap().unwrap().seq;
        let page = reader
            .document_changes(&key(), *since, Follow::Versions, PageLimit::rows(3))
            .block_on()
            .unwrap();
        let is_empty = page.items.is_empty();
        assert!(
            !is_empty || newest <= *since,
            "{newest} since {since}: {page:?}"
        );
        // Mostly from the beginning, where it is cut.
        *since = if page.through.is_multiple_of(3) {
            page.through
        } else {
            0
        };
    };
    while_history_is_cut(0, read);
}

/// Also not by the hand of somebody who found it while it was there.
#[test]
fn what_is_gone_does_not_come_back_from_memory() {
    let read = |reader: &SqliteReader, turn: &mut Seq| {
        *turn += 1;
        let seq = reader
            .last_seq("default")
            .saturating_sub(60 + *turn % 140)
            .max(1);
        if reader.version("default", seq).block_on().unwrap().is_none() {
            for _ in 0..200 {
                assert_eq!(reader.recall_version("default", seq), None, "{seq} is back");
            }
        }
    };
    while_history_is_cut(20_000, read);
}
