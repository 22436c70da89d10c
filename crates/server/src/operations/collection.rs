use super::document::THE_DOCUMENT;
use super::header::{OF_VERSION, OF_WRITE};
use super::misplaced::NONE;
use super::parameter::{COUNT, CURSOR, IDEMPOTENCY, LIMIT, PREFER, SORT};
use super::refusal::{BY_RULES, OF_BODIES, OF_STORING, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::JSON;

pub(super) static COLLECTION: Resource = Resource::of_collection("/{collection}", &[LIST, CREATE]);

pub(super) static COLLECTIONS: Resource = Resource::of_space("", &[LIST_COLLECTIONS]);

const LIST_COLLECTIONS: Operation = Operation {
    id: "listCollections",
    run: gated!(crate::collections::read),
    method: "GET",
    action: Required::Always(Action::Read),
    summary: "List the collections",
    description: "\
        Lists the collections that you may read: those that are declared, and those that hold or held documents, with the \
        number of their documents and the time of their last change.",
    answers: &[Answer::of(
        "The collections, by their names.",
        &[Content::new(JSON, Shape::Named("CollectionList"))],
    )],
    ..Operation::BARE
};

const LIST: Operation = Operation {
    id: "list",
    run: gated!(crate::list::read),
    method: "GET",
    action: Required::Always(Action::Read),
    summary: "List documents",
    description: "\
        Lists documents in the order of `sort`, page by page. Every other parameter is a filter, and a \
        document must match all of them. A filter's name is the name of a member, a JSON Pointer into the \
        document, `_id`, `_version` or `_updated_at`, and an operator can follow after a dot: `status=paid`, \
        `stock.lt=5`, `/address/city.in=Bonn,Ulm`, `_updated_at.ge=2026-11-22`. The operators are `eq` (the \
        default), `ne`, `lt`, `le`, `gt`, `ge`, `in` and `exists` (`true` or `false`). `5` matches the \
        number and the string; `\"5\"` matches only the string.",
    query: &[&LIMIT, &CURSOR, &SORT, &COUNT],
    has_filters: true,
    answers: &[Answer::of(
        "A page of documents.",
        &[Content::new(JSON, Shape::DocumentPage)],
    )],
    refusals: &[&[always(ProblemKind::Malformed)]],
    ..Operation::BARE
};

const CREATE: Operation = Operation {
    id: "create",
    run: gated!(crate::document::create),
    method: "POST",
    action: Required::Always(Action::Create),
    summary: "Create a document",
    description: "The server chooses the id. `Location` is the path of the new document.",
    fields: &[&PREFER, &IDEMPOTENCY],
    // They are evaluated for the new document, which is not there yet.
    misplaced: NONE,
    body: Some(Body::of(THE_DOCUMENT)),
    answers: &[Answer {
        status: 201,
        description: "The new document. There is no body if the request prefers that.",
        headers: &[OF_VERSION, &["Location"], OF_WRITE],
        contents: THE_DOCUMENT,
        // No links: OpenAPI has no expression for the id, which is a part of `Location`.
        ..Answer::BARE
    }],
    refusals: &[
        BY_RULES,
        OF_BODIES,
        OF_STORING,
        &[
            always(ProblemKind::RequestInProgress),
            always(ProblemKind::KeyReuse),
        ],
    ],
    ..Operation::BARE
};
