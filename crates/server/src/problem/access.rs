use axum::http::StatusCode;

use super::member::{ACTION, DELETED_AT, DELETED_BY, VERSION};
use super::{ProblemKind, ProblemType};

pub(super) const ROWS: &[ProblemType] = &[
    ProblemType {
        kind: ProblemKind::Unauthenticated,
        slug: "unauthenticated",
        error: "Unauthenticated",
        status: StatusCode::UNAUTHORIZED,
        title: "Say who you are",
        again: "with a token",
        why: "\
            This server needs to know who you are. Your request has no credentials, or the server does not \
            know them.",
        what: "Send <code>Authorization: Bearer</code> with a token from the server's configuration.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Forbidden,
        slug: "forbidden",
        error: "Forbidden",
        status: StatusCode::FORBIDDEN,
        title: "You may not do this",
        again: "with other credentials",
        why: "\
            The server knows who you are, but your credentials do not have the right to do this, or a rule \
            of the collection does not allow it for this document.",
        what: "Use credentials that have the right. <code>action</code> names it.",
        members: &[ACTION],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::ForeignOrigin,
        slug: "foreign-origin",
        error: "ForeignOrigin",
        status: StatusCode::FORBIDDEN,
        title: "A page of another origin may not do this",
        again: "once its origin is allowed",
        why: "\
            Your browser says that the request comes from a page of another site. Such a page may read what \
            is for everybody, and change nothing.",
        what: "\
            If the page may write, name its origin in <code>cors_origins</code> of the server's \
            configuration. Behind a proxy that calls the server by another name, set \
            <code>public_url</code> or <code>trusted_proxies</code>.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Misdirected,
        slug: "misdirected",
        error: "MisdirectedRequest",
        status: StatusCode::MISDIRECTED_REQUEST,
        title: "This server has another name",
        again: "once the name is known",
        why: "\
            The request is for a host whose name this server does not know. Anybody can make a name lead to \
            this server's address, and read and write here from a page under that name.",
        what: "\
            Use an address, <code>localhost</code>, or a name that the server's configuration has in \
            <code>hosts</code> or <code>public_url</code>.",
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
        what: "Check the URL. A server can be configured to accept only certain collections.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::MethodNotAllowed,
        slug: "method-not-allowed",
        error: "MethodNotAllowed",
        status: StatusCode::METHOD_NOT_ALLOWED,
        title: "This resource does not support the method",
        again: "no",
        why: "The resource exists, but it does not support this method.",
        what: "<code>Allow</code> lists the methods that it supports.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Gone,
        slug: "gone",
        error: "Gone",
        status: StatusCode::GONE,
        title: "The document was deleted",
        again: "no",
        why: "The document existed and was deleted.",
        what: "Its history is under <code>/versions</code>, as far as the collection keeps it. A PUT \
               creates the document again.",
        members: &[DELETED_AT, DELETED_BY, VERSION],
        always: &["deleted_at", "deleted_by"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::VersionGone,
        slug: "version-gone",
        error: "VersionGone",
        status: StatusCode::GONE,
        title: "The version is no longer kept",
        again: "no",
        why: "The document had this version, and its collection keeps only so much history.",
        what: "Work with a version that is still there: <code>/versions</code> lists them.",
        members: &[VERSION],
        ..ProblemType::BARE
    },
];
