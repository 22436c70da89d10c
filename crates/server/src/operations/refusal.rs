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

/// Refusals of a file because of its path, its content, or what is there.
pub(super) const OF_FILES: &[Refusal] = &[
    always(ProblemKind::PathClash),
    always(ProblemKind::Malformed),
    always(ProblemKind::ContentTooLarge),
    always(ProblemKind::UnsupportedMediaType),
];

/// Refusals because the store cannot accept any write now.
pub(super) const OF_STORING: &[Refusal] = &[
    always(ProblemKind::Unavailable),
    always(ProblemKind::StorageFull),
];

/// Refusals of a write to a document that other people write too, with a body.
pub(super) const OF_WRITING: &[Refusal] = &{
    const PARTS: [&[Refusal]; 4] = [BY_OTHERS, BY_RULES, OF_BODIES, OF_STORING];
    const COUNT: usize = BY_OTHERS.len() + BY_RULES.len() + OF_BODIES.len() + OF_STORING.len();
    joined::<COUNT>(PARTS)
};

const fn joined<const COUNT: usize>(parts: [&[Refusal]; 4]) -> [Refusal; COUNT] {
    let mut all = [parts[0][0]; COUNT];
    let (mut part, mut at, mut count) = (0, 0, 0);
    while count < COUNT {
        if at == parts[part].len() {
            (part, at) = (part + 1, 0);
        } else {
            all[count] = parts[part][at];
            (at, count) = (at + 1, count + 1);
        }
    }
    all
}

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
