//! The places of the web page. All of them are one shell; its script reads from the URL what to show.

use super::refusal::OF_READING;
use super::server::READ_FRONT_PAGE;
use super::{Answer, Content, Operation, Required, Resource, Shape};
use crate::call::open;

pub(super) static SPACE: Resource = Resource::of_page(
    "",
    &[Operation {
        id: "showSpace",
        summary: "Show the collections of a space",
        ..READ_FRONT_PAGE
    }],
);

pub(super) static COLLECTION: Resource = Resource::of_page(
    "/c/{collection}",
    &[Operation {
        id: "showCollection",
        summary: "Show the documents of a collection",
        ..READ_FRONT_PAGE
    }],
);

pub(super) static DOCUMENT: Resource = Resource::of_page(
    "/c/{collection}/{id}",
    &[Operation {
        id: "showDocument",
        summary: "Show a document, to edit it",
        ..READ_FRONT_PAGE
    }],
);

pub(super) static MERGE: Resource = Resource::of_page(
    "/c/{collection}/{id}/merge",
    &[Operation {
        id: "showMerge",
        summary: "Show what two edits of a document come to",
        ..READ_FRONT_PAGE
    }],
);

pub(super) static CONFLICTS: Resource = Resource::of_page(
    "/conflicts",
    &[Operation {
        id: "showConflicts",
        summary: "Show the conflict log",
        ..READ_FRONT_PAGE
    }],
);

pub(super) static CONFLICT: Resource = Resource::of_page(
    "/conflicts/{entry}",
    &[Operation {
        id: "showConflict",
        summary: "Show one refused write",
        ..READ_FRONT_PAGE
    }],
);

/// The folder that all files are in.
pub(super) static FILES: Resource = Resource::of_page(
    "/f",
    &[Operation {
        id: "showFiles",
        summary: "Show the files and folders of a space",
        ..READ_FRONT_PAGE
    }],
);

pub(super) static PATH: Resource = Resource::of_page(
    "/f/{*path}",
    &[Operation {
        id: "showPath",
        summary: "Show a folder, or a file",
        ..READ_FRONT_PAGE
    }],
);

pub(super) static FILE: Resource = Resource::of_server(
    "/_page/{file}",
    &[Operation {
        id: "readPageFile",
        run: open!(crate::page_file::read),
        method: "GET",
        action: Required::Nothing,
        summary: "Read a file of the web page",
        answers: &[
            Answer::of(
                "The file.",
                &[
                    Content::new("text/javascript", Shape::Text),
                    Content::new("text/css", Shape::Text),
                    Content::new("image/svg+xml", Shape::Text),
                ],
            ),
            Answer {
                status: 304,
                description: "The client already has this file.",
                headers: &[&["ETag"]],
                ..Answer::BARE
            },
        ],
        refusals: &[OF_READING],
        ..Operation::BARE
    }],
)
.undescribed();
