use crate::problem::ProblemKind;

/// A problem that an operation can have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: ProblemKind,
    pub(crate) when: When,
}

/// When a problem is possible, by the settings of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// A stale `If-Match` gets 409, not 412.
    StaleIsConflict,
    /// A write must name the version that it changes.
    WritesAreConditional,
    HasUniqueKeys,
    /// The collection has a lifecycle or rules.
    HasSteps,
    /// The collection has rules. A lifecycle does not restrict deletions.
    HasRules,
}

const fn when(when: When, kind: ProblemKind) -> Refusal {
    Refusal { kind, when }
}

pub(super) const fn always(kind: ProblemKind) -> Refusal {
    when(When::Always, kind)
}

/// Refusals because of other people's writes.
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

/// Refusals because of unique keys, a lifecycle or rules.
pub(super) const BY_RULES: &[Refusal] = &[
    when(When::HasUniqueKeys, ProblemKind::DuplicateEntry),
    when(When::HasSteps, ProblemKind::StateConflict),
];

/// Refusals to delete a document because of rules.
pub(super) const BY_RULES_OF_DELETION: &[Refusal] =
    &[when(When::HasRules, ProblemKind::StateConflict)];

/// Refusals because of the body of a request, whatever is stored.
pub(super) const OF_BODIES: &[Refusal] = &[
    always(ProblemKind::Malformed),
    always(ProblemKind::ContentTooLarge),
    always(ProblemKind::UnsupportedMediaType),
    always(ProblemKind::InvalidDocument),
];

/// Refusals because the store cannot accept any write now.
pub(super) const OF_STORING: &[Refusal] = &[
    always(ProblemKind::Unavailable),
    always(ProblemKind::StorageFull),
];

pub(super) const OF_READING: &[Refusal] = &[
    always(ProblemKind::Malformed),
    always(ProblemKind::NotFound),
];

/// Refusals to read one version, which can be a deletion.
pub(super) const OF_CONDITIONAL_READING: &[Refusal] = &[
    always(ProblemKind::Malformed),
    always(ProblemKind::NotFound),
    always(ProblemKind::Gone),
    always(ProblemKind::VersionGone),
    always(ProblemKind::PreconditionFailed),
];
