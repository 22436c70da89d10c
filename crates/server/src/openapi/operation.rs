//! One row of the table of operations, described.

use serde_json::{Value, json};

use super::api::Api;
use super::document_schema::document_page;
use super::refusal;
use super::subject::Subject;
use super::{Members, link};
use crate::operations::{
    ACTOR, Answer, Content, HEADERS, Header, Operation, PARAMETERS, Parameter, ParameterIn, Shape,
};
use crate::problem::ProblemKind;
use crate::schema::{any_object, named, text};

pub(super) fn describe(
    api: &Api<'_>,
    subject: &Subject<'_>,
    path: &str,
    row: &'static Operation,
) -> Value {
    let mut operation = json!({
        "operationId": subject.operation(row.id),
        "tags": [subject.tag()],
        "summary": row.summary,
    });
    if !row.description.is_empty() {
        operation["description"] = row.description.into();
    }
    let parameters = parameters(api, path, row);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = row.body {
        let limit = api.body_bytes();
        operation["requestBody"] = json!({
            "description": format!("At most {limit} bytes, without `Content-Encoding`."),
            "required": body.is_required,
            "content": contents(subject, body.contents),
        });
    }
    operation["responses"] = responses(api, subject, row).into();
    if row.action.is_open() {
        operation["security"] = json!([]);
    } else if api.wants_tokens() {
        // Where there are several, one of them is needed.
        let by_right = row.action.every().into_iter();
        let by_right = by_right.map(|it| json!({"bearer": [it.word()]}));
        operation["security"] = by_right.collect();
    }
    operation
}

fn parameters(api: &Api<'_>, path: &str, row: &Operation) -> Vec<Value> {
    let names = path.split(['{', '}']).skip(1).step_by(2);
    let in_path = names.filter_map(|name| {
        let is_it = |it: &&&Parameter| it.place == ParameterIn::Path && it.name == name;
        PARAMETERS.iter().find(is_it)
    });
    // With tokens, the token says who writes.
    let names_actor = row.action.is_write() && !api.wants_tokens();
    in_path
        .chain(row.query)
        .chain(row.fields)
        .copied()
        .chain(names_actor.then_some(&ACTOR))
        .map(|it| json!({"$ref": format!("#/components/parameters/{}", it.key)}))
        .collect()
}

fn responses(api: &Api<'_>, subject: &Subject<'_>, row: &Operation) -> Members {
    let answers = row.answers.iter();
    let mut responses: Members = answers
        .map(|it| (it.status.to_string(), answer(subject, it)))
        .collect();
    let possible = row.refusals.iter().copied().flatten();
    let possible = possible.filter(|it| subject.may_have(it.when));
    let mut kinds: Vec<_> = possible.map(|it| it.kind).collect();
    kinds.extend([ProblemKind::HeadersTooLarge, ProblemKind::Misdirected]);
    if api.limits_rates() && !row.action.is_open() {
        kinds.push(ProblemKind::RateLimited);
    }
    if !["GET", "HEAD"].contains(&row.method) {
        kinds.push(ProblemKind::ForeignOrigin);
    }
    if !row.misplaced.fields.is_empty() {
        kinds.push(ProblemKind::Malformed);
    }
    if !row.action.is_open() {
        kinds.extend(refusals_of_callers(api));
    }
    responses.extend(refusal::by_status(&kinds, api.site));
    responses
}

fn refusals_of_callers(api: &Api<'_>) -> &'static [ProblemKind] {
    match api.wants_tokens() {
        true => &[ProblemKind::Unauthenticated, ProblemKind::Forbidden],
        // For an X-Actor that is not a name.
        false => &[ProblemKind::Malformed],
    }
}

fn answer(subject: &Subject<'_>, answer: &Answer) -> Value {
    let mut described = json!({"description": answer.description});
    let headers = headers(answer);
    if !headers.is_empty() {
        described["headers"] = headers.into();
    }
    if !answer.contents.is_empty() {
        described["content"] = contents(subject, answer.contents).into();
    }
    if !answer.links.is_empty() {
        described["links"] = link::describe(subject, answer).into();
    }
    described
}

fn headers(answer: &Answer) -> Members {
    let always = answer.headers.iter().copied().flatten();
    let always = always.map(|name| ((*name).to_owned(), header_reference(name)));
    let perhaps = answer.perhaps.iter();
    always
        .chain(perhaps.map(|name| ((*name).to_owned(), optional_header(name))))
        .collect()
}

pub(super) fn header_reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// A header that an answer may leave out, even if other answers always have it.
pub(super) fn optional_header(name: &str) -> Value {
    let required = HEADERS.iter().find(|it| it.name == name && it.is_required);
    required.map_or_else(
        || header_reference(name),
        |it| header(it.description, false, (it.schema)()),
    )
}

fn header(description: &str, is_required: bool, schema: Value) -> Value {
    json!({"description": description, "required": is_required, "schema": schema})
}

fn contents(subject: &Subject<'_>, contents: &[Content]) -> Members {
    let describe = |content: &Content| {
        let mut described = json!({"schema": schema(subject, content.shape)});
        if let Some(example) = content.example {
            described["example"] = example(subject.example());
        }
        (content.media_type.to_owned(), described)
    };
    contents.iter().map(describe).collect()
}

fn schema(subject: &Subject<'_>, shape: Shape) -> Value {
    match shape {
        Shape::Document => subject.document(),
        Shape::DocumentPage => document_page(&subject.document()),
        Shape::DocumentOr(name) => json!({"anyOf": [subject.document(), named(name)]}),
        Shape::Named(name) => named(name),
        Shape::Object => any_object(),
        Shape::Text => text(),
    }
}

/// All parameters. `collection` is an example of one.
pub(super) fn parameter_components(collection: &str) -> Members {
    let component = |it: &&Parameter| {
        let place = match it.place {
            ParameterIn::Path => "path",
            ParameterIn::Query => "query",
            ParameterIn::Header => "header",
        };
        let mut parameter = json!({
            "name": it.name,
            "in": place,
            "description": it.description,
            "schema": (it.schema)(),
        });
        if it.place == ParameterIn::Path {
            parameter["required"] = true.into();
        }
        if let Some(example) = it.example {
            parameter["example"] = example.into();
        }
        (it.key.to_owned(), parameter)
    };
    let mut components: Members = PARAMETERS.iter().map(component).collect();
    components["collection"]["example"] = collection.into();
    components
}

pub(super) fn header_components() -> Members {
    let component = |it: &Header| {
        let header = header(it.description, it.is_required, (it.schema)());
        (it.name.to_owned(), header)
    };
    HEADERS.iter().map(component).collect()
}
