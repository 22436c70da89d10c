use serde_json::json;

use super::document::{FIELDS_OF_WRITING, LEFT_OUT};
use super::header::{OF_VERSION, OF_WRITE};
use super::link::TO_DOCUMENT;
use super::misplaced::NONE;
use super::parameter::DRY_RUN;
use super::refusal::{OF_WRITING, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::JSON;

pub(super) static MERGE: Resource =
    Resource::of_collection("/{collection}/{id}/merge", &[MERGE_EDIT]);

const MERGE_EDIT: Operation = Operation {
    id: "merge",
    run: gated!(crate::merging::merge),
    method: "POST",
    action: Required::Switched {
        by: &DRY_RUN,
        then: Action::Read,
        otherwise: Action::Update,
    },
    summary: "Merge an edit, or preview the merge",
    description: "\
        Merges an edit of an older version with the current version. Where only one side changed a place, \
        that change is kept. Where both sides changed the same place, a choice in the request decides, or \
        the strategy that the configuration gives the place joins the two. If neither does, the request is \
        refused, and the refusal lists the conflicts. With `dry_run=true` nothing is stored, and the answer \
        is a report of what the merge would do.",
    query: &[&DRY_RUN],
    fields: FIELDS_OF_WRITING,
    misplaced: NONE,
    body: Some(Body::of(&[Content {
        example: Some(
            |_| json!({"base": 5, "patch": {"title": "Plan"}, "choices": {"/title": "yours"}, "current": "\"7-1f3a9c02\""}),
        ),
        ..Content::new(JSON, Shape::Named("MergeRequest"))
    }])),
    answers: &[
        Answer {
            description: "The new version with its header fields; with `dry_run=true` the report, \
                          without those fields.",
            headers: &[
                OF_WRITE,
                &["Content-Location", "Merged-Versions", "Merged-Places"],
            ],
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
        OF_WRITING,
        // Also for choices that do not name the version that they were made on.
        &[
            always(ProblemKind::NotFound),
            always(ProblemKind::PreconditionRequired),
        ],
    ],
    ..Operation::BARE
};
