use std::sync::Arc;

use detente_core::{Filter, Key, Query, Sort, Stored};

use super::dice::Dice;
use super::draft::{collect, delete, key, place, put};
use super::session::Session;
use crate::contract::item;
use crate::{Listing, PageLimit, Reader, Store};
use pollster::FutureExt;

/// Also from ids that are no longer there.
pub fn lists_go_both_ways_from_anywhere<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    let mut dice = Dice(7);
    let mut ids: Vec<String> = (0..30)
        .map(|n| format!("{}{n}", ["a", "B", "~", "0"][n % 4]))
        .collect();
    for id in &ids {
        session.apply(put(&key(id), "{}"));
        session.apply(put(&Key::new("default", "cc", id).unwrap(), "{}"));
        session.apply(put(&Key::new("other", "c", id).unwrap(), "{}"));
    }
    for _ in 0..10 {
        let gone = ids.swap_remove(usize::try_from(dice.roll(ids.len() as u64)).unwrap());
        session.apply(delete(&key(&gone)));
    }
    ids.sort();
    let place = place("default", "c");
    assert_eq!(collect(&session.reader, &place, None, false), ids);
    let reversed: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(collect(&session.reader, &place, None, true), reversed);
    for (at, id) in ids.iter().enumerate() {
        assert_eq!(
            collect(&session.reader, &place, Some(id), false),
            ids[at + 1..]
        );
        let before: Vec<_> = ids[..at].iter().rev().cloned().collect();
        assert_eq!(collect(&session.reader, &place, Some(id), true), before);
    }
    let collections = session.reader.collections().block_on().unwrap();
    assert_eq!(
        collections,
        [
            self::place("default", "c"),
            self::place("default", "cc"),
            self::place("other", "c")
        ]
    );
    session.close();
}

/// Whatever the order, the filters and the limit: the pages together are the list, once each.
pub fn lists_are_selected_and_sorted<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    let mut dice = Dice(11);
    let mut stored = Vec::new();
    for n in 0..60 {
        let size = dice.pick(&["1", "2", "2.0", "10", "\"2\"", "null", "true", "[3]"]);
        let body = match dice.roll(5) {
            0 => format!(r#"{{"n":{n}}}"#),
            _ => format!(r#"{{"n":{n},"size":{size}}}"#),
        };
        stored.push(session.apply(put(&key(&format!("{:02}", dice.roll(40))), &body)));
    }
    let is_newest = |one: &&Arc<Stored>| {
        !stored
            .iter()
            .any(|it| it.key == one.key && it.version > one.version)
    };
    let newest: Vec<_> = stored.iter().filter(is_newest).cloned().collect();
    let sorts = [
        "_id",
        "-_id",
        "size",
        "-size",
        "_updated_at",
        "-_version",
        "size,-_version",
        "-size,n",
        "-/size,_version,-_id",
    ];
    let filters = [
        None,
        Some(("size", "2")),
        Some(("size.gt", "1")),
        Some(("n.ge", "30")),
    ];
    for sort in sorts.map(|it| Sort::parse(it).unwrap()) {
        for filter in &filters {
            let filter = filter.map(|(name, value)| Filter::parse(name, value).unwrap());
            let query = Query {
                filters: filter.into_iter().collect(),
                sort: sort.clone(),
            };
            let expected = expected(&newest, &query);
            let place = place("default", "c");
            let listing = Listing {
                query: query.clone(),
                ..Listing::of(place)
            };
            let count = session.reader.count(&listing).block_on();
            assert_eq!(count.unwrap(), expected.len() as u64, "{query:?}");
            for limit in [1, 7, 1000] {
                assert_eq!(paged(&session.reader, &query, limit), expected, "{query:?}");
            }
        }
    }
    session.close();
}

fn expected(newest: &[Arc<Stored>], query: &Query) -> Vec<String> {
    let items = newest.iter().map(|it| item(it));
    let mut found: Vec<_> = items.filter(|it| query.selects(it)).collect();
    found.sort_by(|one, other| {
        let sort = &query.sort;
        sort.compare(&sort.rank(one), &sort.rank(other))
    });
    found.into_iter().map(|it| it.id.to_owned()).collect()
}

fn paged(reader: &impl Reader, query: &Query, limit: usize) -> Vec<String> {
    let mut listing = Listing {
        collection: place("default", "c"),
        query: query.clone(),
        limit: PageLimit::rows(limit),
        after: None,
        sight: None,
    };
    let mut ids = Vec::new();
    loop {
        let page = reader.list(&listing).block_on().unwrap();
        assert!(page.documents.len() <= limit);
        ids.extend(page.documents.iter().map(|it| it.key.id().to_owned()));
        listing.after = page.next;
        if listing.after.is_none() {
            return ids;
        }
    }
}

/// While others write between the pages, no version is given twice; what nobody moves is given once.
pub fn pages_stay_in_order_while_others_write<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    let mut dice = Dice(13);
    let body = |dice: &mut Dice, n: u64| {
        let rank = dice.roll(4);
        format!(r#"{{"rank":{rank},"n":{n}}}"#)
    };
    for sort in ["rank,-n", "-rank,_version", "-n", "rank,-_id"].map(|it| Sort::parse(it).unwrap())
    {
        let mut still = Vec::new();
        for n in 0..40 {
            let stored = session.apply(put(&key(&format!("{n:02}")), &body(&mut dice, n)));
            still.extend((n >= 20).then_some(stored.seq));
        }
        let mut listing = Listing {
            collection: place("default", "c"),
            query: Query {
                sort: sort.clone(),
                ..Query::default()
            },
            limit: PageLimit::rows(3),
            after: None,
            sight: None,
        };
        let mut given = Vec::new();
        loop {
            let page = session.reader.list(&listing).block_on().unwrap();
            given.extend(page.documents);
            listing.after = page.next;
            if listing.after.is_none() {
                break;
            }
            for _ in 0..3 {
                let n = dice.roll(20);
                session.apply(put(&key(&format!("{n:02}")), &body(&mut dice, n)));
            }
        }
        let ranks: Vec<_> = given.iter().map(|it| sort.rank(&item(it))).collect();
        assert!(
            ranks.is_sorted_by(|one, next| sort.compare(one, next).is_lt()),
            "{sort:?}: {ranks:?}"
        );
        let count = |seq: &u64| given.iter().filter(|it| it.seq == *seq).count();
        assert!(still.iter().all(|seq| count(seq) == 1), "{sort:?}");
    }
    session.close();
}

/// However the documents came to be there, and after the store was opened again.
pub fn what_collections_hold_is_counted<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    let key = |space: &str, collection: &str, id: &str| Key::new(space, collection, id).unwrap();
    for id in ["1", "2", "3"] {
        session.apply(put(&key("default", "a", id), "{}"));
    }
    session.apply(put(&key("default", "a", "2"), r#"{"v":2}"#));
    session.apply(delete(&key("default", "a", "1")));
    session.apply(put(&key("default", "A_2", "1"), "{}"));
    let gone = session.apply(put(&key("default", "gone", "1"), "{}"));
    session.apply(delete(&gone.key));
    session.apply(put(&key("other", "a", "1"), "{}"));
    let last = session.apply(put(&key("default", "a", "1"), "{}"));
    let expected = [("A_2", 1), ("a", 3), ("gone", 0)];
    let count = |session: &Session<S::Reader>| {
        let extents = session.reader.extents("default").block_on().unwrap();
        let counts = extents.iter().map(|it| (&*it.collection, it.documents));
        assert_eq!(counts.collect::<Vec<_>>(), expected);
        assert_eq!(extents[1].changed_at, last.at);
        for (collection, expected) in expected.into_iter().chain([("none", 0)]) {
            let all = Listing::of(place("default", collection));
            let counted = session.reader.count(&all).block_on().unwrap();
            assert_eq!(counted, expected, "{collection}");
        }
        let other = session.reader.extents("other").block_on().unwrap();
        assert_eq!(other[0].documents, 1);
        let none = session.reader.extents("none").block_on().unwrap();
        assert!(none.is_empty(), "{none:?}");
    };
    count(&session);
    session.close();
    let session = Session::new(open());
    count(&session);
    session.apply(delete(&key("default", "a", "3")));
    session.apply(put(&key("default", "gone", "2"), "{}"));
    let extents = session.reader.extents("default").block_on().unwrap();
    let counts: Vec<_> = extents.iter().map(|it| it.documents).collect();
    assert_eq!(counts, [1, 2, 1]);
    let all = Listing::of(place("default", "a"));
    let count = session.reader.count(&all).block_on().unwrap();
    assert_eq!(count, 2);
    session.close();
}
