use serde_json::{Value, json};

use super::document_path::not_modified;
use super::subject::Subject;
use super::{Members, header, schema};
use crate::problem::ProblemKind;
use crate::resource::JSON;

pub(super) fn list(subject: &Subject<'_>) -> (String, Value) {
    let page = json!({
        "description": "A page of versions, the newest first.",
        "content": {JSON: {"schema": schema::reference("VersionPage")}},
    });
    let success = Members::from_iter([("200".into(), page)]);
    let refusals = [ProblemKind::Malformed, ProblemKind::NotFound];
    let get = json!({
        "operationId": subject.operation("listVersions"),
        "tags": [subject.tag()],
        "summary": "List the versions of a document",
        "description": "Also of a document that was deleted. Each version is as it was saved, under the rules of then.",
        "parameters": subject.parameters(&["id", "limit", "versionCursor"]),
        "responses": subject.answers(success, &refusals),
    });
    (subject.path("/{id}/versions"), json!({"get": get}))
}

pub(super) fn version(subject: &Subject<'_>) -> (String, Value) {
    let version = json!({
        "description": "The version. It never changes.",
        "headers": header::references(header::OF_VERSION),
        "content": {JSON: {"schema": schema::reference("Document")}},
    });
    let success = Members::from_iter([("200".into(), version), ("304".into(), not_modified())]);
    let refusals = [
        ProblemKind::Malformed,
        ProblemKind::NotFound,
        ProblemKind::Gone,
        ProblemKind::PreconditionFailed,
    ];
    let get = json!({
        "operationId": subject.operation("readVersion"),
        "tags": [subject.tag()],
        "summary": "Read one version of a document",
        "description": "As it was saved, under the rules of then. 410 if it was this version that deleted the document.",
        "parameters": subject.parameters(&[
            "id", "version", "ifNoneMatch", "ifModifiedSince", "ifMatch", "ifUnmodifiedSince",
        ]),
        "responses": subject.answers(success, &refusals),
    });
    (
        subject.path("/{id}/versions/{version}"),
        json!({"get": get}),
    )
}
