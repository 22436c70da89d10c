use serde_json::Value;

use crate::schema::{exactly, href, text, text_like, whole};

/// A field of an answer.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) schema: fn() -> Value,
    /// Whether all answers that can have it do have it.
    pub(crate) is_required: bool,
}

/// The fields about the version in an answer.
pub(super) const OF_VERSION: &[&str] = &["ETag", "Last-Modified", "Document-Version", "Link"];

/// The fields of the answer to a deletion: no representation is left for a tag to name.
pub(super) const OF_TOMBSTONE: &[&str] = &["Last-Modified", "Document-Version", "Link"];

/// The fields about a write in its answer.
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

/// A strong tag of this server.
fn tag() -> Value {
    text_like("^\"[!#-~]+\"$")
}

pub(crate) static HEADERS: [Header; 19] = [
    always(
        "ETag",
        "The strong tag of the representation, for If-Match. Opaque. A compressed answer has a tag of \
         its own, which names the same version.",
        tag,
    ),
    always(
        "Last-Modified",
        "When the version was saved, in whole seconds.",
        text,
    ),
    always(
        "Document-Version",
        "The number of the version: 1, 2, 3 and so on. A deletion is a version too.",
        || whole(1),
    ),
    always(
        "Link",
        "The address of the document's versions: `rel=\"version-history\"`.",
        text,
    ),
    always("Location", "The path of the new document.", href),
    always("WWW-Authenticate", "`Bearer` (RFC 6750).", text),
    always("Retry-After", "Seconds to wait.", || whole(0)),
    always("Allow", "The methods that the resource supports.", text),
    sometimes(
        "Preference-Applied",
        "The preferences that the server followed: `return=minimal`, `conflict=merge`, `conflict=reject`.",
        text,
    ),
    sometimes(
        "Merged-ETag",
        "The tag of the stored version, where that is not what the client sent (RFC 9110, section \
         9.3.4). It replaces `ETag` and `Last-Modified` after a merged PUT, and in an answer without a \
         document about a version that the writer cannot know. Send it in If-Match only with an edit of \
         the document that the tag stands for.",
        tag,
    ),
    sometimes(
        "Merged-Versions",
        "`5..7` if an edit of version 5 was merged with the changes up to version 7. `0..7` if the edit \
         had no base.",
        || text_like("^[0-9]+\\.\\.[0-9]+$"),
    ),
    sometimes(
        "Merged-Places",
        "The places of a merged write that a strategy joined: JSON objects with commas between them, the \
         rows of `joined` in a refusal. Those that a person should read come first (`review`). At most \
         2 KiB: what has no room is left out.",
        text,
    ),
    sometimes(
        "Idempotent-Replayed",
        "`true` if an earlier request with this Idempotency-Key performed the write. This is the answer \
         to that request.",
        || exactly("true"),
    ),
    sometimes(
        "Content-Location",
        "The path of the document in the body.",
        href,
    ),
    sometimes("Accept", "The media types that PUT accepts.", text),
    sometimes("Accept-Post", "The media types that POST accepts.", text),
    sometimes("Accept-Patch", "The media types that PATCH accepts.", text),
    sometimes(
        "Accept-Encoding",
        "The content codings that bodies may have.",
        text,
    ),
    sometimes(
        "Current-ETag",
        "The tag of the current version, if there is one.",
        text,
    ),
];
