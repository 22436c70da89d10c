//! The API described as OpenAPI 3.1, from the settings that the server runs with.

mod api; // the server that is described
mod subject; // what one set of its paths is about

mod link; // from an answer to the requests that it makes possible
mod operation; // one row of the table of operations
mod refusal; // the responses that problems are

mod batch_schema; // what batches are made of
mod conflict_schema; // what the conflict log tells
mod document_schema; // documents, and what wraps them
mod embedding; // the schemas of collections, within the description
mod lock_schema; // what locks are asked for, and tell
mod merge_schema; // what merges are asked for, and tell
mod problem_schema; // what problems tell

use axum::http::request::Parts;
use bytes::Bytes;
use detente_service::Policy;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::call::Answer;
use crate::operations::{RESOURCES, Resource, Scope};
use crate::representation::{self, Coding};
use crate::resource::PathParts;
use crate::settings::Settings;

use api::Api;
use subject::Subject;

/// Members of an object of the description.
type Members = Map<String, Value>;

/// What no single operation can say.
const PROSE: &str = "\
Documents that many may change at once, and no write is lost: a change names the version that it began from \
(`If-Match`), and where the document has moved on since, the answer is a refusal that tells what happened meanwhile.

**Spaces.** All that stands under `/api` stands under `/spaces/{space}/api` too, for another space: other documents, \
other versions, another feed, another conflict log. A space is named as a collection is, and exists as soon as something is stored in it. \
`/api` is the space `default`.

**Merging.** A client may ask that an edit of an older version is merged with what came since (`Prefer: \
conflict=merge`), or merge it by choices of its own (`POST /api/{collection}/{id}/merge`).

**Conflicts** are kept: a write that was refused because of others is in the conflict log with its edit, and `logged` in \
the refusal tells where.

**Methods.** Whatever knows GET knows HEAD. Everything knows OPTIONS, which answers 204 with `Allow`. Any other method \
is refused with 405 and `Allow`.

**Refusals** are problems (RFC 9457) of media type `application/problem+json`, or `application/json` for a client that \
accepts only that. `type` and `error` tell them apart. Should the server fail (500), the answer is a problem too, and \
the cause is in its log.

**Requests** carry JSON as RFC 7493 has it: no duplicate member names, at most 128 levels of nesting. Every answer has \
an `X-Request-Id`: the one of the request if it is plain, else a new one.";

pub(crate) async fn read(app: &App, _: &PathParts, parts: &Parts) -> Answer {
    // Settings do not change while the server runs.
    let described = || {
        let description = describe(&app.service.policy, &app.settings);
        Bytes::from(description.to_string())
    };
    let body = app.openapi.get_or_init(described).clone();
    let coding = Coding::negotiate(&parts.headers, body.len());
    representation::json(body, coding).await
}

fn describe(policy: &Policy, settings: &Settings) -> Value {
    let api = Api::of(policy, settings);
    let mut description = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Detente",
            "version": env!("CARGO_PKG_VERSION"),
            "description": PROSE,
        },
        "tags": api.tags(),
        "paths": paths(&api),
        "components": {
            "schemas": schemas(&api),
            "parameters": operation::parameter_components(&api.undeclared_name()),
            "headers": operation::header_components(),
            "responses": refusal::responses(),
        },
    });
    if api.wants_tokens() {
        description["security"] = json!([{"bearer": []}]);
        description["components"]["securitySchemes"] =
            json!({"bearer": {"type": "http", "scheme": "bearer"}});
    }
    description
}

fn paths(api: &Api<'_>) -> Members {
    let mut paths = Members::new();
    for resource in RESOURCES {
        let subjects = match resource.scope {
            Scope::Collection => api.subjects.as_slice(),
            Scope::Space | Scope::Server => std::slice::from_ref(&api.whole),
        };
        for subject in subjects {
            let path = subject.path(resource);
            let item = item(api, subject, &path, resource);
            paths.insert(path, item.into());
        }
    }
    paths
}

fn item(api: &Api<'_>, subject: &Subject<'_>, path: &str, resource: &Resource) -> Members {
    let describe = |row| operation::describe(api, subject, path, row);
    let rows = resource.operations.iter();
    rows.map(|row| (row.method.as_str().to_lowercase(), describe(row)))
        .collect()
}

fn schemas(api: &Api<'_>) -> Members {
    let ours = [
        document_schema::schemas(),
        merge_schema::schemas(),
        lock_schema::schemas(),
        batch_schema::schemas(api),
        conflict_schema::schemas(),
        problem_schema::parts(),
    ];
    let ours = ours.into_iter().flatten().chain(problem_schema::schemas());
    let ours = ours.map(|(name, schema)| (name.to_owned(), schema));
    // No clash: the names of collections begin with a small letter, ours with a capital one.
    let of_collections = api.subjects.iter().filter_map(Subject::schema_component);
    ours.chain(of_collections).collect()
}

#[cfg(test)]
mod tests;
