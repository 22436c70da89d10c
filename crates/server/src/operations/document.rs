use super::header::{OF_TOMBSTONE, OF_VERSION, OF_WRITE};
use super::link::TO_DOCUMENT;
use super::misplaced::NONE;
use super::parameter::{
    IDEMPOTENCY, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LOCK, PREFER,
};
use super::refusal::{
    BY_OTHERS, BY_RULES_OF_DELETION, OF_CONDITIONAL_READING, OF_STORING, OF_WRITING, always,
};
use super::{Action, Answer, Body, Content, Operation, Parameter, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::{JSON, JSON_PATCH, MERGE_PATCH};

pub(super) static DOCUMENT: Resource =
    Resource::of_collection("/{collection}/{id}", &[READ, HEAD, REPLACE, PATCH, DELETE]);

pub(super) const CONDITIONS_OF_READING: &[&Parameter] = &[
    &IF_NONE_MATCH,
    &IF_MODIFIED_SINCE,
    &IF_MATCH,
    &IF_UNMODIFIED_SINCE,
];

pub(super) const FIELDS_OF_WRITING: &[&Parameter] = &[
    &IF_MATCH,
    &IF_NONE_MATCH,
    &IF_UNMODIFIED_SINCE,
    &PREFER,
    &LOCK,
    &IDEMPOTENCY,
];

pub(super) const THE_DOCUMENT: &[Content] = &[Content::new(JSON, Shape::Document)];

const READ: Operation = Operation {
    id: "read",
    run: gated!(crate::document::read),
    method: "GET",
    action: Required::Always(Action::Read),
    summary: "Read a document",
    fields: CONDITIONS_OF_READING,
    misplaced: NONE,
    answers: &[
        Answer {
            contents: THE_DOCUMENT,
            ..CURRENT
        },
        NOT_MODIFIED,
    ],
    refusals: &[OF_CONDITIONAL_READING],
    ..Operation::BARE
};

const HEAD: Operation = Operation {
    id: "head",
    method: "HEAD",
    summary: "Read the header fields of a document",
    answers: &[CURRENT, NOT_MODIFIED],
    ..READ
};

const CURRENT: Answer = Answer {
    description: "The current version.",
    headers: &[OF_VERSION],
    ..Answer::BARE
};

/// For documents and for single versions.
pub(super) const NOT_MODIFIED: Answer = Answer {
    status: 304,
    description: "The client already has this version.",
    headers: &[OF_VERSION],
    ..Answer::BARE
};

const REPLACE: Operation = Operation {
    id: "replace",
    run: gated!(crate::document::write),
    method: "PUT",
    action: Required::Any(&[Action::Create, Action::Update]),
    summary: "Create or replace a document",
    description: "\
        Creates the document if it does not exist, or replaces the version that `If-Match` names. `If-Match: \
        *` replaces any version; `If-None-Match: *` only creates. If the document has changed and the server \
        merges the two edits, the answer is the merged document, without `ETag`. Make the next edit on that \
        document and send it with `Merged-ETag`.",
    fields: FIELDS_OF_WRITING,
    misplaced: NONE,
    body: Some(Body::of(THE_DOCUMENT)),
    answers: &[
        Answer {
            description: "The new version.",
            contents: THE_DOCUMENT,
            links: &TO_DOCUMENT,
            ..PERHAPS_MERGED
        },
        Answer {
            status: 201,
            description: "The new document. There is no body if the request prefers that.",
            headers: &[OF_VERSION, OF_WRITE],
            contents: THE_DOCUMENT,
            links: &TO_DOCUMENT,
            ..Answer::BARE
        },
        LEFT_OUT,
    ],
    refusals: &[OF_WRITING],
    ..Operation::BARE
};

/// For answers that can come without the document of their version.
const PERHAPS_MERGED: Answer = Answer {
    headers: &[&["Document-Version", "Link"], OF_WRITE],
    perhaps: &[
        "ETag",
        "Last-Modified",
        "Merged-ETag",
        "Merged-Versions",
        "Merged-Places",
    ],
    ..Answer::BARE
};

/// For `Prefer: return=minimal`, and for callers who may not read.
pub(super) const LEFT_OUT: Answer = Answer {
    status: 204,
    description: "Done. The answer leaves out the document.",
    ..PERHAPS_MERGED
};

const PATCH: Operation = Operation {
    id: "patch",
    run: gated!(crate::document::write),
    method: "PATCH",
    action: Required::Always(Action::Update),
    summary: "Change a document",
    description: "\
        Changes the version that `If-Match` names. `application/json` is a merge patch. A JSON Patch with a `test` operation needs no `If-Match`, \
        because the test says what the patch relies on.",
    fields: FIELDS_OF_WRITING,
    misplaced: NONE,
    body: Some(Body::of(&[
        Content::new(MERGE_PATCH, Shape::Named("MergePatch")),
        Content::new(JSON_PATCH, Shape::Named("JsonPatch")),
        Content::new(JSON, Shape::Named("MergePatch")),
    ])),
    answers: &[
        Answer {
            description: "The new version.",
            contents: THE_DOCUMENT,
            links: &TO_DOCUMENT,
            headers: &[OF_VERSION, OF_WRITE],
            perhaps: &["Merged-Versions", "Merged-Places"],
            ..Answer::BARE
        },
        LEFT_OUT,
    ],
    refusals: &[
        OF_WRITING,
        &[
            always(ProblemKind::NotFound),
            always(ProblemKind::PatchConflict),
        ],
    ],
    ..Operation::BARE
};

pub(super) const DELETE: Operation = Operation {
    id: "delete",
    run: gated!(crate::document::write),
    method: "DELETE",
    action: Required::Always(Action::Delete),
    summary: "Delete a document",
    description: "\
        Deletes the version that `If-Match` names. The history stays, and the document can be created \
        again.",
    fields: &[
        &IF_MATCH,
        &IF_NONE_MATCH,
        &IF_UNMODIFIED_SINCE,
        &LOCK,
        &IDEMPOTENCY,
    ],
    misplaced: NONE,
    answers: &[Answer {
        status: 204,
        description: "The document is deleted.",
        headers: &[OF_TOMBSTONE, &["Idempotent-Replayed"]],
        ..Answer::BARE
    }],
    refusals: &[
        BY_OTHERS,
        BY_RULES_OF_DELETION,
        &[
            always(ProblemKind::Malformed),
            always(ProblemKind::NotFound),
        ],
        OF_STORING,
    ],
    ..Operation::BARE
};
