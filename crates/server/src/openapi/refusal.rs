use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Members;
use super::operation::{header_reference, optional_header};
use crate::problem::{ProblemKind, ProblemType, problems};
use crate::schema::named;
use crate::site::Site;

/// The refusals of an operation, by status.
pub(super) fn by_status(kinds: &[ProblemKind], site: &Site) -> Members {
    let mut statuses: BTreeMap<StatusCode, Vec<&ProblemType>> = BTreeMap::new();
    for kind in kinds {
        let described = kind.describe();
        let rows = statuses.entry(described.status).or_default();
        if !rows.iter().any(|row| row.kind == *kind) {
            rows.push(described);
        }
    }
    let in_order = |row: &&ProblemType| problems().position(|it| it.kind == row.kind);
    for rows in statuses.values_mut() {
        rows.sort_by_key(in_order);
    }
    let response = |(status, rows): (StatusCode, Vec<&ProblemType>)| {
        let response = match rows.as_slice() {
            [row] => json!({"$ref": reference(row)}),
            rows => one_of(status, rows, site),
        };
        (status.as_str().to_owned(), response)
    };
    statuses.into_iter().map(response).collect()
}

/// A response for each problem that one of `paths` refers to, by its `error`.
pub(super) fn responses(paths: &Value) -> Members {
    let text = paths.to_string();
    let is_used = |row: &&ProblemType| text.contains(&format!("{:?}", reference(row)));
    let response = |row: &ProblemType| {
        let description = format!("{}.", row.title);
        let response = response(&description, row.status, named(row.error));
        (row.error.to_owned(), response)
    };
    problems().filter(is_used).map(response).collect()
}

fn reference(row: &ProblemType) -> String {
    format!("#/components/responses/{}", row.error)
}

fn one_of(status: StatusCode, rows: &[&ProblemType], site: &Site) -> Value {
    let titles: Vec<_> = rows
        .iter()
        .map(|row| format!("- `{}`: {}.", row.slug, row.title))
        .collect();
    let mapping: Members = rows
        .iter()
        .map(|row| {
            let target = format!("#/components/schemas/{}", row.error);
            (site.link(&row.path()), target.into())
        })
        .collect();
    let schema = json!({
        "oneOf": rows.iter().map(|row| named(row.error)).collect::<Vec<_>>(),
        "discriminator": {"propertyName": "type", "mapping": mapping},
    });
    response(&titles.join("\n"), status, schema)
}

fn response(description: &str, status: StatusCode, schema: Value) -> Value {
    let content = json!({
        "application/problem+json": {"schema": schema},
        "application/json": {"schema": schema},
    });
    let mut response = json!({"description": description});
    let headers = headers(status);
    if !headers.is_empty() {
        response["headers"] = headers.into();
    }
    response["content"] = content;
    response
}

fn headers(status: StatusCode) -> Members {
    let names: &[&str] = match status {
        StatusCode::UNAUTHORIZED => &["WWW-Authenticate"],
        StatusCode::METHOD_NOT_ALLOWED => &["Allow"],
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => &["Retry-After"],
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            &["Accept", "Accept-Post", "Accept-Patch", "Accept-Encoding"]
        }
        _ => &[],
    };
    let referred = names
        .iter()
        .map(|name| ((*name).to_owned(), header_reference(name)));
    let mut headers: Members = referred.collect();
    if [StatusCode::CONFLICT, StatusCode::PRECONDITION_FAILED].contains(&status) {
        headers.insert("ETag".into(), header_reference("Current-ETag"));
    }
    // For request-in-progress.
    if status == StatusCode::CONFLICT {
        headers.insert("Retry-After".into(), optional_header("Retry-After"));
    }
    headers
}
