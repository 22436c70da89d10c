//! Optimistic concurrency for HTTP resources, as functions from values to values.
//!
//! Nothing here opens a socket or a file, reads a clock or draws a random number: time and state
//! are arguments. This crate decides; the shells around it act.

pub mod json; // I-JSON that keeps what was sent: parse, check, point into, write

mod comparison; // who changed what, and where they conflict
mod contrast; // versions side by side, without what is the same in all
pub mod merge; // base, ours, theirs: merged, or in conflict
mod patch; // JSON Merge Patch and JSON Patch
mod touched; // what a version changed

mod entity_tag; // a validator, and how two of them compare
mod moment; // a point in time, to the millisecond, as HTTP and RFC 3339 write it
mod precondition; // If-Match and the others: parse, then evaluate

mod key; // which document: space, collection, id
mod query; // which documents a list has, and in which order
pub mod rules; // schema, unique keys, lifecycle and expressions of one collection
mod version; // a version of a document in the log, and its tag

mod collection_rules; // what the writes of a collection are decided by
mod command; // what one write asks for
mod decide; // command against state: effect or refusal
mod lock; // the only writer for a while, and its fencing number
mod merging; // an edit that is merged with what came since
mod prepared; // a command, and how far it was worked out before it is decided
mod receipt; // a request that must be performed once, and its result
mod sight; // what somebody may see of a collection
mod state; // what a decision depends on

pub use collection_rules::{CollectionRules, Keep, Unconditional};
pub use command::{Command, Edit, Patching, Proposal, Unfit};
pub use comparison::{changed_members, compare_blind};
pub use contrast::Contrast;
pub use decide::{Applied, Constraint, Costly, Decision, Refusal, decide};
pub use entity_tag::{EntityTag, Malformed};
pub use key::{CollectionKey, FILES, Key, NameError, ROOT, is_label};
pub use lock::{
    Lock, LockAction, LockCommand, LockDecision, LockRefusal, LockTerms, LockTokens, decide_lock,
};
pub use merge::{Collision, Conflict};
pub use merging::{Merging, Unmerged};
pub use moment::{Moment, Timestamp};
pub use patch::{Gap, JsonPatch, MalformedPatch, Operation, Patch, PatchFailure, merge_patch};
pub use precondition::{Condition, Field, Preconditions, Selected, Verdict, evaluate};
pub use prepared::{Ahead, LARGE, Prepared};
pub use query::{
    Filter, Item, MAX_FILTERS, MAX_SORT_KEYS, MAX_VALUES, Query, QueryError, QueryField, Rank,
    Sort, SortKey,
};
pub use receipt::{Once, Receipt, Written};
pub use sight::Sight;
pub use state::{State, Stored, shares_its_second};
pub use touched::touched;
pub use version::{Checksum, Digest, Head, Kind, Seq, VersionTag};
