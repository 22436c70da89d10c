use serde_json::{Value, json};

use super::Members;
use super::api::Api;
use super::schema::{closed, object, reference};
use crate::batch::MAX_OPERATIONS;
use crate::operations::{IDEMPOTENCY_KEY, LOCK_TOKEN};
use crate::resource::{JSON, JSON_PATCH, MERGE_PATCH};
use crate::schema::{ID, short_text_like};

/// If-Match and If-None-Match, within a body.
const TAGS: &str = "^(\\*|(W/)?\"[!#-~]*\"(, (W/)?\"[!#-~]*\")*)$";

/// A field value of ASCII.
const FIELD: &str = "^[ -~]*$";

/// What batches are made of, and what becomes of them.
pub(super) fn schemas(api: &Api<'_>) -> Members {
    let operations = json!({
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_OPERATIONS,
        "items": reference("Operation"),
        "description": "In this order; each meets what those before it left.",
    });
    let results = json!({
        "type": "array",
        "items": reference("OperationResult"),
        "description": "What became of each operation, in their order.",
    });
    let named = [
        (
            "Batch",
            closed(&["operations"], json!({"operations": operations})),
        ),
        (
            "BatchResults",
            object(&["results"], json!({"results": results})),
        ),
        ("Operation", operation(api)),
        ("OperationResult", result()),
    ];
    let owned = |(name, schema): (&str, Value)| (name.to_owned(), schema);
    named.into_iter().map(owned).collect()
}

/// One schema for each method, and for each kind of patch.
fn operation(api: &Api<'_>) -> Value {
    let id = ID.trim_start_matches('^');
    let collection = format!("^/api/{}", api.collection_pattern());
    let document =
        json!({"type": "string", "pattern": format!("{collection}/{id}"), "maxLength": 325});
    let collection = json!({"type": "string", "pattern": format!("{collection}$")});
    let schema = |method: &str, path: &Value, media_type: Option<&str>, body: Option<Value>| {
        let mut fields = closed(&[], fields());
        if let Some(media_type) = media_type {
            fields["properties"]["Content-Type"] = json!({"const": media_type});
        }
        let mut schema = closed(
            &["method", "path"],
            json!({"method": {"const": method}, "path": path, "headers": fields}),
        );
        if let Some(body) = body {
            schema["properties"]["body"] = body;
            schema["required"] = json!(["method", "path", "body"]);
        }
        schema
    };
    let patch = |media_type: &str, body: Value| {
        let mut patch = schema("PATCH", &document, Some(media_type), Some(body));
        patch["required"] = json!(["method", "path", "headers", "body"]);
        patch["properties"]["headers"]["required"] = json!(["Content-Type"]);
        patch
    };
    json!({
        "description": "A write, as it would be a request of its own. All fields that are not among `headers` are the \
                        batch's; their names may be in any case. In another space, the paths are those of that space.",
        "oneOf": [
            schema("PUT", &document, Some(JSON), Some(reference("Document"))),
            schema("POST", &collection, Some(JSON), Some(reference("Document"))),
            patch(MERGE_PATCH, json!({"type": "object"})),
            patch(JSON_PATCH, reference("JsonPatch")),
            schema("DELETE", &document, None, None),
        ],
    })
}

fn fields() -> Value {
    let mut key = short_text_like(IDEMPOTENCY_KEY, 255);
    key["description"] =
        "Where each operation stands for itself; else the key is that of the batch.".into();
    json!({
        "If-Match": {"type": "string", "pattern": TAGS},
        "If-None-Match": {"type": "string", "pattern": TAGS},
        "If-Unmodified-Since": {"type": "string", "pattern": FIELD},
        "Lock-Token": {"type": "string", "pattern": LOCK_TOKEN},
        "Prefer": {"type": "string", "pattern": FIELD},
        "Idempotency-Key": key,
    })
}

fn result() -> Value {
    let mut result = object(
        &["status", "headers"],
        json!({
            "status": {"type": "integer", "minimum": 200, "maximum": 599},
            "headers": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Fields of the answer, their names in small letters.",
            },
            "body": {"description": "A document or a problem. Absent if there is none."},
        }),
    );
    result["description"] =
        "The answer that the operation would have had as a request of its own.".into();
    result
}
