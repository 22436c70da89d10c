use super::parameter::{INCLUDE, LAST_EVENT_ID, LATEST, LIMIT, SINCE};
use super::refusal::always;
use super::{Action, Answer, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::problem::ProblemKind;
use crate::resource::JSON;

pub(super) static OF_SPACE: Resource = Resource::of_space(
    "/_changes",
    &[Operation {
        id: "listChanges",
        run: gated!(crate::feed::of_space),
        summary: "Follow the changes of a space",
        ..FOLLOW
    }],
);

pub(super) static OF_COLLECTION: Resource = Resource::of_collection(
    "/{collection}/_changes",
    &[Operation {
        id: "listChanges",
        run: gated!(crate::feed::of_collection),
        summary: "Follow the changes of a collection",
        ..FOLLOW
    }],
);

pub(super) static OF_DOCUMENT: Resource = Resource::of_collection(
    "/{collection}/{id}/_changes",
    &[Operation {
        id: "listDocumentChanges",
        run: gated!(crate::feed::of_document),
        summary: "Follow the changes of a document",
        ..FOLLOW
    }],
);

const FOLLOW: Operation = Operation {
    method: "GET",
    action: Required::Always(Action::Read),
    description: "\
        Lists every version, including deletions, in the order in which they were saved. The answer is a \
        page of JSON. A client that accepts `text/event-stream` gets server-sent events instead, and new \
        ones as changes happen: each has the event `change`, its place as `id` and one `Change` as `data`. If an \
        older copy of the store was put back, a client that comes with a place of the log before gets \
        everything from the beginning: a page has `reset`, a stream begins with an event of that type.",
    query: &[&SINCE, &LIMIT, &LATEST, &INCLUDE],
    fields: &[&LAST_EVENT_ID],
    answers: &[Answer {
        description: "A page or a stream of changes.",
        contents: &[
            Content::new(JSON, Shape::Named("ChangePage")),
            Content::new("text/event-stream", Shape::Text),
        ],
        ..Answer::BARE
    }],
    refusals: &[&[always(ProblemKind::Malformed)]],
    ..Operation::BARE
};
