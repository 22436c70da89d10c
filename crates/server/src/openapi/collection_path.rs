use serde_json::{Value, json};

use super::subject::Subject;
use super::{Members, header, link, schema};
use crate::problem::ProblemKind;
use crate::resource::JSON;

const LIST: &str = "\
In the order of `sort`, page by page. Any other parameter is a filter, and all of them must hold: a member's name or a \
JSON Pointer into the document, or one of `_id`, `_version` and `_updated_at`, and perhaps an operator after a dot. \
`status=paid`, `stock.lt=5`, `/address/city.in=Bonn,Ulm`, `_updated_at.ge=2026-11-22`. The operators are `eq` (which \
is the default), `ne`, `lt`, `le`, `gt`, `ge`, `in` and `exists` (`true` or `false`). `5` means the number or the text, \
`\"5\"` the text alone.";

const CREATE: &str = "The server chooses the id, and tells it in `Location`.";

pub(super) fn item(subject: &Subject<'_>) -> (String, Value) {
    let item = json!({"get": list(subject), "post": create(subject)});
    (subject.path(""), item)
}

fn list(subject: &Subject<'_>) -> Value {
    let page = schema::document_page(&subject.document());
    let page = json!({"description": "A page of documents.", "content": {JSON: {"schema": page}}});
    let success = Members::from_iter([("200".into(), page)]);
    json!({
        "operationId": subject.operation("list"),
        "tags": [subject.tag()],
        "summary": "List documents",
        "description": LIST,
        "parameters": subject.parameters(&["limit", "cursor", "sort"]),
        "responses": subject.answers(success, &[ProblemKind::Malformed]),
    })
}

fn create(subject: &Subject<'_>) -> Value {
    let mut headers = header::references(header::OF_VERSION);
    headers.extend(header::references(&["Location"]));
    headers.extend(header::references(header::OF_WRITE));
    let created = json!({
        "description": "The new document; without a body if that is preferred.",
        "headers": headers,
        "content": {JSON: {"schema": subject.document()}},
        "links": link::to_document(subject, &subject.id_in_location()),
    });
    let mut refusals = subject.refusals_by_rules();
    refusals.extend([
        ProblemKind::Malformed,
        ProblemKind::ContentTooLarge,
        ProblemKind::UnsupportedMediaType,
        ProblemKind::InvalidDocument,
        ProblemKind::Unavailable,
        ProblemKind::StorageFull,
        ProblemKind::RequestInProgress,
        ProblemKind::KeyReuse,
    ]);
    let success = Members::from_iter([("201".into(), created)]);
    json!({
        "operationId": subject.operation("create"),
        "tags": [subject.tag()],
        "summary": "Create a document",
        "description": CREATE,
        "parameters": subject.write_parameters(&["prefer", "idempotencyKey"]),
        "requestBody": subject.body(json!({JSON: {"schema": subject.document()}})),
        "responses": subject.answers(success, &refusals),
    })
}
