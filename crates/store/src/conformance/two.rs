use detente_core::{Condition, Decision, LockAction, LockCommand, LockDecision, LockTerms, Moment};

use super::draft::{key, put, rules};
use super::session::Session;
use crate::{Clerk, Fate, Next, Order, Reader, Reply, Store, Transaction};
use pollster::FutureExt;

fn write(command: detente_core::Command) -> Vec<Order> {
    let writes = vec![(command.into(), rules())];
    vec![Order::Write(Transaction {
        writes,
        ..Transaction::default()
    })]
}

/// Of two writers that decide on the same ground, the second is lost, and decides again on what the
/// first wrote. Also where it writes nothing: a refusal must rest on one state.
pub fn of_two_writers_one_is_first<S: Store>(open: impl Fn() -> S) {
    if S::IS_EXCLUSIVE {
        return;
    }
    let (mut one, mut other) = (Clerk::new(open()), Clerk::new(open()));
    let watch = other.store().reader().watch("default");
    let (mine, yours) = (put(&key("a"), "{}"), put(&key("a"), r#"{"n":1}"#));
    let first_only = |mut command: detente_core::Command| {
        command.preconditions.if_none_match = Some(Condition::Any);
        write(command)
    };
    let (mine, yours) = (first_only(mine), first_only(yours));
    let (late, early) = (
        one.propose(&mine, Moment(1)).unwrap(),
        other.propose(&yours, Moment(1)).unwrap(),
    );
    assert!(matches!(other.commit(&yours, early), Next::Reply(_)));
    assert_eq!(*watch.borrow(), 1);
    assert!(matches!(one.commit(&mine, late), Next::DecideAgain));
    assert_eq!(
        one.store().reader().last_seq("default"),
        1,
        "nothing was written"
    );
    let replies = one.serve(&mine, Moment(1)).unwrap();
    let [Ok(Reply::Write(crate::Transacted::Refused(decisions)))] = &replies[..] else {
        panic!("{replies:?}");
    };
    assert!(matches!(&decisions[..], [Decision::Refuse(_)]));
    let (refused, applied) = (
        one.propose(&mine, Moment(2)).unwrap(),
        write(put(&key("b"), "{}")),
    );
    assert!(refused.commit().is_empty());
    other.serve(&applied, Moment(2)).unwrap();
    assert!(matches!(one.commit(&mine, refused), Next::DecideAgain));
}

/// Fencing numbers grow, and time does not go back, whoever writes.
pub fn the_ground_is_one_for_all_writers<S: Store>(open: impl Fn() -> S) {
    if S::IS_EXCLUSIVE {
        return;
    }
    let (mut one, mut other) = (Clerk::new(open()), Clerk::new(open()));
    one.serve(&write(put(&key("a"), "{}")), Moment(1000))
        .unwrap();
    one.serve(&write(put(&key("b"), "{}")), Moment(1000))
        .unwrap();
    let take = |id: &str| {
        vec![Order::Lock(LockCommand {
            key: key(id),
            by: "ann".into(),
            action: LockAction::Take {
                token: id.into(),
                owner: "ann".into(),
                life_ms: 1000,
                terms: LockTerms::default(),
            },
        })]
    };
    let mut fencing = 0;
    for (clerk, id) in [(&mut one, "a"), (&mut other, "b")] {
        let replies = clerk.serve(&take(id), Moment(10)).unwrap();
        let [Ok(Reply::Lock(LockDecision::Held { own: lock, .. }))] = &replies[..] else {
            panic!("{replies:?}");
        };
        assert!(lock.fencing > fencing, "{lock:?}");
        assert!(lock.expires_at >= Moment(2000), "{lock:?}");
        fencing = lock.fencing;
    }
    let replies = one.serve(&take("b"), Moment(10)).unwrap();
    let refused = matches!(&replies[..], [Ok(Reply::Lock(LockDecision::Refused(_)))]);
    assert!(refused, "{replies:?}");
}

/// Two threads write to a few documents, as fast as they can: every version has one writer, and the
/// log has no gap.
pub fn two_writers_race<S: Store>(open: impl Fn() -> S) {
    if S::IS_EXCLUSIVE {
        return;
    }
    let sessions = [Session::new(open()), Session::new(open())];
    let write = |session: &Session<S::Reader>| {
        for n in 0..300 {
            session.apply(put(&key(&(n % 3).to_string()), &format!("{{\"n\":{n}}}")));
        }
    };
    std::thread::scope(|scope| {
        for session in &sessions {
            scope.spawn(|| write(session));
        }
    });
    let reader = sessions[0].reader.clone();
    reader.fresh("default").block_on().unwrap();
    assert_eq!(reader.last_seq("default"), 600);
    for id in ["0", "1", "2"] {
        assert_eq!(
            reader.head(&key(id)).block_on().unwrap().unwrap().version,
            200
        );
    }
    assert_eq!(
        crate::audit(&reader, |_| None).block_on().unwrap().faults,
        [""; 0]
    );
    sessions.into_iter().for_each(Session::close);
}

/// A commit that nobody knows of is none, once the store has said so.
pub fn what_is_lost_stays_lost<S: Store>(open: impl Fn() -> S) {
    if S::IS_EXCLUSIVE {
        return;
    }
    let mut store = open();
    let ground = store.begin(&[], Moment(1).into()).unwrap();
    let never = crate::BatchToken(u128::MAX);
    assert!(matches!(store.fate(never), Fate::Lost));
    assert_eq!(
        store.begin(&[], Moment(1).into()).unwrap().next_seq,
        ground.next_seq
    );
}
