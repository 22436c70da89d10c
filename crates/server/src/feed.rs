use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use detente_core::json::Value;
use detente_core::{Key, Seq};
use detente_store::{Changes, Feed};
use futures_util::stream;
use tokio::sync::watch;

use crate::app::App;
use crate::caller::Caller;
use crate::envelope::{self, Change};
use crate::list::{limit, parameters, whole_number};
use crate::operation::read_only;
use crate::problem::Problem;
use crate::representation::{self, Coding};
use crate::resource::{Names, PathParts};

const DEFAULT_LIMIT: usize = 100;
const STREAM_BATCH: usize = 256;

/// How long a silent stream waits before it sends a comment, so that nothing in between gives up on it.
const HEARTBEAT: Duration = Duration::from_secs(15);

const EVENT_STREAM: &str = "text/event-stream";

/// The versions of a space, in the order of the log.
pub(crate) async fn of_space(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let names = Names::of(&path);
    let scope = Scope {
        space: names.space()?.to_owned(),
        collection: None,
        id: None,
    };
    answer(&app, scope, request.into_parts().0).await
}

/// The versions of a collection, in the order of the log.
pub(crate) async fn of_collection(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let place = Names::of(&path).collection()?;
    let scope = Scope {
        space: place.space.into(),
        collection: Some(place.collection.into()),
        id: None,
    };
    answer(&app, scope, request.into_parts().0).await
}

/// The versions of a document, in the order of the log.
pub(crate) async fn of_document(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let key = Names::of(&path).key()?;
    let scope = Scope {
        space: key.space().to_owned(),
        collection: Some(key.collection().to_owned()),
        id: Some(key.id().to_owned()),
    };
    answer(&app, scope, request.into_parts().0).await
}

/// Which versions a feed is about.
#[derive(Clone, Debug)]
struct Scope {
    space: String,
    collection: Option<String>,
    id: Option<String>,
}

impl Scope {
    fn key(&self) -> Option<Key> {
        let (collection, id) = (self.collection.as_ref()?, self.id.as_ref()?);
        Some(Key::from_parts(&self.space, collection, id))
    }
}

async fn answer(app: &Arc<App>, scope: Scope, request: Parts) -> Result<Response, Problem> {
    if let Some(response) = read_only(&request.method)? {
        return Ok(response);
    }
    Caller::of(&app.settings, &request.headers)?.must_read()?;
    if let Some(collection) = &scope.collection {
        app.collection(collection)?;
    }
    let asked = Asked::parse(app, &request)?;
    if wants_events(&request.headers) {
        return Ok(stream_events(app, scope, asked.since));
    }
    let feed = read(app, scope, asked.since, asked.limit).await?;
    let through = feed.through.to_string();
    let next = feed.more.then(|| through.clone());
    let members = [("next", Value::from(next)), ("last", through.into())];
    let write = |change: &Change, out: &mut String| envelope::write_change(out, change, false);
    let page = envelope::page_of(&feed.changes, write, &members);
    let coding = Coding::negotiate(&request.headers, page.len());
    representation::json(Bytes::from(page), coding).await
}

/// What a feed was asked for.
#[derive(Debug)]
struct Asked {
    since: Seq,
    limit: usize,
}

impl Asked {
    fn parse(app: &App, request: &Parts) -> Result<Self, Problem> {
        let mut asked = Self {
            since: 0,
            limit: DEFAULT_LIMIT,
        };
        for (name, value) in parameters(request.uri.query().unwrap_or_default()) {
            match &*name {
                "limit" => asked.limit = limit(&value)?,
                "since" => asked.since = position(app, "since", &value)?,
                other => {
                    let detail = format!("A feed has no parameter {other:?}: since, limit.");
                    return Err(Problem::malformed(detail).with("parameter", other));
                }
            }
        }
        // A reconnecting client repeats the URL that it began with; this says where it really is.
        if let Some(id) = request.headers.get("last-event-id") {
            let id = id.to_str().unwrap_or_default();
            asked.since = position(app, "Last-Event-ID", id)?;
        }
        Ok(asked)
    }
}

fn position(app: &App, name: &str, text: &str) -> Result<Seq, Problem> {
    let last = app.reader.last_seq();
    if text == "now" {
        return Ok(last);
    }
    let Some(seq) = whole_number::<Seq>(text) else {
        let detail = format!("{name} is the seq of a change, 0 for the beginning, or now.");
        return Err(Problem::malformed(detail).with("parameter", name));
    };
    if seq > last {
        // Waiting for the log to get there would skip all that is written until then.
        let detail = format!(
            "{name} is past the newest change, {last}. An older copy of the store may have been \
             put back: begin again from 0."
        );
        return Err(Problem::malformed(detail)
            .with("parameter", name)
            .with("last", last.to_string()));
    }
    Ok(seq)
}

fn wants_events(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).into_iter();
    accepted.any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.contains(EVENT_STREAM))
    })
}

/// A part of a feed.
struct Part {
    changes: Vec<Change>,
    /// Everything up to here was looked at: where to go on.
    through: Seq,
    more: bool,
}

async fn read(app: &Arc<App>, scope: Scope, since: Seq, limit: usize) -> Result<Part, Problem> {
    let at_hand = Arc::clone(app);
    app.read(move |reader| {
        let feed = match scope.key() {
            Some(key) => reader.document_changes(&key, since, limit)?,
            None => reader.changes(&Changes {
                space: &scope.space,
                collection: scope.collection.as_deref(),
                since,
                limit,
            })?,
        };
        let Feed {
            items,
            through,
            more,
        } = feed;
        let items = items.into_iter();
        let changes = items.map(|stored| at_hand.touches.describe(reader, stored));
        Ok(Part {
            changes: changes.collect::<Result<_, _>>()?,
            through,
            more,
        })
    })
    .await
}

/// Server-sent events. Every event is read from the log behind the one before it, so there is
/// neither gap nor repeat, however the stream began; a commit is only the signal to look again.
fn stream_events(app: &Arc<App>, scope: Scope, since: Seq) -> Response {
    app.metrics.streams.inc();
    let follower = Follower {
        committed: app.writer.committed(),
        app: Arc::clone(app),
        scope,
        since,
        ready: VecDeque::from([greeting(since)]),
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Names the place where the stream begins. A block without data is no event, but its id is kept,
/// so a client that lost the connection before the first event resumes from here.
fn greeting(since: Seq) -> Bytes {
    Bytes::from(format!("id: {since}\nretry: 1000\n\n"))
}

struct Follower {
    app: Arc<App>,
    scope: Scope,
    since: Seq,
    committed: watch::Receiver<Seq>,
    ready: VecDeque<Bytes>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.app.metrics.streams.dec();
    }
}

impl Follower {
    /// The next piece of the stream; `None` when the server is closing.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.app.closing.has_begun() {
                return None;
            }
            // Marked as seen before the log is read: a commit in between wakes us again.
            let newest = *self.committed.borrow_and_update();
            if newest > self.since {
                self.fetch().await?;
                continue;
            }
            let app = Arc::clone(&self.app);
            tokio::select! {
                changed = self.committed.changed() => changed.ok()?,
                () = app.closing.wait() => return None,
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }

    async fn fetch(&mut self) -> Option<()> {
        match read(&self.app, self.scope.clone(), self.since, STREAM_BATCH).await {
            Ok(feed) => {
                self.ready.extend(feed.changes.iter().map(|change| {
                    let seq = change.stored.seq;
                    let mut event = format!("id: {seq}\nevent: change\ndata: ");
                    envelope::write_change(&mut event, change, true);
                    event.push_str("\n\n");
                    Bytes::from(event)
                }));
                self.since = feed.through;
                Some(())
            }
            Err(problem) => {
                // Whoever listens will connect again, and be told what is wrong then.
                tracing::error!(cause = problem.cause(), "a change stream ends");
                None
            }
        }
    }
}
