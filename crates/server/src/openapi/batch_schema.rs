use serde_json::{Value, json};

use super::api::Api;
use crate::batch::MAX_OPERATIONS;
use crate::operations::{IDEMPOTENCY_KEY, LOCK_TOKEN};
use crate::resource::{JSON, JSON_PATCH, MERGE_PATCH};
use crate::schema::{
    ID_SEGMENT, Saying, anything, closed, exactly, list, named, object, one_of, short_text_like,
    text_like, whole,
};

/// If-Match and If-None-Match inside a body.
const TAGS: &str = "^(\\*|(W/)?\"[!#-~]*\"(, (W/)?\"[!#-~]*\")*)$";

/// A field value in ASCII.
const FIELD: &str = "^[ -~]*$";

/// Batches and their results.
pub(super) fn schemas(api: &Api<'_>) -> Vec<(&'static str, Value)> {
    let list_of_operations = list(named("Operation"))
        .and("minItems", 1)
        .and("maxItems", MAX_OPERATIONS)
        .about("They are performed in this order, and each sees the effects of those before it.");
    let results = list(named("OperationResult"));
    let results = results.about("The outcome of each operation, in the order of the operations.");
    let mut schemas = vec![
        ("Batch", closed([("operations", list_of_operations)])),
        ("BatchResults", object([("results", results)])),
        ("Operation", operation()),
        ("OperationResult", result()),
    ];
    schemas.extend(operations(api));
    schemas
}

/// One schema for each method and each kind of patch.
fn operation() -> Value {
    one_of([
        named("PutOperation"),
        named("PostOperation"),
        named("PatchOperation"),
        named("MergePatchOperation"),
        named("JsonPatchOperation"),
        named("DeleteOperation"),
    ])
    .about(
        "A write, described like a single request. Header fields that are not in `headers` come from \
         the batch. Their names may be in upper or lower case. In another space, the paths are those of \
         that space.",
    )
}

fn operations(api: &Api<'_>) -> Vec<(&'static str, Value)> {
    let collection = format!("^/api/{}", api.collection_pattern());
    let document = || short_text_like(&format!("{collection}/{ID_SEGMENT}$"), 834);
    let collection = text_like(&format!("{collection}$"));
    let write = |method, path, headers, media_type, body| {
        closed([
            ("method", exactly(method)),
            ("path", path),
            (headers, closed(fields(media_type))),
            ("body", body),
        ])
    };
    let plain = Some(("Content-Type?", JSON));
    let of = |media_type| Some(("Content-Type", media_type));
    let delete = [
        ("method", exactly("DELETE")),
        ("path", document()),
        ("headers?", closed(fields(None))),
    ];
    vec![
        (
            "PutOperation",
            write("PUT", document(), "headers?", plain, named("Document")),
        ),
        (
            "PostOperation",
            write("POST", collection, "headers?", plain, named("Document")),
        ),
        (
            "PatchOperation",
            write("PATCH", document(), "headers?", plain, named("MergePatch")),
        ),
        (
            "MergePatchOperation",
            write(
                "PATCH",
                document(),
                "headers",
                of(MERGE_PATCH),
                named("MergePatch"),
            ),
        ),
        (
            "JsonPatchOperation",
            write(
                "PATCH",
                document(),
                "headers",
                of(JSON_PATCH),
                named("JsonPatch"),
            ),
        ),
        ("DeleteOperation", closed(delete)),
    ]
}

fn fields(media_type: Option<(&'static str, &str)>) -> Vec<(&'static str, Value)> {
    let key = short_text_like(IDEMPOTENCY_KEY, 255)
        .about("Only with `atomic=false`; otherwise the batch has the key.");
    let mut fields = vec![
        ("If-Match?", text_like(TAGS)),
        ("If-None-Match?", text_like(TAGS)),
        ("If-Unmodified-Since?", text_like(FIELD)),
        ("Lock-Token?", text_like(LOCK_TOKEN)),
        ("Prefer?", text_like(FIELD)),
        ("Idempotency-Key?", key),
    ];
    fields.extend(media_type.map(|(name, value)| (name, exactly(value))));
    fields
}

fn result() -> Value {
    let headers = json!({"type": "object", "additionalProperties": {"type": "string"}});
    object([
        ("status", whole(200).and("maximum", 599)),
        (
            "headers",
            headers.about("The header fields of the answer, with lower-case names."),
        ),
        (
            "body?",
            anything().about("A document or a problem. Absent if the answer has no body."),
        ),
    ])
    .about("The answer that the operation would have as a single request.")
}
