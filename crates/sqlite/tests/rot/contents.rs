use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::{Applied, Digest, Key, Kind, Lock, Moment, Once, Receipt, Seq, Stored, Written};
use detente_sqlite::{Sqlite, SqliteOptions};
use detente_store::{
    Commit, Fate, LoggedConflict, LostEdit, Pruning, SettledAs, SettledConflict, Settlement, Store,
    UniqueKey, VersionPlace,
};

pub(crate) const DOCUMENTS: u64 = 30;
/// Rounds of writing: so many versions the documents have at most.
const ROUNDS: u64 = 30;
/// Versions of the document whose history is cut.
const CUT: u64 = 150;
pub(crate) const RECEIPTS: u8 = 12;
pub(crate) const CONFLICTS: u64 = 12;

pub(crate) fn key(n: u64) -> Key {
    Key::new("default", "notes", &format!("note-{n}")).unwrap()
}

pub(crate) fn cut_key() -> Key {
    Key::new("other", "cut", "hot").unwrap()
}

pub(crate) fn unique_key(n: u64) -> UniqueKey {
    UniqueKey {
        space: "default".into(),
        collection: "notes".into(),
        constraint: "title".into(),
        value: format!("[\"title {n}\"]"),
    }
}

pub(crate) fn scope(n: u8) -> [u8; 32] {
    [n * 7 + 1; 32]
}

pub(crate) fn open(data: &Path) -> Option<Sqlite> {
    let options = SqliteOptions {
        cache_bytes: 0,
        ..SqliteOptions::default()
    };
    Sqlite::open(data, options).ok()
}

struct Writing {
    store: Sqlite,
    newest: std::collections::HashMap<Key, Arc<Stored>>,
}

/// Writes something into every table.
pub(crate) fn write(data: &Path, is_closed: bool) {
    let mut writing = Writing {
        store: open(data).unwrap(),
        newest: std::collections::HashMap::new(),
    };
    for round in 0..ROUNDS {
        let several = (0..DOCUMENTS).filter(|n| round % (n + 1) == 0);
        let writes: Vec<_> = several.map(|n| (key(n), round)).collect();
        writing.commit(&writes, |commit| {
            if round == 0 {
                commit.keys = (0..DOCUMENTS)
                    .map(|n| (unique_key(n), Some(key(n).id().to_owned())))
                    .collect();
                commit.locks = (0..5).map(|n| (key(n), Some(lock(n)))).collect();
                commit.receipts = (0..RECEIPTS).map(receipt).collect();
                commit.conflicts = (0..CONFLICTS).map(|n| Arc::new(conflict(n))).collect();
            }
            if round == 1 {
                commit.settlements = vec![settled()];
            }
        });
    }
    for version in 0..CUT {
        writing.commit(&[(cut_key(), version)], |commit| {
            commit.prunings = vec![Pruning {
                key: cut_key(),
                below: version.saturating_sub(10),
                before: Moment(u64::from(u32::MAX)),
            }];
        });
    }
    if is_closed {
        writing.store.close().unwrap();
    }
    drop(writing);
    let other = rusqlite::Connection::open(data.join("detente.db")).unwrap();
    let into_the_file = "PRAGMA wal_checkpoint(TRUNCATE)";
    other.query_row(into_the_file, [], |_| Ok(())).unwrap();
}

impl Writing {
    fn commit(&mut self, writes: &[(Key, u64)], more: impl FnOnce(&mut Commit)) {
        let ground = self.store.begin(&[], Moment(1000).into()).unwrap();
        let mut commit = Commit {
            time: Moment(1000).into(),
            ..Commit::default()
        };
        for (seq, (key, round)) in (ground.next_seq..).zip(writes) {
            let stored = self.next(key, *round, seq);
            commit.versions.push(Applied {
                head: stored.head(),
                created: stored.version == 1,
                stored,
                tree: None,
                claimed: Vec::new(),
                released: Vec::new(),
            });
        }
        more(&mut commit);
        let fate = self.store.append(&commit);
        assert!(matches!(fate, Fate::Committed), "{fate:?}");
    }

    fn next(&mut self, key: &Key, round: u64, seq: Seq) -> Arc<Stored> {
        let before = self.newest.get(key);
        let is_deletion = round == 7 && *key != cut_key();
        let padding = match (round, key == &cut_key()) {
            (5, false) => "x".repeat(9000),
            _ => "x".repeat(usize::try_from(seq % 97).unwrap()),
        };
        let body = match is_deletion {
            true => Bytes::new(),
            false => Bytes::from(format!("{{\"round\":{round},\"text\":\"{padding}\"}}")),
        };
        let stored = Arc::new(Stored {
            seq,
            key: key.clone(),
            version: before.map_or(1, |it| it.version + 1),
            prev: before.map(|it| it.seq),
            base: (round % 5 == 4).then_some(1),
            by: ["ann", "bob"][usize::from(seq.is_multiple_of(2))].into(),
            at: Moment(1000 + seq),
            kind: if is_deletion {
                Kind::Tombstone
            } else {
                Kind::Document
            },
            digest: Digest::of(&body),
            body,
        });
        self.newest.insert(key.clone(), Arc::clone(&stored));
        stored
    }
}

fn lock(n: u64) -> Arc<Lock> {
    Arc::new(Lock {
        token: format!("token-{n}").into(),
        fencing: n + 1,
        owner: format!("owner {n}"),
        by: "ann".into(),
        expires_at: Moment(u64::from(u32::MAX)),
        is_deep: n.is_multiple_of(2),
        sharers: n.is_multiple_of(3).then(Vec::new),
    })
}

fn receipt(n: u8) -> Receipt {
    Receipt {
        once: Once {
            scope: scope(n),
            payload: [n; 32],
        },
        at: Moment(1000),
        writes: vec![Written {
            seq: u64::from(n) + 1,
            created: true,
        }],
    }
}

fn conflict(n: u64) -> LoggedConflict {
    LoggedConflict {
        id: format!("conflict-{n}"),
        at: Moment(1000 + n),
        key: key(n),
        by: "bob".into(),
        agent: None,
        method: "PUT".into(),
        kind: "stale-version".into(),
        paths: vec!["/text".into()],
        base: Some(VersionPlace {
            version: 1,
            seq: n + 1,
        }),
        current: None,
        edit: LostEdit::Document(Bytes::from(format!("{{\"lost\":{n}}}"))),
        settlement: None,
    }
}

fn settled() -> SettledConflict {
    SettledConflict {
        id: "conflict-3".into(),
        settled: Settlement {
            outcome: SettledAs::Dismissed,
            at: Moment(1500),
            by: "ann".into(),
            version: Some(2),
            reason: Some("it was done".into()),
        },
    }
}
