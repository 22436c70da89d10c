use serde_json::{Value, json};

use super::subject::Subject;
use super::{Members, header, link, schema};
use crate::problem::ProblemKind;
use crate::resource::{JSON, JSON_PATCH, MERGE_PATCH};

const REPLACE: &str = "\
Creates the document if there is none, else replaces the version that `If-Match` names. `If-Match: *` replaces \
whatever is there, `If-None-Match: *` only creates. Where the version has moved on and the two edits are merged, the \
answer is the merged document, without `ETag`: send the next edit with `Merged-ETag`, and an edit of that document.";

const PATCH: &str = "\
Changes the version that `If-Match` names. A JSON Patch that holds a `test` needs no `If-Match`: it says itself what it \
relies on.";

const DELETE: &str = "\
Deletes the version that `If-Match` names. The versions of the document stay, and it may be created again.";

pub(super) fn item(subject: &Subject<'_>) -> (String, Value) {
    let item = json!({
        "get": read(subject, "read", "Read a document", true),
        "head": read(subject, "head", "Read about a document", false),
        "put": replace(subject),
        "patch": patch(subject),
        "delete": delete(subject),
    });
    (subject.path("/{id}"), item)
}

fn read(subject: &Subject<'_>, verb: &str, summary: &str, with_body: bool) -> Value {
    let mut current = json!({
        "description": "The current version.",
        "headers": header::references(header::OF_VERSION),
    });
    if with_body {
        current["content"] = json!({JSON: {"schema": subject.document()}});
    }
    let refusals = [
        ProblemKind::Malformed,
        ProblemKind::NotFound,
        ProblemKind::Gone,
        ProblemKind::PreconditionFailed,
    ];
    let success = Members::from_iter([("200".into(), current), ("304".into(), not_modified())]);
    json!({
        "operationId": subject.operation(verb),
        "tags": [subject.tag()],
        "summary": summary,
        "parameters": subject.parameters(&[
            "id", "ifNoneMatch", "ifModifiedSince", "ifMatch", "ifUnmodifiedSince",
        ]),
        "responses": subject.answers(success, &refusals),
    })
}

/// 304, of a document and of a single version alike.
pub(super) fn not_modified() -> Value {
    json!({
        "description": "The client knows this version already.",
        "headers": header::references(header::OF_VERSION),
    })
}

fn replace(subject: &Subject<'_>) -> Value {
    let replaced = perhaps_merged();
    let success = Members::from_iter([
        ("200".into(), written(subject, "The new version.", replaced)),
        (
            "201".into(),
            written(
                subject,
                "The new document; without a body if that is preferred.",
                header::references(header::OF_VERSION),
            ),
        ),
        ("204".into(), minimal()),
    ]);
    let mut refusals = subject.refusals_by_rules();
    refusals.extend(REFUSALS_OF_BODIES);
    json!({
        "operationId": subject.operation("replace"),
        "tags": [subject.tag()],
        "summary": "Create or replace a document",
        "description": REPLACE,
        "parameters": subject.write_parameters(WRITE_PARAMETERS),
        "requestBody": subject.body(json!({JSON: {"schema": subject.document()}})),
        "responses": subject.conditional(success, &refusals),
    })
}

fn patch(subject: &Subject<'_>) -> Value {
    let mut patched = header::references(header::OF_VERSION);
    patched.extend(header::perhaps(&["Merged-Versions"]));
    let success = Members::from_iter([
        ("200".into(), written(subject, "The new version.", patched)),
        ("204".into(), minimal()),
    ]);
    let mut refusals = subject.refusals_by_rules();
    refusals.extend([ProblemKind::NotFound, ProblemKind::PatchConflict]);
    refusals.extend(REFUSALS_OF_BODIES);
    let merge_patch =
        json!({"type": "object", "description": "A merge patch (RFC 7396): null removes."});
    let body = json!({
        MERGE_PATCH: {"schema": merge_patch},
        JSON_PATCH: {"schema": schema::reference("JsonPatch")},
    });
    json!({
        "operationId": subject.operation("patch"),
        "tags": [subject.tag()],
        "summary": "Change a document",
        "description": PATCH,
        "parameters": subject.write_parameters(WRITE_PARAMETERS),
        "requestBody": subject.body(body),
        "responses": subject.conditional(success, &refusals),
    })
}

fn delete(subject: &Subject<'_>) -> Value {
    let mut headers = header::references(header::OF_TOMBSTONE);
    headers.extend(header::references(&["Idempotent-Replayed"]));
    let deleted = json!({"description": "It is deleted.", "headers": headers});
    let success = Members::from_iter([("204".into(), deleted)]);
    let mut refusals = subject.refusals_to_delete();
    refusals.extend([
        ProblemKind::Malformed,
        ProblemKind::NotFound,
        ProblemKind::Unavailable,
        ProblemKind::StorageFull,
    ]);
    let parameters = &[
        "id",
        "ifMatch",
        "ifNoneMatch",
        "ifUnmodifiedSince",
        "lockToken",
        "idempotencyKey",
    ];
    json!({
        "operationId": subject.operation("delete"),
        "tags": [subject.tag()],
        "summary": "Delete a document",
        "description": DELETE,
        "parameters": subject.write_parameters(parameters),
        "responses": subject.conditional(success, &refusals),
    })
}

const WRITE_PARAMETERS: &[&str] = &[
    "id",
    "ifMatch",
    "ifNoneMatch",
    "ifUnmodifiedSince",
    "prefer",
    "lockToken",
    "idempotencyKey",
];

/// Refusals of what a request carries, whatever is stored.
pub(super) const REFUSALS_OF_BODIES: [ProblemKind; 6] = [
    ProblemKind::Malformed,
    ProblemKind::ContentTooLarge,
    ProblemKind::UnsupportedMediaType,
    ProblemKind::InvalidDocument,
    ProblemKind::Unavailable,
    ProblemKind::StorageFull,
];

fn written(subject: &Subject<'_>, description: &str, mut headers: Members) -> Value {
    headers.extend(header::references(header::OF_WRITE));
    json!({
        "description": description,
        "headers": headers,
        "content": {JSON: {"schema": subject.document()}},
        "links": link::to_document(subject, "$request.path.id"),
    })
}

/// The fields of an answer that need not carry the document that its version has.
fn perhaps_merged() -> Members {
    let mut headers = header::references(&["Document-Version", "Link"]);
    headers.extend(header::perhaps(&[
        "ETag",
        "Last-Modified",
        "Merged-ETag",
        "Merged-Versions",
    ]));
    headers
}

/// What `Prefer: return=minimal` gets, and who may not read.
pub(super) fn minimal() -> Value {
    let mut headers = perhaps_merged();
    headers.extend(header::references(header::OF_WRITE));
    json!({"description": "It is done; the representation is left out.", "headers": headers})
}
