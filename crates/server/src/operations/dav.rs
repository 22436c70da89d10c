use super::file::{self, ANY_BYTES};
use super::header::OF_VERSION;
use super::misplaced::{IN_DAV, IN_FINDS, IN_LOCKS};
use super::parameter::{IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LOCK as LOCK_TOKEN};
use super::refusal::{BY_OTHERS, OF_CONDITIONAL_READING, OF_FILES, OF_STORING, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;

/// Files over WebDAV.
pub(super) static FILE: Resource = Resource::of_files(
    "/dav",
    &[
        READ, HEAD, PUT, DELETE, FIND, PATCH, MAKE, COPY, MOVE, LOCK, UNLOCK,
    ],
);

const READ: Operation = Operation {
    id: "davRead",
    ..file::READ
};

const HEAD: Operation = Operation {
    id: "davHead",
    ..file::HEAD
};

const XML: &[Content] = &[Content::new("application/xml", Shape::Text)];

const SEVERAL: Answer = Answer {
    status: 207,
    ..Answer::of("A multistatus (RFC 4918, section 13).", XML)
};

const MADE: Answer = Answer {
    status: 201,
    description: "There was nothing.",
    headers: &[OF_VERSION],
    ..Answer::BARE
};

const CHANGED: Answer = Answer {
    status: 204,
    description: "There is a new version, or nothing any more.",
    perhaps: OF_VERSION,
    ..Answer::BARE
};

const LOCKED: Answer = Answer::of(
    "The lock; its token is in Lock-Token, too, where it is new.",
    XML,
);

/// A write: what they have in common.
const WRITE: Operation = Operation {
    answers: &[MADE, CHANGED],
    fields: &[&IF_MATCH, &IF_NONE_MATCH, &IF_UNMODIFIED_SINCE],
    misplaced: IN_DAV,
    refusals: &[
        BY_OTHERS,
        OF_STORING,
        OF_FILES,
        &[
            always(ProblemKind::NotFound),
            always(ProblemKind::TooCostly),
            always(ProblemKind::MethodNotAllowed),
        ],
    ],
    ..Operation::BARE
};

const PUT: Operation = Operation {
    id: "davPut",
    run: gated!(crate::dav::put),
    method: "PUT",
    action: Required::Any(&[Action::Create, Action::Update]),
    summary: "Create or replace a file",
    body: Some(Body {
        is_required: false,
        contents: ANY_BYTES,
    }),
    ..WRITE
};

const DELETE: Operation = Operation {
    id: "davDelete",
    run: gated!(crate::dav::delete),
    method: "DELETE",
    action: Required::Always(Action::Delete),
    summary: "Delete a file, or a folder with all that is in it",
    answers: &[CHANGED],
    ..WRITE
};

const FIND: Operation = Operation {
    id: "davFind",
    run: gated!(crate::dav::find),
    method: "PROPFIND",
    action: Required::Always(Action::Read),
    summary: "Show the properties of a file, or of a folder and what is in it",
    misplaced: IN_FINDS,
    answers: &[SEVERAL],
    refusals: &[OF_CONDITIONAL_READING],
    ..Operation::BARE
};

const PATCH: Operation = Operation {
    id: "davPatch",
    run: gated!(crate::dav::patch),
    method: "PROPPATCH",
    action: Required::Always(Action::Update),
    summary: "Set properties of a file or a folder",
    answers: &[SEVERAL],
    ..WRITE
};

const MAKE: Operation = Operation {
    id: "davMake",
    run: gated!(crate::dav::make),
    method: "MKCOL",
    action: Required::Always(Action::Create),
    summary: "Make a folder",
    answers: &[MADE],
    ..WRITE
};

const COPY: Operation = Operation {
    id: "davCopy",
    run: gated!(crate::dav::copy),
    method: "COPY",
    action: Required::Any(&[Action::Create, Action::Update]),
    summary: "Copy a file, or a folder with all that is in it",
    ..WRITE
};

const MOVE: Operation = Operation {
    id: "davMove",
    run: gated!(crate::dav::relocate),
    method: "MOVE",
    action: Required::Always(Action::Delete),
    summary: "Move a file, or a folder with all that is in it",
    ..WRITE
};

const LOCK: Operation = Operation {
    id: "davLock",
    run: gated!(crate::dav::lock),
    method: "LOCK",
    action: Required::Always(Action::Update),
    summary: "Take or renew the lock of a file or a folder",
    answers: &[
        LOCKED,
        Answer {
            status: 201,
            ..LOCKED
        },
    ],
    ..WRITE
};

const UNLOCK: Operation = Operation {
    id: "davUnlock",
    run: gated!(crate::dav::unlock),
    method: "UNLOCK",
    action: Required::Always(Action::Update),
    summary: "Release a lock",
    answers: &[Answer {
        status: 204,
        description: "Nobody holds the lock by this token.",
        ..Answer::BARE
    }],
    fields: &[&LOCK_TOKEN],
    misplaced: IN_LOCKS,
    ..WRITE
};
