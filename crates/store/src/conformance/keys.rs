use std::sync::Arc;

use detente_core::rules::Rules;
use detente_core::{CollectionRules, Unconditional};

use super::draft::{key, put, put_by, rules};
use super::session::Session;
use crate::{Store, audit};
use pollster::FutureExt;

/// A constraint that comes, goes and comes back holds for all that is stored by then.
pub fn unique_keys_follow_the_rules<S: Store>(open: impl Fn() -> S) {
    let with = rules();
    let without = Arc::new(CollectionRules {
        unconditional: Unconditional::Allow,
        ..CollectionRules::default()
    });
    let mut store = open();
    assert!(!store.has_keys("c", &with.rules).unwrap());
    assert_eq!(store.constrain(&[("c", &with.rules)]).unwrap(), []);
    assert!(store.has_keys("c", &with.rules).unwrap());
    let session = Session::new(store);
    session.apply(put(&key("a"), r#"{"slot":1}"#));
    session.close();
    let mut store = open();
    assert!(store.has_keys("c", &with.rules).unwrap());
    assert_eq!(store.constrain(&[("c", &without.rules)]).unwrap(), []);
    assert!(!store.has_keys("c", &with.rules).unwrap());
    let session = Session::new(store);
    for id in ["b", "d"] {
        let command = put_by(&key(id), r#"{"slot":2}"#, &without.rules);
        session.apply_by(command, Arc::clone(&without));
    }
    session.close();
    let mut store = open();
    let conflicts = store.constrain(&[("c", &with.rules)]).unwrap();
    let [conflict] = &conflicts[..] else {
        panic!("{conflicts:?}");
    };
    assert_eq!(conflict.constraint, "slot");
    assert_ne!(conflict.holder, conflict.other);
    assert!(!store.has_keys("c", &with.rules).unwrap(), "all or nothing");
    let session = Session::new(store);
    let command = put_by(&key("d"), r#"{"slot":3}"#, &without.rules);
    session.apply_by(command, Arc::clone(&without));
    session.close();
    let mut store = open();
    assert_eq!(store.constrain(&[("c", &with.rules)]).unwrap(), []);
    let reader = store.reader();
    let judged = |_: &str| -> Option<&Rules> { Some(&with.rules) };
    assert_eq!(audit(&reader, judged).block_on().unwrap().faults, [""; 0]);
}
