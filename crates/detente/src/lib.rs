//! The `detente` program: its configuration and its commands.

pub mod command; // serve, check, race, config, export, import, verify
pub mod config; // detente.toml
