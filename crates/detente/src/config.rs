//! `detente.toml`: read as a whole, so that every mistake is reported at once, with its place.

mod collection; // [collections.…]
mod file; // the file, from text to settings
mod graphql; // what is offered of GraphQL
mod jwt; // tokens that somebody else signed
mod mistake; // what is wrong, and where
mod rates; // how often somebody may ask
mod rights; // what somebody may do
mod section; // one table of the file, read member by member
mod site; // where clients find the server, and whose they may be
mod strategy; // how two edits of one place are merged
mod tls;
mod tokens; // the bearer tokens of the file // the server's certificate

pub use file::{Config, load, parse};
pub use mistake::{Mistake, Mistakes};
pub(crate) use site::{is_host_name, is_origin};
pub use tls::{TlsFiles, load_to_serve};
