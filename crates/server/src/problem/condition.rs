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
        why: "A precondition of your request does not hold: <code>If-None-Match: *</code> met a document that is \
             there, or the document changed since the date or the version that you named.",
        what: "As for <a href=\"/problems/stale-version\">stale-version</a>: the answer holds the current document and \
             its tag.",
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
        why: "Your <code>Lock-Token</code> belongs to no lock that is held. Its time has passed, even if nobody took \
             it since, or it was released or broken. Others may have written while you believed to be alone.",
        what: "Take a new lock, GET the document, and look at what changed before you write.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Locked,
        slug: "locked",
        error: "Locked",
        status: StatusCode::LOCKED,
        title: "Somebody else holds the lock",
        again: "when the lock has ended",
        why: "Somebody holds the lock of this document, and only they may write it for now.",
        what: "<code>locked_by</code> and <code>expires_at</code> say who, and until when. Try again after that, or \
             ask them to release it.",
        members: &[
            member("locked_by", || {
                text().about("Who holds it, in words for people.")
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
        why: "The document exists, and your request does not say which version of it you are changing. Then nobody \
             could tell whether you would overwrite somebody's work.",
        what: "GET the document, and send the <code>ETag</code> of that answer in <code>If-Match</code>. If you mean \
             to overwrite whatever is there, say <code>If-Match: *</code>.",
        members: &[RESOLUTIONS, MEMBER],
        ..ProblemType::BARE
    },
];
