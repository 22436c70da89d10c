use serde_json::{Value, json};

use crate::schema::{Saying, exactly, flag, list, moment, named, pointer, text, whole};

/// A member of a problem, beside those that all problems have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) schema: fn() -> Value,
}

pub(super) const fn member(name: &'static str, schema: fn() -> Value) -> Member {
    Member { name, schema }
}

pub(super) const VERSION: Member = member("current_version", || whole(1));
pub(super) const TAG: Member = member("current_etag", text);
pub(super) const CONFLICTS: Member = member("conflicts", || list(named("Conflict")));
pub(super) const CHANGES_SINCE: Member = member("changes_since", || list(named("ChangeSince")));
pub(super) const RESOLUTIONS: Member = member("resolutions", || list(named("Resolution")));
pub(super) const DELETED_AT: Member = member("deleted_at", moment);
pub(super) const DELETED_BY: Member = member("deleted_by", text);
pub(super) const LIMIT_BYTES: Member = member("limit_bytes", || whole(0));

/// The place of a mistake in the body of a request.
pub(super) const MEMBER: Member = member("member", || {
    pointer().about("Where the mistake is in the body.")
});

/// What is told of a write that meets another version than the one that it began from.
pub(super) const STALE: &[Member] = &[
    member("current_version", || whole(1).or_null()),
    member("your_version", || {
        let version = json!({"type": ["integer", "null"]});
        version.about("The newest version that If-Match names; null if the document never had it.")
    }),
    member("current_etag", || {
        text()
            .or_null()
            .about("For the If-Match of the next attempt.")
    }),
    member("conflicting_fields", || list(text())),
    CONFLICTS,
    CHANGES_SINCE,
    member("changes_omitted", || {
        exactly(true).about("There are more changes than are told.")
    }),
    member("mergeable", || {
        flag().about("Whether the two edits do not overlap.")
    }),
    member("already_applied", || {
        exactly(true).about("The current version is what the request sent.")
    }),
    member(
        "current",
        || json!({"description": "The current version, unless it is large."}),
    ),
    member("current_href", || {
        text().about("Where the current version is, if it is large.")
    }),
    member(
        "merged",
        || json!({"description": "Both edits together, without those in conflict."}),
    ),
    member("joined", || list(named("Join"))),
    member("agreements", agreements),
    RESOLUTIONS,
];

/// The fields that two edits changed alike.
pub(crate) fn agreements() -> Value {
    list(text())
        .about("What both changed alike. Of two who count from 5 to 6, one counted in vain.")
}

/// The version that settled a conflict of the log.
pub(crate) fn settled_version() -> Value {
    whole(1)
        .or_null()
        .about("The version that resolved it; null if it was dismissed.")
}
