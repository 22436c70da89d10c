use serde_json::{Value, json};

use crate::problem::agreements;
use crate::schema::{
    POINTER, Saying, anything, closed, flag, list, named, object, one_of, one_word_of, pointer,
    text, text_like, whole,
};

/// A tag with its quotes, which names a version in the body of a request.
const TAG: &str = "^(W/)?\"[!#-~]*\"$";

/// Requests for merges, and reports.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("VersionReference", version()),
        ("Choices", choices()),
        ("MergeRequest", request()),
        ("DocumentMerge", edit("document", named("Document"))),
        (
            "PatchMerge",
            edit("patch", one_of([named("JsonPatch"), named("MergePatch")])),
        ),
        ("MergeReport", report()),
        ("Join", join()),
    ]
}

fn version() -> Value {
    let forms = [text_like(TAG), whole(1).and("maximum", i64::MAX)];
    one_of(forms)
        .about("A version of the document: its tag, as in `ETag` with the quotes, or its number.")
}

fn choices() -> Value {
    let side = one_word_of(&["yours", "current", "base"]);
    let choice = one_of([side, closed([("value", anything())])]);
    json!({"type": "object"})
        .about(
            "What to take where the two edits conflict, by JSON Pointer: one of the sides, or another \
             value.",
        )
        .and("propertyNames", json!({"pattern": POINTER}))
        .and("additionalProperties", choice)
}

/// The version that choices were made on: a tag or a number.
pub(super) fn current() -> Value {
    version()
        .about("The version that was current when the choices were made. Required with choices.")
}

/// A whole document or a patch, never both.
fn request() -> Value {
    one_of([named("DocumentMerge"), named("PatchMerge")])
        .about("An edit of the version `base`: the edited document, or a patch.")
}

fn edit(name: &str, schema: Value) -> Value {
    closed([
        ("base", named("VersionReference")),
        ("choices?", named("Choices")),
        ("current?", current()),
        (name, schema),
    ])
}

fn report() -> Value {
    object([
        (
            "mergeable",
            flag().about("Whether the server would store the merge."),
        ),
        ("base_version", whole(1)),
        ("current_version", whole(1)),
        (
            "current_etag",
            text().about("Use it as `current`, together with choices."),
        ),
        ("joined", list(named("Join"))),
        ("agreements", agreements()),
        ("conflicts", list(named("Conflict"))),
        ("changes_since", list(named("ChangeSince"))),
        (
            "document?",
            anything().about(
                "Both edits joined. In places that conflict it has the current value, unless a choice \
                 says otherwise.",
            ),
        ),
    ])
    .about("What a merge would do now.")
}

fn join() -> Value {
    object([
        ("path", pointer()),
        ("strategy", text()),
        (
            "review?",
            flag().about("`true` if a person should read the result."),
        ),
        ("lost?", anything().about("The value that was dropped.")),
    ])
    .about("A place that both edits changed, and that a strategy joined.")
}
