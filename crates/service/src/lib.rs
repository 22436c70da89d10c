//! What the server does, in its own words. A face (REST, and others to come) parses a request into
//! an [`Ask`] or its kin, calls [`Service`], and renders what comes back.
//!
//! Nothing here knows HTTP, a status code, or which store it runs on. A refusal is an
//! [`Explanation`]: data that each face renders in its own way.

mod policy; // how each collection is treated
mod principal; // who asks
mod rights; // what somebody may do, and where
mod service;
mod sight; // what somebody may see // what every use case needs

mod budget; // how much is worked on at one time
mod offload; // work that would hold up other requests
mod reading; // what is durable, read without holding up a thread

mod ask; // one write, as a face hands it in
mod once; // requests that are performed once
mod turns; // who is next where many write one document
mod write; // one write, from what was sent to what became of it

mod batch; // several writes, all or none
mod lock; // the only writer for a while
mod merge; // an edit of an older version, joined with the current one

mod collections; // what there is, and how much
mod document; // one document, and its versions
mod feed; // versions as they come
mod last; // what deletions took away
mod list; // the documents of a collection
mod touched; // which places a version changed

mod files; // contents at paths

mod conflict_log; // refused writes, and what becomes of them
mod conflict_statistics; // what they add up to
mod dismissal; // many of them, let go

mod explanation; // a refusal that explains itself
mod metrics; // what is counted, whichever face it came by

pub use ask::{Ask, Edited};
pub use batch::{BatchDone, BatchRefused, OperationRefused};
pub use collections::Holding;
pub use conflict_log::{ConflictDetail, Decided, Ruled, Ruling};
pub use conflict_statistics::{Agents, Count, Span, Statistics};
pub use dismissal::{Dismissed, Reason};
pub use document::{History, Read};
pub use explanation::{
    Author, Bar, Broken, CONFLICT_KINDS, Change, Clash, Demand, Divergence, Explanation, LogPlace,
    MOST_PLACES, Misplacement, Naming, Shows, Way, What, are_too_large,
};
pub use feed::{FeedForm, Follower, Page, Position, Scope};
pub use files::{
    About, Became, Content, Entry, FileFacts, FileTerms, Files, FolderPage, INLINE, Incoming,
    Listed, LockedFile, OnCollision, Outgoing, Properties, PutFile, Received, State,
    StateCondition, StateList, StateLists, StoredFile, TooMuch, Transfer, Transferred,
    named_contents,
};
pub use lock::{LockAsk, LockWish};
pub use merge::{MergeAsk, MergeEdit, MergePreview, Named};
pub use metrics::Metrics;
pub use offload::offload;
pub use once::OnceKey;
pub use policy::{Collection, OnConflict, Policy, StaleAnswer, Undeclared};
pub use principal::{MAX_ACTOR, Principal, is_actor};
pub use rights::{Action, Actions, Names, NotARight, Place, Right, Rights};
pub use service::Service;
pub use touched::TouchedVersion;
pub use write::Done;

/// What a use case comes to: its answer, or why there is none. Boxed: most have an answer, and all
/// carry the room.
pub type Outcome<T> = Result<T, Box<Explanation>>;
