//! What is damaged on the disk is said to be, and never taken for something else.

use std::sync::Arc;

use bytes::Bytes;
use detente_core::{Key, Moment};
use detente_sqlite::{Sqlite, SqliteOptions};
use detente_store::{
    Clerk, Conflicts, LoggedConflict, LostEdit, Order, PageLimit, Reader, Store, StoreError,
};
use pollster::FutureExt;
use tempfile::TempDir;

fn conflict(edit: LostEdit) -> LoggedConflict {
    LoggedConflict {
        id: "c".into(),
        at: Moment(1),
        key: Key::new("default", "c", "a").unwrap(),
        by: "ann".into(),
        agent: None,
        method: "PUT".into(),
        kind: "stale-version".into(),
        paths: Vec::new(),
        base: None,
        current: None,
        edit,
        settlement: None,
    }
}

#[test]
fn an_edit_that_cannot_be_read_is_damage() {
    let body = |text: &'static str| Bytes::from_static(text.as_bytes());
    let cases = [
        (LostEdit::Document(body("{}")), "{\"n\":"),
        (LostEdit::Document(body("{}")), "{} {}"),
        (LostEdit::MergePatch(body("{}")), ""),
        (LostEdit::JsonPatch(body("[]")), "[{\"op\":\"steal\"}]"),
    ];
    for (edit, damage) in cases {
        let folder = TempDir::new().unwrap();
        let store = Sqlite::open(folder.path(), SqliteOptions::default()).unwrap();
        let mut clerk = Clerk::new(store);
        let orders = [Order::Log(Arc::new(conflict(edit.clone()))), Order::Flush];
        clerk.serve(&orders, Moment(1)).unwrap();
        let reader = clerk.store().reader();
        let all = Conflicts {
            space: Some("default".into()),
            limit: PageLimit::rows(10),
            ..Conflicts::default()
        };
        assert_eq!(
            reader.conflicts(&all).block_on().unwrap().items,
            [conflict(edit)]
        );
        let other = rusqlite::Connection::open(folder.path().join("detente.db")).unwrap();
        other
            .execute("UPDATE conflicts SET edit = ?1", [damage])
            .unwrap();
        let found = reader.conflict("default", "c").block_on();
        assert!(
            matches!(found, Err(StoreError::Damaged(_))),
            "{damage}: {found:?}"
        );
        let found = reader.conflicts(&all).block_on();
        assert!(
            matches!(found, Err(StoreError::Damaged(_))),
            "{damage}: {found:?}"
        );
    }
}
