//! All of a space, by fields: GraphQL has a description of its own.

use super::misplaced::IN_GRAPHQL;
use super::{Answer, Body, Content, Operation, Required, Resource, Shape};
use crate::call::gated;
use crate::resource::JSON;

pub(super) static GRAPHQL: Resource = Resource::of_graphql("/graphql", &[ASK, SEND]);

const RESPONSE: Content = Content::new("application/graphql-response+json", Shape::Object);
const PLAIN: Content = Content::new(JSON, Shape::Object);
const EVENTS: Content = Content::new("text/event-stream", Shape::Text);

const ASK: Operation = Operation {
    id: "askGraphql",
    run: gated!(crate::graphql::ask),
    summary: "Perform a query or a subscription, or open a WebSocket",
    method: "GET",
    body: None,
    ..SEND
};

const SEND: Operation = Operation {
    id: "sendGraphql",
    run: gated!(crate::graphql::send),
    // Clients name their operations there, for logs, and what else they like.
    takes_any_query: true,
    method: "POST",
    action: Required::ByField,
    summary: "Perform an operation of GraphQL",
    misplaced: IN_GRAPHQL,
    body: Some(Body::of(&[Content::new(JSON, Shape::Object)])),
    answers: &[Answer::of("The response.", &[RESPONSE, PLAIN, EVENTS])],
    ..Operation::BARE
};
