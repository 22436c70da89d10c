use serde_json::Value;

use crate::schema::{
    Saying, any_object, anything, flag, href, id, list, moment, named, object, one_of, one_word_of,
    pointer, text, whole,
};

/// Documents, and the pages of lists, histories and feeds.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let document = any_object()
        .about("One JSON object. A read returns byte for byte what the last write stored.");
    let last = text().about("The `seq` up to which this page goes: use it as `since` to continue.");
    vec![
        ("Document", document),
        ("Version", object(version()).about(OF_VERSION)),
        ("Change", object(version().into_iter().chain(change()))),
        (
            "VersionPage",
            object(page(named("Version")).into_iter().chain([short()])),
        ),
        (
            "ChangePage",
            object(
                page(named("Change"))
                    .into_iter()
                    .chain([short(), ("last", last), reset()]),
            ),
        ),
        ("CollectionList", collections()),
        ("CollectionSummary", collection()),
        (
            "MergePatch",
            any_object().about("A merge patch (RFC 7396): null removes a member."),
        ),
        ("JsonPatch", json_patch()),
    ]
}

fn collections() -> Value {
    object([("items", list(named("CollectionSummary")))])
}

fn collection() -> Value {
    let changed = moment().or_null();
    object([
        ("name", text()),
        ("href", href()),
        (
            "documents",
            whole(0).or_null().about("Null if a rule of the collection decides who may read which of them."),
        ),
        (
            "changed_at",
            changed.about("When a document was last written or deleted; null if none ever was, or `documents` is."),
        ),
    ])
}

const OF_VERSION: &str = "It has `etag` and `data`, or it is `deleted`.";

fn row() -> [(&'static str, Value); 4] {
    [
        ("id", id()),
        ("version", whole(1)),
        ("updated_at", moment()),
        ("updated_by", text()),
    ]
}

fn etag() -> Value {
    text().about("As in `ETag`, including the quotes.")
}

fn version() -> Vec<(&'static str, Value)> {
    let deleted = flag()
        .about("`true` if this version deleted the document. It has no `etag` and no `data`.");
    let own = [
        ("etag?", etag()),
        ("data?", named("Document")),
        ("deleted?", deleted),
    ];
    row().into_iter().chain(own).collect()
}

fn reset() -> (&'static str, Value) {
    let reset = flag().about(
        "`true` if `since` is no place of this log: an older copy of the store was put back. Forget what \
         came of the feed before; this page is the first.",
    );
    ("reset?", reset)
}

fn short() -> (&'static str, Value) {
    let short = flag().about(
        "`true` if this page has fewer items than `limit` although more follow: go on with `next`.",
    );
    ("short?", short)
}

fn change() -> [(&'static str, Value); 5] {
    let paths = "The places that the version changed. Absent if the server does not know them, or would \
                 need long to find them.";
    let merged = "Only for a merged version: the version that the edit was based on (0 for none), and \
                  the version that it was merged with.";
    let merge = object([("base_version", whole(0)), ("onto_version", whole(1))]);
    [
        (
            "seq",
            whole(1).about("The position in the log of all versions."),
        ),
        ("collection", text()),
        ("paths?", list(pointer()).about(paths)),
        ("merged?", merge.about(merged)),
        ("last_data?", named("Document")),
    ]
}

/// A page of documents.
pub(super) fn document_page(document: &Value) -> Value {
    let own = [("etag", etag()), ("data", document.clone())];
    let total = whole(0).about(
        "How many documents match the filters in all, on this page and on others. Only with `count=true`.",
    );
    let page = page(object(row().into_iter().chain(own)));
    object(page.into_iter().chain([short(), ("total?", total)]))
}

pub(super) fn page_of(item: Value) -> Value {
    object(page(item))
}

fn page(item: Value) -> [(&'static str, Value); 2] {
    let next = text().or_null();
    let next = next.about("Where the next page begins; null on the last page.");
    [("items", list(item)), ("next", next)]
}

/// A JSON Patch (RFC 6902, section 4).
fn json_patch() -> Value {
    let operation = |names: &[&str], more: Option<(&'static str, Value)>| {
        let members = [("op", one_word_of(names)), ("path", pointer())];
        object(members.into_iter().chain(more))
    };
    let operations = one_of([
        operation(&["add", "replace", "test"], Some(("value", anything()))),
        operation(&["move", "copy"], Some(("from", pointer()))),
        operation(&["remove"], None),
    ]);
    list(operations)
        .about("A JSON Patch (RFC 6902). A patch with a `test` operation needs no If-Match.")
}
