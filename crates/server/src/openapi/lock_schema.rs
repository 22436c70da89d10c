use serde_json::{Value, json};

use super::Members;
use super::schema::{closed, moment, object, reference};
use crate::lock::{DEFAULT_LIFE_S, MAX_LIFE_S, MAX_OWNER};

/// What locks are asked for, and tell.
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
