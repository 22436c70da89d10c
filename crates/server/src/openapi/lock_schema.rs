use serde_json::Value;

use crate::lock::{DEFAULT_LIFE_S, MAX_LIFE_S, MAX_OWNER};
use crate::schema::{
    Saying, all_of, closed, moment, named, object, short_text_like, text, text_in, whole,
};

/// What locks are asked for, and tell.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let life = whole(1)
        .and("maximum", MAX_LIFE_S)
        .and("default", DEFAULT_LIFE_S)
        .about("How long to hold it, in seconds.");
    let owner = short_text_like("^[^\\u0000-\\u001f\\u007f-\\u009f]*$", MAX_OWNER)
        .and("minLength", 1)
        .about("Who holds it, in words for people, in UTF-8 of at most 255 bytes; else who asks.");
    let fencing = whole(1).about(
        "Larger than that of every lock before it: what remembers the largest it has seen can refuse a holder whose time \
         has passed.",
    );
    let lock = object([
        ("fencing", fencing),
        ("owner", text()),
        ("by", text().about("Who took it.")),
        ("expires_at", moment()),
    ]);
    let token = text_in("uri").about("For `Lock-Token`. Whoever knows it holds the lock.");
    let request = closed([("ttl_s?", life), ("owner?", owner)]);
    vec![
        (
            "LockRequest",
            request.about("An empty body asks for what is usual."),
        ),
        ("Lock", lock),
        (
            "HeldLock",
            all_of([named("Lock"), object([("token", token)])]),
        ),
    ]
}
