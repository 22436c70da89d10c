use axum::http::StatusCode;

use super::member::{DELETED_AT, DELETED_BY, VERSION};
use super::{ProblemKind, ProblemType};

pub(super) const ROWS: &[ProblemType] = &[
    ProblemType {
        kind: ProblemKind::Unauthenticated,
        slug: "unauthenticated",
        error: "Unauthenticated",
        status: StatusCode::UNAUTHORIZED,
        title: "Say who you are",
        again: "with a token",
        why: "This server wants to know who asks, and the request does not say so in a way that it knows.",
        what: "Send <code>Authorization: Bearer</code> with a token that the server's configuration lists.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Forbidden,
        slug: "forbidden",
        error: "Forbidden",
        status: StatusCode::FORBIDDEN,
        title: "You may not do this",
        again: "with another token",
        why: "The server knows who you are, and your token does not allow this.",
        what: "Use a token with the right to read or to write, whichever the request needs.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::NotFound,
        slug: "not-found",
        error: "NotFound",
        status: StatusCode::NOT_FOUND,
        title: "There is nothing here",
        again: "no",
        why: "There is no such document, collection or page.",
        what: "Check the URL. A server may be set up to know only the collections that it was told of.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::MethodNotAllowed,
        slug: "method-not-allowed",
        error: "MethodNotAllowed",
        status: StatusCode::METHOD_NOT_ALLOWED,
        title: "This resource does not know the method",
        again: "no",
        why: "The resource exists, but does not know this method.",
        what: "<code>Allow</code> lists the methods that it knows.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Gone,
        slug: "gone",
        error: "Gone",
        status: StatusCode::GONE,
        title: "The document was deleted",
        again: "no",
        why: "There was such a document, and it was deleted.",
        what: "Its history is still there under <code>/versions</code>.",
        members: &[DELETED_AT, DELETED_BY, VERSION],
        always: &["deleted_at", "deleted_by"],
        ..ProblemType::BARE
    },
];
