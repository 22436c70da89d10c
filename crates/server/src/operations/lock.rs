use axum::http::Method;

use super::link::TO_LOCK;
use super::parameter::{BREAK_LOCK, LOCK as LOCK_TOKEN};
use super::refusal::{OF_READING, OF_STORING, Refusal, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::JSON;

pub(super) static LOCK: Resource =
    Resource::of_collection("/{collection}/{id}/lock", &[SHOW, TAKE, RELEASE]);

const SHOW: Operation = Operation {
    id: "showLock",
    run: gated!(crate::lock::show),
    method: Method::GET,
    action: Required::Always(Action::Read),
    summary: "Show the lock of a document",
    description: "404 if nobody holds it.",
    answers: &[Answer::of(
        "The lock, without its token.",
        &[Content::new(JSON, Shape::Named("Lock"))],
    )],
    refusals: &[OF_READING],
    ..Operation::BARE
};

const TAKE: Operation = Operation {
    id: "lock",
    run: gated!(crate::lock::take),
    method: Method::POST,
    action: Required::Always(Action::Update),
    summary: "Take or renew the lock of a document",
    description: "\
        Whoever holds the lock of a document is the only one who may write it, by its token in `Lock-Token`, until it expires. \
        It keeps others out, and does not replace `If-Match`: its holder still says which version a write began from. With \
        `Lock-Token`, the lock is held for longer.",
    fields: &[&LOCK_TOKEN],
    body: Some(Body {
        is_required: false,
        contents: &[Content::new(JSON, Shape::Named("LockRequest"))],
    }),
    answers: &[
        Answer {
            description: "The lock, held for longer.",
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

const RELEASE: Operation = Operation {
    id: "releaseLock",
    run: gated!(crate::lock::free),
    method: Method::DELETE,
    action: Required::Switched {
        by: &BREAK_LOCK,
        then: Action::BreakLock,
        otherwise: Action::Update,
    },
    summary: "Release or break the lock of a document",
    description: "\
        By the token in `Lock-Token`; or with `break=true` whoever holds it. One of the two must be there.",
    query: &[&BREAK_LOCK],
    fields: &[&LOCK_TOKEN],
    answers: &[Answer {
        status: 204,
        description: "Nobody holds it any more.",
        ..Answer::BARE
    }],
    refusals: &[OF_READING, OF_LOCKS, OF_STORING],
    ..Operation::BARE
};

const OF_LOCKS: &[Refusal] = &[always(ProblemKind::LockLost), always(ProblemKind::Locked)];
