use detente_core::Collision;
use serde_json::{Value, json};

use super::schema::{count, moment, object, pointer, reference};
use super::{Members, merge_schema};
use crate::problem::{PROBLEMS, ProblemKind, ProblemType};
use crate::schema::POINTER;

/// A schema for each problem, by its `error`, and those that they are made of.
pub(super) fn schemas() -> Members {
    let mut schemas = parts();
    schemas.extend(
        PROBLEMS
            .iter()
            .map(|row| (row.error.to_owned(), schema(row))),
    );
    schemas
}

fn schema(row: &ProblemType) -> Value {
    let (properties, required) = members(row.kind);
    let mut own = json!({
        "type": {"const": problem_type(row)},
        "title": {"const": row.title},
        "status": {"const": row.status.as_u16()},
    });
    // Constraints and rules may name their refusals themselves.
    if !matches!(
        row.kind,
        ProblemKind::DuplicateEntry | ProblemKind::StateConflict
    ) {
        own["error"] = json!({"const": row.error});
    }
    if let (Value::Object(own), Value::Object(properties)) = (&mut own, properties) {
        own.extend(properties);
    }
    let mut more = json!({"type": "object", "properties": own});
    if !required.is_empty() {
        more["required"] = json!(required);
    }
    json!({"title": row.title, "allOf": [reference("Problem"), more]})
}

/// The `type` that a problem has.
pub(super) fn problem_type(row: &ProblemType) -> String {
    format!("/problems/{}", row.slug)
}

/// What a problem tells beside the members that all have: the members, and which are always there.
fn members(kind: ProblemKind) -> (Value, &'static [&'static str]) {
    match kind {
        ProblemKind::StaleVersion => (stale(), STALE),
        // Of a read, it tells the current version alone.
        ProblemKind::PreconditionFailed => (stale(), &["current_version", "current_etag"]),
        ProblemKind::Deleted => (deleted(), DELETED),
        ProblemKind::DuplicateEntry => (duplicate(), DUPLICATE),
        ProblemKind::StateConflict => (state(), STATE),
        ProblemKind::PatchConflict => (patch(), &[]),
        ProblemKind::BaseGone => (base_gone(), &[]),
        ProblemKind::ConflictSettled => (settled(), SETTLED),
        ProblemKind::Locked => (locked(), LOCKED),
        ProblemKind::PreconditionRequired => (
            json!({"resolutions": list("Resolution"), "member": member()}),
            &[],
        ),
        ProblemKind::KeyReuse => (json!({"header": {"const": "Idempotency-Key"}}), &["header"]),
        ProblemKind::InvalidDocument => (json!({"violations": list("Violation")}), &["violations"]),
        ProblemKind::Malformed => (malformed(), &[]),
        ProblemKind::Gone => (gone(), &["deleted_at", "deleted_by"]),
        ProblemKind::ContentTooLarge | ProblemKind::HeadersTooLarge => {
            (json!({"limit_bytes": count()}), &["limit_bytes"])
        }
        _ => (json!({}), &[]),
    }
}

const STALE: &[&str] = &[
    "current_version",
    "your_version",
    "current_etag",
    "conflicting_fields",
    "conflicts",
    "changes_since",
    "mergeable",
    "resolutions",
];

fn stale() -> Value {
    json!({
        "current_version": {"type": ["integer", "null"], "minimum": 1},
        "your_version": {
            "type": ["integer", "null"],
            "description": "The newest version that If-Match names; null if the document never had it.",
        },
        "current_etag": {"type": ["string", "null"], "description": "For the If-Match of the next attempt."},
        "conflicting_fields": {"type": "array", "items": {"type": "string"}},
        "conflicts": list("Conflict"),
        "changes_since": list("ChangeSince"),
        "changes_omitted": {"const": true, "description": "There are more changes than are told."},
        "mergeable": {"type": "boolean", "description": "Whether the two edits do not overlap."},
        "already_applied": {"const": true, "description": "The current version is what the request sent."},
        "current": {"description": "The current version, unless it is large."},
        "current_href": {"type": "string", "description": "Where the current version is, if it is large."},
        "merged": {"description": "Both edits together, without those in conflict."},
        "joined": list("Join"),
        "agreements": merge_schema::agreements(),
        "resolutions": list("Resolution"),
    })
}

const DELETED: &[&str] = &[
    "current_version",
    "your_version",
    "deleted_at",
    "deleted_by",
    "resolutions",
];

fn deleted() -> Value {
    let mut members = gone();
    members["your_version"] = json!({"type": ["integer", "null"]});
    members["conflicts"] = list("Conflict");
    members["changes_since"] = list("ChangeSince");
    members["mergeable"] = json!({"const": false});
    members["resolutions"] = list("Resolution");
    members
}

fn gone() -> Value {
    json!({
        "deleted_at": {"type": "string", "format": "date-time"},
        "deleted_by": {"type": "string"},
        "current_version": {"type": "integer", "minimum": 1},
    })
}

/// Values and holders are for those who may read.
const DUPLICATE: &[&str] = &["constraint", "field", "fields", "violations"];

fn duplicate() -> Value {
    let mut members = duplicate_members();
    members["violations"] = list("Duplicate");
    members["current_version"] = json!({"type": "integer", "minimum": 1});
    members["current_etag"] = json!({"type": "string"});
    members
}

/// What is told of one constraint.
fn duplicate_members() -> Value {
    json!({
        "constraint": {"type": "string"},
        "field": {"type": ["string", "null"]},
        "fields": {"type": "array", "items": {"type": "string"}},
        "values": {"type": "array"},
        "existing": reference("Existing"),
    })
}

const STATE: &[&str] = &["rule", "failed_rules", "allowed_transitions"];

fn state() -> Value {
    json!({
        "rule": {"type": "string"},
        "failed_rules": {"type": "array", "items": {"type": "string"}},
        "allowed_transitions": {"type": "array", "items": {"type": "string"}},
        "reason": {"type": "string"},
        "current_state": {},
        "current_version": {"type": "integer", "minimum": 1},
        "current_etag": {"type": "string"},
    })
}

fn base_gone() -> Value {
    json!({
        "current_version": {"type": "integer", "minimum": 1},
        "current_etag": {"type": ["string", "null"]},
        "resolutions": list("Resolution"),
        "member": member(),
    })
}

const SETTLED: &[&str] = &["outcome", "settled_by", "settled_at", "settled_version"];

fn settled() -> Value {
    let mut members = merge_schema::settled();
    members["outcome"] = json!({"enum": ["resolved", "dismissed"]});
    members
}

const LOCKED: &[&str] = &["locked_by", "fencing", "expires_at", "resolutions"];

fn locked() -> Value {
    json!({
        "locked_by": {"type": "string", "description": "Who holds it, in words for people."},
        "fencing": {"type": "integer", "minimum": 1},
        "expires_at": moment(),
        "resolutions": list("Resolution"),
    })
}

fn patch() -> Value {
    json!({
        "operation": {
            "type": "integer",
            "minimum": 0,
            "description": "Of a JSON Patch, from 0. Absent where an edit of the conflict log fits no version.",
        },
        "path": pointer(),
        "expected": {},
        "actual": {},
        "current_version": {"type": "integer", "minimum": 1},
        "current_etag": {"type": "string"},
    })
}

fn malformed() -> Value {
    json!({
        "offset": {"type": "integer", "minimum": 0, "description": "Bytes before the mistake."},
        "header": {"type": "string"},
        "parameter": {"type": "string"},
        "member": member(),
        "last": {"type": "string", "description": "The newest change."},
        "operation": {"type": ["integer", "null"], "description": "Of a JSON Patch, from 0."},
    })
}

/// What problems are made of.
fn parts() -> Members {
    let parts = [
        ("Problem", problem()),
        ("Conflict", conflict()),
        ("ChangeSince", change()),
        ("Resolution", resolution()),
        ("Violation", violation()),
        ("Duplicate", duplicate_row()),
        ("Existing", existing()),
    ];
    let owned = |(name, schema): (&str, Value)| (name.to_owned(), schema);
    parts.into_iter().map(owned).collect()
}

fn problem() -> Value {
    let mut problem = object(
        &[
            "type", "title", "status", "detail", "instance", "error", "message",
        ],
        json!({
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": "The path of the request."},
            "error": {"type": "string", "description": "What `type` says, in one word."},
            "message": {"type": "string"},
            "logged": {
                "type": "string",
                "format": "uri-reference",
                "description": "Where the conflict log keeps the edit. Only of writes that others stood in the way of.",
            },
            "results": {
                "type": "array",
                "items": reference("OperationResult"),
                "description": "Of a batch: what became of each operation. `operation` then is the place of the one that \
                                was refused first, from 0, whatever it is in a problem otherwise.",
            },
        }),
    );
    problem["description"] = "A refusal (RFC 9457). Other members depend on `type`.".into();
    problem
}

/// How two edits collide.
const COLLISIONS: [Collision; 9] = [
    Collision::EditEdit,
    Collision::DeleteEdit,
    Collision::EditDelete,
    Collision::AddAdd,
    Collision::Type,
    Collision::Order,
    Collision::Text,
    Collision::Constraint,
    Collision::Inapplicable,
];

fn conflict() -> Value {
    object(
        &["path", "kind", "strategy"],
        json!({
            "path": pointer(),
            "kind": {"enum": COLLISIONS.map(Collision::name)},
            "strategy": merge_schema::strategy(),
            "base": {"description": "What the writer began from. Absent if there was nothing."},
            "yours": {"description": "What the writer wants."},
            "current": {"description": "What is stored now."},
            "by": {"type": "string", "description": "Who changed it last."},
            "version": {"type": "integer", "minimum": 1},
            "keyword": {"type": "string", "description": "Of the schema, that what both come to breaks."},
            "rule": {"type": "string", "description": "That what both come to breaks."},
            "constraint": {"type": "string", "description": "That what both come to breaks."},
            "message": {"type": "string", "description": "How."},
        }),
    )
}

fn change() -> Value {
    object(
        &["version", "by", "at"],
        json!({
            "version": {"type": "integer", "minimum": 1},
            "by": {"type": "string"},
            "at": {"type": "string", "format": "date-time"},
            "fields": {"type": "array", "items": {"type": "string"}},
        }),
    )
}

fn resolution() -> Value {
    object(
        &["rel", "method", "href"],
        json!({
            "rel": {"type": "string"},
            "method": {"type": "string"},
            "href": {"type": "string", "format": "uri-reference"},
            "base": {"type": "string", "description": "For `base` of a merge."},
            "current": {"type": "string", "description": "For `current` of a merge."},
            "if_match": {"type": "string"},
            "if_none_match": {"type": "string"},
        }),
    )
}

fn violation() -> Value {
    object(
        &["path", "keyword", "message"],
        json!({
            "path": pointer(),
            "keyword": {"type": "string"},
            "message": {"type": "string"},
        }),
    )
}

fn duplicate_row() -> Value {
    let mut row = duplicate_members();
    row["message"] = json!({"type": "string"});
    object(&["constraint", "field", "fields", "message"], row)
}

fn existing() -> Value {
    object(
        &["id", "href"],
        json!({
            "id": {"type": "string"},
            "href": {"type": "string", "format": "uri-reference"},
        }),
    )
}

/// The place of a mistake in the body of a request.
fn member() -> Value {
    json!({
        "type": "string",
        "pattern": POINTER,
        "description": "Where the mistake is in the body.",
    })
}

fn list(name: &str) -> Value {
    json!({"type": "array", "items": reference(name)})
}
