use serde_json::{Value, json};

use crate::problem::agreements;
use crate::schema::{
    POINTER, Saying, all_of, anything, closed, exactly, flag, list, named, object, one_of,
    one_word_of, pointer, text, text_like, whole,
};

/// A tag in its quotes, as the body of a request names a version by it.
const TAG: &str = "^(W/)?\"[!#-~]*\"$";

/// What merges are asked for, and what is told of them.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("VersionReference", version()),
        ("Choices", choices()),
        ("MergeRequest", request()),
        ("MergeReport", report()),
        ("Join", join()),
    ]
}

fn version() -> Value {
    let forms = [text_like(TAG), whole(1).and("maximum", i64::MAX)];
    one_of(forms).about(
        "A version of the document: its tag, as `ETag` has it, quotes and all, or its number.",
    )
}

fn choices() -> Value {
    let side = one_word_of(&["yours", "current", "base"]);
    let choice = one_of([side, closed([("value", anything())])]);
    json!({"type": "object"})
        .about("What to take where the two edits collide, by JSON Pointer: a side, or a value of its own.")
        .and("propertyNames", json!({"pattern": POINTER}))
        .and("additionalProperties", choice)
}

/// The version that choices name beside them.
pub(super) fn current() -> Value {
    all_of([named("VersionReference")])
        .about("The version that the choices were made on; without it there can be none.")
}

/// A whole document or a patch, never both.
fn request() -> Value {
    let edit = |name, schema| {
        closed([
            ("base", named("VersionReference")),
            ("choices?", named("Choices")),
            ("current?", current()),
            (name, schema),
        ])
    };
    let patch = one_of([named("JsonPatch"), json!({"type": "object"})]);
    one_of([edit("document", named("Document")), edit("patch", patch)])
        .about("An edit of the version `base`: what the writer made of it, or a patch of it.")
}

fn report() -> Value {
    object([
        (
            "mergeable",
            flag().about("Whether the merge would be stored."),
        ),
        ("base_version", whole(1)),
        ("current_version", whole(1)),
        (
            "current_etag",
            text().about("For `current`, beside choices."),
        ),
        ("joined", list(named("Join"))),
        ("agreements", agreements()),
        ("conflicts", list(named("Conflict"))),
        ("changes_since", list(named("ChangeSince"))),
        (
            "document?",
            anything().about(
                "Both edits together; the current version where they collide, or a choice says so.",
            ),
        ),
    ])
    .about("What a merge would come to now.")
}

fn join() -> Value {
    object([
        ("path", pointer()),
        ("strategy", text()),
        (
            "review?",
            exactly(true).about("Somebody should read what came out."),
        ),
        ("lost?", anything().about("The value that gave way.")),
    ])
    .about("A place that both edits changed and a strategy joined.")
}
