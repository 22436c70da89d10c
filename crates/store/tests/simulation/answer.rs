use std::sync::Arc;

use bytes::Bytes;
use detente_core::rules::Deed;
use detente_core::{
    Applied, Command, Constraint, Decision, Field, Kind, Lock, LockDecision, LockRefusal,
    LockTokens, Moment, Refusal, Seq,
};
use detente_store::{Reply, Settlement, Transacted};

/// What an order came to, in words that the desk and the model have in common.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Applied(Vec<Told>),
    Refused(Vec<Told>),
    Rehearsed(Vec<Told>),
    Replayed(Vec<(Seq, bool)>),
    KeyReused,
    NotOpen(Option<Settlement>),
    Held(Lock),
    Freed(Lock),
    LockRefused(Refused),
    Noted,
}

/// What was decided about one write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Applied(Version),
    Refused(Refused),
    /// It would have to be worked out ahead, on this version.
    Behind(Seq),
}

/// A version as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub(crate) seq: Seq,
    pub(crate) version: u64,
    pub(crate) prev: Option<Seq>,
    pub(crate) base: Option<u64>,
    pub(crate) by: Arc<str>,
    pub(crate) at: Moment,
    /// `None`: deleted.
    pub(crate) body: Option<Bytes>,
    pub(crate) created: bool,
}

/// A refusal, and what it says is current.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refused {
    pub(crate) why: Why,
    pub(crate) head: Option<Seq>,
    /// Who has the lock: its fencing number.
    pub(crate) lock: Option<u64>,
    /// Who holds the unique key.
    pub(crate) holder: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Why {
    Missing,
    Deleted,
    Stale,
    PreconditionFailed(Field),
    ConditionRequired,
    Patch,
    Invalid,
    TooCostly,
    Denied(Deed),
    State(String),
    Duplicate,
    UnmergeableSchema,
    UnmergeableState(String),
    UnmergeableKey,
    Locked,
    LockLost,
    LockFree,
}

impl Refused {
    pub(crate) fn new(why: Why) -> Self {
        Self {
            why,
            head: None,
            lock: None,
            holder: None,
        }
    }

    pub(crate) fn at(self, head: Option<Seq>) -> Self {
        Self { head, ..self }
    }

    pub(crate) fn by_lock(self, lock: &Lock) -> Self {
        Self {
            lock: Some(lock.fencing),
            ..self
        }
    }

    pub(crate) fn by_holder(self, holder: impl Into<String>) -> Self {
        Self {
            holder: Some(holder.into()),
            ..self
        }
    }
}

impl Why {
    /// For the statistics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Deleted => "deleted",
            Self::Stale => "stale",
            Self::PreconditionFailed(Field::IfNoneMatch) => "if-none-match fails",
            Self::PreconditionFailed(_) => "if-unmodified-since fails",
            Self::ConditionRequired => "condition required",
            Self::Patch => "patch",
            Self::Invalid => "invalid",
            Self::TooCostly => "too costly",
            Self::Denied(_) => "denied",
            Self::State(rule) if rule == "lifecycle" => "lifecycle",
            Self::State(_) => "rule",
            Self::Duplicate => "duplicate",
            Self::UnmergeableSchema => "unmergeable: schema",
            Self::UnmergeableState(_) => "unmergeable: state",
            Self::UnmergeableKey => "unmergeable: unique key",
            Self::Locked => "locked",
            Self::LockLost => "lock lost",
            Self::LockFree => "no lock",
        }
    }
}

impl From<&Applied> for Version {
    fn from(applied: &Applied) -> Self {
        let stored = &applied.stored;
        Self {
            seq: stored.seq,
            version: stored.version,
            prev: stored.prev,
            base: stored.base,
            by: Arc::clone(&stored.by),
            at: stored.at,
            body: (stored.kind == Kind::Document).then(|| stored.body.clone()),
            created: applied.created,
        }
    }
}

impl From<&Decision> for Told {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Apply(applied) => Self::Applied((&**applied).into()),
            Decision::Refuse(refusal) => Self::Refused((&**refusal).into()),
            Decision::Behind(head) => Self::Behind(head.seq),
        }
    }
}

impl From<&Refusal> for Refused {
    fn from(refusal: &Refusal) -> Self {
        let at = |why: Why, head: &Option<detente_core::Head>| {
            Self::new(why).at(head.as_ref().map(|head| head.seq))
        };
        match refusal {
            Refusal::Missing => Self::new(Why::Missing),
            Refusal::ConditionRequired => Self::new(Why::ConditionRequired),
            Refusal::Invalid(_) => Self::new(Why::Invalid),
            Refusal::TooCostly(_) => Self::new(Why::TooCostly),
            Refusal::Denied(deed) => Self::new(Why::Denied(*deed)),
            Refusal::Deleted { head } => at(Why::Deleted, &Some(*head)),
            Refusal::Stale { head } => at(Why::Stale, head),
            Refusal::Patch { head, .. } => at(Why::Patch, &Some(*head)),
            Refusal::PreconditionFailed { field, head } => {
                at(Why::PreconditionFailed(*field), &Some(*head))
            }
            Refusal::State { conflict, head } => at(Why::State(conflict.rule.clone()), head),
            Refusal::Duplicate { duplicates, head } => {
                at(Why::Duplicate, head).by_holder(&duplicates[0].holder)
            }
            Refusal::Unmergeable { constraint, head } => match constraint {
                Constraint::Schema(_) => at(Why::UnmergeableSchema, &Some(*head)),
                Constraint::State(conflict) => {
                    at(Why::UnmergeableState(conflict.rule.clone()), &Some(*head))
                }
                Constraint::Unique(duplicates) => {
                    at(Why::UnmergeableKey, &Some(*head)).by_holder(&duplicates[0].holder)
                }
            },
            Refusal::Locked { lock } => Self::new(Why::Locked).by_lock(lock),
            Refusal::LockLost { head } => at(Why::LockLost, head),
        }
    }
}

impl From<&LockRefusal> for Refused {
    fn from(refusal: &LockRefusal) -> Self {
        match refusal {
            LockRefusal::Missing => Self::new(Why::Missing),
            LockRefusal::Deleted { head } => Self::new(Why::Deleted).at(Some(head.seq)),
            LockRefusal::Locked(lock) => Self::new(Why::Locked).by_lock(lock),
            LockRefusal::Lost => Self::new(Why::LockLost),
            LockRefusal::Free => Self::new(Why::LockFree),
        }
    }
}

impl From<&Reply> for Answer {
    fn from(reply: &Reply) -> Self {
        let told = |decisions: &[Decision]| decisions.iter().map(Told::from).collect();
        match reply {
            Reply::Write(Transacted::Applied(all)) => {
                Self::Applied(all.iter().map(|it| Told::Applied(it.into())).collect())
            }
            Reply::Write(Transacted::Refused(all)) => Self::Refused(told(all)),
            Reply::Write(Transacted::Rehearsed(all)) => Self::Rehearsed(told(all)),
            Reply::Write(Transacted::Replayed(receipt)) => {
                let writes = receipt.writes.iter();
                Self::Replayed(writes.map(|it| (it.seq, it.created)).collect())
            }
            Reply::Write(Transacted::KeyReused) => Self::KeyReused,
            Reply::Write(Transacted::NotOpen(settled)) => Self::NotOpen(settled.clone()),
            Reply::Lock(LockDecision::Held { own, .. }) => Self::Held((**own).clone()),
            Reply::Lock(LockDecision::Freed { lock, .. }) => Self::Freed((**lock).clone()),
            Reply::Lock(LockDecision::Refused(refusal)) => Self::LockRefused(refusal.into()),
            Reply::Noted => Self::Noted,
        }
    }
}

/// The token of the lock that a writer believes to hold.
pub(crate) fn own_token(command: &Command) -> Option<&Arc<str>> {
    match &command.lock_tokens {
        LockTokens::Own(token) => Some(token),
        LockTokens::None => None,
        LockTokens::Any(_) => unreachable!("nobody in the simulation has several"),
    }
}
