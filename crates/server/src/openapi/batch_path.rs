use serde_json::{Value, json};

use super::api::{Api, SERVER};
use super::document_path::REFUSALS_OF_BODIES;
use super::schema::reference;
use super::{Members, header};
use crate::problem::ProblemKind;
use crate::resource::JSON;

const BATCH: &str = "\
All of its operations are performed, in one commit, or none. If one is refused, that is the answer: with its status, its \
place among them in `operation`, and in `results` what became of each; those that would have gone through have 424 \
there. With `atomic=false` each stands for itself, with an Idempotency-Key of its own if it has one, and the answer is \
200 whatever becomes of them.";

pub(super) fn item(api: &Api<'_>) -> (String, Value) {
    let performed = json!({
        "description": "What became of each operation.",
        "headers": header::references(&["Idempotent-Replayed"]),
        "content": {JSON: {"schema": reference("BatchResults")}},
    });
    let success = Members::from_iter([("200".into(), performed)]);
    let mut refusals = api.refusals_of_writes();
    refusals.extend([ProblemKind::NotFound, ProblemKind::PatchConflict]);
    refusals.extend(REFUSALS_OF_BODIES);
    let body = json!({JSON: {"schema": reference("Batch"), "example": example(api)}});
    let post = json!({
        "operationId": "performBatch",
        "tags": [SERVER],
        "summary": "Perform several writes at once",
        "description": BATCH,
        "parameters": api.write_parameters(&["atomic", "idempotencyKey"]),
        "requestBody": api.body(body),
        "responses": api.guarded(success, &refusals),
    });
    ("/api/_batch".into(), json!({"post": post}))
}

fn example(api: &Api<'_>) -> Value {
    let collection = api.subjects.iter().find_map(|subject| subject.name());
    let path = format!("/api/{}/45", collection.unwrap_or("documents"));
    json!({"operations": [
        {"method": "DELETE", "path": path, "headers": {"If-Match": "\"7-1f3a9c02\""}},
        {
            "method": "PATCH",
            "path": format!("{path}6"),
            "headers": {"If-Match": "\"2-9c021f3a\"", "Content-Type": "application/merge-patch+json"},
            "body": {"follows": null},
        },
    ]})
}
