//! Debian's PostgreSQL for tests: on a free port of 127.0.0.1, and gone when the test process is.
//!
//! Tests that only read and write share one cluster and take a database of their own:
//!
//! ```
//! use detente_cluster::Cluster;
//!
//! let database = Cluster::shared().database();
//! assert_eq!(database.run_sql("select 1 + 1"), "2");
//! ```
//!
//! Tests that stop it start their own. What disturbs other tests takes `&mut self`, which nobody has
//! of the shared one. This crate serves tests alone, so what goes wrong here panics, and says why.

mod installation; // where PostgreSQL is, and whom it runs as

mod folder; // where a cluster's data lives, for no longer than this process
mod server; // the postmaster that serves it
mod sql; // statements, through psql

mod cluster; // all of these together
mod database; // one of a cluster's databases

pub use cluster::{Cluster, Options};
pub use database::Database;
