use detente_core::Collision;
use serde_json::{Value, json};

use crate::problem::{ProblemType, problems};
use crate::schema::{
    Saying, anything, exactly, href, list, moment, named, object, one_word_of, pointer, text, whole,
};
use crate::site::Site;

/// The parts of problems.
pub(super) fn parts() -> Vec<(&'static str, Value)> {
    vec![
        ("Problem", problem()),
        ("Conflict", conflict()),
        ("ChangeSince", change()),
        ("Resolution", resolution()),
        ("Violation", violation()),
        ("Duplicate", duplicate()),
        ("Existing", object([("id", text()), ("href", href())])),
    ]
}

/// A schema for each problem, by its `error`.
pub(super) fn schemas(site: &Site) -> impl Iterator<Item = (&'static str, Value)> {
    problems().map(|row| (row.error, schema(row, site)))
}

/// Written out, not as a problem and more: generators make a type with all members of it, and its
/// name is that of the component, not the sentence that people read.
fn schema(row: &ProblemType, site: &Site) -> Value {
    let mut schema = object(common());
    let properties = &mut schema["properties"];
    properties["type"] = exactly(site.link(&row.path()));
    properties["title"] = text().and("examples", json!([row.title]));
    properties["status"] = exactly(row.status.as_u16());
    if row.named_by.is_none() {
        properties["error"] = exactly(row.error);
    }
    for member in row.members {
        properties[member.name] = (member.schema)();
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.extend(row.always.iter().map(|name| json!(name)));
    }
    schema
        .and("title", row.error)
        .about(&format!("{}.", row.title))
}

fn problem() -> Value {
    object(common()).about("A refusal (RFC 9457). Other members depend on `type`.")
}

/// The members that every problem may have.
fn common() -> [(&'static str, Value); 10] {
    [
        ("type", href()),
        ("title", text()),
        ("status", json!({"type": "integer"})),
        ("detail", text()),
        ("instance", text().about("The path of the request.")),
        ("error", text().about("The kind of problem in one word.")),
        ("message", text()),
        (
            "logged?",
            href().about(
                "The address of the edit in the conflict log. Only if the write was refused because of \
                 other people's writes.",
            ),
        ),
        (
            "rests_on?",
            whole(0).about(
                "Only in a batch: the earlier operation that the refusal rests on, counted from 0. It was \
                 not performed either.",
            ),
        ),
        (
            "results?",
            list(named("OperationResult")).about(
                "Only for a batch: the outcome of each operation. `operation` is then the place of the \
                 operation that was refused first, counted from 0, whatever `operation` means in the \
                 problem otherwise.",
            ),
        ),
    ]
}

/// The ways in which two edits conflict.
const COLLISIONS: [Collision; 9] = [
    Collision::EditEdit,
    Collision::DeleteEdit,
    Collision::EditDelete,
    Collision::AddAdd,
    Collision::Type,
    Collision::Order,
    Collision::Text,
    Collision::Constraint,
    Collision::Inapplicable,
];

fn conflict() -> Value {
    let strategy =
        text().about("The strategy that the configuration gives the place, or `manual`.");
    let base = anything().about("The value that the edit was based on. Absent if there was none.");
    let keyword = text().about("The keyword of the schema that the joined document breaks.");
    let broken = || text().about("The one that the joined document breaks.");
    object([
        ("path", pointer()),
        ("kind", one_word_of(&COLLISIONS.map(Collision::name))),
        ("strategy", strategy),
        ("base?", base),
        ("yours?", anything().about("The value in the edit.")),
        ("current?", anything().about("The value stored now.")),
        ("by?", text().about("Who changed the place last.")),
        ("version?", whole(1)),
        ("obstacle?", obstacle()),
        ("keyword?", keyword),
        ("rule?", broken()),
        ("constraint?", broken()),
        (
            "message?",
            text().about("How the joined document breaks it."),
        ),
    ])
}

fn obstacle() -> Value {
    let sides = ["base", "yours", "current", "merged"];
    let reasons = ["wrong-type", "missing-key", "repeated-key", "too-long"];
    object([
        (
            "side",
            one_word_of(&sides).about("Whose value the strategy cannot merge."),
        ),
        ("reason", one_word_of(&reasons)),
        (
            "expected?",
            text().about("The type that the strategy merges."),
        ),
        (
            "key?",
            pointer().about("Where the elements of the list have their key."),
        ),
        ("index?", whole(0).about("The element that has no key.")),
        (
            "value?",
            anything().about("The key that two elements have."),
        ),
    ])
    .about("Why the strategy cannot merge the values.")
}

fn change() -> Value {
    object([
        ("version", whole(1)),
        ("by", text()),
        ("at", moment()),
        ("fields?", list(text())),
        (
            "fields_omitted?",
            whole(1).about("How many fields the list leaves out, if there are more than 1000."),
        ),
    ])
}

fn resolution() -> Value {
    object([
        ("rel", text()),
        ("method", text()),
        ("href", href()),
        ("base?", text().about("Use it as `base` of a merge.")),
        ("current?", text().about("Use it as `current` of a merge.")),
        ("if_match?", text()),
        ("if_none_match?", text()),
    ])
}

fn violation() -> Value {
    object([
        ("path", pointer()),
        ("keyword", text()),
        ("message", text()),
    ])
}

fn duplicate() -> Value {
    object([
        ("constraint", text()),
        ("field", text().or_null()),
        ("fields", list(text())),
        ("values?", list(anything())),
        ("existing?", named("Existing")),
        ("message", text()),
    ])
}
