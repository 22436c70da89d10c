use super::file::{self, ANY_BYTES};
use super::header::OF_VERSION;
use super::misplaced::IN_STORAGES;
use super::parameter::{IF_MATCH, IF_NONE_MATCH, REL, RESOURCE};
use super::refusal::{BY_OTHERS, OF_FILES, OF_STORING, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Scope, Shape};
use crate::call::{gated, open};
use crate::problem::ProblemKind;

/// Somebody's storage, for applications of others.
pub(super) static DOCUMENT: Resource = Resource::new(
    Scope::Storage,
    "/storage/{user}",
    &[READ, HEAD, PUT, DELETE],
)
.undescribed();

/// Where that is.
pub(super) static FINGER: Resource =
    Resource::of_server("/.well-known/webfinger", &[FIND]).undescribed();

const FOUND: &[Content] = &[Content::new("application/jrd+json", Shape::Text)];

const FIND: Operation = Operation {
    id: "findStorage",
    run: open!(crate::storage::finger),
    summary: "Find the storage of a person",
    query: &[&RESOURCE, &REL],
    answers: &[Answer::of("Where the storage is.", FOUND)],
    refusals: &[&[
        always(ProblemKind::Malformed),
        always(ProblemKind::NotFound),
    ]],
    ..Operation::BARE
};

const READ: Operation = Operation {
    id: "storageRead",
    run: gated!(crate::storage::read),
    query: &[],
    ..file::READ
};

const HEAD: Operation = Operation {
    id: "storageHead",
    method: "HEAD",
    ..READ
};

const PUT: Operation = Operation {
    id: "storagePut",
    run: gated!(crate::storage::put),
    method: "PUT",
    action: Required::Any(&[Action::Create, Action::Update]),
    summary: "Create or replace a document",
    answers: &[
        Answer {
            status: 201,
            description: "The document is new.",
            headers: &[OF_VERSION],
            ..Answer::BARE
        },
        Answer {
            description: "The document has a new version.",
            headers: &[OF_VERSION],
            ..Answer::BARE
        },
    ],
    fields: &[&IF_MATCH, &IF_NONE_MATCH],
    misplaced: IN_STORAGES,
    body: Some(Body {
        is_required: false,
        contents: ANY_BYTES,
    }),
    refusals: &[BY_OTHERS, OF_STORING, OF_FILES],
    ..Operation::BARE
};

const DELETE: Operation = Operation {
    id: "storageDelete",
    run: gated!(crate::storage::delete),
    method: "DELETE",
    action: Required::Always(Action::Delete),
    summary: "Delete a document",
    answers: &[Answer {
        description: "There is no such document any more.",
        ..Answer::BARE
    }],
    fields: &[&IF_MATCH, &IF_NONE_MATCH],
    misplaced: IN_STORAGES,
    refusals: &[
        BY_OTHERS,
        OF_STORING,
        &[
            always(ProblemKind::PathClash),
            always(ProblemKind::Malformed),
            always(ProblemKind::NotFound),
        ],
    ],
    ..Operation::BARE
};
