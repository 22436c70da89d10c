//! A desk whose store fails in the midst of things, or whose clock is set back.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use detente_core::rules::{Rules, Unique};
use detente_core::{
    CollectionRules, Command, Condition, Decision, Edit, Key, LockAction, LockCommand, LockTerms,
    Moment, Preconditions, Proposal, Refusal, Unconditional,
};
use detente_store::memory::{Disk, Landing, Memory, Mishap, Step, Weather};
use detente_store::{
    Clerk, Conflicts, LoggedConflict, LostEdit, Next, Order, PageLimit, Reader, Reply, Store,
    StoreError, Transacted, Transaction,
};
use pollster::FutureExt;

/// Fails once: at a step that was met so often before.
#[derive(Debug, Default)]
struct Failure(Mutex<Option<(Step, u64, Mishap)>>);

impl Failure {
    fn at(step: Step, skips: u64, mishap: Mishap) -> Self {
        Self(Mutex::new(Some((step, skips, mishap))))
    }
}

impl Weather for Failure {
    fn meet(&self, step: Step) -> Result<(), Mishap> {
        let mut failure = self.0.lock().unwrap();
        match failure.take() {
            Some((at, 0, error)) if at == step => return Err(error),
            Some((at, skips, error)) if at == step => *failure = Some((at, skips - 1, error)),
            other => *failure = other,
        }
        Ok(())
    }
}

fn open(disk: &Disk, failure: Failure) -> Clerk<Memory> {
    Clerk::new(Memory::open(disk, Arc::new(failure)))
}

fn key(id: &str) -> Key {
    Key::new("default", "c", id).unwrap()
}

fn write(key: &Key, edit: Edit, token: Option<&str>) -> Order {
    let rules = CollectionRules {
        rules: rules(),
        unconditional: Unconditional::Allow,
        history: None,
    };
    let command = Command {
        preconditions: Preconditions {
            if_match: matches!(edit, Edit::Delete).then_some(Condition::Any),
            ..Preconditions::default()
        },
        lock_tokens: token.map(Into::into).into(),
        ..Command::new(key.clone(), edit, "ann".into())
    };
    Order::Write(Transaction {
        writes: vec![(command.into(), Arc::new(rules))],
        ..Transaction::default()
    })
}

fn put(key: &Key, token: Option<&str>) -> Order {
    let body = Bytes::from_static(br#"{"slot":1}"#);
    let proposal = Proposal::check(&rules(), body, None).unwrap();
    write(key, Edit::Put(proposal), token)
}

fn rules() -> Rules {
    Rules {
        unique: vec![Unique {
            name: "slot".into(),
            fields: vec!["/slot".parse().unwrap()],
            ignore_case: false,
            normalize: false,
            condition: None,
            error: None,
            message: None,
        }],
        ..Rules::default()
    }
}

fn conflict(id: &str) -> LoggedConflict {
    LoggedConflict {
        id: id.into(),
        at: Moment(1),
        key: key("a"),
        by: "ann".into(),
        agent: None,
        method: "PUT".into(),
        kind: "stale-version".into(),
        paths: Vec::new(),
        base: None,
        current: None,
        edit: LostEdit::Deletion,
        settlement: None,
    }
}

fn is_applied(reply: &Result<Reply, StoreError>) -> bool {
    matches!(reply, Ok(Reply::Write(Transacted::Applied(_))))
}

/// A write that could not be decided because the store failed has given nothing away to those behind
/// it in its batch.
#[test]
fn a_write_that_fails_halfway_releases_no_key() {
    let mut failures = 0;
    for skips in 0..10 {
        // Opened anew for the failure: to write the first version reads as well.
        let disk = Disk::default();
        let mut clerk = open(&disk, Failure::default());
        clerk.serve(&[put(&key("a"), None)], Moment(1)).unwrap();
        let failure = Failure::at(Step::Read, skips, Mishap::Fails);
        let mut clerk = open(&disk, failure);
        let orders = [write(&key("a"), Edit::Delete, None), put(&key("b"), None)];
        let replies = clerk.serve(&orders, Moment(2)).unwrap();
        failures += usize::from(replies[0].is_err());
        let is_free = is_applied(&replies[0]);
        let is_taken = is_applied(&replies[1]);
        assert!(is_free || !is_taken, "at read {skips}: {replies:?}");
    }
    assert!(failures > 2, "it failed {failures} times");
}

/// A lock runs out, somebody else writes, the process is started again with the clock set back: the
/// holder must not believe that nothing came between.
#[test]
fn a_lock_that_was_written_past_does_not_come_back() {
    let disk = Disk::default();
    let mut clerk = open(&disk, Failure::default());
    let key = &key("a");
    let lock = Order::Lock(LockCommand {
        key: key.clone(),
        by: "ann".into(),
        action: LockAction::Take {
            token: "t".into(),
            owner: "ann".into(),
            life_ms: 1000,
            terms: LockTerms::default(),
        },
    });
    clerk.serve(&[put(key, None), lock], Moment(101)).unwrap();
    let replies = clerk.serve(&[put(key, None)], Moment(1101)).unwrap();
    assert!(is_applied(&replies[0]), "{replies:?}");
    drop(clerk);
    disk.forget_the_time();
    let mut clerk = open(&disk, Failure::default());
    let replies = clerk.serve(&[put(key, Some("t"))], Moment(201)).unwrap();
    let Ok(Reply::Write(Transacted::Refused(decisions))) = &replies[0] else {
        panic!("{replies:?}");
    };
    let is_lost = |it: &Refusal| matches!(it, Refusal::LockLost { .. });
    assert!(
        matches!(&decisions[0], Decision::Refuse(it) if is_lost(it)),
        "{decisions:?}"
    );
}

/// Whoever asks for the conflict log to be written is told if it was not, and may ask again.
#[test]
fn a_flush_that_finds_no_room_says_so_and_keeps_what_waits() {
    let failure = Failure::at(Step::Record, 0, Mishap::Full);
    let mut clerk = open(&Disk::default(), failure);
    let refused = write(&key("a"), Edit::Delete, None);
    let orders = [Order::Log(Arc::new(conflict("c"))), refused, Order::Flush];
    let replies = clerk.serve(&orders, Moment(1)).unwrap();
    assert!(matches!(
        replies[1],
        Ok(Reply::Write(Transacted::Refused(_)))
    ));
    assert!(matches!(replies[2], Err(StoreError::Full)), "{replies:?}");
    assert_eq!(clerk.counters().waiting_conflicts(), 1);
    let replies = clerk.serve(&[Order::Flush], Moment(2)).unwrap();
    assert!(matches!(replies[0], Ok(Reply::Noted)));
    let found = clerk.store().reader().conflict("default", "c").block_on();
    assert!(found.unwrap().is_some());
}

/// A commit of which nobody hears, written at once, later or never: it is asked about, and its orders
/// are performed once, as is what they want logged.
#[test]
fn a_commit_of_unknown_fate_is_performed_once() {
    for landing in [Landing::AtOnce, Landing::Late, Landing::Never] {
        let disk = Disk::default();
        let silence = Failure::at(Step::Mark, 0, Mishap::Silence(landing));
        let mut clerk = open(&disk, silence);
        let orders = [
            Order::Log(Arc::new(conflict("c"))),
            put(&key("a"), None),
            Order::Flush,
        ];
        let replies = clerk.serve(&orders, Moment(1)).unwrap();
        assert!(is_applied(&replies[1]), "{landing:?}: {replies:?}");
        assert_eq!(clerk.counters().waiting_conflicts(), 0, "{landing:?}");
        disk.land();
        let reader = clerk.store().reader();
        assert_eq!(reader.last_seq("default"), 1, "{landing:?}");
        let all = Conflicts {
            space: Some("default".into()),
            limit: PageLimit::rows(10),
            ..Conflicts::default()
        };
        let logged = reader.conflicts(&all).block_on().unwrap().items;
        assert_eq!(logged, [conflict("c")], "{landing:?}");
    }
}

/// What is decided again is logged once, and only when it is written.
#[test]
fn what_a_lost_commit_would_have_logged_still_waits() {
    let disk = Disk::default();
    let (mut one, mut other) = (
        open(&disk, Failure::default()),
        open(&disk, Failure::default()),
    );
    let orders = [Order::Log(Arc::new(conflict("c"))), put(&key("a"), None)];
    let proposed = one.propose(&orders, Moment(1)).unwrap();
    assert_eq!(proposed.commit().conflicts.len(), 1);
    other.serve(&[put(&key("b"), None)], Moment(1)).unwrap();
    let next = one.commit(&orders, proposed);
    assert!(matches!(next, Next::DecideAgain), "{next:?}");
    assert!(
        one.store()
            .reader()
            .conflict("default", "c")
            .block_on()
            .unwrap()
            .is_none()
    );
    // The other holds the unique key by now, and so nothing is written but the log, in its own time.
    let replies = one.serve(&orders, Moment(1)).unwrap();
    assert!(!is_applied(&replies[1]), "{replies:?}");
    assert_eq!(one.counters().waiting_conflicts(), 1);
    one.serve(&[Order::Flush], Moment(1)).unwrap();
    assert_eq!(one.counters().waiting_conflicts(), 0);
    assert!(
        one.store()
            .reader()
            .conflict("default", "c")
            .block_on()
            .unwrap()
            .is_some()
    );
}

/// While the store is away, nothing is done, and nothing is forgotten.
#[test]
fn what_is_to_be_logged_outlasts_a_store_that_is_away() {
    for step in [Step::Begin, Step::Record] {
        let mut clerk = open(&Disk::default(), Failure::at(step, 0, Mishap::Away));
        let orders = [Order::Log(Arc::new(conflict("c"))), put(&key("a"), None)];
        let failed = clerk.serve(&orders, Moment(1));
        assert!(matches!(failed, Err(StoreError::Away)), "{failed:?}");
        assert_eq!(clerk.counters().waiting_conflicts(), 1);
        let replies = clerk.serve(&[put(&key("a"), None)], Moment(2)).unwrap();
        assert!(is_applied(&replies[0]), "{replies:?}");
        assert_eq!(clerk.counters().waiting_conflicts(), 0);
    }
}
