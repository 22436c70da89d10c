use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::ControlFlow;
use std::path::Path;

use detente_core::rules::Claim;
use detente_core::{CollectionKey, Key, Moment, Query, Sort};
use detente_sqlite::{Sqlite, SqliteReader};
use detente_store::{
    Changes, Conflicts, Facts, Feed, Follow, HistorySpan, Listing, PageLimit, Read, Reader, Store,
    StoreError,
};
use pollster::FutureExt;

use crate::contents::{CONFLICTS, DOCUMENTS, RECEIPTS, cut_key, key, open, scope, unique_key};

/// What was read, as text, or why it could not be.
pub(crate) type Reading = Result<String, String>;

pub(crate) type Readings = BTreeMap<String, Reading>;

/// Reads everything that can be read of a store. `None` if it cannot be opened.
pub(crate) fn read_all(data: &Path) -> Option<Readings> {
    let mut store = open(data)?;
    let reader = store.reader();
    let mut readings = Readings::new();
    let mut note = |what: String, found: Reading| drop(readings.insert(what, found));
    let keys = (0..DOCUMENTS + 2).map(key).chain([cut_key()]);
    for key in keys {
        read_document(&reader, &key, &mut note);
    }
    for seq in 0..=reader.last_seq("default") + 1 {
        note(
            format!("version {seq}"),
            read(reader.version("default", seq)),
        );
    }
    note(
        "last seq".into(),
        Ok(reader.last_seq("default").to_string()),
    );
    for (space, collection) in [("default", "notes"), ("other", "cut")] {
        read_collection(&reader, space, collection, &mut note);
    }
    note("collections".into(), read(reader.collections()));
    note("pruned".into(), read(reader.pruned("default")));
    read_beside(&reader, &mut note);
    read_facts(&mut store, &mut note);
    Some(readings)
}

fn read<T: Debug>(found: Read<'_, T>) -> Reading {
    told(found.block_on())
}

fn told<T: Debug, E: Debug>(found: Result<T, E>) -> Reading {
    match found {
        Ok(found) => Ok(format!("{found:?}")),
        Err(error) => Err(format!("{error:?}")),
    }
}

fn read_document(reader: &SqliteReader, key: &Key, note: &mut impl FnMut(String, Reading)) {
    let newest = reader.current(key).block_on();
    note(format!("{key:?}"), told(newest.as_ref()));
    note(format!("{key:?}, its head"), read(reader.head(key)));
    let unknown = |error: &StoreError| Err(format!("{error:?}"));
    let newest = match &newest {
        Ok(Some(newest)) => Ok(newest),
        Ok(None) => return,
        Err(error) => Err(error),
    };
    let span = HistorySpan {
        after: 0,
        limit: PageLimit {
            rows: 1000,
            bytes: usize::MAX,
        },
    };
    let history = newest.map_or_else(unknown, |it| read(reader.history(it, span)));
    note(format!("{key:?}, its history"), history);
    for number in [1, 2, 5, 8, 64, 70, 130] {
        let found = newest.map_or_else(unknown, |it| read(reader.numbered(it, number)));
        note(format!("{key:?}, its version {number}"), found);
    }
    for since in [0, 40, 200] {
        let found =
            read(reader.document_changes(key, since, Follow::Versions, PageLimit::rows(20)));
        note(format!("{key:?}, its changes since {since}"), found);
    }
}

fn read_collection(
    reader: &SqliteReader,
    space: &str,
    collection: &str,
    note: &mut impl FnMut(String, Reading),
) {
    let place = CollectionKey::new(space, collection).unwrap();
    for descending in [false, true] {
        let listing = Listing {
            collection: place.clone(),
            query: Query {
                filters: Vec::new(),
                sort: Sort {
                    keys: Vec::new(),
                    ids_descend: descending,
                },
            },
            limit: PageLimit::rows(1000),
            after: None,
            sight: None,
        };
        let what = format!("list of {place:?}, descending {descending}");
        note(what, read(reader.list(&listing)));
    }
    let mut salvaged = Vec::new();
    let mut has_damage = false;
    let walked = reader.salvage(&place, |found| {
        match found {
            Ok(stored) => salvaged.push(stored),
            Err(_) => has_damage = true,
        }
        ControlFlow::Continue(())
    });
    let salvaged = match has_damage {
        // Each of them is held against the truth as a version.
        true => Err("something is damaged".into()),
        false => told(walked.map(|()| salvaged)),
    };
    note(format!("salvage of {place:?}"), salvaged);
    for since in (0..reader.last_seq("default")).step_by(25) {
        let wanted = Changes {
            space: space.into(),
            collection: None,
            since,
            follow: Follow::Versions,
            limit: PageLimit::rows(25),
        };
        let found = reader.changes(&wanted).block_on();
        note(format!("changes of {space} since {since}"), page(&found));
    }
}

/// A page that ends before its limit may end before something damaged.
fn page(found: &Result<Feed, StoreError>) -> Reading {
    match found {
        Ok(feed) if feed.more && feed.items.len() < 25 => Err("it is cut short".into()),
        found => told(found.as_ref()),
    }
}

fn read_beside(reader: &SqliteReader, note: &mut impl FnMut(String, Reading)) {
    for n in 0..DOCUMENTS + 2 {
        let claim = Claim {
            index: 0,
            constraint: "title".into(),
            value: unique_key(n).value,
        };
        note(format!("holder {n}"), read(reader.holder(&key(n), &claim)));
        note(
            format!("lock {n}"),
            Ok(format!("{:?}", reader.lock(&key(n)))),
        );
    }
    let all = Conflicts {
        space: Some("default".into()),
        limit: PageLimit::rows(100),
        ..Conflicts::default()
    };
    note("conflicts".into(), read(reader.conflicts(&all)));
    for n in 0..CONFLICTS {
        let id = format!("conflict-{n}");
        note(id.clone(), read(reader.conflict("default", &id)));
    }
    for space in ["default", "other"] {
        let merged = read(reader.merged(space, Moment(0)));
        note(format!("merged in {space}"), merged);
    }
}

fn read_facts(store: &mut Sqlite, note: &mut impl FnMut(String, Reading)) {
    let fencing = store
        .begin(&[], Moment(0).into())
        .map(|ground| ground.fencing);
    note("fencing".into(), told(fencing));
    for n in 0..RECEIPTS + 1 {
        note(format!("receipt {n}"), told(store.receipt(&scope(n))));
    }
    for n in 0..CONFLICTS {
        let id = format!("conflict-{n}");
        note(format!("settlement of {id}"), told(store.settled(&id)));
    }
}
