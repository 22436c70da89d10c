use crate::problem::ProblemKind;

/// A problem that an operation can have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: ProblemKind,
    pub(crate) when: When,
}

/// How a collection must be set up for a problem to be possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// A stale `If-Match` is answered by 409, not by 412.
    StaleIsConflict,
    /// A write must name a version.
    WritesAreConditional,
    HasUniqueKeys,
    /// It has a lifecycle or rules.
    HasSteps,
    /// It has rules; a lifecycle has no say in deletions.
    HasRules,
}

const fn when(when: When, kind: ProblemKind) -> Refusal {
    Refusal { kind, when }
}

pub(super) const fn always(kind: ProblemKind) -> Refusal {
    when(When::Always, kind)
}

/// Refusals to change a document that others change too.
pub(super) const BY_OTHERS: &[Refusal] = &[
    when(When::StaleIsConflict, ProblemKind::StaleVersion),
    always(ProblemKind::Deleted),
    always(ProblemKind::BaseGone),
    always(ProblemKind::RequestInProgress),
    always(ProblemKind::PreconditionFailed),
    always(ProblemKind::LockLost),
    always(ProblemKind::KeyReuse),
    always(ProblemKind::Locked),
    when(
        When::WritesAreConditional,
        ProblemKind::PreconditionRequired,
    ),
];

/// Refusals of a document for what it says, or for the step that it would be.
pub(super) const BY_RULES: &[Refusal] = &[
    when(When::HasUniqueKeys, ProblemKind::DuplicateEntry),
    when(When::HasSteps, ProblemKind::StateConflict),
];

/// Refusals to delete a document for what it says.
pub(super) const BY_RULES_OF_DELETION: &[Refusal] =
    &[when(When::HasRules, ProblemKind::StateConflict)];

/// Refusals of what a request carries, whatever is stored.
pub(super) const OF_BODIES: &[Refusal] = &[
    always(ProblemKind::Malformed),
    always(ProblemKind::ContentTooLarge),
    always(ProblemKind::UnsupportedMediaType),
    always(ProblemKind::InvalidDocument),
];

/// The store cannot take any write now.
pub(super) const OF_STORING: &[Refusal] = &[
    always(ProblemKind::Unavailable),
    always(ProblemKind::StorageFull),
];

pub(super) const OF_READING: &[Refusal] = &[
    always(ProblemKind::Malformed),
    always(ProblemKind::NotFound),
];

/// Of a read of one version, which may be of a deletion.
pub(super) const OF_CONDITIONAL_READING: &[Refusal] = &[
    always(ProblemKind::Malformed),
    always(ProblemKind::NotFound),
    always(ProblemKind::Gone),
    always(ProblemKind::PreconditionFailed),
];
