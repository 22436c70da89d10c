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
        why: "The document does not match the JSON Schema of its collection, or it is not a JSON object.",
        what: "<code>violations</code> lists the mistakes with their paths.",
        members: &[
            member("violations", || list(named("Violation"))),
            member("violations_omitted", || {
                whole(1)
                    .about("How many mistakes the list leaves out, if there are more than 1000.")
            }),
        ],
        always: &["violations"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::TooCostly,
        slug: "too-costly",
        error: "TooCostly",
        status: StatusCode::UNPROCESSABLE_ENTITY,
        title: "The write takes too much work",
        again: "with a smaller document or patch",
        why: "\
            A rule of the collection would take longer for this document than rules may, or a JSON Patch \
            moves more values than a patch may. All other writes would have to wait meanwhile.",
        what: "\
            <code>rule</code> or <code>operation</code> says which. Send a smaller document, or change the rule \
            in the configuration: a loop within a loop takes the product of both. Instead of a long patch, send \
            the document itself.",
        members: &[member("rule", text), member("operation", || whole(0))],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::KeyReuse,
        slug: "key-reuse",
        error: "IdempotencyKeyReuse",
        status: StatusCode::UNPROCESSABLE_ENTITY,
        title: "This Idempotency-Key stands for another request",
        again: "with a new key",
        why: "\
            An <code>Idempotency-Key</code> belongs to one request, so that sending it twice performs it once. \
            This key came with another request before.",
        what: "Use a new key for a new request. Use the same key only to repeat a request.",
        members: &[member("header", || exactly("Idempotency-Key"))],
        always: &["header"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::RangeNotSatisfiable,
        slug: "range-not-satisfiable",
        error: "RangeNotSatisfiable",
        status: StatusCode::RANGE_NOT_SATISFIABLE,
        title: "The file has no such part",
        again: "with another range",
        why: "The <code>Range</code> of your request begins behind the end of the file.",
        what: "<code>size</code> is the size of the file in bytes. Ask for a part of it, or for all of it.",
        members: &[member("size", || whole(0))],
        always: &["size"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::NotPerformed,
        slug: "not-performed",
        error: "NotPerformed",
        status: StatusCode::FAILED_DEPENDENCY,
        title: "Not performed, because another operation of the batch was refused",
        again: "the whole batch, with the refused operations corrected",
        why: "\
            A batch is performed completely or not at all. Nothing was wrong with this operation, but another \
            one was refused.",
        what: "\
            <code>results</code> has the refusal of each operation. Correct the refused operations and send \
            the whole batch again.",
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Malformed,
        slug: "malformed",
        error: "MalformedRequest",
        status: StatusCode::BAD_REQUEST,
        title: "The request cannot be understood",
        again: "no",
        why: "The server could not understand the request.",
        what: "\
            <code>detail</code> says what is wrong. <code>offset</code>, <code>header</code>, \
            <code>member</code> or <code>parameter</code> says where.",
        members: &[
            member("offset", || {
                whole(0).about("The number of bytes before the mistake.")
            }),
            member("header", text),
            member("parameter", text),
            MEMBER,
            member("operation", || {
                json!({"type": ["integer", "null"]})
                    .about("The operation of the JSON Patch, counted from 0.")
            }),
        ],
        ..ProblemType::BARE
    },
];
