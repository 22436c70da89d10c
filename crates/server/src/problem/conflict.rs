use axum::http::StatusCode;
use serde_json::json;

use super::member::{
    CHANGES_SINCE, CONFLICTS, DELETED_AT, DELETED_BY, MEMBER, RESOLUTIONS, STALE, TAG, VERSION,
    member, settled_version,
};
use super::{ProblemKind, ProblemType};
use crate::schema::{
    Saying, anything, exactly, list, moment, named, one_word_of, pointer, text, whole,
};

pub(super) const ROWS: &[ProblemType] = &[
    ProblemType {
        kind: ProblemKind::StaleVersion,
        slug: "stale-version",
        error: "UpdateConflict",
        status: StatusCode::CONFLICT,
        title: "The document changed since you read it",
        again: "after bringing the edits together",
        why: "Your request names, in <code>If-Match</code>, the version that you began from. Somebody saved a newer \
             one since. Writing yours over it would silently destroy their work, so nothing was written.",
        what: "The answer holds all you need: <code>current</code> is what is stored now, <code>conflicts</code> lists \
             the places that both of you changed with <code>base</code>, <code>yours</code> and <code>current</code>, \
             and <code>changes_since</code> says who did what. Bring the two together (where <code>mergeable</code> \
             is true, <code>merged</code> already is that) and send it again with <code>current_etag</code> in \
             <code>If-Match</code>. <code>already_applied</code> says that what is stored is what you sent, directly \
             on your base: your first answer may have been lost, or somebody else made the same change.",
        members: STALE,
        always: &[
            "current_version",
            "your_version",
            "current_etag",
            "conflicting_fields",
            "conflicts",
            "changes_since",
            "mergeable",
            "resolutions",
        ],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::Deleted,
        slug: "deleted",
        error: "DeletedConflict",
        status: StatusCode::CONFLICT,
        title: "The document was deleted since you read it",
        again: "if the document is to come back",
        why: "You changed a document that somebody deleted since you read it.",
        what: "<code>deleted_by</code> says who, and the history still has every version. To bring the document back, \
             PUT it with <code>If-None-Match: *</code>; its versions go on counting.",
        members: &[
            DELETED_AT,
            DELETED_BY,
            VERSION,
            member("your_version", || json!({"type": ["integer", "null"]})),
            CONFLICTS,
            CHANGES_SINCE,
            member("mergeable", || exactly(false)),
            RESOLUTIONS,
        ],
        always: &[
            "current_version",
            "your_version",
            "deleted_at",
            "deleted_by",
            "resolutions",
        ],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::DuplicateEntry,
        slug: "duplicate-entry",
        error: "DuplicateEntry",
        named_by: Some("the constraint's own"),
        status: StatusCode::CONFLICT,
        title: "Another document already has this value",
        again: "with other values",
        why: "The collection wants a value, or a combination of values, to be there once. Another document has it.",
        what: "<code>violations</code> lists every such value with the document that holds it \
             (<code>existing</code>). Choose another value, or change that document instead. Trying again as it is \
             will not help.",
        members: &[
            member("constraint", text),
            member("field", || text().or_null()),
            member("fields", || list(text())),
            member("values", || json!({"type": "array"})),
            member("existing", || named("Existing")),
            member("violations", || list(named("Duplicate"))),
            VERSION,
            TAG,
        ],
        always: &["constraint", "field", "fields", "violations"],
    },
    ProblemType {
        kind: ProblemKind::StateConflict,
        slug: "state-conflict",
        error: "StateConflict",
        named_by: Some("the rule's name"),
        status: StatusCode::CONFLICT,
        title: "The document's state does not allow this",
        again: "with a step that is allowed",
        why: "A rule of the collection, or the lifecycle of its documents, does not allow this change while the \
             document is in its present state.",
        what: "<code>rule</code> names the rule, <code>current_state</code> the state, and \
             <code>allowed_transitions</code> the states that may come next.",
        members: &[
            member("rule", text),
            member("failed_rules", || list(text())),
            member("allowed_transitions", || list(text())),
            member("reason", text),
            member("current_state", anything),
            VERSION,
            TAG,
        ],
        always: &["rule", "failed_rules", "allowed_transitions"],
    },
    ProblemType {
        kind: ProblemKind::PatchConflict,
        slug: "patch-conflict",
        error: "PatchConflict",
        status: StatusCode::CONFLICT,
        title: "The patch does not fit the document",
        again: "with a new patch",
        why: "An operation of the JSON Patch does not fit the document: a <code>test</code> found another value, or \
             a path is not there. None of its operations was applied.",
        what: "<code>operation</code> counts from 0. GET the document, make the patch anew and send it again.",
        members: &[
            member("operation", || {
                whole(0).about("Of a JSON Patch, from 0. Absent where an edit of the conflict log fits no version.")
            }),
            member("path", pointer),
            member("expected", anything),
            member("actual", anything),
            VERSION,
            TAG,
        ],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::BaseGone,
        slug: "base-gone",
        error: "BaseGone",
        status: StatusCode::CONFLICT,
        title: "The version you began from is no longer kept",
        again: "no; make the edit anew",
        why: "Joining your edit with the current version takes the version that you began from, and the server keeps \
             that one no more. It will not guess.",
        what: "GET the document, make the edit again, and send it with the new <code>ETag</code>.",
        members: &[
            VERSION,
            member("current_etag", || text().or_null()),
            RESOLUTIONS,
            MEMBER,
        ],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::ConflictSettled,
        slug: "conflict-settled",
        error: "ConflictSettled",
        status: StatusCode::CONFLICT,
        title: "Somebody settled this conflict before you",
        again: "no",
        why: "The log's conflict was resolved or dismissed already; a second resolution might undo the first.",
        what: "<code>settled_by</code> and <code>settled_version</code> say what became of it.",
        members: &[
            member("outcome", || one_word_of(&["resolved", "dismissed"])),
            member("settled_by", text),
            member("settled_at", moment),
            member("settled_version", settled_version),
        ],
        always: &["outcome", "settled_by", "settled_at", "settled_version"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::RequestInProgress,
        slug: "request-in-progress",
        error: "RequestInProgress",
        status: StatusCode::CONFLICT,
        title: "The same request is still being worked on",
        again: "yes, the same request",
        why: "A request with the same <code>Idempotency-Key</code> and the same content has not been answered yet.",
        what: "Wait as long as <code>Retry-After</code> says, and send it again: you will get the answer of the first.",
        ..ProblemType::BARE
    },
];
