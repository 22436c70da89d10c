use serde_json::{Value, json};

use crate::schema::{
    Saying, all_of, anything, exactly, href, id, list, moment, named, object, one_of, one_word_of,
    pointer, text, whole,
};

/// Documents, and the pages of lists, histories and feeds.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let document = json!({"type": "object"});
    let document =
        document.about("One JSON object. A read returns byte for byte what the last write stored.");
    let row = object([
        ("id", id()),
        ("version", whole(1)),
        ("etag?", text().about("As in `ETag`, including the quotes.")),
        ("updated_at", moment()),
        ("updated_by", text()),
    ]);
    let last = text().about("The `seq` up to which this page goes: use it as `since` to continue.");
    vec![
        ("Document", document),
        ("Row", row),
        ("Version", all_of([named("Row"), version()])),
        ("Change", all_of([named("Version"), change()])),
        ("VersionPage", page_of(named("Version"))),
        (
            "ChangePage",
            object(
                page(named("Change"))
                    .into_iter()
                    .chain([("last", last), reset()]),
            ),
        ),
        ("CollectionList", collections()),
        ("CollectionSummary", collection()),
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
        ("documents", whole(0)),
        (
            "changed_at",
            changed.about("When a document was last written or deleted; null if none ever was."),
        ),
    ])
}

fn version() -> Value {
    let deleted =
        exactly(true).about("This version deleted the document. It has no `etag` and no `data`.");
    object([("data?", named("Document")), ("deleted?", deleted)]).and(
        "oneOf",
        json!([{"required": ["etag", "data"]}, {"required": ["deleted"]}]),
    )
}

fn reset() -> (&'static str, Value) {
    let reset = exactly(true).about(
        "`since` was past the end of the log: an older copy of the store was put back. Forget what came of \
         the feed before; this page is the first.",
    );
    ("reset?", reset)
}

fn change() -> Value {
    let paths = "The places that the version changed. Absent if the server does not know them, or would \
                 need long to find them.";
    let merged = "Only for a merged version: the version that the edit was based on (0 for none), and \
                  the version that it was merged with.";
    let merge = object([("base_version", whole(0)), ("onto_version", whole(1))]);
    object([
        (
            "seq",
            whole(1).about("The position in the log of all versions."),
        ),
        ("collection", text()),
        ("paths?", list(pointer()).about(paths)),
        ("merged?", merge.about(merged)),
    ])
}

/// A page of documents.
pub(super) fn document_page(document: &Value) -> Value {
    let data = object([("data", document.clone())]).and("required", ["etag", "data"]);
    page_of(all_of([named("Row"), data]))
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
