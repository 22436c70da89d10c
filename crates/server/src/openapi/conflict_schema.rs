use detente_service::{CONFLICT_KINDS, Reason};
use serde_json::Value;

use super::document_schema::page_of;
use super::merge_schema::current;
use crate::problem::{settled_reason, settled_version};
use crate::schema::{
    Saying, anything, closed, flag, href, id, list, moment, named, number, object, one_of,
    one_word_of, pointer, short_text_like, text, text_in, whole,
};

/// No control characters but line feed and tab.
const REASON: &str = "^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]+$";

/// Entries of the conflict log, and resolutions.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let page = page_of(named("LoggedConflict"));
    vec![
        (
            "LoggedConflict",
            object(logged()).about("A write that was refused."),
        ),
        (
            "LoggedConflictPage",
            page.about("Conflicts, the newest first."),
        ),
        (
            "LoggedConflictDetail",
            object(logged().into_iter().chain(detail())).about("A refused write, with its edit."),
        ),
        ("LostEdit", edit()),
        ("ConflictResolution", resolution()),
        ("ConflictDismissal", dismissal()),
        ("ConflictStatistics", statistics()),
        ("DismissedConflicts", dismissed()),
    ]
}

/// Those from `settled_at` on are there if the outcome is not `open`, and the reason if one was given.
fn logged() -> Vec<(&'static str, Value)> {
    let kind = one_word_of(&CONFLICT_KINDS);
    let version = |description| whole(1).or_null().about(description);
    let methods = ["PUT", "PATCH", "POST", "DELETE"];
    vec![
        ("id", text_in("uuid")),
        ("href", href()),
        ("at", moment()),
        ("by", text()),
        (
            "agent?",
            text().about("The `User-Agent` of the write, at most 255 bytes of it."),
        ),
        ("method", one_word_of(&methods)),
        ("collection", text()),
        ("document", id()),
        ("document_href", href()),
        (
            "kind",
            kind.about("Why the write was refused: the last part of the problem's `type`."),
        ),
        ("paths", list(pointer()).about("The places that conflict.")),
        (
            "base_version",
            version("The version that the edit was based on, if known."),
        ),
        (
            "current_version",
            version("The version that was current then, if there was one."),
        ),
        ("outcome", one_word_of(&["open", "resolved", "dismissed"])),
        ("settled_at?", moment()),
        ("settled_by?", text()),
        ("settled_version?", settled_version()),
        ("settled_reason?", settled_reason()),
    ]
}

fn dismissed() -> Value {
    object([
        (
            "dismissed",
            whole(0).about("How many conflicts were dismissed."),
        ),
        (
            "more",
            flag().about("Whether more of them are open: send the request again, with a new key."),
        ),
    ])
}

fn detail() -> [(&'static str, Value); 4] {
    let base = "The version that the edit was based on, if it is known and still kept.";
    let current = "The version that was current then, if it is still kept.";
    [
        ("edit", named("LostEdit")),
        ("base?", anything().about(base)),
        ("current?", anything().about(current)),
        ("conflicts?", list(named("Conflict"))),
    ]
}

/// One of four kinds of edit, each with its own member.
fn edit() -> Value {
    one_of([
        closed([("document", named("Document"))]),
        closed([("merge_patch", anything())]),
        closed([("json_patch", named("JsonPatch"))]),
        closed([("deletion", flag())]),
    ])
    .about("What the writer wanted: a new document, a patch, or a deletion.")
}

fn resolution() -> Value {
    let dismiss = flag().and("default", false);
    closed([
        (
            "dismiss?",
            dismiss.about("Whether to let the edit go. Then there are no choices, and only then a reason."),
        ),
        ("reason?", reason()),
        ("choices?", named("Choices")),
        ("current?", current()),
    ])
    .about(
        "Store the edit, merged with the current version and with choices where the two conflict; or \
         dismiss it.",
    )
}

fn dismissal() -> Value {
    closed([("reason?", reason())])
        .about("What else there is to say of a dismissal of many conflicts.")
}

fn reason() -> Value {
    short_text_like(REASON, Reason::MAX)
        .and("minLength", 1)
        .about("Why the edit is dismissed, for whoever looks into the log later.")
}

fn statistics() -> Value {
    let nullable = |schema: Value, description| schema.or_null().about(description);
    object([
        ("since", moment()),
        ("until", moment()),
        ("conflicts", whole(0)),
        ("per_hour", number()),
        (
            "merged",
            whole(0).about("Merged edits, counted in whole hours."),
        ),
        (
            "share_merged",
            nullable(
                number().and("maximum", 1),
                "The share of merged edits among merged and refused ones; null if there were none.",
            ),
        ),
        ("open", whole(0)),
        ("resolved", whole(0)),
        ("dismissed", whole(0)),
        (
            "median_resolution_s",
            nullable(
                number(),
                "Seconds from a refusal to its resolution or dismissal; null if there was none.",
            ),
        ),
        (
            "by_collection",
            table(
                "collection",
                "The largest count first, as in every table of this report.",
            ),
        ),
        ("by_document", table("document", "`collection/id`.")),
        (
            "by_path",
            table("path", "The collection, followed by the JSON Pointer."),
        ),
        ("by_actor", table("by", "By the name of the writer.")),
        (
            "by_kind",
            table("kind", "By the last part of the problem's `type`."),
        ),
        (
            "by_hour",
            list(hour())
                .about("In order of time. Hours without conflicts and merges are left out."),
        ),
    ])
}

fn table(name: &str, description: &str) -> Value {
    let row = object([(name, text()), ("count", whole(1)), ("per_hour", number())]);
    list(row).and("maxItems", 20).about(description)
}

fn hour() -> Value {
    object([
        ("hour", moment()),
        ("conflicts", whole(0)),
        ("merged", whole(0)),
    ])
}
