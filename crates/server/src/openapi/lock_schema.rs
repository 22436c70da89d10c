use serde_json::Value;

use crate::lock::{DEFAULT_LIFE_S, MAX_LIFE_S, MAX_OWNER};
use crate::schema::{Saying, closed, moment, object, short_text_like, text, text_in, whole};

/// Requests for locks, and locks.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let life = whole(1)
        .and("maximum", MAX_LIFE_S)
        .and("default", DEFAULT_LIFE_S)
        .about("How long to hold the lock, in seconds.");
    let owner = short_text_like("^[^\\u0000-\\u001f\\u007f-\\u009f]*$", MAX_OWNER)
        .and("minLength", 1)
        .about(
            "Who holds the lock, as people should read it: UTF-8, at most 255 bytes. The default is the \
             name of the caller.",
        );
    let fencing = whole(1).about(
        "Larger than the number of every earlier lock. A system that remembers the largest number it \
         has seen can refuse a holder whose lock has expired.",
    );
    let lock = [
        ("fencing", fencing),
        ("owner", text()),
        ("by", text().about("Who took the lock.")),
        ("expires_at", moment()),
    ];
    let token = text_in("uri").about("For `Lock-Token`. Whoever knows the token holds the lock.");
    let request = closed([("ttl_s?", life), ("owner?", owner)]);
    vec![
        (
            "LockRequest",
            request.about("An empty body asks for the defaults."),
        ),
        ("Lock", object(lock.clone())),
        (
            "HeldLock",
            object(lock.into_iter().chain([("token", token)])),
        ),
    ]
}
