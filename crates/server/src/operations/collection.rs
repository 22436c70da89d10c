use axum::http::Method;

use super::document::THE_DOCUMENT;
use super::header::{OF_VERSION, OF_WRITE};
use super::link::TO_DOCUMENT;
use super::parameter::{CURSOR, IDEMPOTENCY, LIMIT, PREFER, SORT};
use super::refusal::{BY_RULES, OF_BODIES, OF_STORING, always};
use super::{Action, Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::JSON;

pub(super) static COLLECTION: Resource = Resource::of_collection("/{collection}", &[LIST, CREATE]);

const LIST: Operation = Operation {
    id: "list",
    run: gated!(crate::list::read),
    method: Method::GET,
    action: Required::Always(Action::Read),
    summary: "List documents",
    description: "\
        In the order of `sort`, page by page. Any other parameter is a filter, and all of them must hold: a member's name or a \
        JSON Pointer into the document, or one of `_id`, `_version` and `_updated_at`, and perhaps an operator after a dot. \
        `status=paid`, `stock.lt=5`, `/address/city.in=Bonn,Ulm`, `_updated_at.ge=2026-11-22`. The operators are `eq` (which \
        is the default), `ne`, `lt`, `le`, `gt`, `ge`, `in` and `exists` (`true` or `false`). `5` means the number or the text, \
        `\"5\"` the text alone.",
    query: &[&LIMIT, &CURSOR, &SORT],
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
    method: Method::POST,
    action: Required::Always(Action::Create),
    summary: "Create a document",
    description: "The server chooses the id, and tells it in `Location`.",
    fields: &[&PREFER, &IDEMPOTENCY],
    body: Some(Body::of(THE_DOCUMENT)),
    answers: &[Answer {
        status: 201,
        description: "The new document; without a body if that is preferred.",
        headers: &[OF_VERSION, &["Location"], OF_WRITE],
        contents: THE_DOCUMENT,
        links: &TO_DOCUMENT,
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
