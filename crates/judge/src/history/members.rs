use crate::history::operation::{Kind, Operation, Outcome};

/// The members that a line can have, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Actor,
    Key,
    Kind,
    Begun,
    Ended,
    Outcome,
    Base,
    Expected,
    Value,
    Tag,
    Absent,
}

impl Member {
    pub(super) const ALL: [Self; 11] = [
        Self::Actor,
        Self::Key,
        Self::Kind,
        Self::Begun,
        Self::Ended,
        Self::Outcome,
        Self::Base,
        Self::Expected,
        Self::Value,
        Self::Tag,
        Self::Absent,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Key => "key",
            Self::Kind => "kind",
            Self::Begun => "begun",
            Self::Ended => "ended",
            Self::Outcome => "outcome",
            Self::Base => "base",
            Self::Expected => "expected",
            Self::Value => "value",
            Self::Tag => "tag",
            Self::Absent => "absent",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|member| member.name() == name)
    }

    pub(super) fn is_required(self) -> bool {
        matches!(
            self,
            Self::Actor | Self::Key | Self::Kind | Self::Begun | Self::Ended | Self::Outcome
        )
    }
}

/// What makes no sense of an operation that is well formed, and in which member.
pub(super) fn nonsense(operation: &Operation<'_>) -> Option<(Member, &'static str)> {
    let Operation { kind, outcome, .. } = *operation;
    let demands = operation.base.is_some() || operation.expected.is_some();
    let shows = operation.value.is_some() || operation.tag.is_some();
    let cases = [
        (
            operation.ended.is_some_and(|ended| ended < operation.begun),
            (Member::Ended, "is before `begun`"),
        ),
        (
            operation.ended.is_none() && outcome != Outcome::Unknown,
            (
                Member::Ended,
                "is null, so nothing was answered: `outcome` must be unknown",
            ),
        ),
        (
            operation.base.is_some() && operation.expected.is_some(),
            (Member::Expected, "stands beside `base`: give one of them"),
        ),
        (
            demands && !matches!(kind, Kind::CompareAndSet | Kind::Delete),
            (
                demanded(operation),
                "belongs to a compare-and-set or a delete",
            ),
        ),
        (
            kind == Kind::CompareAndSet && !demands,
            (
                Member::Base,
                "or `expected` is missing: what did it demand?",
            ),
        ),
        (
            kind == Kind::Delete && shows,
            (shown(operation), "does not belong to a delete"),
        ),
        (
            outcome != Outcome::Ok && kind != Kind::Read && operation.tag.is_some(),
            (
                Member::Tag,
                "is that of what was written, but it is not known to have been",
            ),
        ),
        (
            operation.absent && kind != Kind::Read,
            (Member::Absent, "belongs to a read"),
        ),
        (
            operation.absent && shows,
            (Member::Absent, "contradicts `value` and `tag`"),
        ),
        (
            kind == Kind::Read && outcome == Outcome::Ok && !operation.absent && !shows,
            (
                Member::Value,
                "or `tag` or `absent` is missing: what was read?",
            ),
        ),
    ];
    let found = cases.into_iter().find(|(holds, _)| *holds);
    found.map(|(_, said)| said)
}

fn demanded(operation: &Operation<'_>) -> Member {
    if operation.base.is_some() {
        Member::Base
    } else {
        Member::Expected
    }
}

fn shown(operation: &Operation<'_>) -> Member {
    if operation.value.is_some() {
        Member::Value
    } else {
        Member::Tag
    }
}
