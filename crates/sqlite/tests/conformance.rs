//! The embedded store does what every store must do.

use std::path::Path;

use detente_sqlite::{OpenError, Sqlite, SqliteOptions};
use tempfile::TempDir;

fn open(data: &Path, dirty_limit: usize) -> Sqlite {
    let options = SqliteOptions {
        cache_bytes: dirty_limit * 10,
        dirty_limit,
        ..SqliteOptions::default()
    };
    Sqlite::open(data, options).unwrap()
}

fn place(dirty_limit: usize) -> impl Fn() -> Sqlite {
    let folder = TempDir::new().unwrap();
    move || open(folder.path(), dirty_limit)
}

mod written_behind {
    detente_store::conformance!(super::place(1_000));
}

/// Heads leave for their table after every few writes, and nothing is cached.
mod written_behind_often {
    detente_store::conformance!(super::place(3));
}

#[test]
fn a_store_belongs_to_one_process_at_a_time() {
    let folder = TempDir::new().unwrap();
    let first = open(folder.path(), 10);
    let second = Sqlite::open(folder.path(), SqliteOptions::default());
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    drop(first);
    open(folder.path(), 10);
}
