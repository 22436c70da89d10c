mod bounded; // what is too large to be repeated
mod divergence; // a stale edit beside what came since
mod explain; // from a refusal to its explanation
mod hidden; // refusals about what a rule hides
mod record; // a refused write as the conflict log keeps it
mod seen; // what of it a principal may see
mod story; // what happened since the base, and where the edits collide

use std::sync::Arc;

use detente_core::json::SyntaxError;
use detente_core::rules::{Duplicate, StateConflict, Violation};
use detente_core::{
    Costly, EntityTag, Field, Head, Key, Lock, MalformedPatch, PatchFailure, Stored,
};
use detente_store::{Damage, LoggedConflict, Settlement};

use crate::{Action, StaleAnswer};

pub use bounded::are_too_large;
pub use divergence::{
    Author, Broken, Change, Clash, Demand, Divergence, MOST_PLACES, Naming, Shows,
};
pub(crate) use explain::{Attempt, Ground, explain};
pub(crate) use story::History;

/// Documents past this size are not repeated in an explanation, in bytes.
pub(crate) const REPEAT_LIMIT: usize = 256 * 1024;

/// Why something was not done, and how to go on.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub what: What,
    /// The document that it is about.
    pub key: Option<Key>,
    /// What can be done now, the best first.
    pub ways: Vec<Way>,
    /// Where the conflict log keeps the refused write.
    pub logged: Option<LogPlace>,
    /// The earlier operation of the same batch that it rests on. That was not performed either, so
    /// what is called current is a version that is stored.
    pub rests_on: Option<usize>,
    /// The version that is stored, where the refusal rests on one.
    pub stored: Option<Head>,
    record: Option<Box<LoggedConflict>>,
}

/// Where the conflict log keeps a refused write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPlace {
    pub space: String,
    pub id: String,
}

/// What stands in the way.
#[derive(Clone, Debug)]
pub enum What {
    /// If-Match names another version. Named as the collection says.
    Stale(Box<Divergence>, StaleAnswer),
    /// Another precondition does not hold.
    PreconditionFailed(Box<Divergence>, Field),
    /// The join of two edits breaks what neither of them broke.
    Unmergeable(Box<Divergence>, StaleAnswer),
    /// The document was deleted since the edit began.
    Deleted(Box<Divergence>),
    /// The version that the edit began from is no longer kept.
    BaseGone(Box<Divergence>),
    /// Another document holds a unique key.
    Duplicate {
        duplicates: Vec<Duplicate>,
        head: Option<Head>,
        /// Whether the holders and their values are shown.
        is_shown: bool,
    },
    /// The state of the document forbids the step.
    State {
        conflict: Box<StateConflict>,
        head: Option<Head>,
        /// Whether what the document holds is shown.
        is_shown: bool,
    },
    /// The patch does not fit the document.
    Patch {
        failure: PatchFailure,
        head: Option<Head>,
        is_shown: bool,
    },
    Locked(Arc<Lock>),
    /// The token is that of no lock that is held.
    LockLost,
    /// The write names no version.
    ConditionRequired {
        verb: &'static str,
    },
    /// Choices name no version that they were made on.
    ChoicesWithoutCurrent,

    /// The body is not I-JSON.
    NotJson(SyntaxError),
    NotAPatch(MalformedPatch),
    Invalid(Vec<Violation>),
    /// A member of the request does not name what it must.
    Misplaced {
        /// A JSON Pointer into the request.
        place: String,
        problem: Misplacement,
    },

    /// There is no such document.
    Missing,
    /// There never was one.
    NeverThere,
    /// The document was deleted; this is its tombstone.
    Gone(Arc<Stored>),
    /// The version with this number deleted it.
    DeletedIn(Arc<Stored>),
    NoCollection(String),
    /// What is there is a folder, and not a file.
    IsAFolder,
    /// What is at this path on the way is a file, and not a folder.
    NotAFolder(String),
    /// There is no folder at this path on the way.
    NoFolder(String),
    /// Something is there that is not to be replaced.
    InTheWay,
    /// Of what is moved or copied and where to, one is in the other, or is the other.
    NotApart,
    /// A path would be longer than paths may be.
    PathTooLong,
    /// A list of states has the tag of a file that is not written.
    TagOfAnother,
    /// No list of states holds.
    NoListHolds,
    /// What clients keep about a file would be too long, in bytes.
    TooManyProperties {
        limit: usize,
    },
    /// It is the folder that all others are in.
    IsTheRoot,
    /// More is in the folder than can be removed in one step.
    TooMuchBelow {
        limit: usize,
    },
    /// What is in the folder is longer than can be moved or copied in one step, in bytes.
    TooLargeBelow {
        limit: usize,
    },
    NoVersion(u64),
    /// The document had the version with this number, which is no longer kept; the newest is `newest`.
    VersionGone {
        number: u64,
        newest: u64,
    },
    /// A precondition of a read does not hold.
    ReadPrecondition {
        field: Field,
        tag: EntityTag,
        version: u64,
    },
    /// Nobody holds a lock.
    NotLocked,
    /// Nobody holds a lock that could be broken.
    NothingToBreak,
    /// There is no document that could be locked.
    NothingToLock,

    NoConflict,
    /// Somebody settled the conflict before.
    SettledBefore(Settlement),
    /// The base of a logged edit is no longer kept.
    LoggedBaseGone,
    /// The base of a logged edit is not known, and the edit is no whole document.
    LoggedBaseUnknown,
    /// A refused upload is not stored from the log.
    NotResolvedHere,
    /// A logged edit has no document left to change.
    NothingToResolve,

    /// The same request is in progress.
    InProgress,
    /// The key stands for another request.
    KeyReused,
    /// What was performed under the key is no longer kept.
    ReceiptGone,
    /// Another operation of the batch was refused.
    NotPerformed,

    Denied {
        by: Arc<str>,
        action: Action,
        bar: Bar,
    },

    /// It takes more work than one write may.
    TooCostly(Costly),
    /// The operations of a batch have to do with more bytes than a batch may.
    BatchTooLarge {
        limit: usize,
    },
    /// Too many writes are waiting.
    Busy,
    /// The server is shutting down.
    Closing,
    /// There is no room to store it.
    Full,
    /// The store cannot be reached.
    Away,
    /// The store does not say whether the write was performed.
    Unknown,
    /// What is stored is not as it was written.
    Damaged(Damage),
    /// The server failed. The cause is for its log alone.
    Failed {
        cause: String,
    },
}

/// What keeps somebody from what they want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// They do not have the right.
    Right,
    /// They have it, but a rule of the collection does not allow it for this document.
    Rule,
}

/// What is wrong with a member of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplacement {
    /// It names no version of the document.
    NoVersion,
    /// It names a version that is no longer kept.
    VersionGone,
    /// The patch does not fit the base.
    DoesNotFit,
    /// It names a place that no version has.
    NoPlace,
}

/// A way to go on after a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The same write again, from this version.
    Retry {
        verb: &'static str,
        tag: EntityTag,
    },
    /// The server merges the edit of `base`, by choices made on `current`.
    Merge {
        base: EntityTag,
        current: EntityTag,
    },
    /// Read the current version.
    Current,
    /// Read the document before it is changed.
    Read,
    History,
    /// Create the document, which is not there.
    Create,
    /// Create it again.
    Recreate,
    /// Look at the lock.
    Lock,
}

/// The kinds of conflicts with others, which the conflict log keeps.
pub const CONFLICT_KINDS: [&str; 9] = [
    "stale-version",
    "deleted",
    "duplicate-entry",
    "state-conflict",
    "patch-conflict",
    "base-gone",
    "precondition-failed",
    "lock-lost",
    "locked",
];

impl What {
    pub(crate) fn denied(by: &Arc<str>, action: Action, bar: Bar) -> Self {
        let by = Arc::clone(by);
        Self::Denied { by, action, bar }
    }

    pub(crate) fn failed(cause: impl std::fmt::Display) -> Self {
        let cause = cause.to_string();
        Self::Failed { cause }
    }

    /// The name under which a conflict with others is kept in the conflict log, one of
    /// [`CONFLICT_KINDS`]; `None` for all that is not kept: mistakes of the writer's own, and
    /// failures.
    pub fn conflict_kind(&self) -> Option<&'static str> {
        let [
            stale,
            deleted,
            duplicate,
            state,
            patch,
            gone,
            failed,
            lost,
            locked,
        ] = CONFLICT_KINDS;
        let stale = |answer| match answer {
            StaleAnswer::Conflict => stale,
            StaleAnswer::PreconditionFailed => failed,
        };
        Some(match self {
            Self::Stale(_, answer) | Self::Unmergeable(_, answer) => stale(*answer),
            Self::PreconditionFailed(..) => failed,
            Self::Deleted(_) => deleted,
            Self::BaseGone(_) => gone,
            Self::Duplicate { .. } => duplicate,
            Self::State { .. } => state,
            Self::Patch { .. } => patch,
            Self::Locked(_) => locked,
            Self::LockLost => lost,
            _ => return None,
        })
    }

    /// The same, with what it says of versions changed.
    pub(crate) fn with_divergence(self, change: impl FnOnce(Divergence) -> Divergence) -> Self {
        let change = |it: Box<Divergence>| Box::new(change(*it));
        match self {
            Self::Stale(it, answer) => Self::Stale(change(it), answer),
            Self::PreconditionFailed(it, field) => Self::PreconditionFailed(change(it), field),
            Self::Unmergeable(it, answer) => Self::Unmergeable(change(it), answer),
            Self::Deleted(it) => Self::Deleted(change(it)),
            Self::BaseGone(it) => Self::BaseGone(change(it)),
            other => other,
        }
    }

    /// What it says of the version that the writer began from, and of those that came since.
    pub fn divergence(&self) -> Option<&Divergence> {
        match self {
            Self::Stale(divergence, _)
            | Self::PreconditionFailed(divergence, _)
            | Self::Unmergeable(divergence, _)
            | Self::Deleted(divergence)
            | Self::BaseGone(divergence) => Some(divergence),
            _ => None,
        }
    }
}

impl From<What> for Explanation {
    fn from(what: What) -> Self {
        Self {
            what: what.bounded(),
            key: None,
            ways: Vec::new(),
            logged: None,
            rests_on: None,
            stored: None,
            record: None,
        }
    }
}

impl From<What> for Box<Explanation> {
    fn from(what: What) -> Self {
        Self::new(what.into())
    }
}

impl Explanation {
    /// Of a document.
    pub(crate) fn of(what: What, key: &Key) -> Box<Self> {
        Box::new(Self {
            key: Some(key.clone()),
            ..Self::from(what)
        })
    }
}
