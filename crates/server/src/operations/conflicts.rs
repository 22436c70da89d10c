use serde_json::json;

use super::document::FIELDS_OF_WRITING;
use super::header::OF_WRITE;
use super::link::TO_CONFLICT;
use super::misplaced::{IN_DISMISSALS, NONE};
use super::parameter::{
    CONFLICT_CURSOR, IDEMPOTENCY, LIMIT, LOGGED_SINCE, LOGGED_UNTIL, NOT_OF_AGENT, OF_ACTOR,
    OF_AGENT, OF_COLLECTION, OF_DOCUMENT, OF_KIND, OF_OUTCOME,
};
use super::refusal::{OF_STORING, OF_WRITING, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::JSON;

pub(super) static CONFLICTS: Resource = Resource::of_space("/_conflicts", &[LIST]);

pub(super) static DISMISSAL: Resource = Resource::of_space("/_conflicts/dismiss", &[DISMISS]);

pub(super) static STATISTICS: Resource = Resource::of_space("/_conflicts/stats", &[SUMMARIZE]);

pub(super) static CONFLICT: Resource = Resource::of_space("/_conflicts/{conflict}", &[READ]);

pub(super) static RESOLUTION: Resource =
    Resource::of_space("/_conflicts/{conflict}/resolve", &[RESOLVE]);

/// By what conflicts are chosen, and more.
macro_rules! filters {
    ($($more:expr),*) => {
        &[
            &OF_COLLECTION,
            &OF_DOCUMENT,
            &OF_ACTOR,
            &OF_KIND,
            &OF_AGENT,
            &NOT_OF_AGENT,
            &LOGGED_SINCE,
            &LOGGED_UNTIL,
            $($more),*
        ]
    };
}

/// A caller who may write sees their own conflicts; a caller who may read sees all.
pub(crate) const SEE: Required =
    Required::Any(&[Action::Read, Action::Create, Action::Update, Action::Delete]);

const LIST: Operation = Operation {
    id: "listConflicts",
    run: gated!(crate::conflict_log::list),
    method: "GET",
    action: SEE,
    summary: "List refused writes",
    description: "\
        When a write is refused because of other people's writes (409, 412 and 423), its edit is kept for a \
        while, so that nobody has to type it again. The newest conflict comes first. A caller who may write \
        but not read sees only their own conflicts.",
    query: filters![&OF_OUTCOME, &LIMIT, &CONFLICT_CURSOR],
    answers: &[Answer {
        description: "A page of conflicts.",
        contents: &[Content::new(JSON, Shape::Named("LoggedConflictPage"))],
        links: &TO_CONFLICT,
        ..Answer::BARE
    }],
    // The server writes pending conflicts to the log before it reads the log.
    refusals: &[&[always(ProblemKind::Malformed)], OF_STORING],
    ..Operation::BARE
};

const DISMISS: Operation = Operation {
    id: "dismissConflicts",
    run: gated!(crate::conflict_log::dismiss),
    method: "POST",
    action: Required::Always(Action::Resolve),
    summary: "Dismiss many refused writes",
    description: "\
        Dismisses the open conflicts that match the filters, the newest first and at most `limit`, in one \
        step. Without filters, all match. The body, which can be left out, has the reason.",
    query: filters![&LIMIT],
    fields: &[&IDEMPOTENCY],
    misplaced: IN_DISMISSALS,
    body: Some(Body {
        is_required: false,
        contents: &[Content {
            example: Some(|_| json!({"reason": "A run of the importer, which was repeated."})),
            ..Content::new(JSON, Shape::Named("ConflictDismissal"))
        }],
    }),
    answers: &[Answer {
        description: "How many were dismissed.",
        headers: &[&["Idempotent-Replayed"]],
        contents: &[Content::new(JSON, Shape::Named("DismissedConflicts"))],
        ..Answer::BARE
    }],
    refusals: &[
        &[
            always(ProblemKind::Malformed),
            always(ProblemKind::ContentTooLarge),
            always(ProblemKind::UnsupportedMediaType),
            always(ProblemKind::RequestInProgress),
            always(ProblemKind::KeyReuse),
        ],
        OF_STORING,
    ],
    ..Operation::BARE
};

const SUMMARIZE: Operation = Operation {
    id: "summarizeConflicts",
    run: gated!(crate::conflict_statistics::read),
    method: "GET",
    action: Required::Always(Action::Read),
    summary: "Summarize the refused writes",
    description: "\
        Summarizes the conflicts between `since` (the default is a day ago) and `until` (the default is \
        now). A table has at most 20 rows.",
    query: &[&LOGGED_SINCE, &LOGGED_UNTIL, &OF_AGENT, &NOT_OF_AGENT],
    answers: &[Answer::of(
        "The report.",
        &[Content::new(JSON, Shape::Named("ConflictStatistics"))],
    )],
    refusals: &[&[always(ProblemKind::Malformed)], OF_STORING],
    ..Operation::BARE
};

const READ: Operation = Operation {
    id: "readConflict",
    run: gated!(crate::conflict_log::read),
    method: "GET",
    action: SEE,
    summary: "Read a refused write",
    description: "\
        The edit, the versions that met, and where they conflict. A caller who may not read gets only the \
        edit.",
    answers: &[Answer::of(
        "The conflict.",
        &[Content::new(JSON, Shape::Named("LoggedConflictDetail"))],
    )],
    refusals: &[
        &[
            always(ProblemKind::Malformed),
            always(ProblemKind::NotFound),
        ],
        OF_STORING,
    ],
    ..Operation::BARE
};

const RESOLVE: Operation = Operation {
    id: "resolveConflict",
    run: gated!(crate::conflict_log::resolve),
    method: "POST",
    action: Required::Always(Action::Resolve),
    summary: "Resolve or dismiss a refused write",
    description: "\
        Stores the edit after all, merged with the current version, and with choices where the two conflict. \
        If the document was deleted, the edit creates it again. Or dismisses the edit and answers with the \
        conflict. A conflict can be settled only once.",
    fields: FIELDS_OF_WRITING,
    misplaced: NONE,
    body: Some(Body::of(&[Content {
        example: Some(|_| json!({"choices": {"/title": "yours"}, "current": "\"7-1f3a9c02\""})),
        ..Content::new(JSON, Shape::Named("ConflictResolution"))
    }])),
    answers: &[
        Answer {
            description: "The new version with its header fields; or the conflict, if it was dismissed.",
            headers: &[OF_WRITE],
            perhaps: &[
                "ETag",
                "Last-Modified",
                "Document-Version",
                "Link",
                "Content-Location",
                "Merged-Versions",
                "Merged-Places",
            ],
            contents: &[Content::new(JSON, Shape::DocumentOr("LoggedConflict"))],
            ..Answer::BARE
        },
        Answer {
            status: 201,
            description: "The document, created again. There is no body if the request prefers that.",
            headers: &[&["Document-Version", "Link", "Location"], OF_WRITE],
            perhaps: &["ETag", "Last-Modified", "Merged-ETag"],
            contents: &[Content::new(JSON, Shape::Document)],
            ..Answer::BARE
        },
        Answer {
            status: 204,
            description: "Done. The answer leaves out the document, or the document is deleted.",
            headers: &[&["Document-Version", "Link"], OF_WRITE],
            perhaps: &[
                "ETag",
                "Last-Modified",
                "Merged-ETag",
                "Content-Location",
                "Merged-Versions",
                "Merged-Places",
            ],
            ..Answer::BARE
        },
    ],
    refusals: &[
        OF_WRITING,
        &[
            always(ProblemKind::NotFound),
            always(ProblemKind::PatchConflict),
            always(ProblemKind::ConflictSettled),
            // Also for choices that do not name the version that they were made on.
            always(ProblemKind::PreconditionRequired),
        ],
    ],
    ..Operation::BARE
};
