use axum::http::Method;
use serde_json::{Value, json};

use super::parameter::{ATOMIC, IDEMPOTENCY};
use super::refusal::{BY_OTHERS, BY_RULES, OF_BODIES, OF_STORING, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::{JSON, MERGE_PATCH};

pub(super) static BATCH: Resource = Resource::of_space("/_batch", &[PERFORM]);

const PERFORM: Operation = Operation {
    id: "performBatch",
    run: gated!(crate::batch::perform),
    method: Method::POST,
    action: Required::Any(&[Action::Create, Action::Update, Action::Delete]),
    summary: "Perform several writes at once",
    description: "\
        All of its operations are performed, in one commit, or none. If one is refused, that is the answer: with its status, its \
        place among them in `operation`, and in `results` what became of each; those that would have gone through have 424 \
        there. With `atomic=false` each stands for itself, with an Idempotency-Key of its own if it has one, and the answer is \
        200 whatever becomes of them.",
    query: &[&ATOMIC],
    fields: &[&IDEMPOTENCY],
    body: Some(Body::of(&[Content {
        example: Some(example),
        ..Content::new(JSON, Shape::Named("Batch"))
    }])),
    answers: &[Answer {
        description: "What became of each operation.",
        headers: &[&["Idempotent-Replayed"]],
        contents: &[Content::new(JSON, Shape::Named("BatchResults"))],
        ..Answer::BARE
    }],
    refusals: &[
        BY_OTHERS,
        BY_RULES,
        &[
            always(ProblemKind::NotFound),
            always(ProblemKind::PatchConflict),
        ],
        OF_BODIES,
        OF_STORING,
    ],
    ..Operation::BARE
};

fn example(collection: &str) -> Value {
    let path = format!("/api/{collection}/45");
    json!({"operations": [
        {"method": "DELETE", "path": path, "headers": {"If-Match": "\"7-1f3a9c02\""}},
        {
            "method": "PATCH",
            "path": format!("{path}6"),
            "headers": {"If-Match": "\"2-9c021f3a\"", "Content-Type": MERGE_PATCH},
            "body": {"follows": null},
        },
    ]})
}
