use axum::http::StatusCode;

use super::member::{MEMBER, RESOLUTIONS, STALE, member};
use super::{ProblemKind, ProblemType};
use crate::schema::{Saying, moment, text, whole};

pub(super) const ROWS: &[ProblemType] = &[
    ProblemType {
        kind: ProblemKind::PreconditionFailed,
        slug: "precondition-failed",
        error: "PreconditionFailed",
        status: StatusCode::PRECONDITION_FAILED,
        title: "A precondition does not hold",
        again: "as for stale-version",
        why: "\
            A precondition of your request does not hold. Either you sent <code>If-None-Match: *</code> and \
            the document exists, or the document has changed since the date or version that you named.",
        what: "\
            Do the same as for <a href=\"/problems/stale-version\">stale-version</a>: the answer has the \
            current document and its tag.",
        members: STALE,
        always: &["current_version", "current_etag"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::LockLost,
        slug: "lock-lost",
        error: "LockLost",
        status: StatusCode::PRECONDITION_FAILED,
        title: "You do not hold the lock any more",
        again: "with a new lock, after a GET",
        why: "\
            No current lock has your <code>Lock-Token</code>. The lock has expired, or it was released or \
            broken. Others may have written while you believed that you had the lock.",
        what: "Take a new lock, GET the document, and check what has changed before you write.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Locked,
        slug: "locked",
        error: "Locked",
        status: StatusCode::LOCKED,
        title: "Somebody else holds the lock",
        again: "when the lock has ended",
        why: "Somebody holds the lock of this document. Until it ends, only they can write the document.",
        what: "\
            <code>locked_by</code> says who holds the lock, and <code>expires_at</code> until when. Try again \
            after that, or ask them to release it.",
        members: &[
            member("locked_by", || {
                text().about("Who holds the lock, as people should read it.")
            }),
            member("fencing", || whole(1)),
            member("expires_at", moment),
            RESOLUTIONS,
        ],
        always: &["locked_by", "fencing", "expires_at", "resolutions"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::PreconditionRequired,
        slug: "precondition-required",
        error: "PreconditionRequired",
        status: StatusCode::PRECONDITION_REQUIRED,
        title: "Say which version you are changing",
        again: "after a GET",
        why: "\
            The document exists, and your request does not say which version of it you are changing. Without \
            that, the server cannot tell whether you would overwrite somebody's work.",
        what: "\
            GET the document and send the <code>ETag</code> of that answer in <code>If-Match</code>. To \
            overwrite any version on purpose, send <code>If-Match: *</code>.",
        members: &[RESOLUTIONS, MEMBER],
        ..ProblemType::BARE
    },
];
