//! Operations answered as server-sent events: graphql-sse, its mode of distinct connections.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use detente_core::json;
use detente_graphql::{Answer as Answered, Kind, Plan};
use futures_util::{StreamExt, stream};

use super::asked::Asked;
use super::subscription::{Event, Subscription};
use crate::call::Answer;
use crate::feed::{HEARTBEAT, event_stream};

/// Performs an operation. Each of its responses is an event `next`; the last event is `complete`.
pub(super) async fn answer(asked: &Asked, plan: Plan) -> Answer {
    if plan.kind != Kind::Subscription {
        let answered = asked.perform(&plan).await;
        return Ok(event_stream(Body::from(
            [next(&answered), COMPLETE].concat(),
        )));
    }
    let subscription = match asked.subscribe(plan).await {
        Ok(subscription) => subscription,
        Err(faults) => {
            let refused = Answered::refused(&faults);
            return Ok(event_stream(Body::from(
                [next(&refused), COMPLETE].concat(),
            )));
        }
    };
    let events = stream::unfold(Some(subscription), |subscription| async {
        let mut subscription: Subscription = subscription?;
        match subscription.next().await {
            Some(Event::Answer(answered)) => Some((next(&answered), Some(subscription))),
            Some(Event::Silence) => Some((HEARTBEAT, Some(subscription))),
            None => Some((COMPLETE, None)),
        }
    });
    // The head is sent at once: nothing may come for long.
    let events = stream::iter([HEARTBEAT])
        .chain(events)
        .map(Ok::<_, Infallible>);
    Ok(event_stream(Body::from_stream(events)))
}

const COMPLETE: Bytes = Bytes::from_static(b"event: complete\ndata:\n\n");

/// A response in one line, for each line of `data` would be one of its own.
fn next(answered: &Answered) -> Bytes {
    let text = json::compact(&answered.text);
    format!("event: next\ndata: {text}\n\n").into()
}
