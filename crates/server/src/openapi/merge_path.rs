use serde_json::{Value, json};

use super::document_path::{REFUSALS_OF_BODIES, minimal};
use super::schema::reference;
use super::subject::Subject;
use super::{Members, header, link};
use crate::problem::ProblemKind;
use crate::resource::JSON;

const MERGE: &str = "\
Merges an edit of an older version with the current one: what one side alone changed is kept, and where both changed the \
same place, the strategy that the configuration gives it joins the two, or a choice decides. Where neither does, it is \
refused, and tells what collides. With `dry_run=true` nothing is stored, and the answer tells what the merge would come \
to.";

pub(super) fn item(subject: &Subject<'_>) -> (String, Value) {
    let mut stored = minimal();
    stored["headers"]["Content-Location"] = header::reference("Content-Location");
    let success = Members::from_iter([("200".into(), merged(subject)), ("204".into(), stored)]);
    let mut refusals = subject.refusals_by_rules();
    refusals.extend([ProblemKind::NotFound, ProblemKind::PreconditionRequired]);
    refusals.extend(REFUSALS_OF_BODIES);
    let body = json!({JSON: {
        "schema": reference("MergeRequest"),
        "example": {"base": 5, "patch": {"title": "Plan"}, "choices": {"/title": "yours"}, "current": "\"7-1f3a9c02\""},
    }});
    let post = json!({
        "operationId": subject.operation("merge"),
        "tags": [subject.tag()],
        "summary": "Merge an edit, or tell what that would come to",
        "description": MERGE,
        "parameters": subject.write_parameters(&[
            "id",
            "dryRun",
            "ifMatch",
            "ifNoneMatch",
            "ifUnmodifiedSince",
            "prefer",
            "lockToken",
            "idempotencyKey",
        ]),
        "requestBody": subject.body(body),
        "responses": subject.conditional(success, &refusals),
    });
    (subject.path("/{id}/merge"), json!({"post": post}))
}

/// What a merge answers that was stored, and what one that was not.
fn merged(subject: &Subject<'_>) -> Value {
    let mut headers = header::perhaps(header::OF_VERSION);
    headers.extend(header::references(header::OF_WRITE));
    headers.extend(header::references(&["Content-Location", "Merged-Versions"]));
    json!({
        "description": "The new version, with its fields; or with `dry_run=true` the report, which has none.",
        "headers": headers,
        "content": {JSON: {"schema": {"anyOf": [subject.document(), reference("MergeReport")]}}},
        "links": link::to_document(subject, "$request.path.id"),
    })
}
