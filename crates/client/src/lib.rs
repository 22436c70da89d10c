//! Reads and writes documents over HTTP without losing anybody's edit.
//!
//! For Detente, and for any server that answers a read with an
//! `ETag` and refuses a write whose `If-Match` is stale, be it with 409 or with 412.
//!
//! ```no_run
//! use detente_client::{Choice, Client, Since};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Article {
//!     title: String,
//!     likes: u64,
//! }
//!
//! # async fn example() -> Result<(), detente_client::Error> {
//! let client = Client::builder("http://127.0.0.1:4090").actor("alice").build()?;
//! let articles = client.collection::<Article>("articles");
//!
//! // An intent. If somebody else saves first, it is run again upon what they saved.
//! let article = articles.update("45", |article| article.likes += 1).await?;
//! println!("{} likes", article.likes);
//!
//! // An edit. It is joined with what others saved meanwhile; where both changed one place,
//! // somebody decides.
//! let mut draft = articles.edit("45").await?;
//! draft.title = "Plan".into();
//! draft.on_conflict(|stale| {
//!     for conflict in &stale.conflicts {
//!         println!("{}: {:?} or {:?}?", conflict.path, conflict.yours, conflict.current);
//!     }
//!     Some(stale.choose_all(&Choice::Ours))
//! });
//! let saved = draft.save().await?;
//! println!("version {:?}, others' edits in it: {}", saved.document.version(), saved.merged);
//!
//! // What others do, as they do it.
//! let mut changes = articles.watch(Since::Now).await?;
//! while let Some(change) = changes.next().await {
//!     let row = change?.row;
//!     println!("{} saved version {} of {}", row.updated_by, row.version, row.id);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Which call for what
//!
//! | | |
//! | --- | --- |
//! | [`update`](Collection::update) | an *intent*, "one less than there is": run again upon whatever came in between |
//! | [`edit`](Collection::edit), [`save`](Draft::save) | what *somebody typed*: joined with what came in between |
//! | [`replace`](Collection::replace) | neither: saved as it is, or refused |
//! | [`insert`](Collection::insert), [`create`](Collection::create) | a new document, under an id of yours or the server's |
//!
//! Whichever it is, what a type does not show of a document is kept, and so are all digits of the
//! numbers that were not changed.
//!
//! # What is tried again
//!
//! *A stale version*: by `update` and `save`, at most 10 times within 15 seconds, after pauses of
//! anything up to min(2 s, 20 ms · 2ⁿ). *A busy server* (503 or 429): the same request, after the
//! time that it asks for. *A rule's refusal* (a unique key, a lifecycle, a schema, a lock) never:
//! it would be refused again. A server that says 409 for both, without saying which, is told apart by
//! reading the document: if its tag is still the same, it was a rule.
//!
//! # When an answer is lost
//!
//! The connection breaks after a write went out. Was it applied?
//!
//! - Detente keeps the answer under the `Idempotency-Key` that every write has. The write is sent
//!   again under the same key, and its one answer comes back.
//! - A server without keys gets a write with a condition (`If-Match` with a tag, `If-None-Match: *`)
//!   again as well: it cannot be applied twice, since the first application makes the condition
//!   false. If it is refused as stale then, the document is read. Where it holds what was sent, that
//!   was the first attempt. Where it holds something else, the first attempt may have been applied
//!   and overtaken since, and that is [`Error::Uncertain`].
//! - All else is not sent again to such a server: [`Error::Uncertain`] at once.
//!
//! One case is left on a server without keys: an attempt is lost before it is applied, and somebody
//! else, from the same version, saves a document that is equal in every value. It is taken for one's
//! own. For an edit that makes no difference; for an intent ("one less") it does. Documents that tell
//! whose they are, by an id of the request for one, rule it out.

mod client; // a server, as one caller uses it
mod collection; // its documents of one kind: read, write, update, edit, watch
mod document; // one of them, at one version
mod json; // any document, with all its digits
mod patch; // a change to parts of one

mod draft; // a document that somebody is working on
mod save; // how its edit is joined with what came in between
mod update; // an intent, run again upon what came in between

mod condition; // what must hold for a write
mod tag; // a version, as the server names it

mod conflict; // a write that came too late, and where it collides
mod error; // what to do next
mod problem; // a refusal, as it was told

mod row; // lists and histories
mod watch; // changes as they happen

mod event_stream; // server-sent events, from bytes
mod pace; // how far an operation has got through what it may do
mod resource; // one document over HTTP, without its type
mod retry; // how often, how long and how slowly to try again
mod snapshot; // what was read, exactly
mod transport; // requests, sent again where that is safe
mod view; // a Rust type as a view of a document

pub use client::{Client, ClientBuilder};
pub use collection::Collection;
pub use condition::Condition;
pub use conflict::{Conflict, Stale};
pub use detente_core::json::{Pointer, SyntaxError, Value};
pub use detente_core::merge::{Choice, Choices};
pub use document::Document;
pub use draft::{Draft, Saved};
pub use error::{Cause, ContentError, Error, TryUpdateError};
pub use json::Json;
pub use patch::Patch;
pub use problem::Problem;
pub use retry::{Jitter, Retry};
pub use row::{Row, Rows};
pub use tag::Tag;
pub use watch::{Change, Since, Watch};
