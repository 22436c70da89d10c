use axum::http::StatusCode;
use detente_gate::Class;

use super::member::{LIMIT_BYTES, Member, member};
use super::{ProblemKind, ProblemType};
use crate::schema::{Saying, one_word_of, whole};

const LIMIT: Member = member("limit", || {
    let words = one_word_of(&Class::ALL.map(Class::word));
    words.about("What there were too many of.")
});

const OUTCOME: Member = member("outcome", || {
    one_word_of(&["unknown"]).about("If it is there: the write may have been performed, or not.")
});

pub(super) const ROWS: &[ProblemType] = &[
    ProblemType {
        kind: ProblemKind::RequestTimeout,
        slug: "request-timeout",
        error: "RequestTimeout",
        status: StatusCode::REQUEST_TIMEOUT,
        title: "The body came too slowly",
        again: "yes, faster",
        why: "The server waits half a minute for a body, and longer for one that comes at 16 KiB a second or more.",
        what: "Send the request again, on a connection that is fast enough.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::ContentTooLarge,
        slug: "content-too-large",
        error: "ContentTooLarge",
        status: StatusCode::PAYLOAD_TOO_LARGE,
        title: "The body is too large",
        again: "with less",
        why: "\
            The body is larger than this server accepts, or the operations of a batch, with the documents \
            that they change, are.",
        what: "<code>limit_bytes</code> is the largest size that it accepts.",
        members: &[LIMIT_BYTES],
        always: &["limit_bytes"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::UnsupportedMediaType,
        slug: "unsupported-media-type",
        error: "UnsupportedMediaType",
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        title: "The body's media type is not accepted here",
        again: "with another media type",
        why: "\
            This resource does not accept the <code>Content-Type</code> or the <code>Content-Encoding</code> \
            of the body.",
        what: "\
            Send a document as <code>application/json</code>. Send a patch as \
            <code>application/merge-patch+json</code> or <code>application/json-patch+json</code>. Do not \
            compress the body.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::HeadersTooLarge,
        slug: "headers-too-large",
        error: "HeadersTooLarge",
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        title: "The header fields are too large",
        again: "with less",
        why: "The header fields of the request are larger than this server accepts.",
        what: "\
            <code>limit_bytes</code> is the largest size that it accepts. If <code>If-Match</code> has a long \
            list of tags, send only the newest.",
        members: &[LIMIT_BYTES],
        always: &["limit_bytes"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::RateLimited,
        slug: "rate-limited",
        error: "RateLimited",
        status: StatusCode::TOO_MANY_REQUESTS,
        title: "You ask too often",
        again: "yes, the same request, later",
        why: "\
            You sent more requests than this server lets one caller send in that time, or too many of yours \
            were refused. Nothing was written.",
        what: "\
            Send the same request again after <code>Retry-After</code> seconds. <code>limit</code> names what \
            there were too many of, and <code>RateLimit</code> and <code>RateLimit-Policy</code> tell the \
            numbers.",
        members: &[LIMIT],
        always: &["limit"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Unavailable,
        slug: "unavailable",
        error: "Unavailable",
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "Try again in a moment",
        again: "yes, the same request",
        why: "\
            Too many writes are waiting, the database cannot be reached, or the server is shutting down. \
            Nothing was written, unless <code>outcome</code> is there.",
        what: "\
            Send the same request again after <code>Retry-After</code> seconds. If <code>outcome</code> is \
            <code>unknown</code>, the connection to the database broke during the write, which may have \
            been performed or not. An <code>Idempotency-Key</code> makes sure that it is performed once; \
            without one, <code>If-Match</code> finds out.",
        members: &[OUTCOME],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::StorageFull,
        slug: "storage-full",
        error: "StorageFull",
        status: StatusCode::INSUFFICIENT_STORAGE,
        title: "There is no room to store this",
        again: "when there is space again",
        why: "The disk is full. Nothing was written. Everything stored can still be read.",
        what: "Free some disk space. The server then accepts writes again without a restart.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Damaged,
        slug: "damaged",
        error: "Damaged",
        status: StatusCode::INTERNAL_SERVER_ERROR,
        title: "What is stored here is damaged",
        again: "no",
        why: "\
            The disk returns something else than the server wrote there. The server does not pass it off \
            as your data, so it answers neither with the document nor with a tag.",
        what: "\
            <code>seq</code> and <code>version</code> say which version it is, if the server knows. Tell whoever runs the server: its log names what is \
            damaged, and <code>detente verify</code> can restore it from a backup. A PUT that does not \
            need the damaged version still works.",
        members: &[member("seq", || whole(1)), member("version", || whole(1))],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Internal,
        slug: "internal",
        error: "InternalError",
        status: StatusCode::INTERNAL_SERVER_ERROR,
        title: "The server failed",
        again: "perhaps",
        why: "An unexpected failure in the server.",
        what: "\
            The server's log has the cause, under the id in <code>X-Request-Id</code>. A write with this \
            answer was not applied.",
        ..ProblemType::BARE
    },
];
