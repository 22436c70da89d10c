/// From an answer to a request that it makes possible.
#[derive(Debug)]
pub(crate) struct Link {
    /// The id of the operation.
    pub(crate) to: &'static str,
    pub(crate) description: &'static str,
    /// What its parameters are, as runtime expressions.
    pub(crate) parameters: &'static [(&'static str, &'static str)],
    /// What the members of its body are, as runtime expressions.
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

/// From an answer that tells a document's id and tag to what can be done with the document next.
pub(super) static TO_DOCUMENT: [Link; 9] = [
    link("read", &[ID], "The document as it is now."),
    link(
        "replace",
        &[ID, IF_MATCH],
        "Replaces this version, if it still is the current one.",
    ),
    link(
        "patch",
        &[ID, IF_MATCH],
        "Changes this version, if it still is the current one.",
    ),
    link(
        "delete",
        &[ID, IF_MATCH],
        "Deletes the document, if this still is its current version.",
    ),
    Link {
        body: &[
            ("base", "$response.header.ETag"),
            ("document", "$response.body"),
        ],
        ..link(
            "merge",
            &[ID],
            "Merges an edit of this version with what is current by then.",
        )
    },
    link("lock", &[ID], "Keeps other writers out for a while."),
    link("listVersions", &[ID], "All versions of the document."),
    link(
        "listDocumentChanges",
        &[ID],
        "All versions of the document, and those to come.",
    ),
    link(
        "readVersion",
        &[ID, VERSION],
        "This version, whatever becomes of the document.",
    ),
];

/// From the answer of taking a lock to what the token is for.
pub(super) static TO_LOCK: [Link; 5] = [
    link("lock", &[ID, LOCK_TOKEN], "Holds the lock for longer."),
    link("releaseLock", &[ID, LOCK_TOKEN], "Lets others write again."),
    link(
        "replace",
        &[ID, LOCK_TOKEN],
        "Replaces the document, which nobody else may.",
    ),
    link(
        "patch",
        &[ID, LOCK_TOKEN],
        "Changes the document, which nobody else may.",
    ),
    link(
        "delete",
        &[ID, LOCK_TOKEN],
        "Deletes the document, which nobody else may.",
    ),
];

/// From a page of the conflict log to the first of its conflicts.
pub(super) static TO_CONFLICT: [Link; 2] = [
    link(
        "readConflict",
        &[FIRST_CONFLICT],
        "The newest of them, with its edit.",
    ),
    link(
        "resolveConflict",
        &[FIRST_CONFLICT],
        "Settles the newest of them.",
    ),
];
