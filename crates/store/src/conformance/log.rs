use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::{Condition, Decision, Digest, Key, Kind, Moment, Stored};

use super::dice::Dice;
use super::draft::{collect, delete, key, place, put, rules};
use super::session::Session;
use crate::{Commit, Fate, Reader, Store, audit};
use pollster::FutureExt;

/// By key and by place.
pub fn what_was_written_is_read<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    assert_eq!(session.reader.last_seq("default"), 0);
    assert_eq!(session.reader.head(&key("a")).block_on().unwrap(), None);
    let first = session.apply(put(&key("a"), r#"{"n":1.50}"#));
    let second = session.apply(put(&key("a"), r#"{"n":2}"#));
    assert_eq!((first.seq, first.version, first.prev), (1, 1, None));
    assert_eq!((second.seq, second.version, second.prev), (2, 2, Some(1)));
    let head = session.reader.head(&key("a")).block_on().unwrap().unwrap();
    assert_eq!((head, head.kind), (second.head(), Kind::Document));
    assert_eq!(
        session
            .reader
            .version("default", 1)
            .block_on()
            .unwrap()
            .unwrap(),
        first
    );
    assert_eq!(&first.body[..], br#"{"n":1.50}"#);
    assert_eq!(
        session.reader.version("default", 9).block_on().unwrap(),
        None
    );
    assert_eq!(
        session
            .reader
            .current(&key("a"))
            .block_on()
            .unwrap()
            .unwrap(),
        second
    );
    assert_eq!(session.reader.current(&key("b")).block_on().unwrap(), None);
    let deleted = session.apply(delete(&key("a")));
    assert_eq!((deleted.kind, &*deleted.by), (Kind::Tombstone, "bob"));
    assert_eq!(
        session.reader.head(&key("a")).block_on().unwrap(),
        Some(deleted.head())
    );
    assert_eq!(session.apply(put(&key("a"), "{}")).version, 4);
    session.reader.ping().block_on().unwrap();
    session.close();
}

/// Once closed well, and once left as a crash leaves it.
pub fn a_reopened_store_is_the_same<S: Store>(open: impl Fn() -> S) {
    let mut expected = Vec::new();
    for round in 0..6 {
        let mut store = open();
        let seen = collect(&store.reader(), &place("default", "c"), None, false);
        assert_eq!(seen, expected, "round {round}");
        assert_eq!(
            audit(&store.reader(), |_| None).block_on().unwrap().faults,
            [""; 0]
        );
        if round % 2 == 0 {
            let session = Session::new(store);
            for n in 0..10 {
                let id = format!("{round}-{n}");
                session.apply(put(&key(&id), "{}"));
                expected.push(id);
            }
            expected.sort();
            session.close();
        } else {
            // Appends, and is dropped without being closed.
            append_without_writer(&mut store, &key(&format!("{round}-x")));
            expected.push(format!("{round}-x"));
            expected.sort();
        }
    }
}

fn append_without_writer<S: Store>(store: &mut S, key: &Key) {
    let seq = store.reader().last_seq(key.space()) + 1;
    let stored = Stored {
        seq,
        key: key.clone(),
        version: 1,
        prev: None,
        base: None,
        by: "ann".into(),
        at: Moment(1),
        kind: Kind::Document,
        body: Bytes::from_static(b"{}"),
        digest: Digest::of(b"{}"),
    };
    let applied = detente_core::Applied {
        head: stored.head(),
        stored: Arc::new(stored),
        tree: None,
        created: true,
        claimed: Vec::new(),
        released: Vec::new(),
    };
    store.begin(&[], Moment(1).into()).unwrap();
    let commit = Commit {
        versions: vec![applied],
        ..Commit::default()
    };
    let fate = store.append(&commit);
    assert!(matches!(fate, Fate::Committed), "{fate:?}");
}

/// Thousands of writes, deletions and duplicates, with restarts, beside a map.
pub fn random_writes_agree_with_a_model<S: Store>(open: impl Fn() -> S) {
    let mut dice = Dice(42);
    let mut model: BTreeMap<String, (u64, Option<u64>)> = BTreeMap::new();
    for round in 0..8 {
        let session = Session::new(open());
        for _ in 0..250 {
            let id = dice.roll(20).to_string();
            let before = model.get(&id).copied();
            if dice.roll(4) == 0 {
                let decision = session.write(delete(&key(&id))).unwrap();
                let lives = before.is_some_and(|(_, slot)| slot.is_some());
                assert_eq!(matches!(decision, Decision::Apply(_)), lives);
                if let (true, Some((version, _))) = (lives, before) {
                    model.insert(id, (version + 1, None));
                }
                continue;
            }
            let slot = dice.roll(30);
            let decision = session
                .write(put(&key(&id), &format!(r#"{{"slot":{slot}}}"#)))
                .unwrap();
            let taken = model
                .iter()
                .any(|(other, (_, held))| *other != id && *held == Some(slot));
            assert_eq!(
                matches!(decision, Decision::Refuse(_)),
                taken,
                "{id} wants {slot}"
            );
            if !taken {
                model.insert(
                    id,
                    (before.map_or(1, |(version, _)| version + 1), Some(slot)),
                );
            }
        }
        for (id, (version, slot)) in &model {
            let head = session.reader.head(&key(id)).block_on().unwrap().unwrap();
            assert_eq!(
                (head.version, head.is_document()),
                (*version, slot.is_some())
            );
        }
        let living: Vec<_> = model
            .iter()
            .filter(|(_, (_, slot))| slot.is_some())
            .map(|(id, _)| id.clone())
            .collect();
        assert_eq!(
            collect(&session.reader, &place("default", "c"), None, false),
            living,
            "round {round}"
        );
        session.close();
        let rules = rules();
        assert_eq!(
            audit(&open().reader(), |_| Some(&rules.rules))
                .block_on()
                .unwrap()
                .faults,
            [""; 0]
        );
    }
}

/// Commands that are decided together are decided as if one after the other.
pub fn a_batch_sees_itself<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    let first = session.apply(put(&key("a"), r#"{"slot":1}"#));
    let tag = first.head().tag().to_entity_tag();
    let mut writes = Vec::new();
    for n in 0..50 {
        let mut command = put(&key("a"), &format!(r#"{{"slot":{}}}"#, 100 + n));
        command.preconditions.if_match = Some(Condition::Tags(vec![tag.clone()]));
        writes.push(command);
        // All want one slot, which the first write of "a" gives up.
        writes.push(put(&key(&format!("b{n}")), r#"{"slot":1}"#));
    }
    let handle = session.writer.handle();
    let decisions = session.runtime.block_on(async {
        let mut answers = tokio::task::JoinSet::new();
        for (n, command) in writes.into_iter().enumerate() {
            let handle = handle.clone();
            answers.spawn(async move { (n, handle.write(command, rules()).await.unwrap()) });
        }
        answers.join_all().await
    });
    drop(handle);
    let applied: Vec<_> = decisions
        .iter()
        .filter(|(_, it)| matches!(it, Decision::Apply(_)))
        .map(|(n, _)| n % 2)
        .collect();
    assert_eq!(
        applied.iter().filter(|kind| **kind == 0).count(),
        1,
        "one writer of \"a\""
    );
    assert_eq!(
        applied.iter().filter(|kind| **kind == 1).count(),
        1,
        "one taker of the slot"
    );
    session.close();
}
