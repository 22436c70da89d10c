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
//! // An intent. If somebody else saves first, it is run again on what they saved.
//! let article = articles.update("45", |article| article.likes += 1).await?;
//! println!("{} likes", article.likes);
//!
//! // An edit. It is merged with what others saved in the meantime; if both changed one place,
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
//! | [`update`](Collection::update) | an *intent*, "one less than there is": run again on whatever came in between |
//! | [`edit`](Collection::edit), [`save`](Draft::save) | what *somebody typed*: merged with what came in between |
//! | [`replace`](Collection::replace) | neither: saved unchanged, or refused |
//! | [`insert`](Collection::insert), [`create`](Collection::create) | a new document, with an id that you or the server chooses |
//!
//! The first three keep the members of a document that the type does not have, and all digits of
//! numbers that were not changed.
//!
//! # What is retried
//!
//! *A stale version*: `update` and `save` retry up to 10 times within 15 seconds, with random
//! pauses of up to min(2 s, 20 ms · 2ⁿ). *A busy server* (503 or 429): the same request is sent
//! again after the time that the server asks for. *A refusal by a rule* (a unique key, a lifecycle,
//! a schema, a lock) is never retried: the request would be refused again. If a server answers 409
//! for both and does not say which it is, the client reads the document: if its tag has not
//! changed, it was a rule.
//!
//! # When an answer is lost
//!
//! The connection breaks after a write went out. Was it applied?
//!
//! - Detente remembers every write by its `Idempotency-Key`. The client sends the write again with
//!   the same key, and gets the answer of the first attempt.
//! - On a server without keys, the client also repeats a write that has a condition (`If-Match`
//!   with a tag, `If-None-Match: *`): it cannot be applied twice, since the first application makes
//!   the condition false. If the second attempt is refused as stale, the client reads the document.
//!   If that is what was sent, the first attempt was applied. If it is something else, the first
//!   attempt may have been applied and overwritten since, and the result is [`Error::Uncertain`].
//! - Any other write is not repeated on such a server: [`Error::Uncertain`] at once.
//!
//! On a server without keys one case remains: an attempt is lost before it is applied, and somebody
//! else, starting from the same version, saves a document that is equal in every value. The client
//! takes that for its own write. For an edit this makes no difference; for an intent ("one less")
//! it does. A document that contains something unique, such as an id of the request, rules this
//! out.

mod client; // a server, as one caller uses it
mod collection; // its documents of one kind: read, write, update, edit, watch
mod document; // one of them, at one version
mod json; // any document, with all its digits
mod patch; // a change to parts of one

mod draft; // a document that somebody is working on
mod save; // how its edit is merged with what came in between
mod update; // an intent, run again on what came in between

mod condition; // what must hold for a write
mod tag; // a version, as the server names it

mod conflict; // a write that came too late, and what it conflicts with
mod error; // what to do next
mod problem; // a refusal, as the server sent it

mod position; // a place among them, to go on from
mod row; // lists and histories
mod watch; // changes as they happen

mod event_stream; // server-sent events, from bytes
mod pace; // how much of its retries an operation has used
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
pub use position::Position;
pub use problem::Problem;
pub use retry::{Jitter, Retry};
pub use row::{Row, Rows};
pub use tag::Tag;
pub use watch::{Change, Since, Watch};
