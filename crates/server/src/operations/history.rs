use super::document::{CONDITIONS_OF_READING, NOT_MODIFIED};
use super::header::OF_VERSION;
use super::misplaced::NONE;
use super::parameter::{LIMIT, VERSION_CURSOR};
use super::refusal::{OF_CONDITIONAL_READING, OF_READING};
use super::{Action, Answer, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::resource::JSON;

pub(super) static VERSIONS: Resource =
    Resource::of_collection("/{collection}/{id}/versions", &[LIST]);

pub(super) static VERSION: Resource =
    Resource::of_collection("/{collection}/{id}/versions/{version}", &[READ]);

const LIST: Operation = Operation {
    id: "listVersions",
    run: gated!(crate::history::list),
    method: "GET",
    action: Required::Always(Action::Read),
    summary: "List the versions of a document",
    description: "\
        Works for a deleted document too. Each version is as it was saved, even if the rules have changed \
        since.",
    query: &[&LIMIT, &VERSION_CURSOR],
    answers: &[Answer::of(
        "A page of versions, the newest first.",
        &[Content::new(JSON, Shape::Named("VersionPage"))],
    )],
    refusals: &[OF_READING],
    ..Operation::BARE
};

const READ: Operation = Operation {
    id: "readVersion",
    run: gated!(crate::history::version),
    method: "GET",
    action: Required::Always(Action::Read),
    summary: "Read one version of a document",
    description: "\
        The version as it was saved, even if the rules have changed since. 410 if this version is the \
        deletion of the document.",
    fields: CONDITIONS_OF_READING,
    misplaced: NONE,
    answers: &[
        Answer {
            description: "The version. It never changes.",
            headers: &[OF_VERSION],
            contents: &[Content::new(JSON, Shape::Named("Document"))],
            ..Answer::BARE
        },
        NOT_MODIFIED,
    ],
    refusals: &[OF_CONDITIONAL_READING],
    ..Operation::BARE
};
