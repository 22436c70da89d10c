use serde_json::{Value, json};

use super::schema::{closed, count, moment, object, page, pointer, reference};
use super::{Members, merge_schema};
use crate::problem::problems;
use crate::schema::ID;

/// What the conflict log tells, and what it is told.
pub(super) fn schemas() -> Members {
    let mut pages = page(reference("LoggedConflict"));
    pages["description"] = "Conflicts, the newest first.".into();
    let detail = json!({"allOf": [reference("LoggedConflict"), detail()]});
    let named = [
        ("LoggedConflict", logged()),
        ("LoggedConflictPage", pages),
        ("LoggedConflictDetail", detail),
        ("LostEdit", edit()),
        ("ConflictResolution", resolution()),
        ("ConflictStatistics", statistics()),
    ];
    let owned = |(name, schema): (&str, Value)| (name.to_owned(), schema);
    named.into_iter().map(owned).collect()
}

fn logged() -> Value {
    let kinds: Vec<_> = problems()
        .filter(|row| row.is_logged)
        .map(|row| row.slug)
        .collect();
    let required = [
        "id",
        "href",
        "at",
        "by",
        "method",
        "collection",
        "document",
        "document_href",
        "kind",
        "paths",
        "base_version",
        "current_version",
        "outcome",
    ];
    let mut logged = object(
        &required,
        json!({
            "id": {"type": "string", "format": "uuid"},
            "href": href(),
            "at": moment(),
            "by": {"type": "string"},
            "method": {"enum": ["PUT", "PATCH", "POST", "DELETE"]},
            "collection": {"type": "string"},
            "document": {"type": "string", "pattern": ID, "maxLength": 255},
            "document_href": href(),
            "kind": {"enum": kinds, "description": "Why it was refused: the last part of the problem's `type`."},
            "paths": {"type": "array", "items": pointer(), "description": "What collided."},
            "base_version": version("The version that the edit began from, if that is known."),
            "current_version": version("The version that was current, if there was one."),
            "outcome": {"enum": ["open", "resolved", "dismissed"]},
        }),
    );
    if let (Some(own), Value::Object(settled)) = (
        logged["properties"].as_object_mut(),
        merge_schema::settled(),
    ) {
        own.extend(settled);
    }
    logged["oneOf"] = json!([
        {"properties": {"outcome": {"const": "open"}}},
        {
            "properties": {"outcome": {"enum": ["resolved", "dismissed"]}},
            "required": ["settled_at", "settled_by", "settled_version"],
        },
    ]);
    logged["description"] = "A write that was refused.".into();
    logged
}

fn detail() -> Value {
    object(
        &["edit"],
        json!({
            "edit": reference("LostEdit"),
            "base": {"description": "The version that the edit began from, if it is known and still kept."},
            "current": {"description": "The version that was current, if it is still kept."},
            "conflicts": {"type": "array", "items": reference("Conflict")},
        }),
    )
}

/// One of four, each under a name of its own.
fn edit() -> Value {
    json!({
        "description": "What the writer wanted: the document to be this, to be patched, or to be gone.",
        "oneOf": [
            closed(&["document"], json!({"document": reference("Document")})),
            closed(&["merge_patch"], json!({"merge_patch": {}})),
            closed(&["json_patch"], json!({"json_patch": reference("JsonPatch")})),
            closed(&["deletion"], json!({"deletion": {"const": true}})),
        ],
    })
}

fn resolution() -> Value {
    let choices = json!({
        "dismiss": {"const": false},
        "choices": reference("Choices"),
        "current": {
            "allOf": [reference("VersionReference")],
            "description": "The version that the choices were made on; without it there can be none.",
        },
    });
    json!({
        "description": "Store the edit after all, merged with what is current, with choices where they collide; or let it go.",
        "oneOf": [
            closed(&[], choices),
            closed(&["dismiss"], json!({"dismiss": {"const": true}})),
        ],
    })
}

fn statistics() -> Value {
    let table = |name: &str, schema: Value, description: &str| {
        let mut properties =
            json!({"count": {"type": "integer", "minimum": 1}, "per_hour": rate()});
        properties[name] = schema;
        let row = object(&[name, "count", "per_hour"], properties);
        json!({"type": "array", "maxItems": 20, "items": row, "description": description})
    };
    let hour = object(
        &["hour", "conflicts", "merged"],
        json!({"hour": moment(), "conflicts": count(), "merged": count()}),
    );
    let text = || json!({"type": "string"});
    let properties = json!({
        "since": moment(),
        "until": moment(),
        "conflicts": count(),
        "per_hour": rate(),
        "merged": {"type": "integer", "minimum": 0, "description": "Edits that were merged, by whole hours."},
        "share_merged": {
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": 1,
            "description": "Of all edits that met others; null if there were none.",
        },
        "open": count(),
        "resolved": count(),
        "dismissed": count(),
        "median_resolution_s": {
            "type": ["number", "null"],
            "minimum": 0,
            "description": "Seconds from a refusal to its settlement; null if none was settled.",
        },
        "by_collection": table("collection", text(), "The fullest first, as in every table here."),
        "by_document": table("document", text(), "`collection/id`."),
        "by_path": table("path", text(), "The collection, and behind it the JSON Pointer."),
        "by_actor": table("by", text(), "Whose writes were refused."),
        "by_kind": table("kind", text(), "Why they were."),
        "by_hour": {"type": "array", "items": hour, "description": "In order of time, hours without any left out."},
    });
    let names: Vec<String> = properties
        .as_object()
        .into_iter()
        .flat_map(|members| members.keys().cloned())
        .collect();
    json!({"type": "object", "required": names, "properties": properties})
}

fn rate() -> Value {
    json!({"type": "number", "minimum": 0})
}

fn version(description: &str) -> Value {
    json!({"type": ["integer", "null"], "minimum": 1, "description": description})
}

fn href() -> Value {
    json!({"type": "string", "format": "uri-reference"})
}
