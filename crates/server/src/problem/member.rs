use detente_service::Action;
use serde_json::{Value, json};

use crate::schema::{
    Saying, anything, flag, list, moment, named, one_word_of, pointer, text, whole,
};

/// A member that only some problems have.
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
pub(super) const ACTION: Member = member("action", || {
    let words = one_word_of(&Action::ALL.map(Action::word));
    words.about("What you may not do.")
});
pub(super) const LIMIT_BYTES: Member = member("limit_bytes", || whole(0));

/// The place of a mistake in the body of a request.
pub(super) const MEMBER: Member = member("member", || {
    pointer().about("The place of the mistake in the body.")
});

/// The members about a write that was based on another version than the current one.
pub(super) const STALE: &[Member] = &[
    member("current_version", || whole(1).or_null()),
    member("your_version", || {
        let version = json!({"type": ["integer", "null"]});
        version.about("The newest version that If-Match names; null if the document never had it.")
    }),
    member("current_etag", || {
        text()
            .or_null()
            .about("Send it in If-Match with the next attempt.")
    }),
    member("conflicting_fields", || list(text())),
    CONFLICTS,
    member("conflicts_omitted", || {
        whole(1).about(
            "How many conflicts the list leaves out, if there are more than 1000. A preview of the merge has \
             all of them.",
        )
    }),
    CHANGES_SINCE,
    member("changes_omitted", || {
        flag().about("`true` if there are older changes that the list leaves out.")
    }),
    member("mergeable", || {
        flag().about("Whether the two edits can be merged without a conflict.")
    }),
    member("already_applied", || {
        flag().about("`true` if the current version is exactly what the request sent.")
    }),
    member("current", || {
        anything().about("The current version, unless it is large.")
    }),
    member("current_href", || {
        text().about("The address of the current version, if it is large.")
    }),
    member("merged", || {
        anything().about("Both edits joined. In places that conflict it has the current value.")
    }),
    member("joined", || list(named("Join"))),
    member("agreements", agreements),
    RESOLUTIONS,
];

/// The fields that two edits changed in the same way.
pub(crate) fn agreements() -> Value {
    list(text()).about(
        "The fields that both edits changed in the same way. If both counted from 5 to 6, one of \
         the two counts is lost.",
    )
}

/// The version that resolved a conflict of the log.
pub(crate) fn settled_version() -> Value {
    whole(1)
        .or_null()
        .about("The version that resolved the conflict; null if the conflict was dismissed.")
}

/// Why a conflict of the log was dismissed.
pub(crate) fn settled_reason() -> Value {
    text().about("Why the conflict was dismissed, if somebody said so.")
}
