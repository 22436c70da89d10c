use super::document::{CONDITIONS_OF_READING, FIELDS_OF_WRITING, NOT_MODIFIED};
use super::header::{OF_VERSION, OF_WRITE};
use super::misplaced::{IN_NEW_FILES, IN_READS_OF_FILES, NONE};
use super::parameter::{AFTER, IDEMPOTENCY, LIMIT, VERSION_CURSOR, VERSION_NUMBER};
use super::refusal::{BY_OTHERS, OF_CONDITIONAL_READING, OF_FILES, OF_STORING, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use super::{document, lock};
use crate::call::gated;
use crate::problem::ProblemKind;

pub(super) static FILE: Resource = Resource::of_files("/files", &[READ, HEAD, PUT, POST, DELETE]);

pub(super) static VERSIONS: Resource = Resource::of_files("/file-versions", &[LIST_VERSIONS]);

pub(super) static LOCK: Resource = Resource::of_files("/file-locks", &[SHOW_LOCK, TAKE, RELEASE]);

pub(super) const ANY_BYTES: &[Content] = &[Content::new("*/*", Shape::Text)];

pub(super) const READ: Operation = Operation {
    id: "readFile",
    run: gated!(crate::file::read),
    method: "GET",
    action: Required::Always(Action::Read),
    summary: "Read a file, or list a folder",
    query: &[&LIMIT, &AFTER],
    fields: CONDITIONS_OF_READING,
    misplaced: NONE,
    answers: &[
        Answer {
            description: "The content of the file, or what is in the folder.",
            headers: &[OF_VERSION],
            contents: ANY_BYTES,
            ..Answer::BARE
        },
        NOT_MODIFIED,
    ],
    refusals: &[
        OF_CONDITIONAL_READING,
        &[always(ProblemKind::RangeNotSatisfiable)],
    ],
    ..Operation::BARE
};

pub(super) const HEAD: Operation = Operation {
    id: "headFile",
    method: "HEAD",
    summary: "Read the header fields of a file",
    ..READ
};

const PUT: Operation = Operation {
    id: "putFile",
    run: gated!(crate::file::put),
    method: "PUT",
    action: Required::Any(&[Action::Create, Action::Update]),
    summary: "Create or replace a file, or make a folder",
    fields: FIELDS_OF_WRITING,
    misplaced: NONE,
    body: Some(Body {
        is_required: false,
        contents: ANY_BYTES,
    }),
    answers: &[
        Answer {
            status: 201,
            description: "The file is new, or the folder; or it is a copy beside the one that it collides with.",
            headers: &[OF_VERSION, OF_WRITE],
            perhaps: &["Location"],
            ..Answer::BARE
        },
        Answer {
            description: "The file was joined with what others wrote; this is the outcome.",
            headers: &[OF_VERSION],
            contents: ANY_BYTES,
            ..Answer::BARE
        },
        Answer {
            status: 204,
            description: "The file has a new version.",
            headers: &[OF_VERSION, OF_WRITE],
            ..Answer::BARE
        },
    ],
    refusals: &[BY_OTHERS, OF_STORING, OF_FILES],
    ..Operation::BARE
};

const POST: Operation = Operation {
    id: "postFile",
    run: gated!(crate::file::post),
    method: "POST",
    action: Required::Always(Action::Create),
    summary: "Create a file in a folder, under a name of the server's choice",
    fields: &[&IDEMPOTENCY],
    misplaced: IN_NEW_FILES,
    body: Some(Body {
        is_required: false,
        contents: ANY_BYTES,
    }),
    answers: &[Answer {
        status: 201,
        description: "The file is new.",
        headers: &[OF_VERSION, &["Location"], OF_WRITE],
        ..Answer::BARE
    }],
    refusals: &[
        OF_STORING,
        OF_FILES,
        &[
            always(ProblemKind::RequestInProgress),
            always(ProblemKind::KeyReuse),
        ],
    ],
    ..Operation::BARE
};

const DELETE: Operation = Operation {
    id: "deleteFile",
    run: gated!(crate::file::delete),
    summary: "Delete a file, or a folder with all that is in it",
    description: "",
    refusals: &[
        BY_OTHERS,
        OF_STORING,
        &[
            always(ProblemKind::PathClash),
            always(ProblemKind::TooCostly),
            always(ProblemKind::Malformed),
            always(ProblemKind::NotFound),
        ],
    ],
    ..document::DELETE
};

const LIST_VERSIONS: Operation = Operation {
    id: "listFileVersions",
    run: gated!(crate::file::versions),
    method: "GET",
    action: Required::Always(Action::Read),
    summary: "List the versions of a file, or read one of them",
    query: &[&LIMIT, &VERSION_CURSOR, &VERSION_NUMBER],
    fields: CONDITIONS_OF_READING,
    // The list of them has no version of its own: its conditions are refused where it is made.
    misplaced: NONE,
    answers: &[Answer::of(
        "A page of versions, the newest first; or the content of one.",
        ANY_BYTES,
    )],
    refusals: &[OF_CONDITIONAL_READING],
    ..Operation::BARE
};

const SHOW_LOCK: Operation = Operation {
    id: "showFileLock",
    summary: "Show the lock of a file",
    misplaced: IN_READS_OF_FILES,
    ..lock::SHOW
};

const TAKE: Operation = Operation {
    id: "lockFile",
    summary: "Take or renew the lock of a file",
    ..lock::TAKE
};

const RELEASE: Operation = Operation {
    id: "releaseFileLock",
    summary: "Release or break the lock of a file",
    ..lock::RELEASE
};
