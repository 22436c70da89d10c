use std::time::Duration;

use http::{Method, header};

use super::ask::Ask;
use super::operation::Operation;

/// What is wrong with a server.
///
/// Tags that are wrong, and refusals that say too little, are choices of the [dialect](super::dialect::Dialect).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Check and write are two steps.
    Race(Scope, Gap),
    /// So they are, and the second one's failure is a crash.
    CrashingRace(Scope, Gap),
    /// The preconditions are judged when the head is there, and never again.
    ChecksHead,
    /// No precondition is looked at, for these.
    Ignores(Scope),
    /// There has to be an If-Match, whatever it says.
    AcceptsAny,
    /// Any tag that the resource ever had will do.
    AcceptsPast,
    /// A tag that the resource never had will do.
    AcceptsUnknown,
    /// If-Match is compared with what a weak tag can never equal.
    StrongOnly,
    /// `If-Match: *` holds for what is absent.
    StarCreates,
    /// If-Match is compared as a whole: a list never matches.
    NoLists,
    /// A weak tag matches the strong one of the same text.
    WeakMatches,
    /// `If-None-Match: *` is ignored.
    Overwrites,
    /// The version that the body brings has to be there, and is not compared.
    IgnoresClaim,
    IgnoresDate,
    /// If-Unmodified-Since has to hold even beside an If-Match that does.
    DateBesideTag,
    /// A stale tag is told before a body that cannot be read.
    ConditionFirst,
    /// The tag of what is deleted lets it be written again.
    Resurrects,
    /// Says no, and writes.
    WritesRefused,
    /// Says no, and counts how often in a member.
    CountsRefused,
    /// The answer to a write carries a tag that no read shows.
    StrangeTag,
    /// A refusal quotes the tag before the current one.
    QuotesPast,
    LeaksStatement,
    /// The same refusal is 409 for PATCH.
    TwoCodes,
    /// A 428 that does not say what is missing.
    BareRequired,
    /// An unconditional PUT writes one member after the other.
    MemberByMember,
    /// Of writes that meet, all are refused.
    AllLose,
    /// Of writes that meet, some are answered 2xx and dropped.
    Drops,
    /// Of takes that meet, some are refused for want of stock.
    Undersells,
    /// A key's answer is given whatever the payload.
    IgnoresPayload,
    /// A key is noted some time after the write; by then the client may be gone.
    NotesKeyLate,
    /// While requests meet, some reads show what was some time ago.
    Flickers,
    /// While requests meet, all reads show what was some time ago.
    ShowsLate,
    /// A read takes the body, and then the tag.
    TornRead,
    /// All base URLs but the first check against a copy that lags.
    LaggingCopy,
}

/// Which requests a defect is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Writes,
    Patch,
    UnconditionalPatch,
    Delete,
    /// PUT with If-None-Match.
    CreateAbsent,
    /// POST to a collection with a unique member.
    Unique,
    /// With an Idempotency-Key.
    Keyed,
    Take,
    Ship,
    Transfer,
    Http2,
}

/// What passes between check and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    Wait(Duration),
    /// No time but what other tasks take that are ready to run.
    Yield,
}

impl Scope {
    pub(crate) fn holds(self, ask: &Ask, operation: &Operation) -> bool {
        match self {
            Self::Writes => matches!(
                operation,
                Operation::Put(_) | Operation::Patch(_) | Operation::Delete(_)
            ),
            Self::Patch => matches!(operation, Operation::Patch(_)),
            Self::UnconditionalPatch => {
                matches!(operation, Operation::Patch(_)) && ask.header(&header::IF_MATCH).is_none()
            }
            Self::Delete => ask.method == Method::DELETE,
            Self::CreateAbsent => {
                matches!(operation, Operation::Put(_))
                    && ask.header(&header::IF_NONE_MATCH).is_some()
            }
            Self::Unique => {
                matches!(operation, Operation::Create(collection) if collection == "members")
            }
            Self::Keyed => ask.idempotency_key().is_some(),
            Self::Take => matches!(operation, Operation::Take(_)),
            Self::Ship => matches!(operation, Operation::Ship(_)),
            Self::Transfer => matches!(operation, Operation::Transfer),
            Self::Http2 => ask.http2,
        }
    }
}

impl Gap {
    pub(crate) async fn pass(self) {
        match self {
            Self::Wait(time) => tokio::time::sleep(time).await,
            Self::Yield => {
                for _ in 0..8 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}
