use std::sync::Arc;

use bytes::Bytes;
use detente_core::{Lock, Moment, Once, Receipt, Written};

use super::draft::key;
use crate::{
    Commit, Conflicts, Fate, LoggedConflict, LostEdit, OutcomeFilter, PageLimit, Reader, SettledAs,
    SettledConflict, Settlement, Store, VersionPlace,
};
use pollster::FutureExt;

fn lock(owner: &str) -> Arc<Lock> {
    Arc::new(Lock {
        token: format!("token of {owner}").into(),
        fencing: 7,
        owner: owner.into(),
        by: "ann".into(),
        expires_at: Moment(2000),
        is_deep: owner == "ann",
        sharers: None,
    })
}

/// Whoever joined last does not hold it longest.
fn shared_lock() -> Arc<Lock> {
    let first = Lock {
        sharers: Some(Vec::new()),
        ..(*lock("bob")).clone()
    };
    let last = Lock {
        token: "token of cid".into(),
        fencing: 9,
        expires_at: Moment(1900),
        ..first.clone()
    };
    Arc::new(Lock {
        sharers: Some(vec![last]),
        ..first
    })
}

fn logged(id: &str, at: u64) -> LoggedConflict {
    LoggedConflict {
        id: id.into(),
        at: Moment(at),
        key: key("a"),
        by: "ann".into(),
        agent: (id == "first").then(|| "check/1.0 (run 7)".into()),
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
pub fn locks_receipts_and_conflicts_are_kept<S: Store>(open: impl Fn() -> S) {
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
    let mut store = open();
    let commit = Commit {
        locks: vec![
            (key("a"), Some(lock("ann"))),
            (key("b"), Some(shared_lock())),
        ],
        receipts: vec![receipt.clone()],
        conflicts: [logged("first", 1000), logged("second", 1001)]
            .map(Arc::new)
            .into(),
        time: Moment(1000).into(),
        ..Commit::default()
    };
    store.begin(&[], Moment(1000).into()).unwrap();
    must_commit(&mut store, &commit);
    drop(store);
    let mut store = open();
    assert_eq!(
        store.know(|it| it.lock(&key("a"))).unwrap(),
        Some(lock("ann"))
    );
    let shared = store.know(|it| it.lock(&key("b"))).unwrap();
    assert_eq!(shared, Some(shared_lock()));
    assert_eq!(fencing(&mut store), 9);
    assert_eq!(
        store.know(|it| it.receipt(&[1; 32])).unwrap(),
        Some(receipt)
    );
    assert_eq!(store.know(|it| it.receipt(&[3; 32])).unwrap(), None);
    assert_eq!(store.know(|it| it.settled("first")).unwrap(), Some(None));
    assert_eq!(store.know(|it| it.settled("third")).unwrap(), None);
    let settled = Settlement {
        outcome: SettledAs::Dismissed,
        at: Moment(1500),
        by: "bob".into(),
        version: Some(3),
        reason: Some("wérk of\ntwo".into()),
    };
    let commit = Commit {
        locks: vec![(key("a"), None)],
        settlements: vec![SettledConflict {
            id: "first".into(),
            settled: settled.clone(),
        }],
        time: Moment(2000).into(),
        ..Commit::default()
    };
    must_commit(&mut store, &commit);
    assert_eq!(store.know(|it| it.lock(&key("a"))).unwrap(), None);
    assert_eq!(
        store.know(|it| it.lock(&key("b"))).unwrap(),
        None,
        "its time has passed"
    );
    assert_eq!(fencing(&mut store), 9, "it only grows");
    assert_eq!(
        store.know(|it| it.settled("first")).unwrap(),
        Some(Some(settled.clone()))
    );
    let reader = store.reader();
    let first = reader
        .conflict("default", "first")
        .block_on()
        .unwrap()
        .unwrap();
    let expected = LoggedConflict {
        settlement: Some(settled),
        ..logged("first", 1000)
    };
    assert_eq!(first, expected);
    assert_eq!(reader.conflict("other", "first").block_on().unwrap(), None);
    let asked = Conflicts {
        space: Some("default".into()),
        outcome: Some(OutcomeFilter::Open),
        limit: PageLimit::rows(10),
        ..Conflicts::default()
    };
    let page = reader.conflicts(&asked).block_on().unwrap();
    assert_eq!(
        (page.items, page.next),
        (vec![logged("second", 1001)], None)
    );
    agents_are_told_apart(&reader);
    documents_are_told_apart(&reader);
}

fn documents_are_told_apart(reader: &dyn Reader) {
    type Case<'a> = (Option<&'a [&'a str]>, Option<usize>, usize);
    let cases: [Case<'_>; 7] = [
        // (documents, of each, how many)
        (None, None, 2),
        (Some(&[]), None, 0),
        (Some(&["a"]), None, 2),
        (Some(&["b", "a"]), None, 2),
        (Some(&["b"]), None, 0),
        (Some(&["a"]), Some(1), 1),
        (None, Some(0), 0),
    ];
    for (documents, of_each, count) in cases {
        let asked = Conflicts {
            documents: documents.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()),
            of_each,
            ..Conflicts::default()
        };
        let found = reader.conflicts(&asked).block_on().unwrap().items;
        assert_eq!(found.len(), count, "{asked:?}");
        // The newest come first.
        if of_each == Some(1) {
            assert_eq!(found[0].id, "second");
        }
    }
}

fn agents_are_told_apart(reader: &dyn Reader) {
    let cases = [
        // (space, agent, not_agent, how many)
        (None, None, None, 2),
        (Some("other"), None, None, 0),
        (None, Some("check/"), None, 1),
        (None, Some("x"), None, 0),
        (None, None, Some("check/1"), 1),
        (None, None, Some("x"), 2),
    ];
    for (space, agent, not_agent, count) in cases {
        let asked = Conflicts {
            space: space.map(str::to_owned),
            agent: agent.map(str::to_owned),
            not_agent: not_agent.map(str::to_owned),
            limit: PageLimit::rows(10),
            ..Conflicts::default()
        };
        let found = reader.conflicts(&asked).block_on().unwrap().items;
        assert_eq!(found.len(), count, "{asked:?}");
    }
}

fn must_commit<S: Store>(store: &mut S, commit: &Commit) {
    let fate = store.append(commit);
    assert!(matches!(fate, Fate::Committed), "{fate:?}");
}

fn fencing<S: Store>(store: &mut S) -> u64 {
    store.begin(&[], Moment(0).into()).unwrap().fencing
}
