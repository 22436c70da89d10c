//! The `detente` program: its configuration and its commands.

pub mod command; // serve, check, race, config, export, import, backup, verify
pub mod config; // detente.toml
mod database_url; // where a database is
pub mod listen; // where the server listens
mod published; // keys at a URL
