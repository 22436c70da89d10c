use super::Parameter;
use super::parameter::{IDEMPOTENCY, IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LOCK};

/// The fields that would guard something, where an operation cannot heed them: to pass them over
/// would promise what is not kept, so a request that has one is refused.
#[derive(Debug)]
pub(crate) struct Misplaced {
    pub(crate) fields: &'static [Guard],
    /// Where they belong.
    pub(crate) belong: &'static str,
}

#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) field: &'static Parameter,
    /// Whether it may have any value but `*`. If-None-Match with tags holds for whatever has none.
    pub(crate) may_have_tags: bool,
}

const fn guard(field: &'static Parameter) -> Guard {
    Guard {
        field,
        may_have_tags: false,
    }
}

const OF_VERSIONS: [Guard; 3] = [
    guard(&IF_MATCH),
    guard(&IF_NONE_MATCH),
    guard(&IF_UNMODIFIED_SINCE),
];

const OF_WRITES: &[Guard] = &{
    let [a, b, c] = OF_VERSIONS;
    [a, b, c, guard(&LOCK)]
};

/// For operations that heed all of them.
pub(super) const NONE: Misplaced = Misplaced {
    fields: &[],
    belong: "",
};

/// For reads of what has no version. If-Unmodified-Since is passed over there (RFC 9110, section
/// 13.1.4): there is no date to compare it with.
pub(super) const IN_READS: Misplaced = Misplaced {
    fields: &[
        guard(&IF_MATCH),
        Guard {
            field: &IF_NONE_MATCH,
            may_have_tags: true,
        },
    ],
    belong: "on a request for one document, which has a version",
};

/// The same, where a file is spoken of.
pub(super) const IN_READS_OF_FILES: Misplaced = Misplaced {
    fields: IN_READS.fields,
    belong: "on a request for one file, which has a version",
};

/// For the list of a file's versions. The same URL also reads one of them, and heeds conditions then.
pub(crate) const IN_LISTS_OF_VERSIONS: Misplaced = Misplaced {
    fields: IN_READS.fields,
    belong: "on a request for one version, such as ?version=1",
};

/// For files under names that nobody has yet.
pub(super) const IN_NEW_FILES: Misplaced = Misplaced {
    fields: OF_WRITES,
    belong: "on a request for one file, which has a version",
};

pub(super) const IN_BATCHES: Misplaced = Misplaced {
    fields: OF_WRITES,
    belong: "on the operations of the batch, in `headers`",
};

pub(super) const IN_GRAPHQL: Misplaced = Misplaced {
    fields: &{
        let [a, b, c] = OF_VERSIONS;
        [a, b, c, guard(&LOCK), guard(&IDEMPOTENCY)]
    },
    belong: "to the arguments of a field: ifMatch, lockToken, idempotencyKey",
};

pub(super) const IN_LOCKS: Misplaced = Misplaced {
    fields: &{
        let [a, b, c] = OF_VERSIONS;
        [a, b, c, guard(&IDEMPOTENCY)]
    },
    belong: "on the writes that the lock is for",
};

/// For remoteStorage, which knows neither locks nor keys.
pub(super) const IN_STORAGES: Misplaced = Misplaced {
    fields: &[
        guard(&IF_UNMODIFIED_SINCE),
        guard(&LOCK),
        guard(&IDEMPOTENCY),
    ],
    belong: "on requests to /files",
};

/// For questions that are about several versions.
pub(super) const IN_FINDS: Misplaced = Misplaced {
    fields: &{
        let [a, b, c] = OF_VERSIONS;
        [a, b, c, guard(&LOCK), guard(&IDEMPOTENCY)]
    },
    belong: "on a request for one file, which has a version",
};

/// For WebDAV, which names locks in `If`.
pub(super) const IN_DAV: Misplaced = Misplaced {
    fields: &[guard(&LOCK), guard(&IDEMPOTENCY)],
    belong: "on requests to /files; WebDAV names locks in If",
};

/// For a request that only asks what a merge would come to.
pub(crate) const IN_PREVIEWS: Misplaced = Misplaced {
    fields: OF_WRITES,
    belong: "on the merge itself: a preview stores nothing",
};

/// For the dismissal of a conflict, which changes no document.
pub(crate) const IN_DISMISSALS: Misplaced = Misplaced {
    fields: OF_WRITES,
    belong: "on a resolution that stores the edit: a dismissal changes no document",
};
