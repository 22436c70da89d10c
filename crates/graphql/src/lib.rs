//! GraphQL (October 2021) over collections of documents: a schema made of them, documents of clients
//! read against it, bounded, and turned into plans; what was resolved, written out as a response.
//!
//! Nothing here knows HTTP, a store, or what a field does: a face resolves the fields of the roots,
//! and hands in what they came to. JSON values keep their digits all the way.

mod names; // what a collection is called
mod sdl; // the schema, as text
mod shape; // types of JSON Schemas
mod wanted; // which fields lists can be filtered by

mod api; // the schema, ready to be asked
mod bounds; // how much a request may ask for
mod coercion; // values of variables and arguments, as their types have them
mod document; // what clients sent: parsed, validated, kept
mod fault; // what went wrong, and where
mod plan; // a document with its variables: what is to be resolved

mod introspection; // what the schema tells of itself

mod complete; // what was resolved, as the selections want it
mod resolved; // what a field came to

pub use api::{Api, Clash, Collection, CollectionType, Resolver, RootField};
pub use bounds::{Bounds, MAX_FIRST};
pub use coercion::Sent;
pub use complete::{Answer, Completion};
pub use document::Document;
pub use fault::{Extensions, Fault, Segment};
pub use plan::{Kind, Plan, Selection, Step};
pub use resolved::{Object, Resolved};
pub use wanted::Test;
