use axum::http::StatusCode;
use serde_json::json;

use super::member::{
    CHANGES_SINCE, CONFLICTS, DELETED_AT, DELETED_BY, MEMBER, RESOLUTIONS, STALE, TAG, VERSION,
    member, settled_reason, settled_version,
};
use super::{ProblemKind, ProblemType};
use crate::schema::{
    Saying, anything, flag, list, moment, named, one_word_of, pointer, text, whole,
};

pub(super) const ROWS: &[ProblemType] = &[
    ProblemType {
        kind: ProblemKind::StaleVersion,
        slug: "stale-version",
        error: "UpdateConflict",
        status: StatusCode::CONFLICT,
        title: "The document changed since you read it",
        again: "after combining the edits",
        why: "\
            <code>If-Match</code> in your request names the version that your edit is based on. Somebody has \
            saved a newer version since. Storing your edit would silently destroy their work, so nothing was \
            stored.",
        what: "\
            The answer has everything that you need. <code>current</code> is the stored document. \
            <code>conflicts</code> lists the places that both of you changed, with <code>base</code>, \
            <code>yours</code> and <code>current</code>. <code>changes_since</code> says who changed what. \
            Combine the two edits and send the result with <code>current_etag</code> in <code>If-Match</code>; \
            if <code>mergeable</code> is true, <code>merged</code> is already that result. \
            <code>already_applied</code> means that the stored document is exactly what you sent, saved \
            directly after your base: either your first answer was lost, or somebody else made the same \
            change.",
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
        again: "to bring the document back",
        why: "You changed a document that somebody has deleted since you read it.",
        what: "\
            <code>deleted_by</code> says who deleted it. To bring the document back, PUT it with \
            <code>If-None-Match: *</code>. Its version numbers continue.",
        members: &[
            DELETED_AT,
            DELETED_BY,
            VERSION,
            member("your_version", || json!({"type": ["integer", "null"]})),
            CONFLICTS,
            CHANGES_SINCE,
            member("mergeable", || flag().about("Always `false`.")),
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
        why: "\
            In this collection a value, or a combination of values, must be unique. Another document already \
            has it.",
        what: "\
            <code>violations</code> lists every such value with the document that has it \
            (<code>existing</code>). Choose another value, or change that document instead. The same request \
            will be refused again.",
        members: &[
            member("constraint", text),
            member("field", || text().or_null()),
            member("fields", || list(text())),
            member("values", || list(anything())),
            member("existing", || named("Existing")),
            member("violations", || list(named("Duplicate"))),
            VERSION,
            TAG,
        ],
        always: &["constraint", "field", "fields", "violations"],
    },
    ProblemType {
        kind: ProblemKind::PathClash,
        slug: "path-clash",
        error: "PathClash",
        status: StatusCode::CONFLICT,
        title: "A file is where a folder is needed, or the other way round",
        again: "with another path",
        why: "\
            A path names one thing. Your request needs a folder where there is a file, or a file where there is a \
            folder.",
        what: "\
            <code>path</code> is the path of what is in the way, and <code>found</code> says what it is. Choose \
            another path, or delete what is there first.",
        members: &[
            member("path", text),
            member("found", || one_word_of(&["file", "folder", "nothing"])),
        ],
        always: &["path", "found"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::StateConflict,
        slug: "state-conflict",
        error: "StateConflict",
        named_by: Some("the rule's name"),
        status: StatusCode::CONFLICT,
        title: "The document's state does not allow this",
        again: "with an allowed step",
        why: "\
            A rule of the collection, or the lifecycle of its documents, does not allow this change in the \
            document's current state.",
        what: "\
            <code>rule</code> names the rule, <code>current_state</code> the state, and \
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
        why: "\
            An operation of the JSON Patch does not fit the document: a <code>test</code> found another value, \
            or a path does not exist. No operation was applied.",
        what: "\
            <code>operation</code> says which operation failed, counted from 0. GET the document, make the \
            patch again and send it.",
        members: &[
            member("operation", || {
                whole(0).about(
                    "The operation of the JSON Patch, counted from 0. Absent if an edit of the conflict \
                     log fits no version.",
                )
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
        again: "no; make the edit again",
        why: "\
            To merge your edit, the server needs the version that the edit is based on. It no longer has that \
            version, and it does not guess.",
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
        why: "\
            Somebody has already resolved or dismissed this conflict. A second resolution could undo the \
            first.",
        what: "<code>outcome</code>, <code>settled_by</code> and <code>settled_version</code> say how \
               it ended.",
        members: &[
            member("outcome", || one_word_of(&["resolved", "dismissed"])),
            member("settled_by", text),
            member("settled_at", moment),
            member("settled_version", settled_version),
            member("settled_reason", settled_reason),
        ],
        always: &["outcome", "settled_by", "settled_at", "settled_version"],
        ..ProblemType::BARE
    },
    ProblemType {
        kind: ProblemKind::RequestInProgress,
        slug: "request-in-progress",
        error: "RequestInProgress",
        status: StatusCode::CONFLICT,
        title: "The same request is still in progress",
        again: "yes, the same request",
        why: "\
            A request with the same <code>Idempotency-Key</code> and the same content has not been answered \
            yet.",
        what: "\
            Wait for the time in <code>Retry-After</code> and send the request again. You will get the answer \
            of the first one.",
        ..ProblemType::BARE
    },
];
