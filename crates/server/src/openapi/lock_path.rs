use serde_json::{Value, json};

use super::schema::{closed, moment, object, reference};
use super::subject::Subject;
use super::{Members, link};
use crate::lock::{DEFAULT_LIFE_S, MAX_LIFE_S, MAX_OWNER};
use crate::problem::ProblemKind;
use crate::resource::JSON;

const TAKE: &str = "\
Whoever holds the lock of a document is the only one who may write it, by its token in `Lock-Token`, until it expires. \
It keeps others out, and does not replace `If-Match`: its holder still says which version a write began from. With \
`Lock-Token`, the lock is held for longer.";

const RELEASE: &str = "\
By the token in `Lock-Token`; or with `break=true` whoever holds it. One of the two must be there.";

pub(super) fn item(subject: &Subject<'_>) -> (String, Value) {
    let item = json!({"get": show(subject), "post": take(subject), "delete": release(subject)});
    (subject.path("/{id}/lock"), item)
}

pub(super) fn schemas() -> Members {
    let mut request = closed(
        &[],
        json!({
            "ttl_s": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LIFE_S,
                "default": DEFAULT_LIFE_S,
                "description": "How long to hold it, in seconds.",
            },
            "owner": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_OWNER,
                "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
                "description": "Who holds it, in words for people, in UTF-8 of at most 255 bytes; else who asks.",
            },
        }),
    );
    request["description"] = "An empty body asks for what is usual.".into();
    let lock = object(
        &["fencing", "owner", "by", "expires_at"],
        json!({
            "fencing": {
                "type": "integer",
                "minimum": 1,
                "description": "Larger than that of every lock before it: what remembers the largest it has seen can \
                                refuse a holder whose time has passed.",
            },
            "owner": {"type": "string"},
            "by": {"type": "string", "description": "Who took it."},
            "expires_at": moment(),
        }),
    );
    let token = object(
        &["token"],
        json!({"token": {
            "type": "string",
            "format": "uri",
            "description": "For `Lock-Token`. Whoever knows it holds the lock.",
        }}),
    );
    let held = json!({"allOf": [reference("Lock"), token]});
    let named = [("LockRequest", request), ("Lock", lock), ("HeldLock", held)];
    let owned = |(name, schema): (&str, Value)| (name.to_owned(), schema);
    named.into_iter().map(owned).collect()
}

fn show(subject: &Subject<'_>) -> Value {
    let lock = json!({
        "description": "The lock, without its token.",
        "content": {JSON: {"schema": reference("Lock")}},
    });
    let success = Members::from_iter([("200".into(), lock)]);
    let refusals = [ProblemKind::Malformed, ProblemKind::NotFound];
    json!({
        "operationId": subject.operation("showLock"),
        "tags": [subject.tag()],
        "summary": "Show the lock of a document",
        "description": "404 if nobody holds it.",
        "parameters": subject.parameters(&["id"]),
        "responses": subject.answers(success, &refusals),
    })
}

fn take(subject: &Subject<'_>) -> Value {
    let held = |description: &str| {
        json!({
            "description": description,
            "content": {JSON: {"schema": reference("HeldLock")}},
            "links": link::to_lock(subject),
        })
    };
    let success = Members::from_iter([
        ("200".into(), held("The lock, held for longer.")),
        ("201".into(), held("The new lock.")),
    ]);
    let mut refusals = REFUSALS.to_vec();
    refusals.extend([
        ProblemKind::Gone,
        ProblemKind::ContentTooLarge,
        ProblemKind::UnsupportedMediaType,
    ]);
    let mut body = subject.body(json!({JSON: {"schema": reference("LockRequest")}}));
    body["required"] = false.into();
    json!({
        "operationId": subject.operation("lock"),
        "tags": [subject.tag()],
        "summary": "Take or renew the lock of a document",
        "description": TAKE,
        "parameters": subject.write_parameters(&["id", "lockToken"]),
        "requestBody": body,
        "responses": subject.answers(success, &refusals),
    })
}

fn release(subject: &Subject<'_>) -> Value {
    let released = json!({"description": "Nobody holds it any more."});
    let success = Members::from_iter([("204".into(), released)]);
    json!({
        "operationId": subject.operation("releaseLock"),
        "tags": [subject.tag()],
        "summary": "Release or break the lock of a document",
        "description": RELEASE,
        "parameters": subject.write_parameters(&["id", "breakLock", "lockToken"]),
        "responses": subject.answers(success, &REFUSALS),
    })
}

const REFUSALS: [ProblemKind; 6] = [
    ProblemKind::Malformed,
    ProblemKind::NotFound,
    ProblemKind::LockLost,
    ProblemKind::Locked,
    ProblemKind::Unavailable,
    ProblemKind::StorageFull,
];
