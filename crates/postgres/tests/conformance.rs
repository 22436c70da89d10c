//! The shared store does what every store must do.

use std::sync::LazyLock;

use detente_cluster::Cluster;
use detente_postgres::{Postgres, PostgresOptions};
use tokio::runtime::Runtime;

/// Outlives every store.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let builder = &mut tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

fn place(cache_bytes: usize) -> impl Fn() -> Postgres {
    let database = Cluster::shared().database();
    let options = PostgresOptions {
        cache_bytes,
        ..PostgresOptions::default()
    };
    move || {
        let store = RUNTIME.block_on(Postgres::open(database.url(), options));
        store.unwrap()
    }
}

mod cached {
    detente_store::conformance!(super::place(10_000_000));
}

/// Every version is read from the database.
mod uncached {
    detente_store::conformance!(super::place(0));
}
