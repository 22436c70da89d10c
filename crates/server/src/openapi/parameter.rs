use serde_json::{Value, json};

use super::Members;
use crate::list::MAX_LIMIT;
use crate::problem::PROBLEMS;

/// A collection's name, within a pattern.
pub(super) const COLLECTION_NAME: &str = "[a-z][a-z0-9-]{0,62}";

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

/// Where a page of the conflict log begins.
const BEFORE: &str = "^0*[0-9]{1,18}$";

/// A string in quotes (RFC 8941, section 3.3.3), or the bare text that many clients send.
pub(super) const IDEMPOTENCY_KEY: &str =
    "^(\"([ !#-\\[\\]-~]|\\\\[\"\\\\])+\"|[!#-+\\--:<-\\[\\]-~]+)$";

/// A coded URL in angle brackets (RFC 4918, section 10.5), or bare.
pub(super) const LOCK_TOKEN: &str = "^(<[!-~]+>|[!-;=-~][!-~]*)$";

const TAG: &str = "\"7-1f3a9c02\"";
const DATE: &str = "Sun, 22 Nov 2026 10:30:00 GMT";

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

/// `collection` is an example of one.
pub(super) fn components(collection: &str) -> Members {
    let mut components = paths();
    components["collection"]["example"] = collection.into();
    components.extend(queries());
    components.extend(switches());
    components.extend(filters());
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
            json!({"type": "string", "pattern": format!("^{COLLECTION_NAME}$")}),
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
            "conflict",
            "Which conflict of the log.",
            json!({"type": "string", "format": "uuid"}),
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
            "conflictCursor",
            "cursor",
            "Where to go on: `next` of the page before.",
            json!({"type": "string", "pattern": BEFORE}),
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

fn switches() -> Members {
    let switch = |key: &str, name: &str, default: bool, description: &str| {
        query(
            key,
            name,
            description,
            json!({"type": "boolean", "default": default}),
        )
    };
    Members::from_iter([
        switch(
            "dryRun",
            "dry_run",
            false,
            "Whether to tell what the merge would come to now, and to store nothing.",
        ),
        switch(
            "breakLock",
            "break",
            false,
            "Whether to take the lock away from whoever holds it, which a token may have to allow.",
        ),
        switch(
            "atomic",
            "atomic",
            true,
            "Whether all operations are performed or none; `false`: each for itself.",
        ),
    ])
}

/// Of the conflict log.
fn filters() -> Members {
    let text = |key: &str, name: &str, description: &str| {
        query(key, name, description, json!({"type": "string"}))
    };
    let moment = |key: &str, name: &str, description: &str| {
        let schema = json!({"type": "string", "format": "date-time"});
        let mut parameter = query(key, name, description, schema);
        parameter.1["example"] = "2026-11-22T10:30:00Z".into();
        parameter
    };
    let moments = [
        moment(
            "loggedSince",
            "since",
            "Only conflicts of this time and later.",
        ),
        moment("loggedUntil", "until", "Only conflicts before this time."),
    ];
    let outcome = query(
        "ofOutcome",
        "outcome",
        "Only conflicts that this became of.",
        json!({"enum": ["open", "resolved", "dismissed"]}),
    );
    let texts = [
        text(
            "ofCollection",
            "collection",
            "Only conflicts in this collection.",
        ),
        text(
            "ofDocument",
            "document",
            "Only conflicts about documents of this id.",
        ),
        text("ofActor", "by", "Only conflicts of this writer."),
        text(
            "ofKind",
            "kind",
            "Only refusals of this kind: the last part of the problem's `type`.",
        ),
    ];
    let rest = moments.into_iter().chain([outcome]);
    texts.into_iter().chain(rest).collect()
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
        "`return=minimal` leaves the representation out of the answer (RFC 7240). `conflict=merge` has an edit of a version \
         that is no longer the current one merged with what came since, where the two do not collide; `conflict=reject` \
         has it refused. Other preferences are passed over.",
        "conflict=merge",
    );
    let mut idempotency_key = field(
        "idempotencyKey",
        "Idempotency-Key",
        "Names this one write, so that to send it again does not perform it again: the answer of the first time is \
         repeated for a day, with `Idempotent-Replayed`. A string in quotes (RFC 8941, section 3.3.3), or bare; what \
         nobody used before, such as a UUID. Refusals are not kept.",
        "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
    );
    idempotency_key.1["schema"] = text_like(IDEMPOTENCY_KEY, 255);
    let mut lock_token = field(
        "lockToken",
        "Lock-Token",
        "The token that taking the lock gave, in angle brackets (RFC 4918, section 10.5) or bare. A token of a lock that \
         is no longer held is refused, even where nobody holds one.",
        "<urn:uuid:0288a989-1f0e-45fe-9dca-d5f22f43b41c>",
    );
    lock_token.1["schema"]["pattern"] = LOCK_TOKEN.into();
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
    Members::from_iter([prefer, idempotency_key, lock_token, actor, last_event_id])
}

/// Of ASCII characters, so that length counts bytes too.
pub(super) fn text_like(pattern: &str, max_length: usize) -> Value {
    json!({"type": "string", "pattern": pattern, "maxLength": max_length})
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
