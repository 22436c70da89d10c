use std::sync::Arc;

use bytes::Bytes;
use detente_core::{Key, Moment, Query, Sort, Stored};
use pollster::FutureExt;

use super::dice::Dice;
use super::draft::{key, place, put};
use super::session::Session;
use crate::{
    Changes, Commit, Conflicts, Fate, Follow, HistorySpan, Listing, LoggedConflict, LostEdit,
    PageLimit, Reader, Store,
};

/// Smaller than many of the bodies, and larger than others.
const BYTES: usize = 500;

/// One row, or rows that together are small enough; and no page holds more than it must.
fn must_be_small(sizes: &[usize], limit: PageLimit) {
    let sum: usize = sizes.iter().sum();
    let is_small = sizes.len() <= limit.rows && sum <= limit.bytes;
    assert!(sizes.len() == 1 || is_small, "{sizes:?} for {limit:?}");
}

fn sizes(versions: &[Arc<Stored>]) -> Vec<usize> {
    versions.iter().map(|it| it.body.len()).collect()
}

/// Pages are limited by rows and by bytes, and together they are all there is, once each.
pub fn pages_are_limited_by_bytes<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    let mut dice = Dice(5);
    let mut written = Vec::new();
    for n in 0..150 {
        let size = [10, 100, 400, 900][dice.roll(4) as usize];
        let body = format!(r#"{{"n":{n},"text":"{}"}}"#, "x".repeat(size));
        let id = if n % 3 == 0 {
            "much".into()
        } else {
            n.to_string()
        };
        written.push(session.apply(put(&key(&id), &body)));
    }
    for rows in [1, 4, 1000] {
        let limit = PageLimit { rows, bytes: BYTES };
        feed_pages(&session.reader, limit, &written);
        history_pages(&session.reader, limit, &written);
        for sort in ["_id", "-_id", "n", "-n", "text", "-text,n"] {
            list_pages(&session.reader, limit, sort, &written);
        }
    }
    session.close();
    conflict_pages(open());
}

fn feed_pages(reader: &impl Reader, limit: PageLimit, written: &[Arc<Stored>]) {
    let much = key("much");
    let own = |key: Option<&Key>| -> Vec<Arc<Stored>> {
        let is_it = |it: &&Arc<Stored>| key.is_none_or(|key| it.key == *key);
        written.iter().filter(is_it).cloned().collect()
    };
    for scope in [None, Some(&much)] {
        let (mut since, mut found) = (0, Vec::new());
        loop {
            let feed = match scope {
                Some(key) => reader
                    .document_changes(key, since, Follow::Versions, limit)
                    .block_on(),
                None => {
                    let wanted = Changes {
                        space: "default".into(),
                        collection: None,
                        since,
                        follow: Follow::Versions,
                        limit,
                    };
                    reader.changes(&wanted).block_on()
                }
            };
            let feed = feed.unwrap();
            must_be_small(&sizes(&feed.items), limit);
            assert!(!feed.items.is_empty(), "a page goes on since {since}");
            found.extend(feed.items);
            since = feed.through;
            if !feed.more {
                break;
            }
        }
        assert_eq!(found, own(scope));
    }
}

fn history_pages(reader: &impl Reader, limit: PageLimit, written: &[Arc<Stored>]) {
    let much = key("much");
    let mut found = Vec::new();
    let mut next = reader.current(&much).block_on().unwrap();
    while let Some(newest) = next {
        let span = HistorySpan { after: 0, limit };
        let history = reader.history(&newest, span).block_on().unwrap();
        must_be_small(&sizes(&history.versions), limit);
        let oldest = history.versions.last().unwrap().prev;
        assert_eq!(history.is_cut, oldest.is_some());
        found.extend(history.versions);
        next = oldest.and_then(|seq| reader.version("default", seq).block_on().unwrap());
    }
    found.reverse();
    let own: Vec<_> = written
        .iter()
        .filter(|it| it.key == much)
        .cloned()
        .collect();
    assert_eq!(found, own);
}

fn list_pages(reader: &impl Reader, limit: PageLimit, sort: &str, written: &[Arc<Stored>]) {
    let query = Query {
        filters: Vec::new(),
        sort: Sort::parse(sort).unwrap(),
    };
    let mut listing = Listing {
        collection: place("default", "c"),
        query,
        limit,
        after: None,
        sight: None,
    };
    let mut found = Vec::new();
    loop {
        let page = reader.list(&listing).block_on().unwrap();
        must_be_small(&sizes(&page.documents), limit);
        found.extend(page.documents);
        listing.after = page.next;
        if listing.after.is_none() {
            break;
        }
    }
    listing.limit = PageLimit {
        rows: usize::MAX,
        bytes: usize::MAX,
    };
    let whole = reader.list(&listing).block_on().unwrap();
    let ids = |of: &[Arc<Stored>]| -> Vec<_> { of.iter().map(|it| it.seq).collect() };
    assert_eq!(ids(&found), ids(&whole.documents), "by {sort}");
    assert_eq!(found.len(), written.len() * 2 / 3 + 1);
}

fn conflict_pages<S: Store>(mut store: S) {
    let logged = |n: usize| LoggedConflict {
        id: n.to_string(),
        at: Moment(1),
        key: key("a"),
        by: if n.is_multiple_of(2) { "ann" } else { "bob" }.into(),
        agent: None,
        method: "PUT".into(),
        kind: "stale-version".into(),
        paths: Vec::new(),
        base: None,
        current: None,
        edit: LostEdit::Document(Bytes::from(format!(r#"{{"x":"{}"}}"#, "y".repeat(n * 20)))),
        settlement: None,
    };
    let commit = Commit {
        conflicts: (0..40).map(logged).map(Arc::new).collect(),
        time: Moment(1).into(),
        ..Commit::default()
    };
    store.begin(&[], Moment(1).into()).unwrap();
    assert!(matches!(store.append(&commit), Fate::Committed));
    let reader = store.reader();
    for (rows, by) in [(1, None), (3, None), (1000, None), (1000, Some("bob"))] {
        let limit = PageLimit { rows, bytes: BYTES };
        let mut wanted = Conflicts {
            space: Some("default".into()),
            by: by.map(str::to_owned),
            limit,
            ..Conflicts::default()
        };
        let mut found = Vec::new();
        loop {
            let page = reader.conflicts(&wanted).block_on().unwrap();
            let sizes: Vec<_> = page.items.iter().map(|it| it.edit.body().len()).collect();
            if !sizes.is_empty() {
                must_be_small(&sizes, limit);
            }
            found.extend(page.items.into_iter().map(|it| it.id));
            wanted.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        let all = (0..40).rev().filter(|n| by.is_none() || n % 2 == 1);
        assert_eq!(found, all.map(|n| n.to_string()).collect::<Vec<_>>());
    }
}
