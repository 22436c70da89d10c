//! Operations over a WebSocket: graphql-transport-ws, the protocol of the library graphql-ws.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use detente_core::json::{self, Draft, RawText, Value};
use detente_graphql::{Answer as Answered, Fault, Kind, Plan};
use detente_service::Principal;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::asked::{Asked, class};
use super::request::Request;
use super::subscription::Event;
use crate::call::{Answer, Call};
use crate::connections::Asking;
use crate::following::{HEARTBEAT, instant, reached};
use crate::gate;
use crate::inbound::transfer_time;
use crate::pace;
use crate::problem::Problem;

const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a client may be silent although it is asked whether it is there.
const SILENT: Duration = Duration::from_secs(75);

/// How long a client may take to read that it is turned away.
const FAREWELL: Duration = Duration::from_secs(1);

/// How many operations may be under way on one socket.
const MOST: usize = 100;

/// How many of them may be queries or mutations that are performed, or whose answers are not sent yet.
const AT_A_TIME: usize = 4;

/// How many answers may wait for a client that reads slowly; then its operations wait.
const WAITING: usize = 4;

/// Why a socket is closed, by the codes of the protocol.
#[derive(Clone, Copy, Debug)]
struct Close(u16, &'static str);

const BAD_MESSAGE: u16 = 4400;
const UNAUTHORIZED: Close = Close(4401, "Unauthorized");
const FORBIDDEN: Close = Close(4403, "Forbidden");
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
            asking,
            is_known,
            is_begun: false,
            operations: HashMap::new(),
            count: 0,
            working: Arc::new(Semaphore::new(AT_A_TIME)),
        };
        let why = connection.run(socket).await;
        tracing::debug!(?why, "a socket ends");
    });
    Ok(response.into_response())
}

/// One socket.
struct Connection {
    asked: Asked,
    asking: Option<Asking>,
    /// Whether it is known who asks.
    is_known: bool,
    /// Whether the client has introduced itself.
    is_begun: bool,
    /// What is under way, by the ids that the client chose.
    operations: HashMap<String, Operation>,
    /// How many operations there were.
    count: u64,
    /// For queries and mutations, until their answers are sent.
    working: Arc<Semaphore>,
}

struct Operation {
    /// Which of all on this socket: a client may use an id again.
    number: u64,
    task: AbortHandle,
}

/// Who says something, by id and number.
#[derive(Clone)]
struct Speaker {
    id: String,
    number: u64,
    say: mpsc::Sender<Said>,
}

/// What an operation has to say.
struct Said {
    id: String,
    number: u64,
    text: String,
    is_last: bool,
    /// Held until it is sent.
    _turn: Option<OwnedSemaphorePermit>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        for operation in self.operations.values() {
            operation.task.abort();
        }
    }
}

impl Connection {
    async fn run(mut self, mut socket: WebSocket) -> Option<Close> {
        let has_protocol = socket.protocol().is_some_and(|it| it == PROTOCOL);
        let why = match has_protocol {
            true => self.talk(&mut socket).await,
            false => Some(NO_PROTOCOL),
        };
        if let Some(Close(code, reason)) = why {
            let frame = CloseFrame {
                code,
                reason: Utf8Bytes::from_static(reason),
            };
            // Who is gone, or does not read, need not be told.
            let _ = timeout(FAREWELL, socket.send(Message::Close(Some(frame)))).await;
        }
        why
    }

    /// Until it ends, for the returned reason; `None`: the client went.
    async fn talk(&mut self, socket: &mut WebSocket) -> Option<Close> {
        let (say, mut said) = mpsc::channel::<Said>(WAITING);
        let late = Instant::now() + PATIENCE;
        let mut heard = Instant::now();
        // By itself, whatever else is sent: a client that only listens is asked, too.
        let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                biased;
                why = self.ended() => return Some(why),
                () = sleep_until(late), if !self.is_begun => return Some(TOO_LATE),
                _ = beat.tick() => {
                    if heard.elapsed() > SILENT {
                        return None;
                    }
                    if let Err(why) = self.send(socket, Message::Ping(Default::default())).await {
                        return why;
                    }
                    continue;
                }
                message = socket.recv() => match message {
                    Some(Ok(message)) => message,
                    Some(Err(_)) | None => return None,
                },
                Some(said) = said.recv() => {
                    if let Err(why) = self.tell(socket, said).await {
                        return why;
                    }
                    continue;
                }
            };
            heard = Instant::now();
            let text = match message {
                Message::Text(text) => text,
                Message::Binary(_) => return Some(Close(BAD_MESSAGE, "Messages are text")),
                Message::Close(_) => return None,
                Message::Ping(_) | Message::Pong(_) => continue,
            };
            let reply = match self.heed(text.as_str(), &say).await {
                Ok(reply) => reply,
                Err(why) => return Some(why),
            };
            if let Some(reply) = reply
                && let Err(why) = self.send(socket, Message::Text(reply.into())).await
            {
                return why;
            }
        }
    }

    /// Returns why the socket must end, as soon as it must.
    async fn ended(&self) -> Close {
        let app = &self.asked.app;
        let end = self.asked.principal.until.map(|until| instant(app, until));
        let crowded = async {
            match &self.asking {
                Some(asking) => asking.makes_room().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = app.closing.wait() => GOING,
            () = reached(end) => FORBIDDEN,
            () = crowded => CROWDED,
        }
    }

    /// Sends a message, unless the socket must end, or its client does not read.
    async fn send(&self, socket: &mut WebSocket, message: Message) -> Result<(), Option<Close>> {
        let length = match &message {
            Message::Text(text) => text.len(),
            _ => 0,
        };
        tokio::select! {
            biased;
            why = self.ended() => Err(Some(why)),
            sent = timeout(transfer_time(length), socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(None),
            },
        }
    }

    /// Passes on what an operation says, unless the client let it go meanwhile.
    async fn tell(&mut self, socket: &mut WebSocket, said: Said) -> Result<(), Option<Close>> {
        let operation = self.operations.get(&said.id);
        if operation.is_none_or(|it| it.number != said.number) {
            return Ok(());
        }
        if said.is_last {
            self.operations.remove(&said.id);
        }
        self.send(socket, Message::Text(said.text.into())).await
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
                let request = Request::of_value(payload);
                let request =
                    request.map_err(|_| wrong("subscribe has an operation as payload"))?;
                self.count += 1;
                let speaker = Speaker {
                    id: id.clone(),
                    number: self.count,
                    say: say.clone(),
                };
                let working = Arc::clone(&self.working);
                let operation = perform(self.asked.again(), request, speaker, working);
                let operation = Operation {
                    number: self.count,
                    task: tokio::spawn(operation).abort_handle(),
                };
                self.operations.insert(id, operation);
                Ok(None)
            }
            "complete" => {
                let id = message.get("id").and_then(Value::as_str);
                if let Some(operation) = id.and_then(|id| self.operations.remove(id)) {
                    operation.task.abort();
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
        let app = Arc::clone(&self.asked.app);
        let is_open = app.settings.gate.is_open();
        let says_who = match is_open {
            true => fields.contains_key("x-actor"),
            false => fields.contains_key(header::AUTHORIZATION),
        };
        if !self.is_known || says_who {
            let known = gate::principal(&app, &self.asked.asker, &fields).await;
            let known = known.map_err(|problem| {
                // As a request that is turned away.
                let status = problem.kind.describe().status;
                pace::charge(&app, &self.asked.asker, status);
                self.asked.note_denial();
                self.asked.note(Kind::Query);
                FORBIDDEN
            })?;
            if !is_open {
                self.asked.asker = pace::Asker::Name(Arc::clone(&known.name));
            }
            self.asked.principal = Principal {
                agent: self.asked.principal.agent.clone(),
                ..known
            };
        }
        match self.asked.has_expired() {
            true => Err(FORBIDDEN),
            false => {
                self.is_begun = true;
                Ok(())
            }
        }
    }
}

/// How deep documents are in a message, beyond what they are in a request.
const LEVELS: usize = 7;

impl Speaker {
    async fn say(&self, kind: &str, payload: Option<&str>, turn: Option<OwnedSemaphorePermit>) {
        let mut message = Draft::default().with("id", &self.id).with("type", kind);
        if let Some(payload) = payload {
            message.add("payload", RawText(payload));
        }
        let said = Said {
            id: self.id.clone(),
            number: self.number,
            text: message.into_text(),
            is_last: kind != "next",
            _turn: turn,
        };
        // Whoever would hear it is gone where it cannot be said.
        let _ = self.say.send(said).await;
    }

    /// The payload of `error` has the errors alone.
    async fn refuse(&self, faults: &[Fault]) {
        self.say("error", Some(&Fault::list(faults)), None).await;
    }
}

/// Performs an operation, and says what comes of it.
async fn perform(asked: Asked, request: Request, speaker: Speaker, working: Arc<Semaphore>) {
    let plan = match plan(&asked, request).await {
        Ok(plan) => plan,
        Err(faults) => return speaker.refuse(&faults).await,
    };
    match plan.kind {
        Kind::Subscription => follow(asked, plan, &speaker).await,
        Kind::Query | Kind::Mutation => {
            let Ok(turn) = working.acquire_owned().await else {
                return;
            };
            let kind = plan.kind;
            let work = async move {
                let answered = asked.perform(&plan).await;
                asked.note(kind);
                (answered, turn)
            };
            let answered = match kind {
                // What was begun is performed and noted, whether or not somebody still waits for it.
                Kind::Mutation => tokio::spawn(work).await.ok(),
                _ => Some(work.await),
            };
            if let Some((answered, turn)) = answered {
                speaker.say("next", Some(&answered.text), Some(turn)).await;
            }
            speaker.say("complete", None, None).await;
        }
    }
}

/// What is to be resolved, if it may be.
async fn plan(asked: &Asked, request: Request) -> Result<Plan, Vec<Fault>> {
    let refused = |problem: Problem| vec![asked.refuse(problem.into())];
    pace::may_fail(&asked.app, &asked.asker).map_err(refused)?;
    let plan = asked.plan(request).await;
    let plan = plan.inspect_err(|_| {
        pace::charge(&asked.app, &asked.asker, StatusCode::BAD_REQUEST);
    })?;
    let counted = pace::check(&asked.app, &asked.asker, class(plan.kind));
    match counted {
        Ok(_) => Ok(plan),
        Err(problem) => {
            let faults = refused(problem);
            asked.note(plan.kind);
            Err(faults)
        }
    }
}

async fn follow(asked: Asked, plan: Plan, speaker: &Speaker) {
    let mut subscription = match asked.subscribe(plan).await {
        Ok(subscription) => subscription,
        Err(fault) => {
            asked.note(Kind::Subscription);
            return speaker.refuse(&[fault]).await;
        }
    };
    while let Some(event) = subscription.next().await {
        if let Event::Answer(Answered { text, .. }) = event {
            speaker.say("next", Some(&text), None).await;
        }
    }
    // Where the server goes, or the credentials end, the socket is closed, and its client begins again.
    if !asked.app.closing.has_begun() && !asked.has_expired() {
        let problem = Problem::unavailable("The subscription broke off.");
        speaker.refuse(&[asked.fault(problem.into())]).await;
    }
}
