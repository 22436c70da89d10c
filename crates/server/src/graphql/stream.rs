//! Operations answered as server-sent events: graphql-sse, its mode of distinct connections.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use detente_core::json;
use detente_graphql::{Answer as Answered, Kind, Plan};
use futures_util::{StreamExt, stream};

use super::asked::Asked;
use super::subscription::Event;
use crate::call::Answer;
use crate::feed::{COMMENT, event_stream};

/// Performs an operation. Each of its responses is an event `next`. Where there are no more, `complete` says so;
/// a stream that ends without it broke off, and its client begins again.
pub(super) async fn answer(asked: &Asked, plan: Plan) -> Answer {
    if plan.kind != Kind::Subscription {
        return Ok(only(&asked.perform_whole(plan).await?));
    }
    let subscription = match asked.subscribe(plan).await {
        Ok(subscription) => subscription,
        Err(fault) => return Ok(only(&Answered::refused(&[fault]))),
    };
    let events = stream::unfold(subscription, |mut subscription| async {
        let event = match subscription.next().await? {
            Event::Answer(answered) => next(&answered),
            Event::Silence => COMMENT,
        };
        Some((event, subscription))
    });
    // The head is sent at once: nothing may come for long.
    let events = stream::iter([COMMENT])
        .chain(events)
        .map(Ok::<_, Infallible>);
    Ok(event_stream(Body::from_stream(events)))
}

/// A stream of one response.
pub(super) fn only(answered: &Answered) -> Response {
    event_stream(Body::from([next(answered), COMPLETE].concat()))
}

const COMPLETE: Bytes = Bytes::from_static(b"event: complete\ndata:\n\n");

/// A response in one line, for each line of `data` would be one of its own.
fn next(answered: &Answered) -> Bytes {
    let text = json::compact(&answered.text);
    format!("event: next\ndata: {text}\n\n").into()
}
