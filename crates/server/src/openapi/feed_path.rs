use serde_json::{Value, json};

use super::api::{Api, SERVER};
use super::subject::Subject;
use super::{Members, parameter, schema};
use crate::problem::ProblemKind;
use crate::resource::JSON;

const FEED: &str = "\
Every version, deletions included, in the order in which they were saved. As a page of JSON, or for whoever accepts \
`text/event-stream` as server-sent events that go on as changes come: each has the event `change`, its `seq` as `id` \
and one `Change` as `data`.";

pub(super) fn of_space(api: &Api<'_>) -> (String, Value) {
    let names = ["since", "limit", "lastEventId"];
    let get = json!({
        "operationId": "listChanges",
        "tags": [SERVER],
        "summary": "Follow the changes of a space",
        "description": FEED,
        "parameters": names.map(parameter::reference),
        "responses": api.guarded(success(), &[ProblemKind::Malformed]),
    });
    ("/api/_changes".into(), json!({"get": get}))
}

pub(super) fn of_collection(subject: &Subject<'_>) -> (String, Value) {
    let get = json!({
        "operationId": subject.operation("listChanges"),
        "tags": [subject.tag()],
        "summary": "Follow the changes of a collection",
        "description": FEED,
        "parameters": subject.parameters(&["since", "limit", "lastEventId"]),
        "responses": subject.answers(success(), &[ProblemKind::Malformed]),
    });
    (subject.path("/_changes"), json!({"get": get}))
}

pub(super) fn of_document(subject: &Subject<'_>) -> (String, Value) {
    let get = json!({
        "operationId": subject.operation("listDocumentChanges"),
        "tags": [subject.tag()],
        "summary": "Follow the changes of a document",
        "description": FEED,
        "parameters": subject.parameters(&["id", "since", "limit", "lastEventId"]),
        "responses": subject.answers(success(), &[ProblemKind::Malformed]),
    });
    (subject.path("/{id}/_changes"), json!({"get": get}))
}

fn success() -> Members {
    let changes = json!({
        "description": "Changes.",
        "content": {
            JSON: {"schema": schema::reference("ChangePage")},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    });
    Members::from_iter([("200".into(), changes)])
}
