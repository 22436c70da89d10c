use serde_json::{Value, json};

use super::Members;
use super::subject::Subject;

/// From an answer that tells a document's id and tag to what can be done with the document next.
///
/// `id` is the runtime expression for the id.
pub(super) fn to_document(subject: &Subject<'_>, id: &str) -> Members {
    let link = |verb: &str, more: &[(&str, &str)], description: &str| {
        to_operation(subject, verb, id, more, description)
    };
    let mut merge = link(
        "merge",
        &[],
        "Merges an edit of this version with what is current by then.",
    );
    merge.1["requestBody"] = json!({"base": "$response.header.ETag", "document": "$response.body"});
    let if_match = &[("header.If-Match", "$response.header.ETag")];
    let version = &[("path.version", "$response.header.Document-Version")];
    Members::from_iter([
        link("read", &[], "The document as it is now."),
        link(
            "replace",
            if_match,
            "Replaces this version, if it still is the current one.",
        ),
        link(
            "patch",
            if_match,
            "Changes this version, if it still is the current one.",
        ),
        link(
            "delete",
            if_match,
            "Deletes the document, if this still is its current version.",
        ),
        merge,
        link("lock", &[], "Keeps other writers out for a while."),
        link("listVersions", &[], "All versions of the document."),
        link(
            "listDocumentChanges",
            &[],
            "All versions of the document, and those to come.",
        ),
        link(
            "readVersion",
            version,
            "This version, whatever becomes of the document.",
        ),
    ])
}

/// From the answer of taking a lock to what the token is for.
pub(super) fn to_lock(subject: &Subject<'_>) -> Members {
    let link = |verb: &str, description: &str| {
        let token = &[("header.Lock-Token", "$response.body#/token")];
        to_operation(subject, verb, "$request.path.id", token, description)
    };
    Members::from_iter([
        link("lock", "Holds the lock for longer."),
        link("releaseLock", "Lets others write again."),
        link("replace", "Replaces the document, which nobody else may."),
        link("patch", "Changes the document, which nobody else may."),
        link("delete", "Deletes the document, which nobody else may."),
    ])
}

/// From a page of the conflict log to the first of its conflicts.
pub(super) fn to_conflict() -> Members {
    let link = |id: &str, description: &str| {
        let link = json!({
            "operationId": id,
            "description": description,
            "parameters": {"path.conflict": "$response.body#/items/0/id"},
        });
        (id.to_owned(), link)
    };
    Members::from_iter([
        link("readConflict", "The newest of them, with its edit."),
        link("resolveConflict", "Settles the newest of them."),
    ])
}

fn to_operation(
    subject: &Subject<'_>,
    verb: &str,
    id: &str,
    more: &[(&str, &str)],
    description: &str,
) -> (String, Value) {
    let mut parameters = subject.link_parameters();
    parameters.insert("path.id".into(), id.into());
    let more = more.iter();
    parameters.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).into())));
    let link = json!({
        "operationId": subject.operation(verb),
        "description": description,
        "parameters": parameters,
    });
    (verb.to_owned(), link)
}
