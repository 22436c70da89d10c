use serde_json::{Value, json};

use super::Members;
use crate::list::MAX_LIMIT;
use crate::problem::PROBLEMS;

const COLLECTION: &str = "^[a-z][a-z0-9-]{0,62}$";

/// Unreserved characters (RFC 3986), the first of them not `_`; neither `.` nor `..`.
pub(super) const ID: &str =
    "^([A-Za-z0-9~-]|\\.[A-Za-z0-9_~-]|\\.\\.[A-Za-z0-9._~-])[A-Za-z0-9._~-]*$";

/// A JSON Pointer (RFC 6901).
pub(super) const POINTER: &str = "^(/([^/~]|~[01])*)*$";

/// A name, a JSON Pointer or a name of the server's, `-` before it to turn the order round.
const SORT: &str =
    "^(-?(_id|_version|_updated_at|(/([^/~]|~[01])*)+)|-?[^_/-][\\s\\S]*|--[\\s\\S]*)$";

/// The `seq` of a change, or where the feed is now.
const POSITION: &str = "^(now|0*[0-9]{1,18})$";

const TAG: &str = "\"7-1f3a9c02\"";
const DATE: &str = "Sun, 22 Nov 2026 10:30:00 GMT";

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

pub(super) fn components() -> Members {
    let mut components = paths();
    components.extend(queries());
    components.extend(conditions());
    components.extend(fields());
    components
}

fn paths() -> Members {
    let slugs: Vec<_> = PROBLEMS.iter().map(|row| row.slug).collect();
    Members::from_iter([
        path(
            "collection",
            "A collection, declared or not.",
            json!({"type": "string", "pattern": COLLECTION}),
        ),
        path(
            "id",
            "Which document: 1 to 255 unreserved characters (RFC 3986), the first of them not `_`.",
            json!({"type": "string", "pattern": ID, "maxLength": 255}),
        ),
        path(
            "version",
            "Which version of the document.",
            json!({"type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX}),
        ),
        path(
            "slug",
            "The last part of a problem's `type`.",
            json!({"type": "string", "enum": slugs}),
        ),
    ])
}

fn queries() -> Members {
    Members::from_iter([
        query(
            "limit",
            "limit",
            "How many items to answer at most.",
            json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 100}),
        ),
        query(
            "cursor",
            "cursor",
            "Where to go on: `next` of the page before, with the same `sort`. Opaque.",
            json!({"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}),
        ),
        query(
            "versionCursor",
            "cursor",
            "Where to go on: `next` of the page before.",
            json!({"type": "string", "pattern": "^0*[1-9][0-9]{0,17}$"}),
        ),
        query(
            "sort",
            "sort",
            "A member's name, a JSON Pointer (`/address/city`), or one of `_id` (which is the default), `_version` and \
             `_updated_at`; `-` before it turns the order round. Absent comes first, then null, booleans, numbers, \
             strings, arrays, objects; equals are in the order of their ids.",
            json!({"type": "string", "pattern": SORT}),
        ),
        query(
            "since",
            "since",
            "The `seq` after which to begin: `last` of the page before, `0` for the beginning, or `now`.",
            json!({"type": "string", "pattern": POSITION, "default": "0"}),
        ),
    ])
}

// What entity tags and HTTP-dates look like is RFC 9110's to say; a pattern for them helps nobody.

fn conditions() -> Members {
    Members::from_iter([
        field(
            "ifMatch",
            "If-Match",
            "The tags of the version that the request is about, as `ETag` told them, or `*` for any. Compared strongly.",
            TAG,
        ),
        field(
            "ifNoneMatch",
            "If-None-Match",
            "Tags of versions that are known already; `*` for a document that must not exist yet. Compared weakly.",
            TAG,
        ),
        field(
            "ifUnmodifiedSince",
            "If-Unmodified-Since",
            "As If-Match, by `Last-Modified`; it counts only where If-Match is absent. Passed over if it is no \
             HTTP-date.",
            DATE,
        ),
        field(
            "ifModifiedSince",
            "If-Modified-Since",
            "As If-None-Match, by `Last-Modified`; it counts only where If-None-Match is absent. Passed over if it is \
             no HTTP-date.",
            DATE,
        ),
    ])
}

fn fields() -> Members {
    let prefer = field(
        "prefer",
        "Prefer",
        "`return=minimal` leaves the representation out of the answer (RFC 7240). Other preferences are passed over.",
        "return=representation",
    );
    let mut actor = field(
        "actor",
        "X-Actor",
        "Who writes: becomes `updated_by`. Without it that is `anonymous`. UTF-8 without control characters, at most 128 \
         bytes.",
        "alice",
    );
    actor.1["schema"]["pattern"] = "^[!-~]([ -~]{0,126}[!-~])?$".into();
    let mut last_event_id = field(
        "lastEventId",
        "Last-Event-ID",
        "Where a stream goes on that was interrupted; it counts instead of `since`.",
        "0",
    );
    last_event_id.1["schema"]["pattern"] = POSITION.into();
    Members::from_iter([prefer, actor, last_event_id])
}

fn path(name: &str, description: &str, schema: Value) -> (String, Value) {
    let mut parameter = parameter("path", name, description, schema);
    parameter["required"] = true.into();
    (name.to_owned(), parameter)
}

fn query(key: &str, name: &str, description: &str, schema: Value) -> (String, Value) {
    (
        key.to_owned(),
        parameter("query", name, description, schema),
    )
}

fn field(key: &str, name: &str, description: &str, example: &str) -> (String, Value) {
    let mut parameter = parameter("header", name, description, json!({"type": "string"}));
    parameter["example"] = example.into();
    (key.to_owned(), parameter)
}

fn parameter(place: &str, name: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": place, "description": description, "schema": schema})
}
