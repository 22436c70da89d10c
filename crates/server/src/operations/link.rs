/// A link from an answer to a possible next request.
#[derive(Debug)]
pub(crate) struct Link {
    /// The id of the operation that it leads to.
    pub(crate) to: &'static str,
    pub(crate) description: &'static str,
    /// The values of its parameters, as runtime expressions.
    pub(crate) parameters: &'static [(&'static str, &'static str)],
    /// The values of the members of its body, as runtime expressions.
    pub(crate) body: &'static [(&'static str, &'static str)],
}

const ID: (&str, &str) = ("path.id", "$request.path.id");
const IF_MATCH: (&str, &str) = ("header.If-Match", "$response.header.ETag");
const VERSION: (&str, &str) = ("path.version", "$response.header.Document-Version");
const LOCK_TOKEN: (&str, &str) = ("header.Lock-Token", "$response.body#/token");
const FIRST_CONFLICT: (&str, &str) = ("path.conflict", "$response.body#/items/0/id");

const fn link(
    to: &'static str,
    parameters: &'static [(&'static str, &'static str)],
    description: &'static str,
) -> Link {
    Link {
        to,
        description,
        parameters,
        body: &[],
    }
}

/// From an answer with the id and tag of a document to the operations on that document.
pub(super) static TO_DOCUMENT: [Link; 9] = [
    link("read", &[ID], "The document as it is now."),
    link(
        "replace",
        &[ID, IF_MATCH],
        "Replaces this version, if it is still the current one.",
    ),
    link(
        "patch",
        &[ID, IF_MATCH],
        "Changes this version, if it is still the current one.",
    ),
    link(
        "delete",
        &[ID, IF_MATCH],
        "Deletes the document, if this is still its current version.",
    ),
    Link {
        body: &[
            ("base", "$response.header.ETag"),
            ("document", "$response.body"),
        ],
        ..link(
            "merge",
            &[ID],
            "Merges an edit of this version with the version that is current then.",
        )
    },
    link("lock", &[ID], "Keeps other writers out for a while."),
    link("listVersions", &[ID], "The history of the document."),
    link(
        "listDocumentChanges",
        &[ID],
        "The history of the document, and its future versions.",
    ),
    link(
        "readVersion",
        &[ID, VERSION],
        "This version, even after the document has changed.",
    ),
];

/// From a lock to the operations that need its token.
pub(super) static TO_LOCK: [Link; 5] = [
    link("lock", &[ID, LOCK_TOKEN], "Renews the lock."),
    link("releaseLock", &[ID, LOCK_TOKEN], "Lets others write again."),
    link(
        "replace",
        &[ID, LOCK_TOKEN],
        "Replaces the document, which only the holder may do.",
    ),
    link(
        "patch",
        &[ID, LOCK_TOKEN],
        "Changes the document, which only the holder may do.",
    ),
    link(
        "delete",
        &[ID, LOCK_TOKEN],
        "Deletes the document, which only the holder may do.",
    ),
];

/// From a page of the conflict log to the first of its conflicts.
pub(super) static TO_CONFLICT: [Link; 2] = [
    link(
        "readConflict",
        &[FIRST_CONFLICT],
        "Reads the newest conflict, with its edit.",
    ),
    link(
        "resolveConflict",
        &[FIRST_CONFLICT],
        "Resolves or dismisses the newest conflict.",
    ),
];
