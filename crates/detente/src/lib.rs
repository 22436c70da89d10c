//! The `detente` command: what it is told, and what it does then.

pub mod command;
pub mod config; // detente.toml // serve, config, export, import
