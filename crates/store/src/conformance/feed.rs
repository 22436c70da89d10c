use std::collections::BTreeMap;

use detente_core::{Key, Kind, Seq};

use super::dice::Dice;
use super::draft::{delete, key, put};
use super::session::Session;
use crate::{Changes, Follow, PageLimit, Reader, Store};
use pollster::FutureExt;

/// The feed of a space, and of one collection.
pub fn changes_come_in_order_and_by_scope<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    for n in 0..30 {
        let (space, collection) = [("default", "c"), ("default", "d"), ("other", "c")][n % 3];
        session.apply(put(
            &Key::new(space, collection, &n.to_string()).unwrap(),
            "{}",
        ));
    }
    let read = |space, collection, since, limit| {
        let feed = session
            .reader
            .changes(&Changes {
                space: str::to_owned(space),
                collection: Option::map(collection, str::to_owned),
                since,
                follow: Follow::Versions,
                limit: PageLimit::rows(limit),
            })
            .block_on()
            .unwrap();
        let seqs: Vec<_> = feed.items.iter().map(|stored| stored.seq).collect();
        (seqs, feed.through, feed.more)
    };
    if session.reader.has_one_log() {
        assert_eq!(read("default", Some("c"), 0, 3), (vec![1, 4, 7], 7, true));
        assert_eq!(read("default", None, 7, 4), (vec![8, 10, 11, 13], 13, true));
        assert_eq!(read("other", None, 24, 9), (vec![27, 30], 30, false));
        assert_eq!(read("nowhere", None, 0, 9), (vec![], 30, false));
    } else {
        assert_eq!(read("default", Some("c"), 0, 3), (vec![1, 3, 5], 5, true));
        assert_eq!(read("default", None, 5, 4), (vec![6, 7, 8, 9], 9, true));
        assert_eq!(read("other", None, 8, 9), (vec![9, 10], 10, false));
        assert_eq!(read("nowhere", None, 0, 9), (vec![], 0, false));
    }
    session.close();
}

/// Whoever follows heads alone, page by page while others write, gets what is the newest then, each
/// once, and in the end the newest version of every document.
pub fn heads_alone_can_be_followed<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    let mut dice = Dice(17);
    for _ in 0..300 {
        session.apply(put(&key("much"), "{}"));
    }
    let read = |session: &Session<S::Reader>, id: Option<&str>, since, limit| {
        let limit = PageLimit::rows(limit);
        let feed = match id {
            Some(id) => {
                let key = key(id);
                let feed = session
                    .reader
                    .document_changes(&key, since, Follow::Heads, limit);
                feed.block_on()
            }
            None => {
                let wanted = Changes {
                    space: "default".into(),
                    collection: Some("c".into()),
                    since,
                    follow: Follow::Heads,
                    limit,
                };
                session.reader.changes(&wanted).block_on()
            }
        };
        feed.unwrap()
    };
    let first = read(&session, None, 0, 10);
    assert_eq!(
        (first.items.len(), first.through, first.more),
        (1, 300, false)
    );
    assert_eq!(first.items[0].version, 300);

    let (mut since, mut found) = (0, BTreeMap::<String, (Seq, Kind)>::new());
    let mut written = 0;
    loop {
        let feed = read(&session, None, since, 1 + written % 4);
        for stored in &feed.items {
            let head = session.reader.head(&stored.key).block_on().unwrap();
            assert_eq!(head, Some(stored.head()));
            let id = stored.key.id().to_owned();
            assert!(stored.seq > since, "{stored:?} since {since}");
            found.insert(id, (stored.seq, stored.kind));
        }
        assert!(feed.through >= since);
        since = feed.through;
        if written == 200 && !feed.more {
            break;
        }
        for _ in 0..dice.roll(6).min(200 - written as u64) {
            written += 1;
            let id = key(&dice.roll(25).to_string());
            let head = session.reader.head(&id).block_on().unwrap();
            let is_there = head.is_some_and(|head| head.is_document());
            session.apply(match is_there && dice.roll(3) == 0 {
                true => delete(&id),
                false => put(&id, "{}"),
            });
        }
    }
    assert_eq!(since, session.reader.last_seq("default"));
    assert!(found.values().any(|(_, kind)| *kind == Kind::Tombstone));
    for (id, (seq, _)) in &found {
        let head = session.reader.head(&key(id)).block_on().unwrap().unwrap();
        assert_eq!(head.seq, *seq, "{id}");
        let own = read(&session, Some(id), 0, 5);
        let seqs: Vec<_> = own.items.iter().map(|it| it.seq).collect();
        assert_eq!((seqs, own.more), (vec![*seq], false), "{id}");
        let none = read(&session, Some(id), since, 5);
        assert_eq!((none.items.len(), none.through), (0, since));
    }
    let whole = |session: &Session<S::Reader>| -> Vec<Seq> {
        let feed = read(session, None, 0, 1000);
        feed.items.iter().map(|it| it.seq).collect()
    };
    let mut newest: Vec<_> = found.values().map(|(seq, _)| *seq).collect();
    newest.sort_unstable();
    assert_eq!(whole(&session), newest);
    session.close();
    let session = Session::new(open());
    assert_eq!(whole(&session), newest);
    session.close();
}
