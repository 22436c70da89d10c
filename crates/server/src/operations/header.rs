use serde_json::Value;

use crate::schema::{exactly, href, text, text_like, whole};

/// A field of an answer.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) schema: fn() -> Value,
    /// Whether it is always there, in the answers that can have it.
    pub(crate) is_required: bool,
}

/// The fields that tell of the version in an answer.
pub(super) const OF_VERSION: &[&str] = &["ETag", "Last-Modified", "Document-Version", "Link"];

/// What a deletion answers: there is no representation left that a tag could name.
pub(super) const OF_TOMBSTONE: &[&str] = &["Last-Modified", "Document-Version", "Link"];

/// What an answer to a write may tell of the write.
pub(super) const OF_WRITE: &[&str] = &["Preference-Applied", "Idempotent-Replayed"];

const fn always(name: &'static str, description: &'static str, schema: fn() -> Value) -> Header {
    Header {
        name,
        description,
        schema,
        is_required: true,
    }
}

const fn sometimes(name: &'static str, description: &'static str, schema: fn() -> Value) -> Header {
    Header {
        is_required: false,
        ..always(name, description, schema)
    }
}

/// A strong tag of ours.
fn tag() -> Value {
    text_like("^\"[!#-~]+\"$")
}

pub(crate) static HEADERS: [Header; 18] = [
    always(
        "ETag",
        "The strong tag of the representation, for If-Match. Opaque. A compressed answer has one of its own, which \
         names the same version.",
        tag,
    ),
    always(
        "Last-Modified",
        "When the version was saved, to the second.",
        text,
    ),
    always(
        "Document-Version",
        "The number of the version: 1, 2, 3 and so on, across deletions.",
        || whole(1),
    ),
    always(
        "Link",
        "Where the versions of the document are: `rel=\"version-history\"`.",
        text,
    ),
    always("Location", "The path of the new document.", href),
    always("WWW-Authenticate", "`Bearer` (RFC 6750).", text),
    always("Retry-After", "Seconds to wait.", || whole(0)),
    always("Allow", "The methods that are known here.", text),
    sometimes(
        "Preference-Applied",
        "The preferences that were followed: `return=minimal`, `conflict=merge`, `conflict=reject`.",
        text,
    ),
    sometimes(
        "Merged-ETag",
        "Instead of `ETag` and `Last-Modified` where a PUT was merged, and where an answer without a document is about \
         a version that its writer cannot know: the tag of what was stored, which is not what was sent (RFC 9110, \
         section 9.3.4). Send it back in If-Match only with an edit of the document that it stands for.",
        tag,
    ),
    sometimes(
        "Merged-Versions",
        "`5..7` where an edit of version 5 was merged with what came up to version 7; 0 is an edit of nothing.",
        || text_like("^[0-9]+\\.\\.[0-9]+$"),
    ),
    sometimes(
        "Idempotent-Replayed",
        "`true`: the write was performed before, by a request with this Idempotency-Key, and this is the answer of then.",
        || exactly("true"),
    ),
    sometimes(
        "Content-Location",
        "The path of the document, which is what the body is.",
        href,
    ),
    sometimes("Accept", "The media types that PUT takes.", text),
    sometimes("Accept-Post", "The media types that POST takes.", text),
    sometimes("Accept-Patch", "The media types that PATCH takes.", text),
    sometimes("Accept-Encoding", "The codings that bodies may have.", text),
    sometimes(
        "Current-ETag",
        "The tag of the current version, if there is one.",
        text,
    ),
];
