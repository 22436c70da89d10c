use axum::http::Method;
use serde_json::json;

use super::document::LEFT_OUT;
use super::header::{OF_VERSION, OF_WRITE};
use super::link::TO_DOCUMENT;
use super::parameter::{
    DRY_RUN, IDEMPOTENCY, IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LOCK, PREFER,
};
use super::refusal::{BY_OTHERS, BY_RULES, OF_BODIES, OF_STORING, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::JSON;

pub(super) static MERGE: Resource =
    Resource::of_collection("/{collection}/{id}/merge", &[MERGE_EDIT]);

const MERGE_EDIT: Operation = Operation {
    id: "merge",
    run: gated!(crate::merging::merge),
    method: Method::POST,
    action: Required::Switched {
        by: &DRY_RUN,
        then: Action::Read,
        otherwise: Action::Update,
    },
    summary: "Merge an edit, or tell what that would come to",
    description: "\
        Merges an edit of an older version with the current one: what one side alone changed is kept, and where both changed the \
        same place, the strategy that the configuration gives it joins the two, or a choice decides. Where neither does, it is \
        refused, and tells what collides. With `dry_run=true` nothing is stored, and the answer tells what the merge would come \
        to.",
    query: &[&DRY_RUN],
    fields: &[
        &IF_MATCH,
        &IF_NONE_MATCH,
        &IF_UNMODIFIED_SINCE,
        &PREFER,
        &LOCK,
        &IDEMPOTENCY,
    ],
    body: Some(Body::of(&[Content {
        example: Some(
            |_| json!({"base": 5, "patch": {"title": "Plan"}, "choices": {"/title": "yours"}, "current": "\"7-1f3a9c02\""}),
        ),
        ..Content::new(JSON, Shape::Named("MergeRequest"))
    }])),
    answers: &[
        Answer {
            description: "The new version, with its fields; or with `dry_run=true` the report, which has none.",
            headers: &[OF_WRITE, &["Content-Location", "Merged-Versions"]],
            perhaps: OF_VERSION,
            contents: &[Content::new(JSON, Shape::DocumentOr("MergeReport"))],
            links: &TO_DOCUMENT,
            ..Answer::BARE
        },
        Answer {
            headers: &[&["Document-Version", "Link", "Content-Location"], OF_WRITE],
            ..LEFT_OUT
        },
    ],
    refusals: &[
        BY_OTHERS,
        BY_RULES,
        // Also of choices that do not say which version they were made on.
        &[
            always(ProblemKind::NotFound),
            always(ProblemKind::PreconditionRequired),
        ],
        OF_BODIES,
        OF_STORING,
    ],
    ..Operation::BARE
};
