//! What every store must do, held against a model. A new store adds its line to `stores!`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::rules::{Rules, Unique};
use detente_core::{
    CollectionKey, Command, Condition, Decision, Digest, Edit, Key, Kind, Lock, Moment, Once,
    Preconditions, Proposal, Receipt, Stored, Unconditional, Written,
};
use detente_store::{
    Changes, CollectionRules, Commit, Conflicts, Documents, Keep, LoggedConflict, LostEdit,
    OutcomeFilter, Reader, Settled, Settlement, Settling, Sqlite, SqliteOptions, Store, StoreError,
    VersionPlace, WriteError, Writer, audit,
};
use tempfile::TempDir;

#[path = "simulation/memory/mod.rs"]
mod memory;

/// Runs every case on every store.
macro_rules! stores {
    ($($case:ident),* $(,)?) => {
        mod sqlite { $(#[test] fn $case() { super::$case(|data| super::sqlite(data, 1_000)); })* }
        /// Heads leave for their table after every few writes, and nothing is cached.
        mod sqlite_written_behind_often { $(#[test] fn $case() { super::$case(|data| super::sqlite(data, 3)); })* }
        /// The store that the simulation runs on.
        mod in_memory { $(#[test] fn $case() { super::$case(super::in_memory()); })* }
    };
}

stores!(
    what_was_written_is_read,
    a_reopened_store_is_the_same,
    lists_go_both_ways_from_anywhere,
    changes_come_in_order_and_by_scope,
    old_versions_are_found,
    history_is_cut_and_the_rest_agrees,
    changes_of_one_document_are_found_from_anywhere,
    locks_receipts_and_conflicts_are_kept,
    random_writes_agree_with_a_model,
    a_batch_sees_itself,
);

fn sqlite(data: &Path, dirty_limit: usize) -> Sqlite {
    let options = SqliteOptions {
        cache_bytes: dirty_limit * 10,
        dirty_limit,
        ..SqliteOptions::default()
    };
    Sqlite::open(data, options).unwrap()
}

/// A disk, and nothing that goes wrong.
fn in_memory() -> impl Fn(&Path) -> memory::Memory {
    struct Calm;
    impl memory::Weather for Calm {
        fn meet(&self, _: memory::Step) -> Result<(), StoreError> {
            Ok(())
        }
    }
    let disk = memory::Disk::default();
    move |_| memory::Memory::open(&disk, Arc::new(Calm))
}

/// A small generator, so that a run can be repeated (Marsaglia's xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn rules() -> Arc<CollectionRules> {
    Arc::new(CollectionRules {
        rules: Rules {
            unique: vec![Unique {
                name: "slot".into(),
                fields: vec!["/slot".parse().unwrap()],
                ignore_case: false,
                condition: None,
                error: None,
                message: None,
            }],
            ..Rules::default()
        },
        unconditional: Unconditional::Allow,
        history: None,
    })
}

fn put(key: &Key, body: &str) -> Command {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let edit = Edit::Put(Proposal::check(&rules().rules, body, None).unwrap());
    Command::new(key.clone(), edit, "ann".into())
}

fn delete(key: &Key) -> Command {
    Command {
        preconditions: Preconditions {
            if_match: Some(Condition::Any),
            ..Preconditions::default()
        },
        ..Command::new(key.clone(), Edit::Delete, "bob".into())
    }
}

fn key(id: &str) -> Key {
    Key::new("default", "c", id).unwrap()
}

fn place(space: &str, collection: &str) -> CollectionKey {
    CollectionKey::new(space, collection).unwrap()
}

/// A writer on a store, for commands one by one or together.
struct Desk<R> {
    runtime: tokio::runtime::Runtime,
    writer: Writer,
    reader: R,
}

impl<R: Reader> Desk<R> {
    fn new<S: Store<Reader = R>>(store: S) -> Self {
        let reader = store.reader();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        Self {
            runtime,
            writer: Writer::start(store, 1000).unwrap(),
            reader,
        }
    }

    fn write(&self, command: Command) -> Result<Decision, WriteError> {
        self.write_by(command, rules())
    }

    fn write_by(
        &self,
        command: Command,
        rules: Arc<CollectionRules>,
    ) -> Result<Decision, WriteError> {
        self.runtime
            .block_on(self.writer.handle().write(command, rules))
    }

    fn apply(&self, command: Command) -> Arc<Stored> {
        match self.write(command).unwrap() {
            Decision::Apply(applied) => applied.stored,
            other => panic!("{other:?}"),
        }
    }

    fn close(self) {
        drop(self.reader);
        self.writer.join().unwrap();
    }
}

fn what_was_written_is_read<S: Store>(open: impl Fn(&Path) -> S) {
    let folder = TempDir::new().unwrap();
    let desk = Desk::new(open(folder.path()));
    assert_eq!(desk.reader.last_seq(), 0);
    assert_eq!(desk.reader.head(&key("a")).unwrap(), None);
    let first = desk.apply(put(&key("a"), r#"{"n":1.50}"#));
    let second = desk.apply(put(&key("a"), r#"{"n":2}"#));
    assert_eq!((first.seq, first.version, first.prev), (1, 1, None));
    assert_eq!((second.seq, second.version, second.prev), (2, 2, Some(1)));
    let head = desk.reader.head(&key("a")).unwrap().unwrap();
    assert_eq!((head, head.kind), (second.head(), Kind::Document));
    assert_eq!(desk.reader.version(1).unwrap().unwrap(), first);
    assert_eq!(&first.body[..], br#"{"n":1.50}"#);
    assert_eq!(desk.reader.version(9).unwrap(), None);
    assert_eq!(desk.reader.current(&key("a")).unwrap().unwrap(), second);
    assert_eq!(desk.reader.current(&key("b")).unwrap(), None);
    let deleted = desk.apply(delete(&key("a")));
    assert_eq!((deleted.kind, &*deleted.by), (Kind::Tombstone, "bob"));
    assert_eq!(desk.reader.head(&key("a")).unwrap(), Some(deleted.head()));
    assert_eq!(desk.apply(put(&key("a"), "{}")).version, 4);
    desk.reader.ping().unwrap();
    desk.close();
}

/// Once closed well, and once left as a crash leaves it.
fn a_reopened_store_is_the_same<S: Store>(open: impl Fn(&Path) -> S) {
    let folder = TempDir::new().unwrap();
    let mut expected = Vec::new();
    for round in 0..6 {
        let mut store = open(folder.path());
        let seen = collect(&store.reader(), &place("default", "c"), None, false);
        assert_eq!(seen, expected, "round {round}");
        assert_eq!(audit(&store, |_| None).unwrap().faults, [""; 0]);
        if round % 2 == 0 {
            let desk = Desk::new(store);
            for n in 0..10 {
                let id = format!("{round}-{n}");
                desk.apply(put(&key(&id), "{}"));
                expected.push(id);
            }
            expected.sort();
            desk.close();
        } else {
            // Appends, and is dropped without being closed.
            append_without_writer(&mut store, &key(&format!("{round}-x")));
            expected.push(format!("{round}-x"));
            expected.sort();
        }
    }
}

fn history_is_cut_and_the_rest_agrees<S: Store>(open: impl Fn(&Path) -> S) {
    let folder = TempDir::new().unwrap();
    let desk = Desk::new(open(folder.path()));
    let forgetful = Arc::new(CollectionRules {
        history: Some(Keep {
            versions: 10,
            age_ms: 0,
        }),
        ..CollectionRules::default()
    });
    let attentive = Arc::new(CollectionRules {
        history: Some(Keep {
            versions: 1,
            age_ms: 1000 * 60 * 60,
        }),
        ..CollectionRules::default()
    });
    let any = Preconditions {
        if_match: Some(Condition::Any),
        ..Preconditions::default()
    };
    for n in 0..300 {
        for (id, rules) in [("a", &forgetful), ("b", &attentive)] {
            let mut command = put(&key(id), &format!("{{\"n\":{n}}}"));
            if n > 0 {
                command.preconditions = any.clone();
            }
            let decision = desk.write_by(command, Arc::clone(rules)).unwrap();
            assert!(matches!(decision, Decision::Apply(_)), "{decision:?}");
        }
    }
    desk.close();
    let store = open(folder.path());
    let reader = store.reader();
    let newest = reader.current(&key("a")).unwrap().unwrap();
    let is_kept = |number| reader.numbered(&newest, number).unwrap().is_some();
    // Looked through at version 256 for the last time: 247 to 256 had to stay.
    assert_eq!(
        [1, 191, 192, 246, 300].map(is_kept),
        [false, false, true, true, true]
    );
    assert_eq!(reader.pruned().unwrap(), 191);
    let changes = reader.document_changes(&key("a"), 0, 1000).unwrap().items;
    assert_eq!((changes.len(), changes[0].version), (109, 192));
    let other = reader.current(&key("b")).unwrap().unwrap();
    assert!(reader.numbered(&other, 1).unwrap().is_some(), "it is young");
    assert_eq!(audit(&store, |_| None).unwrap().faults, [""; 0]);
}

fn changes_of_one_document_are_found_from_anywhere<S: Store>(open: impl Fn(&Path) -> S) {
    let folder = TempDir::new().unwrap();
    let desk = Desk::new(open(folder.path()));
    let mut own = Vec::new();
    let mut dice = Dice(7);
    for n in 0..400 {
        let id = if dice.roll(3) == 0 { "b" } else { "a" };
        let stored = desk.apply(put(&key(id), &format!("{{\"n\":{n}}}")));
        if id == "a" {
            own.push(stored.seq);
        }
    }
    for since in [0, 1, 63, 64, 65, 200, 333, 399, 400] {
        for limit in [1, 5, 64, 1000] {
            let expected: Vec<_> = own.iter().copied().filter(|seq| *seq > since).collect();
            let feed = desk
                .reader
                .document_changes(&key("a"), since, limit)
                .unwrap();
            let found: Vec<_> = feed.items.iter().map(|stored| stored.seq).collect();
            let count = expected.len().min(limit);
            assert_eq!(found, expected[..count], "{limit} since {since}");
            assert_eq!(feed.more, count < expected.len(), "{limit} since {since}");
            let through = if feed.more { found[limit - 1] } else { 400 };
            assert_eq!(feed.through, through, "{limit} since {since}");
        }
    }
    let nothing = desk.reader.document_changes(&key("c"), 0, 10).unwrap();
    assert_eq!((nothing.items.len(), nothing.more), (0, false));
    desk.close();
}

fn lock(owner: &str) -> Arc<Lock> {
    Arc::new(Lock {
        token: format!("token of {owner}").into(),
        fencing: 7,
        owner: owner.into(),
        by: "ann".into(),
        expires_at: Moment(2000),
    })
}

fn logged(id: &str, at: u64) -> LoggedConflict {
    LoggedConflict {
        id: id.into(),
        at: Moment(at),
        key: key("a"),
        by: "ann".into(),
        method: "PUT".into(),
        kind: "stale-version".into(),
        paths: vec!["/a~1b".into(), String::new()],
        base: Some(VersionPlace { version: 1, seq: 1 }),
        current: None,
        edit: LostEdit::Document(Bytes::from_static(b"{\"n\":1.50}")),
        settlement: None,
    }
}

/// Written together, read back after a reopening, changed and gone when their time has come.
fn locks_receipts_and_conflicts_are_kept<S: Store>(open: impl Fn(&Path) -> S) {
    let folder = TempDir::new().unwrap();
    let once = Once {
        scope: [1; 32],
        payload: [2; 32],
    };
    let receipt = Receipt {
        once,
        at: Moment(1000),
        writes: vec![Written {
            seq: 5,
            created: true,
        }],
    };
    let mut store = open(folder.path());
    let commit = Commit {
        locks: vec![(key("a"), Some(lock("ann"))), (key("b"), Some(lock("bob")))],
        receipts: vec![receipt.clone()],
        conflicts: [logged("first", 1000), logged("second", 1001)]
            .map(Arc::new)
            .into(),
        now: Moment(1000),
        ..Commit::default()
    };
    store.begin().unwrap();
    store.append(&commit).unwrap();
    drop(store);
    let mut store = open(folder.path());
    assert_eq!(store.lock(&key("a")).unwrap(), Some(lock("ann")));
    assert_eq!(store.last_fencing(), 7);
    assert_eq!(store.receipt(&[1; 32]).unwrap(), Some(receipt));
    assert_eq!(store.receipt(&[3; 32]).unwrap(), None);
    assert_eq!(store.settled("first").unwrap(), Some(None));
    assert_eq!(store.settled("third").unwrap(), None);
    let settled = Settled {
        outcome: Settling::Dismissed,
        at: Moment(1500),
        by: "bob".into(),
        version: Some(3),
    };
    let commit = Commit {
        locks: vec![(key("a"), None)],
        settlements: vec![Settlement {
            id: "first".into(),
            settled: settled.clone(),
        }],
        now: Moment(2000),
        ..Commit::default()
    };
    store.append(&commit).unwrap();
    assert_eq!(store.lock(&key("a")).unwrap(), None);
    assert_eq!(store.lock(&key("b")).unwrap(), None, "its time has passed");
    assert_eq!(store.last_fencing(), 7, "it only grows");
    assert_eq!(store.settled("first").unwrap(), Some(Some(settled.clone())));
    let reader = store.reader();
    let first = reader.conflict("default", "first").unwrap().unwrap();
    let expected = LoggedConflict {
        settlement: Some(settled),
        ..logged("first", 1000)
    };
    assert_eq!(first, expected);
    assert_eq!(reader.conflict("other", "first").unwrap(), None);
    let asked = Conflicts {
        space: "default".into(),
        outcome: Some(OutcomeFilter::Open),
        limit: 10,
        ..Conflicts::default()
    };
    let page = reader.conflicts(&asked).unwrap();
    assert_eq!(
        (page.items, page.next),
        (vec![logged("second", 1001)], None)
    );
}

fn append_without_writer<S: Store>(store: &mut S, key: &Key) {
    let seq = store.reader().last_seq() + 1;
    let stored = Stored {
        seq,
        key: key.clone(),
        version: 1,
        prev: None,
        base: None,
        by: "ann".into(),
        at: detente_core::Moment(1),
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
    store.begin().unwrap();
    let commit = Commit {
        versions: vec![applied],
        ..Commit::default()
    };
    store.append(&commit).unwrap();
}

fn collect(
    reader: &impl Reader,
    collection: &CollectionKey,
    after: Option<&str>,
    descending: bool,
) -> Vec<String> {
    let mut ids = Vec::new();
    let asked = Documents {
        collection,
        after,
        descending,
    };
    reader
        .documents(&asked, &mut |stored| {
            ids.push(stored.key.id().to_owned());
            ControlFlow::Continue(())
        })
        .unwrap();
    ids
}

fn lists_go_both_ways_from_anywhere<S: Store>(open: impl Fn(&Path) -> S) {
    let folder = TempDir::new().unwrap();
    let desk = Desk::new(open(folder.path()));
    let mut dice = Dice(7);
    let mut ids: Vec<String> = (0..30)
        .map(|n| format!("{}{n}", ["a", "B", "~", "0"][n % 4]))
        .collect();
    for id in &ids {
        desk.apply(put(&key(id), "{}"));
        desk.apply(put(&Key::new("default", "cc", id).unwrap(), "{}"));
        desk.apply(put(&Key::new("other", "c", id).unwrap(), "{}"));
    }
    for _ in 0..10 {
        let gone = ids.swap_remove(usize::try_from(dice.roll(ids.len() as u64)).unwrap());
        desk.apply(delete(&key(&gone)));
    }
    ids.sort();
    let place = place("default", "c");
    assert_eq!(collect(&desk.reader, &place, None, false), ids);
    let reversed: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(collect(&desk.reader, &place, None, true), reversed);
    for (at, id) in ids.iter().enumerate() {
        assert_eq!(
            collect(&desk.reader, &place, Some(id), false),
            ids[at + 1..]
        );
        let before: Vec<_> = ids[..at].iter().rev().cloned().collect();
        assert_eq!(collect(&desk.reader, &place, Some(id), true), before);
    }
    let collections = desk.reader.collections().unwrap();
    assert_eq!(
        collections,
        [
            self::place("default", "c"),
            self::place("default", "cc"),
            self::place("other", "c")
        ]
    );
    desk.close();
}

fn changes_come_in_order_and_by_scope<S: Store>(open: impl Fn(&Path) -> S) {
    let folder = TempDir::new().unwrap();
    let desk = Desk::new(open(folder.path()));
    for n in 0..30 {
        let (space, collection) = [("default", "c"), ("default", "d"), ("other", "c")][n % 3];
        desk.apply(put(
            &Key::new(space, collection, &n.to_string()).unwrap(),
            "{}",
        ));
    }
    let read = |space, collection, since, limit| {
        let feed = desk
            .reader
            .changes(&Changes {
                space,
                collection,
                since,
                limit,
            })
            .unwrap();
        let seqs: Vec<_> = feed.items.iter().map(|stored| stored.seq).collect();
        (seqs, feed.through, feed.more)
    };
    assert_eq!(read("default", Some("c"), 0, 3), (vec![1, 4, 7], 7, true));
    assert_eq!(read("default", None, 7, 4), (vec![8, 10, 11, 13], 13, true));
    assert_eq!(read("other", None, 24, 9), (vec![27, 30], 30, false));
    assert_eq!(read("nowhere", None, 0, 9), (vec![], 30, false));
    desk.close();
}

fn old_versions_are_found<S: Store>(open: impl Fn(&Path) -> S) {
    let folder = TempDir::new().unwrap();
    let desk = Desk::new(open(folder.path()));
    for n in 1..=300 {
        desk.apply(put(&key("a"), &format!(r#"{{"n":{n}}}"#)));
        desk.apply(put(&key("b"), "{}"));
    }
    let head = desk.reader.head(&key("a")).unwrap().unwrap();
    let newest = desk.reader.version(head.seq).unwrap().unwrap();
    for n in [1, 2, 63, 64, 65, 127, 128, 129, 255, 256, 299, 300] {
        let found = desk.reader.numbered(&newest, n).unwrap().unwrap();
        assert_eq!(
            (found.version, found.text()),
            (n, format!(r#"{{"n":{n}}}"#).as_str())
        );
    }
    for n in [0, 301] {
        assert_eq!(desk.reader.numbered(&newest, n).unwrap(), None);
    }
    desk.close();
}

/// Thousands of writes, deletions and duplicates, with restarts, beside a map.
fn random_writes_agree_with_a_model<S: Store>(open: impl Fn(&Path) -> S) {
    let folder = TempDir::new().unwrap();
    let mut dice = Dice(42);
    let mut model: BTreeMap<String, (u64, Option<u64>)> = BTreeMap::new();
    for round in 0..8 {
        let desk = Desk::new(open(folder.path()));
        for _ in 0..250 {
            let id = dice.roll(20).to_string();
            let before = model.get(&id).copied();
            if dice.roll(4) == 0 {
                let decision = desk.write(delete(&key(&id))).unwrap();
                let lives = before.is_some_and(|(_, slot)| slot.is_some());
                assert_eq!(matches!(decision, Decision::Apply(_)), lives);
                if let (true, Some((version, _))) = (lives, before) {
                    model.insert(id, (version + 1, None));
                }
                continue;
            }
            let slot = dice.roll(30);
            let decision = desk
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
            let head = desk.reader.head(&key(id)).unwrap().unwrap();
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
            collect(&desk.reader, &place("default", "c"), None, false),
            living,
            "round {round}"
        );
        desk.close();
        let rules = rules();
        assert_eq!(
            audit(&open(folder.path()), |_| Some(&rules.rules))
                .unwrap()
                .faults,
            [""; 0]
        );
    }
}

/// Commands that are decided together are decided as if one after the other.
fn a_batch_sees_itself<S: Store>(open: impl Fn(&Path) -> S) {
    let folder = TempDir::new().unwrap();
    let desk = Desk::new(open(folder.path()));
    let first = desk.apply(put(&key("a"), r#"{"slot":1}"#));
    let tag = first.head().tag().to_entity_tag();
    let mut writes = Vec::new();
    for n in 0..50 {
        let mut command = put(&key("a"), &format!(r#"{{"slot":{}}}"#, 100 + n));
        command.preconditions.if_match = Some(Condition::Tags(vec![tag.clone()]));
        writes.push(command);
        // All want one slot, which the first write of "a" gives up.
        writes.push(put(&key(&format!("b{n}")), r#"{"slot":1}"#));
    }
    let handle = desk.writer.handle();
    let decisions = desk.runtime.block_on(async {
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
    desk.close();
}

#[test]
fn a_store_belongs_to_one_process_at_a_time() {
    let folder = TempDir::new().unwrap();
    let first = sqlite(folder.path(), 10);
    let options = SqliteOptions {
        cache_bytes: 0,
        dirty_limit: 10,
        ..SqliteOptions::default()
    };
    let second = Sqlite::open(folder.path(), options);
    assert!(
        matches!(second, Err(StoreError::InUse { .. })),
        "{second:?}"
    );
    drop(first);
    sqlite(folder.path(), 10);
}
