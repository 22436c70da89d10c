use detente_core::Collision;
use serde_json::{Value, json};

use super::Members;
use crate::problem::{ProblemType, problems};
use crate::schema::{
    Saying, all_of, anything, exactly, href, list, moment, named, object, one_word_of, pointer,
    text, whole,
};

/// What problems are made of.
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
pub(super) fn schemas() -> impl Iterator<Item = (&'static str, Value)> {
    problems().map(|row| (row.error, schema(row)))
}

fn schema(row: &ProblemType) -> Value {
    let mut own = Members::new();
    own.insert("type".into(), exactly(row.path()));
    own.insert("title".into(), exactly(row.title));
    own.insert("status".into(), exactly(row.status.as_u16()));
    if row.named_by.is_none() {
        own.insert("error".into(), exactly(row.error));
    }
    let members = row.members.iter();
    own.extend(members.map(|it| (it.name.to_owned(), (it.schema)())));
    let mut more = json!({"type": "object", "properties": own});
    if !row.always.is_empty() {
        more["required"] = json!(row.always);
    }
    all_of([named("Problem"), more]).and("title", row.title)
}

fn problem() -> Value {
    object([
        ("type", href()),
        ("title", text()),
        ("status", json!({"type": "integer"})),
        ("detail", text()),
        ("instance", text().about("The path of the request.")),
        ("error", text().about("What `type` says, in one word.")),
        ("message", text()),
        (
            "logged?",
            href().about("Where the conflict log keeps the edit. Only of writes that others stood in the way of."),
        ),
        (
            "results?",
            list(named("OperationResult")).about(
                "Of a batch: what became of each operation. `operation` then is the place of the one that was refused first, \
                 from 0, whatever it is in a problem otherwise.",
            ),
        ),
    ])
    .about("A refusal (RFC 9457). Other members depend on `type`.")
}

/// How two edits collide.
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
        text().about("The strategy that the configuration gives the place; else `manual`.");
    let base = anything().about("What the writer began from. Absent if there was nothing.");
    let keyword = text().about("Of the schema, that what both come to breaks.");
    let broken = || text().about("That what both come to breaks.");
    object([
        ("path", pointer()),
        ("kind", one_word_of(&COLLISIONS.map(Collision::name))),
        ("strategy", strategy),
        ("base?", base),
        ("yours?", anything().about("What the writer wants.")),
        ("current?", anything().about("What is stored now.")),
        ("by?", text().about("Who changed it last.")),
        ("version?", whole(1)),
        ("keyword?", keyword),
        ("rule?", broken()),
        ("constraint?", broken()),
        ("message?", text().about("How.")),
    ])
}

fn change() -> Value {
    object([
        ("version", whole(1)),
        ("by", text()),
        ("at", moment()),
        ("fields?", list(text())),
    ])
}

fn resolution() -> Value {
    object([
        ("rel", text()),
        ("method", text()),
        ("href", href()),
        ("base?", text().about("For `base` of a merge.")),
        ("current?", text().about("For `current` of a merge.")),
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
        ("values?", json!({"type": "array"})),
        ("existing?", named("Existing")),
        ("message", text()),
    ])
}
