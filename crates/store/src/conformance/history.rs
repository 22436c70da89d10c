use std::sync::Arc;

use detente_core::{CollectionRules, Condition, Decision, Keep, Preconditions};

use super::dice::Dice;
use super::draft::{key, put};
use super::session::Session;
use crate::{Follow, PageLimit, Reader, Store, audit};
use pollster::FutureExt;

/// Versions that may go do, and nothing else does.
pub fn history_is_cut_and_the_rest_agrees<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
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
            let decision = session.write_by(command, Arc::clone(rules)).unwrap();
            assert!(matches!(decision, Decision::Apply(_)), "{decision:?}");
        }
    }
    session.close();
    let store = open();
    let reader = store.reader();
    let newest = reader.current(&key("a")).block_on().unwrap().unwrap();
    let is_kept = |number| {
        reader
            .numbered(&newest, number)
            .block_on()
            .unwrap()
            .is_some()
    };
    // Looked through at version 256 for the last time: 247 to 256 had to stay.
    assert_eq!(
        [1, 191, 192, 246, 300].map(is_kept),
        [false, false, true, true, true]
    );
    assert_eq!(reader.pruned("default").block_on().unwrap(), 191);
    let changes = reader
        .document_changes(&key("a"), 0, Follow::Versions, PageLimit::rows(1000))
        .block_on()
        .unwrap()
        .items;
    assert_eq!((changes.len(), changes[0].version), (109, 192));
    let other = reader.current(&key("b")).block_on().unwrap().unwrap();
    assert!(
        reader.numbered(&other, 1).block_on().unwrap().is_some(),
        "it is young"
    );
    assert_eq!(audit(&reader, |_| None).block_on().unwrap().faults, [""; 0]);
}

/// Whatever lies between its versions.
pub fn changes_of_one_document_are_found_from_anywhere<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    let mut own = Vec::new();
    let mut dice = Dice(7);
    for n in 0..400 {
        let id = if dice.roll(3) == 0 { "b" } else { "a" };
        let stored = session.apply(put(&key(id), &format!("{{\"n\":{n}}}")));
        if id == "a" {
            own.push(stored.seq);
        }
    }
    for since in [0, 1, 63, 64, 65, 200, 333, 399, 400] {
        for limit in [1, 5, 64, 1000] {
            let expected: Vec<_> = own.iter().copied().filter(|seq| *seq > since).collect();
            let feed = session
                .reader
                .document_changes(&key("a"), since, Follow::Versions, PageLimit::rows(limit))
                .block_on()
                .unwrap();
            let found: Vec<_> = feed.items.iter().map(|stored| stored.seq).collect();
            let count = expected.len().min(limit);
            assert_eq!(found, expected[..count], "{limit} since {since}");
            assert_eq!(feed.more, count < expected.len(), "{limit} since {since}");
            let through = if feed.more { found[limit - 1] } else { 400 };
            assert_eq!(feed.through, through, "{limit} since {since}");
        }
    }
    let nothing = session
        .reader
        .document_changes(&key("c"), 0, Follow::Versions, PageLimit::rows(10))
        .block_on()
        .unwrap();
    assert_eq!((nothing.items.len(), nothing.more), (0, false));
    session.close();
}

/// By their numbers.
pub fn old_versions_are_found<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    for n in 1..=300 {
        session.apply(put(&key("a"), &format!(r#"{{"n":{n}}}"#)));
        session.apply(put(&key("b"), "{}"));
    }
    let head = session.reader.head(&key("a")).block_on().unwrap().unwrap();
    let newest = session
        .reader
        .version("default", head.seq)
        .block_on()
        .unwrap()
        .unwrap();
    for n in [1, 2, 63, 64, 65, 127, 128, 129, 255, 256, 299, 300] {
        let found = session
            .reader
            .numbered(&newest, n)
            .block_on()
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.version, found.text()),
            (n, format!(r#"{{"n":{n}}}"#).as_str())
        );
    }
    for n in [0, 301] {
        assert_eq!(
            session.reader.numbered(&newest, n).block_on().unwrap(),
            None
        );
    }
    session.close();
}
