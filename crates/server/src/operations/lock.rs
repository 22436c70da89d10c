use super::link::TO_LOCK;
use super::misplaced::IN_LOCKS;
use super::parameter::{BREAK_LOCK, LOCK as LOCK_TOKEN};
use super::refusal::{OF_READING, OF_STORING, Refusal, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::JSON;

pub(super) static LOCK: Resource =
    Resource::of_collection("/{collection}/{id}/lock", &[SHOW, TAKE, RELEASE]);

pub(super) const SHOW: Operation = Operation {
    id: "showLock",
    run: gated!(crate::lock::show),
    method: "GET",
    action: Required::Always(Action::Read),
    summary: "Show the lock of a document",
    description: "404 if nobody holds the lock.",
    answers: &[Answer::of(
        "The lock, without its token.",
        &[Content::new(JSON, Shape::Named("Lock"))],
    )],
    refusals: &[OF_READING],
    ..Operation::BARE
};

pub(super) const TAKE: Operation = Operation {
    id: "lock",
    run: gated!(crate::lock::take),
    method: "POST",
    action: Required::Always(Action::Update),
    summary: "Take or renew the lock of a document",
    description: "\
        While somebody holds the lock of a document, only requests with its token in `Lock-Token` can write \
        the document, until the lock expires. The lock does not replace `If-Match`: a write must still name \
        the version that it changes. A request with `Lock-Token` renews the lock.",
    fields: &[&LOCK_TOKEN],
    misplaced: IN_LOCKS,
    body: Some(Body {
        is_required: false,
        contents: &[Content::new(JSON, Shape::Named("LockRequest"))],
    }),
    answers: &[
        Answer {
            description: "The renewed lock.",
            ..HELD
        },
        Answer {
            status: 201,
            description: "The new lock.",
            ..HELD
        },
    ],
    refusals: &[
        OF_READING,
        OF_LOCKS,
        OF_STORING,
        &[
            always(ProblemKind::Gone),
            always(ProblemKind::ContentTooLarge),
            always(ProblemKind::UnsupportedMediaType),
        ],
    ],
    ..Operation::BARE
};

const HELD: Answer = Answer {
    contents: &[Content::new(JSON, Shape::Named("HeldLock"))],
    links: &TO_LOCK,
    ..Answer::BARE
};

pub(super) const RELEASE: Operation = Operation {
    id: "releaseLock",
    run: gated!(crate::lock::free),
    method: "DELETE",
    action: Required::Switched {
        by: &BREAK_LOCK,
        then: Action::BreakLock,
        otherwise: Action::Update,
    },
    summary: "Release or break the lock of a document",
    description: "\
        Releases the lock whose token is in `Lock-Token`. With `break=true` it takes the lock away from its \
        holder. The request must have one of the two.",
    query: &[&BREAK_LOCK],
    fields: &[&LOCK_TOKEN],
    misplaced: IN_LOCKS,
    answers: &[Answer {
        status: 204,
        description: "The lock is released.",
        ..Answer::BARE
    }],
    refusals: &[OF_READING, OF_LOCKS, OF_STORING],
    ..Operation::BARE
};

const OF_LOCKS: &[Refusal] = &[always(ProblemKind::LockLost), always(ProblemKind::Locked)];
