//! GraphQL: the same use cases by fields.

mod conflicts; // refusals, with all that REST says
mod races;
mod requests; // over HTTP: methods, media types, limits
mod sockets; // what no library would send // many writers, by mutations and by REST at once

use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// An operation, and its answer.
pub(crate) async fn ask(client: &Client, query: &str, variables: Value) -> Answer {
    let body = json!({"query": query, "variables": variables}).to_string();
    client.post("/graphql", &body).send().await
}

/// The data of an operation that must have no errors.
pub(crate) async fn data(client: &Client, query: &str, variables: Value) -> Value {
    let answer = ask(client, query, variables).await.json();
    assert!(answer.get("errors").is_none(), "{query}: {answer:#}");
    answer["data"].clone()
}

/// The one error of an operation.
pub(crate) async fn error(client: &Client, query: &str, variables: Value) -> Value {
    let answer = ask(client, query, variables).await.json();
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    assert_eq!(errors.len(), 1, "{query}: {answer:#}");
    errors[0].clone()
}
