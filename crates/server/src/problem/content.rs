use axum::http::StatusCode;
use serde_json::json;

use super::member::{MEMBER, member};
use super::{ProblemKind, ProblemType};
use crate::schema::{Saying, exactly, list, named, text, whole};

pub(super) const ROWS: &[ProblemType] = &[
    ProblemType {
        kind: ProblemKind::InvalidDocument,
        slug: "invalid-document",
        error: "ValidationFailed",
        status: StatusCode::UNPROCESSABLE_ENTITY,
        title: "The document is not valid",
        again: "with a valid document",
        why: "The document breaks the JSON Schema of its collection, or is not a JSON object.",
        what: "<code>violations</code> lists every mistake with its path.",
        members: &[member("violations", || list(named("Violation")))],
        always: &["violations"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::KeyReuse,
        slug: "key-reuse",
        error: "IdempotencyKeyReuse",
        status: StatusCode::UNPROCESSABLE_ENTITY,
        title: "This Idempotency-Key stands for another request",
        again: "with a new key",
        why: "An <code>Idempotency-Key</code> stands for one request, so that sending it twice does it once. This key \
             came with other content before.",
        what: "Use a new key for a new request, and the same key only to repeat one.",
        members: &[member("header", || exactly("Idempotency-Key"))],
        always: &["header"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::NotPerformed,
        slug: "not-performed",
        error: "NotPerformed",
        status: StatusCode::FAILED_DEPENDENCY,
        title: "Not performed, since another operation of the batch was refused",
        again: "with the rest of its batch put right",
        why: "A batch is performed as a whole or not at all. Nothing was wrong with this operation; another one was \
             refused.",
        what: "<code>results</code> has the refusal of each operation. Mend those, and send the batch again.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Malformed,
        slug: "malformed",
        error: "MalformedRequest",
        status: StatusCode::BAD_REQUEST,
        title: "The request cannot be understood",
        again: "no",
        why: "The server could not make sense of the request.",
        what: "<code>detail</code> says what is wrong; <code>offset</code>, <code>header</code> or \
             <code>parameter</code> say where.",
        members: &[
            member("offset", || whole(0).about("Bytes before the mistake.")),
            member("header", text),
            member("parameter", text),
            MEMBER,
            member("last", || text().about("The newest change.")),
            member("operation", || {
                json!({"type": ["integer", "null"]}).about("Of a JSON Patch, from 0.")
            }),
        ],
        ..ProblemType::BARE
    },
];
