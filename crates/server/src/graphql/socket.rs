//! Operations over a WebSocket: graphql-transport-ws, the protocol of the library graphql-ws.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use detente_core::json::{self, Draft, RawText, Value};
use detente_graphql::{Answer as Answered, Kind};
use detente_service::Principal;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::asked::{Asked, class};
use super::request::Sent;
use super::subscription::Event;
use crate::call::{Answer, Call};
use crate::connections::Asking;
use crate::following::instant;
use crate::gate;
use crate::pace;
use crate::problem::Problem;

const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a silent socket is asked whether anybody is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many operations may be under way on one socket.
const MOST: usize = 100;

/// How many answers may wait for a client that reads slowly; then its operations wait.
const WAITING: usize = 16;

/// Why a socket is closed, by the codes of the protocol.
#[derive(Clone, Copy, Debug)]
struct Close(u16, &'static str);

const BAD_MESSAGE: u16 = 4400;
const UNAUTHORIZED: Close = Close(4401, "Unauthorized");
const FORBIDDEN: u16 = 4403;
const NO_PROTOCOL: Close = Close(4406, "Subprotocol not acceptable");
const TOO_LATE: Close = Close(4408, "Connection initialisation timeout");
const TOO_MANY_BEGINNINGS: Close = Close(4429, "Too many initialisation requests");
const GOING: Close = Close(1012, "Service restart");
const CROWDED: Close = Close(1013, "Others need its place");

/// Goes on as a WebSocket.
pub(super) async fn open(call: &mut Call, asked: Asked) -> Answer {
    let upgrade = WebSocketUpgrade::from_request_parts(&mut call.inbound.parts, &()).await;
    let upgrade = upgrade.map_err(|error| {
        Problem::malformed(format!("This cannot become a WebSocket: {error}."))
            .with("header", "Upgrade")
    })?;
    let limit = call.app.settings.limits.body_bytes;
    let asking = call.inbound.parts.extensions.get::<Asking>().cloned();
    // Where the request has credentials, the first message need not have them.
    let is_known = call.inbound.headers().contains_key(header::AUTHORIZATION)
        || call.app.settings.gate.is_open();
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(limit)
        .max_frame_size(limit);
    let response = upgrade.on_upgrade(move |socket| async move {
        let connection = Connection {
            asked,
            is_known,
            is_begun: false,
            operations: HashMap::new(),
        };
        let why = connection.run(socket, asking).await;
        tracing::debug!(?why, "a socket ends");
    });
    Ok(response.into_response())
}

/// One socket.
struct Connection {
    asked: Asked,
    /// Whether it is known who asks.
    is_known: bool,
    /// Whether the client has introduced itself.
    is_begun: bool,
    /// What is under way, by the ids that the client chose.
    operations: HashMap<String, AbortHandle>,
}

/// What an operation has to say.
struct Said {
    id: String,
    text: String,
    is_last: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        for operation in self.operations.values() {
            operation.abort();
        }
    }
}

impl Connection {
    async fn run(mut self, mut socket: WebSocket, asking: Option<Asking>) -> Option<Close> {
        let has_protocol = socket.protocol().is_some_and(|it| it == PROTOCOL);
        let why = match has_protocol {
            true => self.talk(&mut socket, asking).await,
            false => Some(NO_PROTOCOL),
        };
        if let Some(Close(code, reason)) = why {
            let frame = CloseFrame {
                code,
                reason: Utf8Bytes::from_static(reason),
            };
            // Who is gone need not be told.
            let _ = socket.send(Message::Close(Some(frame))).await;
        }
        why
    }

    /// Until it ends, for the returned reason; `None`: the client went.
    async fn talk(&mut self, socket: &mut WebSocket, asking: Option<Asking>) -> Option<Close> {
        let app = Arc::clone(&self.asked.app);
        let (say, mut said) = mpsc::channel::<Said>(WAITING);
        let late = Instant::now() + PATIENCE;
        loop {
            let end = self.asked.principal.until.map(|until| instant(&app, until));
            let expired = async {
                match end {
                    Some(end) => sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            let crowded = async {
                match &asking {
                    Some(asking) => asking.makes_room().await,
                    None => std::future::pending().await,
                }
            };
            if app.closing.has_begun() {
                return Some(GOING);
            }
            let message = tokio::select! {
                message = socket.recv() => match message {
                    Some(Ok(message)) => message,
                    Some(Err(_)) | None => return None,
                },
                Some(said) = said.recv() => {
                    if self.tell(socket, said).await.is_err() {
                        return None;
                    }
                    continue;
                }
                () = sleep_until(late), if !self.is_begun => return Some(TOO_LATE),
                () = expired, if self.is_begun => return Some(Close(FORBIDDEN, "Forbidden")),
                () = app.closing.wait() => return Some(GOING),
                () = crowded => return Some(CROWDED),
                () = sleep(HEARTBEAT) => {
                    if socket.send(Message::Ping(Default::default())).await.is_err() {
                        return None;
                    }
                    continue;
                }
            };
            let text = match message {
                Message::Text(text) => text,
                Message::Binary(_) => return Some(Close(BAD_MESSAGE, "Messages are text")),
                Message::Close(_) => return None,
                Message::Ping(_) | Message::Pong(_) => continue,
            };
            match self.heed(text.as_str(), &say).await {
                Ok(Some(reply)) => {
                    if socket.send(Message::Text(reply.into())).await.is_err() {
                        return None;
                    }
                }
                Ok(None) => {}
                Err(why) => return Some(why),
            }
        }
    }

    /// Passes on what an operation says, unless the client let it go meanwhile.
    async fn tell(&mut self, socket: &mut WebSocket, said: Said) -> Result<(), axum::Error> {
        if !self.operations.contains_key(&said.id) {
            return Ok(());
        }
        if said.is_last {
            self.operations.remove(&said.id);
        }
        socket.send(Message::Text(said.text.into())).await
    }

    /// Does what a message asks for; it may have a reply.
    async fn heed(
        &mut self,
        text: &str,
        say: &mpsc::Sender<Said>,
    ) -> Result<Option<String>, Close> {
        let wrong = |reason| Close(BAD_MESSAGE, reason);
        let value = json::parse_enclosing(text.as_bytes(), LEVELS);
        let Ok(Value::Object(mut message)) = value else {
            return Err(wrong("A message is an object of JSON"));
        };
        let kind = message
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        match kind {
            "connection_init" => {
                if self.is_begun {
                    return Err(TOO_MANY_BEGINNINGS);
                }
                self.begin(message.get("payload")).await?;
                Ok(Some(
                    Draft::default().with("type", "connection_ack").into_text(),
                ))
            }
            "ping" => Ok(Some(Draft::default().with("type", "pong").into_text())),
            "pong" => Ok(None),
            "subscribe" => {
                if !self.is_begun {
                    return Err(UNAUTHORIZED);
                }
                let id = message.get("id").and_then(Value::as_str);
                let id = id.filter(|id| !id.is_empty()).map(str::to_owned);
                let id = id.ok_or(wrong("subscribe has an id"))?;
                if self.operations.contains_key(&id) {
                    return Err(Close(4409, "Subscriber already exists"));
                }
                if self.operations.len() >= MOST {
                    return Err(wrong("Too many operations at a time"));
                }
                let payload = message.swap_remove("payload").unwrap_or(Value::Null);
                let sent = Sent::of_value(payload);
                let sent = sent.map_err(|_| wrong("subscribe has an operation as payload"))?;
                let operation = perform(self.asked.again(), id.clone(), sent, say.clone());
                let task = tokio::spawn(operation).abort_handle();
                self.operations.insert(id, task);
                Ok(None)
            }
            "complete" => {
                let id = message.get("id").and_then(Value::as_str);
                if let Some(operation) = id.and_then(|id| self.operations.remove(id)) {
                    operation.abort();
                }
                Ok(None)
            }
            _ => Err(wrong("There is no such type of message")),
        }
    }

    /// The first message may have the credentials that a browser cannot put on the request: `Authorization`,
    /// and `X-Actor` where there are none.
    async fn begin(&mut self, payload: Option<&Value>) -> Result<(), Close> {
        let mut fields = HeaderMap::new();
        let members = payload.and_then(Value::as_object);
        for (name, value) in members.into_iter().flatten() {
            let name = name.to_ascii_lowercase();
            let known = ["authorization", "x-actor"].iter().find(|it| **it == name);
            let value = value.as_str().and_then(|it| HeaderValue::from_str(it).ok());
            if let (Some(known), Some(value)) = (known, value) {
                fields.insert(HeaderName::from_static(known), value);
            }
        }
        let app = &self.asked.app;
        let says_more = fields.contains_key("x-actor") && app.settings.gate.is_open();
        if !self.is_known || says_more {
            let known = gate::principal(app, &self.asked.asker, &fields).await;
            let known = known.map_err(|_| Close(FORBIDDEN, "Forbidden"))?;
            let name = Arc::clone(&known.name);
            self.asked.principal = Principal {
                agent: self.asked.principal.agent.clone(),
                ..known
            };
            if !app.settings.gate.is_open() {
                self.asked.asker = pace::Asker::Name(name);
            }
        }
        self.is_begun = true;
        Ok(())
    }
}

/// How deep documents are in a message, beyond what they are in a request.
const LEVELS: usize = 7;

/// Performs an operation, and says what comes of it.
async fn perform(asked: Asked, id: String, sent: Sent, say: mpsc::Sender<Said>) {
    let said = |kind: &str, payload: Option<&str>, is_last| {
        let mut message = Draft::default().with("id", &id).with("type", kind);
        if let Some(payload) = payload {
            message.add("payload", RawText(payload));
        }
        Said {
            id: id.clone(),
            text: message.into_text(),
            is_last,
        }
    };
    // Whoever would hear it is gone where it cannot be said.
    let plan = match asked.plan(sent) {
        Ok(plan) => plan,
        Err(faults) => {
            let _ = say.send(said("error", Some(&errors(&faults)), true)).await;
            return;
        }
    };
    if let Err(problem) = pace::check(&asked.app, &asked.asker, class(plan.kind)) {
        let faults = [asked.fault(problem.into())];
        let _ = say.send(said("error", Some(&errors(&faults)), true)).await;
        return;
    }
    if plan.kind != Kind::Subscription {
        let answered = asked.perform(&plan).await;
        asked.note(plan.kind);
        let _ = say.send(said("next", Some(&answered.text), false)).await;
        let _ = say.send(said("complete", None, true)).await;
        return;
    }
    let mut subscription = match asked.subscribe(plan).await {
        Ok(subscription) => subscription,
        Err(fault) => {
            let _ = say.send(said("error", Some(&errors(&[fault])), true)).await;
            return;
        }
    };
    while let Some(event) = subscription.next().await {
        if let Event::Answer(Answered { text, .. }) = event
            && say.send(said("next", Some(&text), false)).await.is_err()
        {
            return;
        }
    }
    // Where the server goes, or the credentials end, the socket is closed, and its client begins again.
    if !asked.app.closing.has_begun() && !asked.has_expired() {
        let fault = asked.fault(Problem::unavailable("The subscription broke off.").into());
        let _ = say.send(said("error", Some(&errors(&[fault])), true)).await;
    }
}

/// The payload of `error`: the errors alone.
fn errors(faults: &[detente_graphql::Fault]) -> String {
    let texts: Vec<_> = faults.iter().map(detente_graphql::Fault::to_text).collect();
    format!("[{}]", texts.join(","))
}
