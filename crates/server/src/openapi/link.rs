use serde_json::json;

use super::Members;
use super::subject::Subject;

/// From an answer that tells a document's id and tag to what can be done with the document next.
///
/// `id` is the runtime expression for the id.
pub(super) fn to_document(subject: &Subject<'_>, id: &str) -> Members {
    let link = |verb: &str, more: &[(&str, &str)], description: &str| {
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
    };
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
        link("listVersions", &[], "All versions of the document."),
        link(
            "readVersion",
            version,
            "This version, whatever becomes of the document.",
        ),
    ])
}
