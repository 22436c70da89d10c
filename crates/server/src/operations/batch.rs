use serde_json::{Value, json};

use super::misplaced::IN_BATCHES;
use super::parameter::{ATOMIC, IDEMPOTENCY};
use super::refusal::{OF_WRITING, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::{JSON, MERGE_PATCH};

pub(super) static BATCH: Resource = Resource::of_space("/_batch", &[PERFORM]);

/// Whoever may do none of what a batch does may send none.
pub(crate) const BATCHED: Required =
    Required::Any(&[Action::Create, Action::Update, Action::Delete]);

const PERFORM: Operation = Operation {
    id: "performBatch",
    run: gated!(crate::batch::perform),
    method: "POST",
    action: BATCHED,
    summary: "Perform several writes together",
    description: "\
        Performs all operations in one commit, or none. If an operation is refused, the answer is that \
        refusal, with its status. `operation` is the place of that operation in the batch, and `results` has \
        the outcome of each operation: 424 for those that were not refused themselves. With `atomic=false` \
        each operation succeeds or fails alone and can have its own Idempotency-Key, and the answer is 200 \
        in any case.",
    query: &[&ATOMIC],
    fields: &[&IDEMPOTENCY],
    misplaced: IN_BATCHES,
    body: Some(Body::of(&[Content {
        example: Some(example),
        ..Content::new(JSON, Shape::Named("Batch"))
    }])),
    answers: &[Answer {
        description: "The outcome of each operation.",
        headers: &[&["Idempotent-Replayed"]],
        contents: &[Content::new(JSON, Shape::Named("BatchResults"))],
        ..Answer::BARE
    }],
    refusals: &[
        OF_WRITING,
        &[
            always(ProblemKind::NotFound),
            always(ProblemKind::PatchConflict),
        ],
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
