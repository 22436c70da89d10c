use serde_json::{Value, json};

use super::Members;

/// A strong tag of ours.
const TAG: &str = "^\"[!#-~]+\"$";

/// The fields that tell of the version in an answer.
pub(super) const OF_VERSION: &[&str] = &["ETag", "Last-Modified", "Document-Version", "Link"];

/// What a deletion answers: there is no representation left that a tag could name.
pub(super) const OF_TOMBSTONE: &[&str] = &["Last-Modified", "Document-Version", "Link"];

/// What an answer to a write may tell of the write.
pub(super) const OF_WRITE: &[&str] = &["Preference-Applied", "Idempotent-Replayed"];

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// References to fields, by their names.
pub(super) fn references(names: &[&str]) -> Members {
    let named = |name: &&str| ((*name).to_owned(), reference(name));
    names.iter().map(named).collect()
}

/// Fields that an answer may do without, whatever they are elsewhere.
pub(super) fn perhaps(names: &[&str]) -> Members {
    let all = components();
    let optional = |name: &&str| {
        let mut header = all[*name].clone();
        if header["required"] == false {
            return ((*name).to_owned(), reference(name));
        }
        header["required"] = false.into();
        ((*name).to_owned(), header)
    };
    names.iter().map(optional).collect()
}

pub(super) fn components() -> Members {
    let always = [
        (
            "ETag",
            "The strong tag of the representation, for If-Match. Opaque. A compressed answer has one of its own, which \
             names the same version.",
            json!({"type": "string", "pattern": TAG}),
        ),
        (
            "Last-Modified",
            "When the version was saved, to the second.",
            json!({"type": "string"}),
        ),
        (
            "Document-Version",
            "The number of the version: 1, 2, 3 and so on, across deletions.",
            json!({"type": "integer", "minimum": 1}),
        ),
        (
            "Link",
            "Where the versions of the document are: `rel=\"version-history\"`.",
            json!({"type": "string"}),
        ),
        (
            "Location",
            "The path of the new document.",
            json!({"type": "string", "format": "uri-reference"}),
        ),
        (
            "WWW-Authenticate",
            "`Bearer` (RFC 6750).",
            json!({"type": "string"}),
        ),
        (
            "Retry-After",
            "Seconds to wait.",
            json!({"type": "integer", "minimum": 0}),
        ),
        (
            "Allow",
            "The methods that are known here.",
            json!({"type": "string"}),
        ),
    ];
    let sometimes = [
        (
            "Preference-Applied",
            "The preferences that were followed: `return=minimal`, `conflict=merge`, `conflict=reject`.",
            json!({"type": "string"}),
        ),
        (
            "Merged-ETag",
            "Instead of `ETag` and `Last-Modified` where a PUT was merged, and where an answer without a document is about \
             a version that its writer cannot know: the tag of what was stored, which is not what was sent (RFC 9110, \
             section 9.3.4). Send it back in If-Match only with an edit of the document that it stands for.",
            json!({"type": "string", "pattern": TAG}),
        ),
        (
            "Merged-Versions",
            "`5..7` where an edit of version 5 was merged with what came up to version 7; 0 is an edit of nothing.",
            json!({"type": "string", "pattern": "^[0-9]+\\.\\.[0-9]+$"}),
        ),
        (
            "Idempotent-Replayed",
            "`true`: the write was performed before, by a request with this Idempotency-Key, and this is the answer of then.",
            json!({"const": "true"}),
        ),
        (
            "Content-Location",
            "The path of the document, which is what the body is.",
            json!({"type": "string", "format": "uri-reference"}),
        ),
        (
            "Accept",
            "The media types that PUT takes.",
            json!({"type": "string"}),
        ),
        (
            "Accept-Post",
            "The media types that POST takes.",
            json!({"type": "string"}),
        ),
        (
            "Accept-Patch",
            "The media types that PATCH takes.",
            json!({"type": "string"}),
        ),
        (
            "Accept-Encoding",
            "The codings that bodies may have.",
            json!({"type": "string"}),
        ),
        (
            "Current-ETag",
            "The tag of the current version, if there is one.",
            json!({"type": "string"}),
        ),
    ];
    let always = always.into_iter().map(|row| component(row, true));
    always
        .chain(sometimes.into_iter().map(|row| component(row, false)))
        .collect()
}

fn component((name, description, schema): (&str, &str, Value), required: bool) -> (String, Value) {
    let header = json!({"description": description, "required": required, "schema": schema});
    (name.to_owned(), header)
}
