use serde_json::{Value, json};

use super::api::Api;
use crate::batch::MAX_OPERATIONS;
use crate::operations::{IDEMPOTENCY_KEY, LOCK_TOKEN};
use crate::resource::{JSON, JSON_PATCH, MERGE_PATCH};
use crate::schema::{
    ID, Saying, anything, closed, exactly, list, named, object, one_of, short_text_like, text_like,
    whole,
};

/// If-Match and If-None-Match, within a body.
const TAGS: &str = "^(\\*|(W/)?\"[!#-~]*\"(, (W/)?\"[!#-~]*\")*)$";

/// A field value of ASCII.
const FIELD: &str = "^[ -~]*$";

/// What batches are made of, and what becomes of them.
pub(super) fn schemas(api: &Api<'_>) -> Vec<(&'static str, Value)> {
    let operations = list(named("Operation"))
        .and("minItems", 1)
        .and("maxItems", MAX_OPERATIONS)
        .about("In this order; each meets what those before it left.");
    let results = list(named("OperationResult"));
    let results = results.about("What became of each operation, in their order.");
    vec![
        ("Batch", closed([("operations", operations)])),
        ("BatchResults", object([("results", results)])),
        ("Operation", operation(api)),
        ("OperationResult", result()),
    ]
}

/// One schema for each method, and for each kind of patch.
fn operation(api: &Api<'_>) -> Value {
    let id = ID.trim_start_matches('^');
    let collection = format!("^/api/{}", api.collection_pattern());
    let document = short_text_like(&format!("{collection}/{id}"), 325);
    let collection = text_like(&format!("{collection}$"));
    let put = |method, path: &Value| {
        closed([
            ("method", exactly(method)),
            ("path", path.clone()),
            ("headers?", closed(fields(Some(("Content-Type?", JSON))))),
            ("body", named("Document")),
        ])
    };
    let patch = |media_type, body| {
        closed([
            ("method", exactly("PATCH")),
            ("path", document.clone()),
            (
                "headers",
                closed(fields(Some(("Content-Type", media_type)))),
            ),
            ("body", body),
        ])
    };
    let delete = closed([
        ("method", exactly("DELETE")),
        ("path", document.clone()),
        ("headers?", closed(fields(None))),
    ]);
    one_of([
        put("PUT", &document),
        put("POST", &collection),
        patch(MERGE_PATCH, json!({"type": "object"})),
        patch(JSON_PATCH, named("JsonPatch")),
        delete,
    ])
    .about(
        "A write, as it would be a request of its own. All fields that are not among `headers` are the batch's; their names \
         may be in any case. In another space, the paths are those of that space.",
    )
}

fn fields(media_type: Option<(&'static str, &str)>) -> Vec<(&'static str, Value)> {
    let key = short_text_like(IDEMPOTENCY_KEY, 255)
        .about("Where each operation stands for itself; else the key is that of the batch.");
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
            headers.about("Fields of the answer, their names in small letters."),
        ),
        (
            "body?",
            anything().about("A document or a problem. Absent if there is none."),
        ),
    ])
    .about("The answer that the operation would have had as a request of its own.")
}
