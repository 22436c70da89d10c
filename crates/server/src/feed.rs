use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use detente_core::Seq;
use detente_core::json::Value;
use detente_service::{FeedForm, Follower, Position, Scope, TouchedVersion};
use detente_store::Follow;
use futures_util::stream;

use crate::app::App;
use crate::call::{Answer, Call};
use crate::envelope;
use crate::following::{Came, Following};
use crate::inbound::Inbound;
use crate::parameters::{self, DEFAULT_LIMIT, parameters, switch};
use crate::problem::Problem;
use crate::representation::{self, Coding, NO_STORE};

pub(crate) const EVENT_STREAM: &str = "text/event-stream";
const LAST_EVENT_ID: &str = "last-event-id";

/// The same URL is a page or a stream.
const BY_ACCEPT: HeaderValue = HeaderValue::from_static("accept, accept-encoding");

/// The versions of a space, in the order of the log.
pub(crate) async fn of_space(call: &mut Call) -> Answer {
    let scope = Scope {
        space: call.names().space()?.to_owned(),
        collection: None,
        id: None,
    };
    answer(call, scope).await
}

/// The versions of a collection, in the order of the log.
pub(crate) async fn of_collection(call: &mut Call) -> Answer {
    let place = call.names().collection()?;
    let scope = Scope {
        space: place.space.into(),
        collection: Some(place.collection.into()),
        id: None,
    };
    answer(call, scope).await
}

/// The versions of a document, in the order of the log.
pub(crate) async fn of_document(call: &mut Call) -> Answer {
    let key = call.names().key()?;
    let scope = Scope {
        space: key.space().to_owned(),
        collection: Some(key.collection().to_owned()),
        id: Some(key.id().to_owned()),
    };
    answer(call, scope).await
}

async fn answer(call: &Call, scope: Scope) -> Answer {
    let service = &call.app.service;
    if let Some(collection) = &scope.collection {
        service.collection(collection)?;
    }
    let headers = call.inbound.headers();
    if wants_events(headers) {
        let id = headers.get(LAST_EVENT_ID);
        let wanted = Wanted::parse(&call.app, &call.inbound, &scope.space, id)?;
        let follower = service.follow(&call.principal, scope, wanted.form, wanted.since)?;
        return Ok(stream_events(
            &call.app,
            follower,
            wanted.greeting(&call.app),
        ));
    }
    let wanted = Wanted::parse(&call.app, &call.inbound, &scope.space, None)?;
    let Wanted {
        form, since, limit, ..
    } = wanted;
    let page = service.changes(&call.principal, &scope, form, since, limit);
    let page = page.await?;
    let through = service.position(page.through).to_string();
    let next = page.has_more.then(|| through.clone());
    let mut members = vec![("next", Value::from(next)), ("last", through.into())];
    members.extend(envelope::short(page.changes.len(), limit, page.has_more));
    members.extend(wanted.reset.map(|_| ("reset", Value::from(true))));
    let write = |change: &TouchedVersion, out: &mut String| {
        envelope::write_change(out, change, false);
    };
    let page = envelope::page_of(&page.changes, write, &members);
    let coding = Coding::negotiate(headers, page.len());
    let mut response = representation::json(page, coding).await?;
    response.headers_mut().insert(header::VARY, BY_ACCEPT);
    Ok(response)
}

/// What a request wants of a feed.
#[derive(Debug)]
struct Wanted {
    since: Seq,
    limit: usize,
    form: FeedForm,
    reset: Option<Reset>,
}

/// What parameters of a feed are for.
const LATEST: &str = "whether to pass over versions that are not their document's newest";
const INCLUDE: &str = "last, for the document that a deletion took away";

/// The log does not have the place that a client had reached: an older copy of the store was put
/// back. To go on from there would skip what was written since. So the client gets everything from
/// the beginning.
#[derive(Clone, Copy, Debug)]
struct Reset {
    since: Position,
    last: Position,
}

impl Wanted {
    /// `last_id` says where a client really is that connects again: it repeats the URL that it began
    /// with (HTML Standard, section 9.2.3).
    fn parse(
        app: &App,
        inbound: &Inbound,
        space: &str,
        last_id: Option<&HeaderValue>,
    ) -> Result<Self, Problem> {
        let service = &app.service;
        let last = service.last_position(space);
        let (mut since, mut limit) = (service.position(0), DEFAULT_LIMIT);
        let mut form = FeedForm::default();
        for (name, value) in parameters(inbound.query()) {
            match &*name {
                "limit" => limit = parameters::limit(&value)?,
                "since" => since = position("since", &value, last)?,
                "latest" => {
                    form.follow = match switch("latest", &value, LATEST)? {
                        true => Follow::Heads,
                        false => Follow::Versions,
                    };
                }
                "include" if value == "last" => form.has_last = true,
                "include" => {
                    let detail = format!("include must be {INCLUDE}.");
                    return Err(Problem::malformed(detail).with("parameter", "include"));
                }
                other => {
                    let detail = format!(
                        "A feed has no parameter {other:?}: since, limit, latest, include."
                    );
                    return Err(Problem::malformed(detail).with("parameter", other));
                }
            }
        }
        if let Some(id) = last_id {
            since = position("Last-Event-ID", id.to_str().unwrap_or_default(), last)?;
        }
        let has_it = service.has_position(space, since);
        Ok(Self {
            since: if has_it { since.seq } else { 0 },
            limit,
            form,
            reset: (!has_it).then_some(Reset { since, last }),
        })
    }

    /// Names the place where the stream begins. A block without data is no event, but its id is
    /// kept, so a client that lost the connection before the first event resumes from here.
    fn greeting(&self, app: &App) -> Bytes {
        let since = app.service.position(self.since);
        let mut block = format!("id: {since}\nretry: 1000\n");
        if let Some(Reset { since, last }) = self.reset {
            let data = format!("{{\"since\":\"{since}\",\"last\":\"{last}\"}}");
            block.push_str(&format!("event: reset\ndata: {data}\n"));
        }
        block.push('\n');
        Bytes::from(block)
    }
}

fn position(name: &str, text: &str, last: Position) -> Result<Position, Problem> {
    if text == "now" {
        return Ok(last);
    }
    text.parse().map_err(|()| {
        let detail = format!(
            "{name} must be what a page or an event named, the seq of a change, 0 for the beginning, or now."
        );
        Problem::malformed(detail).with("parameter", name)
    })
}

pub(crate) fn wants_events(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).into_iter();
    accepted.any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.contains(EVENT_STREAM))
    })
}

/// Server-sent events, one for each version.
fn stream_events(app: &Arc<App>, follower: Follower, greeting: Bytes) -> Response {
    let events = Events {
        following: Following::new(app, follower),
        ready: VecDeque::from([greeting]),
    };
    let events = stream::unfold(events, |mut events| async move {
        let event = events.next().await?;
        Some((Ok::<_, Infallible>(event), events))
    });
    event_stream(Body::from_stream(events))
}

/// An answer that is a stream of events.
pub(crate) fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(header::VARY, BY_ACCEPT);
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// What a silent stream of events says: a comment, which is no event.
pub(crate) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

struct Events {
    following: Following,
    ready: VecDeque<Bytes>,
}

impl Events {
    /// The next piece of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            match self.following.next().await? {
                Came::Silence => return Some(COMMENT),
                Came::Page(page) => {
                    let app = &self.following.app;
                    let events = page.changes.iter().map(|it| event(app, it));
                    self.ready.extend(events);
                }
            }
        }
    }
}

fn event(app: &App, change: &TouchedVersion) -> Bytes {
    let position = app.service.position(change.stored.seq);
    let mut event = format!("id: {position}\nevent: change\ndata: ");
    envelope::write_change(&mut event, change, true);
    event.push_str("\n\n");
    Bytes::from(event)
}
