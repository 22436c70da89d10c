use serde_json::{Value, json};

use super::Members;
use super::schema::{closed, moment, object, pointer, reference};
use crate::problem::agreements;
use crate::schema::POINTER;

/// A tag in its quotes, as the body of a request names a version by it.
const TAG: &str = "^(W/)?\"[!#-~]*\"$";

/// What merges are asked for, and what is told of them.
pub(super) fn schemas() -> Members {
    let named = [
        ("VersionReference", version()),
        ("Choices", choices()),
        ("MergeRequest", request()),
        ("MergeReport", report()),
        ("Join", join()),
    ];
    let owned = |(name, schema): (&str, Value)| (name.to_owned(), schema);
    named.into_iter().map(owned).collect()
}

fn version() -> Value {
    json!({
        "description": "A version of the document: its tag, as `ETag` has it, quotes and all, or its number.",
        "oneOf": [
            {"type": "string", "pattern": TAG},
            {"type": "integer", "minimum": 1, "maximum": i64::MAX},
        ],
    })
}

fn choices() -> Value {
    json!({
        "type": "object",
        "description": "What to take where the two edits collide, by JSON Pointer: a side, or a value of its own.",
        "propertyNames": {"pattern": POINTER},
        "additionalProperties": {"oneOf": [
            {"enum": ["yours", "current", "base"]},
            closed(&["value"], json!({"value": {}})),
        ]},
    })
}

/// A whole document or a patch, never both.
fn request() -> Value {
    let edit = |name: &str, schema: Value| {
        let mut properties = json!({
            "base": reference("VersionReference"),
            "choices": reference("Choices"),
            "current": {
                "allOf": [reference("VersionReference")],
                "description": "The version that the choices were made on; without it there can be none.",
            },
        });
        properties[name] = schema;
        closed(&["base", name], properties)
    };
    json!({
        "description": "An edit of the version `base`: what the writer made of it, or a patch of it.",
        "oneOf": [
            edit("document", reference("Document")),
            edit("patch", json!({"oneOf": [reference("JsonPatch"), {"type": "object"}]})),
        ],
    })
}

fn report() -> Value {
    let required = [
        "mergeable",
        "base_version",
        "current_version",
        "current_etag",
        "joined",
        "agreements",
        "conflicts",
        "changes_since",
    ];
    let mut report = object(
        &required,
        json!({
            "mergeable": {"type": "boolean", "description": "Whether the merge would be stored."},
            "base_version": {"type": "integer", "minimum": 1},
            "current_version": {"type": "integer", "minimum": 1},
            "current_etag": {"type": "string", "description": "For `current`, beside choices."},
            "joined": {"type": "array", "items": reference("Join")},
            "agreements": agreements(),
            "conflicts": {"type": "array", "items": reference("Conflict")},
            "changes_since": {"type": "array", "items": reference("ChangeSince")},
            "document": {
                "description": "Both edits together; the current version where they collide, or a choice says so.",
            },
        }),
    );
    report["description"] = "What a merge would come to now.".into();
    report
}

fn join() -> Value {
    let mut join = object(
        &["path", "strategy"],
        json!({
            "path": pointer(),
            "strategy": {"type": "string"},
            "review": {"const": true, "description": "Somebody should read what came out."},
            "lost": {"description": "The value that gave way."},
        }),
    );
    join["description"] = "A place that both edits changed and a strategy joined.".into();
    join
}

/// Of a version in the feed.
pub(super) fn merged() -> Value {
    let mut merged = object(
        &["base_version", "onto_version"],
        json!({
            "base_version": {"type": "integer", "minimum": 0},
            "onto_version": {"type": "integer", "minimum": 1},
        }),
    );
    merged["description"] =
        "Only of a version that is a merge: the version that the edit began from, 0 for none, and what it was merged \
         with."
            .into();
    merged
}

/// Of what was settled, when.
pub(super) fn settled() -> Value {
    json!({
        "settled_at": moment(),
        "settled_by": {"type": "string"},
        "settled_version": {
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "The version that resolved it; null if it was dismissed.",
        },
    })
}
