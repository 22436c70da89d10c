//! The description of the API in OpenAPI 3.1, made from the server's settings.

mod api; // the server to describe
mod label; // names of collections as names in programs
mod subject; // what a set of paths is about

mod link; // from an answer to possible next requests
mod operation; // one row of the table of operations, described
mod refusal; // problems as responses

mod batch_schema; // batches and their results
mod conflict_schema; // the conflict log
mod document_schema; // documents, and the pages that hold them
mod embedding; // the schemas of collections, inside the description
mod lock_schema; // requests for locks, and locks
mod merge_schema; // requests for merges, and reports
mod problem_schema; // problems, and their parts

use axum::http::request::Parts;
use detente_service::Policy;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::call::Answer;
use crate::operations::{RESOURCES, Resource, Scope};
use crate::representation::{self, Coding, line};
use crate::resource::PathParts;
use crate::settings::Settings;
use crate::site::Site;

use api::Api;
use subject::Subject;

/// The members of an object in the description.
type Members = Map<String, Value>;

/// What holds for all operations.
const PROSE: &str = "\
Many people can change the same documents at once, and no write is lost. A write names the version that it changes \
(`If-Match`). If the document has changed since, the write is refused, and the refusal says what happened.

**Spaces.** Every path under `/api` also exists under `/spaces/{space}/api`, for another space. A space has its own \
documents, versions, change feed and conflict log. The names of spaces follow the rules for names of collections. A space \
exists as soon as something is stored in it. `/api` is the space `default`.

**Merging.** A client can ask the server to merge an edit of an older version with the newer changes (`Prefer: \
conflict=merge`), or decide each conflict itself (`POST /api/{collection}/{id}/merge`).

**Conflicts** are kept. When a write is refused because of other people's writes, the conflict log keeps the edit, and \
`logged` in the refusal is its address there.

**Methods.** A resource that supports GET also supports HEAD. Every resource supports OPTIONS, which answers 204 with \
`Allow`. Any other method is refused with 405 and `Allow`.

**Refusals** are problems (RFC 9457) of media type `application/problem+json`, or `application/json` for a client that \
accepts only that. `type` and `error` say which kind of problem it is. If the server fails (500), the answer is also a \
problem, and the cause is in the server's log.

**Request bodies** are JSON as in RFC 7493: no duplicate member names, and at most 128 levels of nesting. Every answer has \
an `X-Request-Id`: the id that the request sent, if it is plain text, or a new one.";

pub(crate) async fn read(app: &App, _: &PathParts, parts: &Parts) -> Answer {
    let site = Site::found(&app.settings, &parts.extensions);
    let described = || {
        let description = describe(&app.service.policy, &app.settings, &site);
        line(description.to_string())
    };
    // Settings do not change while the server runs, but proxies may give it several names.
    let body = match site == app.settings.site {
        true => app.openapi.get_or_init(described).clone(),
        false => described(),
    };
    let coding = Coding::negotiate(&parts.headers, body.len());
    representation::json_line(body, coding).await
}

fn describe(policy: &Policy, settings: &Settings, site: &Site) -> Value {
    let api = Api::of(policy, settings, site);
    let paths = Value::from(paths(&api));
    let responses = refusal::responses(&paths);
    let mut description = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Detente",
            "version": env!("CARGO_PKG_VERSION"),
            "description": PROSE,
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": api.url()}],
        "security": [],
        "tags": api.tags(),
        "paths": paths,
        "components": {
            "schemas": schemas(&api),
            "parameters": operation::parameter_components(&api.undeclared_name()),
            "headers": operation::header_components(),
            "responses": responses,
        },
    });
    if api.wants_tokens() {
        description["security"] = json!([{"bearer": []}]);
        description["components"]["securitySchemes"] = json!({"bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of this server, or one of an issuer that it trusts. What an operation requires of it are the rights that it must have.",
        }});
    }
    description
}

fn paths(api: &Api<'_>) -> Members {
    let mut paths = Members::new();
    for resource in RESOURCES.iter().filter(|it| it.is_described) {
        let subjects = match resource.scope {
            Scope::Collection => api.subjects.as_slice(),
            Scope::Space
            | Scope::Server
            | Scope::Page
            | Scope::Files
            | Scope::Storage
            | Scope::Graphql => std::slice::from_ref(&api.whole),
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
    rows.map(|row| (row.method.to_lowercase(), describe(row)))
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
    let ours = ours
        .into_iter()
        .flatten()
        .chain(problem_schema::schemas(api.site));
    let ours = ours.map(|(name, schema)| (name.to_owned(), schema));
    // No clash: no name of ours is a word and `Document`.
    let of_collections = api.subjects.iter().flat_map(Subject::schema_components);
    ours.chain(of_collections).collect()
}

#[cfg(test)]
mod tests;
