//! A store that is opened for reading while somebody writes to it: one state, until it is closed.

use std::sync::Arc;

use bytes::Bytes;
use detente_core::{
    CollectionKey, CollectionRules, Command, Condition, Edit, Key, Moment, Preconditions, Proposal,
};
use detente_sqlite::{Sqlite, SqliteOptions, SqliteReader};
use detente_store::{Clerk, Order, Reader, Transaction, each_document};
use pollster::FutureExt;
use tempfile::TempDir;

/// Few heads stay in memory, so that those of the table change as well.
fn open(folder: &TempDir) -> Clerk<Sqlite> {
    let options = SqliteOptions {
        dirty_limit: 2,
        ..SqliteOptions::default()
    };
    Clerk::new(Sqlite::open(folder.path(), options).unwrap())
}

fn write(clerk: &mut Clerk<Sqlite>, collection: &str, id: &str, round: u64) {
    let rules = Arc::new(CollectionRules::default());
    let body = Bytes::from(format!("{{\"round\":{round}}}"));
    let proposal = Proposal::check(&rules.rules, body, None).unwrap();
    let key = Key::new("default", collection, id).unwrap();
    let mut command = Command::new(key, Edit::Put(proposal), "ann".into());
    command.preconditions = Preconditions {
        if_match: (round > 1).then_some(Condition::Any),
        ..Preconditions::default()
    };
    let order = Order::Write(Transaction {
        writes: vec![(command.into(), rules)],
        ..Transaction::default()
    });
    let replies = clerk.serve(&[order], Moment(round)).unwrap();
    assert!(replies.iter().all(Result::is_ok));
}

fn all(reader: &SqliteReader) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for collection in ["a", "b"] {
        let collection = CollectionKey::new("default", collection).unwrap();
        let walk = each_document(reader, &collection, |stored| {
            found.push((format!("{:?}", stored.key), stored.text().to_owned()));
            Ok::<_, detente_store::StoreError>(())
        });
        walk.block_on().unwrap();
    }
    found
}

#[test]
fn nothing_that_is_written_later_is_seen() {
    let folder = TempDir::new().unwrap();
    let mut clerk = open(&folder);
    for n in 0..10 {
        write(&mut clerk, ["a", "b"][n % 2], &n.to_string(), 1);
    }
    let reader = SqliteReader::open(folder.path()).unwrap();
    let before = all(&reader);
    assert_eq!(before.len(), 10);
    for n in 0..20 {
        let round = if n < 10 { 2 } else { 1 };
        write(&mut clerk, ["a", "b"][n % 2], &n.to_string(), round);
    }
    assert_eq!(all(&reader), before);
    assert_eq!(reader.last_seq("default"), 10);
    let now = SqliteReader::open(folder.path()).unwrap();
    assert_eq!(all(&now).len(), 20);
    assert!(all(&now)[0].1.contains("2"));
}
