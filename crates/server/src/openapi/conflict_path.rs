use serde_json::{Value, json};

use super::api::{Api, SERVER};
use super::document_path::REFUSALS_OF_BODIES;
use super::schema::reference;
use super::{Members, header, link, parameter};
use crate::problem::ProblemKind;
use crate::resource::JSON;

const LIST: &str = "\
Every write that was refused because of others (409, 412 and 423) is kept for a while, with its edit: nobody has to type \
it again. The newest come first. Whoever may write but not read sees their own.";

const RESOLVE: &str = "\
Stores the edit after all, merged with what is current by now, with choices where the two collide; where the document is \
gone, the edit creates it. Or lets the edit go, and answers with the conflict. Either settles the conflict, which is done \
once.";

const STATISTICS: &str = "\
Between `since`, which is a day ago if it is left out, and `until`, which is now. Tables have 20 rows at the most.";

/// The conflict log.
pub(super) fn items(api: &Api<'_>) -> Members {
    Members::from_iter([
        item("", "get", list(api)),
        item("/stats", "get", statistics(api)),
        item("/{conflict}", "get", read(api)),
        item("/{conflict}/resolve", "post", resolve(api)),
    ])
}

fn item(rest: &str, method: &str, operation: Value) -> (String, Value) {
    (format!("/api/_conflicts{rest}"), json!({method: operation}))
}

fn list(api: &Api<'_>) -> Value {
    let mut page = told("A page of conflicts.", "LoggedConflictPage");
    page["links"] = link::to_conflict().into();
    let names = [
        "ofCollection",
        "ofDocument",
        "ofActor",
        "ofKind",
        "ofOutcome",
        "loggedSince",
        "loggedUntil",
        "limit",
        "conflictCursor",
    ];
    operation(
        "listConflicts",
        "List refused writes",
        LIST,
        &names,
        api.guarded(success(page), &REFUSALS_TO_READ),
    )
}

fn statistics(api: &Api<'_>) -> Value {
    let report = told("The report.", "ConflictStatistics");
    operation(
        "summarizeConflicts",
        "Tell what the refused writes add up to",
        STATISTICS,
        &["loggedSince", "loggedUntil"],
        api.guarded(success(report), &REFUSALS_TO_READ),
    )
}

fn read(api: &Api<'_>) -> Value {
    let conflict = told("The conflict.", "LoggedConflictDetail");
    let mut refusals = REFUSALS_TO_READ.to_vec();
    refusals.push(ProblemKind::NotFound);
    operation(
        "readConflict",
        "Read a refused write",
        "With the edit, the versions that met, and where they collide. Whoever may not read gets the edit alone.",
        &["conflict"],
        api.guarded(success(conflict), &refusals),
    )
}

fn resolve(api: &Api<'_>) -> Value {
    let mut refusals = api.refusals_of_writes();
    refusals.extend([
        ProblemKind::NotFound,
        ProblemKind::PatchConflict,
        ProblemKind::ConflictSettled,
        ProblemKind::PreconditionRequired,
    ]);
    refusals.extend(REFUSALS_OF_BODIES);
    let body = json!({JSON: {
        "schema": reference("ConflictResolution"),
        "example": {"choices": {"/title": "yours"}, "current": "\"7-1f3a9c02\""},
    }});
    let mut resolve = operation(
        "resolveConflict",
        "Settle a refused write",
        RESOLVE,
        &[],
        api.guarded(resolved(), &refusals),
    );
    resolve["parameters"] = api
        .write_parameters(&[
            "conflict",
            "ifMatch",
            "ifNoneMatch",
            "ifUnmodifiedSince",
            "prefer",
            "lockToken",
            "idempotencyKey",
        ])
        .into();
    resolve["requestBody"] = api.body(body);
    resolve
}

fn resolved() -> Members {
    let document = reference("Document");
    let response = |description: &str, required: &[&str], more: &[&str], schema: Option<Value>| {
        let mut headers = header::references(required);
        headers.extend(header::references(header::OF_WRITE));
        headers.extend(header::perhaps(more));
        let mut response = json!({"description": description, "headers": headers});
        if let Some(schema) = schema {
            response["content"] = json!({JSON: {"schema": schema}});
        }
        response
    };
    let version = header::OF_VERSION;
    let of_merge = [version, &["Content-Location", "Merged-Versions"]].concat();
    let either = json!({"anyOf": [document, reference("LoggedConflict")]});
    Members::from_iter([
        (
            "200".into(),
            response(
                "The new version, with its fields; or the conflict, if it was dismissed.",
                &[],
                &of_merge,
                Some(either),
            ),
        ),
        (
            "201".into(),
            response(
                "The document, where there was none; without a body if that is preferred.",
                &["Document-Version", "Link", "Location"],
                &["ETag", "Last-Modified", "Merged-ETag"],
                Some(document),
            ),
        ),
        (
            "204".into(),
            response(
                "It is done; the representation is left out, or the document is deleted.",
                &["Document-Version", "Link"],
                &[
                    "ETag",
                    "Last-Modified",
                    "Merged-ETag",
                    "Content-Location",
                    "Merged-Versions",
                ],
                None,
            ),
        ),
    ])
}

fn operation(
    id: &str,
    summary: &str,
    description: &str,
    names: &[&str],
    responses: Members,
) -> Value {
    let parameters: Vec<_> = names
        .iter()
        .map(|name| parameter::reference(name))
        .collect();
    json!({
        "operationId": id,
        "tags": [SERVER],
        "summary": summary,
        "description": description,
        "parameters": parameters,
        "responses": responses,
    })
}

fn told(description: &str, schema: &str) -> Value {
    json!({"description": description, "content": {JSON: {"schema": reference(schema)}}})
}

fn success(response: Value) -> Members {
    Members::from_iter([("200".into(), response)])
}

/// What waits for the log is written before the log is read.
const REFUSALS_TO_READ: [ProblemKind; 3] = [
    ProblemKind::Malformed,
    ProblemKind::Unavailable,
    ProblemKind::StorageFull,
];
