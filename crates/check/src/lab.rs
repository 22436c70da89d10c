//! A resource on the bench: how it is read and written so that every write can be told apart.

mod calibrate; // learns with one client how the resource may be written
mod form; // bodies that carry a nonce
mod guard; // how a write says which version it began from
mod nonce; // what no write has written before
mod pace; // waiting for a server that has too much to do
mod reading; // what a GET saw
mod scratch; // resources of our own
mod state; // what of a representation is held to be the same

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use url::Url;

pub(crate) use calibrate::{Unconditional, calibrate, members};
pub(crate) use form::{Form, Kind, Shape, leaves, set};
pub(crate) use guard::{Condition, Guard};
pub(crate) use nonce::Nonce;
pub(crate) use reading::{Reading, opaque};
pub(crate) use scratch::{created_at, listed};
pub(crate) use state::Mask;

use crate::client::{Actor, Client, Stop, Volley};
use crate::effort::Effort;
use crate::exchange::{Effect, Exchange};
use crate::request::Request;
use crate::subject::Subject;
use nonce::Nonces;

/// Requests that are kept back from the probes: to put things back as they were.
const RESERVE: u32 = 64;
/// How often a request is sent again that was not served.
const TRIES: u32 = 8;
/// How long a cache may take to see a write.
const EVENTUALLY: Duration = Duration::from_secs(2);
/// How long a tag may be weak after a write, and how often it is looked at meanwhile.
const RIPENS: Duration = Duration::from_millis(2_500);
const LOOKS: Duration = Duration::from_millis(100);

/// One resource, and what is known of it.
#[derive(Clone)]
pub(crate) struct Lab {
    bench: Arc<Bench>,
    /// The resource, under each base URL.
    places: Vec<Url>,
    habits: Arc<Habits>,
}

/// What all resources of a run share.
struct Bench {
    client: Client,
    subject: Subject,
    effort: Effort,
    nonces: Nonces,
    reader: Actor,
    writers: Mutex<Vec<Actor>>,
    scratches: Mutex<Vec<Lab>>,
    /// Answers to writes whose version was stale, as one client saw them.
    refusals: Mutex<Vec<Exchange>>,
    /// The answer to a write that said nothing of where it began, if it was refused.
    requirement: Mutex<Option<Exchange>>,
}

/// What calibration learnt.
#[derive(Clone)]
pub(crate) struct Habits {
    pub form: Form,
    /// What an ordinary write carries to be accepted, in the order in which it was tried.
    pub ticket: Vec<Guard>,
    /// How a stale write is found out; `None` if it is not.
    pub guard: Option<Guard>,
    pub unconditional: Unconditional,
    /// Members that may be a version, by their pointers.
    pub version_members: Vec<String>,
    pub mask: Mask,
    /// A tag is weak for a second after a write, then strong; until then it is no good for `If-Match`.
    pub ripens: bool,
    /// As it was before anything was written.
    pub original: Reading,
}

/// Why a probe ends without a verdict.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Nothing more can be asked.
    Stop(Stop),
    /// This cannot be judged; a sentence that says why.
    Cannot(String),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// A write by one client, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub exchange: Exchange,
    pub nonce: Nonce,
    /// It was not answered, but read back.
    seen: bool,
}

impl Attempt {
    /// Whether it was applied, by its answer or by what was read.
    pub(crate) fn is_applied(&self) -> bool {
        self.seen || self.exchange.is_accepted()
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.exchange.status()
    }
}

impl Lab {
    pub(crate) fn client(&self) -> &Client {
        &self.bench.client
    }

    pub(crate) fn subject(&self) -> &Subject {
        &self.bench.subject
    }

    pub(crate) fn effort(&self) -> &Effort {
        &self.bench.effort
    }

    pub(crate) fn habits(&self) -> &Habits {
        &self.habits
    }

    pub(crate) fn place(&self) -> &Url {
        &self.places[0]
    }

    pub(crate) fn places(&self) -> &[Url] {
        &self.places
    }

    pub(crate) fn nonce(&self) -> Nonce {
        self.bench.nonces.next()
    }

    /// A session by its name; asked for twice, two sessions of one name.
    pub(crate) fn actor(&self, name: &str) -> Actor {
        self.bench.client.actor(name)
    }

    /// Sessions of as many writers, the same ones each time; logins take turns.
    pub(crate) fn writers(&self, count: u32) -> Vec<Actor> {
        let mut writers = self.bench.writers.lock().expect("no holder panics");
        for number in writers.len()..count as usize {
            let actor = self.bench.client.actor(&format!("writer {}", number + 1));
            let logins = &self.bench.subject.logins;
            writers.push(match logins.len() {
                0 => actor,
                count => actor.with_headers(logins[number % count].clone()),
            });
        }
        writers[..count as usize].to_vec()
    }

    /// Sends it, if there is budget left.
    pub(crate) async fn send(&self, actor: &Actor, request: Request) -> Result<Exchange, Halt> {
        self.has_budget(1)?;
        Ok(actor.send(request).await?)
    }

    /// Sends all of it but the last bytes, then those at once.
    pub(crate) async fn volley(&self, sends: Vec<(Actor, Request)>) -> Result<Volley, Halt> {
        self.has_budget(u32::try_from(sends.len()).unwrap_or(u32::MAX))?;
        Ok(self.bench.client.volley(sends).await?)
    }

    fn has_budget(&self, requests: u32) -> Result<(), Halt> {
        if self.bench.client.remaining() < requests.saturating_add(RESERVE) {
            return Err(Stop::BudgetSpent.into());
        }
        Ok(())
    }

    /// Sends until it is served: neither 429 nor 503, nor left without an answer.
    pub(crate) async fn send_served(
        &self,
        actor: &Actor,
        request: Request,
    ) -> Result<Exchange, Halt> {
        self.has_budget(TRIES)?;
        Ok(served(actor, request).await?)
    }

    /// GET, past every cache.
    pub(crate) fn get(&self, place: &Url) -> Request {
        Request::get(place.clone())
            .with(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))
    }

    /// Reads the resource at the first base URL.
    pub(crate) async fn read(&self) -> Result<Reading, Halt> {
        self.read_as(&self.bench.reader, self.place()).await
    }

    /// Reads until the tag is one that a write can carry.
    pub(crate) async fn read_as(&self, actor: &Actor, place: &Url) -> Result<Reading, Halt> {
        let begun = self.client().elapsed();
        loop {
            let reading = self.glance(actor, place).await?;
            let is_unripe = self.habits.ripens && reading.has_weak_tag();
            if !is_unripe || self.client().elapsed() - begun > RIPENS {
                return Ok(reading);
            }
            tokio::time::sleep(LOOKS).await;
        }
    }

    /// Reads what is there at once, whatever its tag is good for.
    pub(crate) async fn glance(&self, actor: &Actor, place: &Url) -> Result<Reading, Halt> {
        let exchange = self.send_served(actor, self.get(place)).await?;
        self.reading(exchange)
    }

    /// What a GET's answer says.
    ///
    /// # Errors
    ///
    /// [`Halt::Cannot`] if it was not answered.
    pub(crate) fn reading(&self, exchange: Exchange) -> Result<Reading, Halt> {
        reading_of(exchange, |body| self.habits.form.mark(body))
    }

    /// Reads until two in a row say the same, for as long as a cache may take.
    pub(crate) async fn settled(&self) -> Result<Reading, Halt> {
        let begun = self.client().elapsed();
        let mut before = self.read().await?;
        loop {
            let now = self.read().await?;
            let is_same = now.mark == before.mark && now.status() == before.status();
            if is_same || self.client().elapsed() - begun > EVENTUALLY {
                return Ok(now);
            }
            before = now;
        }
    }

    /// Reads until `nonce` is there, for as long as a cache may take; the last reading.
    pub(crate) async fn read_until(&self, nonce: &Nonce) -> Result<Reading, Halt> {
        let begun = self.client().elapsed();
        let mut tries = 0;
        loop {
            let reading = self.settled().await?;
            if reading.shows(nonce) || self.client().elapsed() - begun > EVENTUALLY {
                return Ok(reading);
            }
            tries += 1;
            pace::back_off(tries).await;
        }
    }

    /// A write of `nonce` to the resource under one of its base URLs.
    pub(crate) fn write_to(&self, place: &Url, nonce: &Nonce, condition: &Condition) -> Request {
        self.habits.form.request(place, nonce, condition)
    }

    pub(crate) fn write(&self, nonce: &Nonce, condition: &Condition) -> Request {
        self.write_to(self.place(), nonce, condition)
    }

    /// What an ordinary write carries that began from `reading`: the guard that is enforced, or else
    /// whatever made the first write go through.
    pub(crate) fn from(&self, reading: &Reading) -> Condition {
        match &self.habits.guard {
            Some(guard) => Condition::unchanged(guard, reading),
            None => self
                .habits
                .ticket
                .iter()
                .fold(Condition::none(), |all, guard| {
                    all.and(Condition::unchanged(guard, reading))
                }),
        }
    }

    /// What has to stand in a body that began from `reading`, whatever the fields say: the version, where it is judged.
    pub(crate) fn in_the_body(&self, reading: &Reading) -> Condition {
        Condition {
            members: self.from(reading).members,
            ..Condition::none()
        }
    }

    /// What is there now.
    ///
    /// # Errors
    ///
    /// [`Halt::Cannot`] if nothing is.
    pub(crate) async fn read_there(&self) -> Result<Reading, Halt> {
        let reading = self.settled().await?;
        if reading.is_there() {
            Ok(reading)
        } else {
            Err(Halt::Cannot(format!(
                "the resource is gone: GET was answered {}",
                said(&reading.exchange)
            )))
        }
    }

    /// Writes something new by one client, and finds out what came of it.
    pub(crate) async fn attempt(
        &self,
        actor: &Actor,
        condition: &Condition,
    ) -> Result<Attempt, Halt> {
        let nonce = self.nonce();
        let request = self.write(&nonce, condition);
        self.attempt_request(actor, nonce, request).await
    }

    /// The same with a request of the caller's own, which writes `nonce`.
    ///
    /// One that was not served is sent again, unless what is read says that it was applied.
    pub(crate) async fn attempt_request(
        &self,
        actor: &Actor,
        nonce: Nonce,
        request: Request,
    ) -> Result<Attempt, Halt> {
        let mut tries = 0;
        loop {
            let exchange = self.send(actor, request.clone()).await?;
            tries += 1;
            let is_last = match exchange.effect() {
                Effect::Accepted | Effect::Refused => true,
                Effect::Busy => tries == TRIES,
                // A server that fails at this each time will not do better for being asked more.
                Effect::Unknown => tries == 3,
            };
            if is_last {
                let seen = exchange.effect() == Effect::Unknown && self.read().await?.shows(&nonce);
                return Ok(Attempt {
                    exchange,
                    nonce,
                    seen,
                });
            }
            pace::wait(&exchange, tries).await;
            if self.read().await?.shows(&nonce) {
                return Ok(Attempt {
                    exchange,
                    nonce,
                    seen: true,
                });
            }
        }
    }

    /// Writes something new that began from what is there, as anybody would.
    ///
    /// # Errors
    ///
    /// [`Halt::Cannot`] if it was refused.
    pub(crate) async fn write_anew(&self, actor: &Actor) -> Result<(Attempt, Reading), Halt> {
        let base = self.read().await?;
        let attempt = self.attempt(actor, &self.from(&base)).await?;
        if !attempt.is_applied() {
            return Err(Halt::Cannot(format!(
                "an ordinary {} was answered {}",
                self.habits.form.method,
                said(&attempt.exchange)
            )));
        }
        let reading = self.read_until(&attempt.nonce).await?;
        if !reading.shows(&attempt.nonce) {
            return Err(Halt::Cannot(
                "an accepted write was not there when read back: somebody else writes, too, or it was dropped"
                    .into(),
            ));
        }
        Ok((attempt, reading))
    }

    /// Waits until a validator that counts in seconds says another.
    pub(crate) async fn let_a_second_pass(&self) {
        pace::second().await;
    }

    /// The same where the guard is a date: a write within the second of the one before cannot be told from it.
    pub(crate) async fn let_the_date_pass(&self) {
        if self.habits.guard == Some(Guard::Date) {
            pace::second().await;
        }
    }

    /// Keeps the answer to a stale write, for the probes that look at how conflicts are told.
    pub(crate) fn keep_refusal(&self, exchange: &Exchange) {
        self.bench
            .refusals
            .lock()
            .expect("no holder panics")
            .push(exchange.clone());
    }

    pub(crate) fn refusals(&self) -> Vec<Exchange> {
        self.bench
            .refusals
            .lock()
            .expect("no holder panics")
            .clone()
    }

    pub(crate) fn keep_requirement(&self, exchange: &Exchange) {
        *self.bench.requirement.lock().expect("no holder panics") = Some(exchange.clone());
    }

    pub(crate) fn requirement(&self) -> Option<Exchange> {
        self.bench
            .requirement
            .lock()
            .expect("no holder panics")
            .clone()
    }

    /// Puts back what was there before, and says whether it is.
    pub(crate) async fn restore(&self) -> Result<bool, Stop> {
        let actor = self.actor("restorer");
        for tries in 1..=TRIES {
            let exchange = served(&actor, self.get(self.place())).await?;
            let Ok(now) = self.reading(exchange) else {
                continue;
            };
            let original = &self.habits.original;
            let is_same = self.habits.mask.is_same(&now, original, &self.habits.form);
            // It may say the same in other letters: those are worth one write.
            if is_same && (tries > 1 || now.body() == original.body()) {
                return Ok(true);
            }
            if self.habits.ripens && now.has_weak_tag() {
                self.let_a_second_pass().await;
                continue;
            }
            let request = self.habits.form.restoring(
                self.place(),
                &self.habits.original,
                &if now.is_there() {
                    self.from(&now)
                } else {
                    Condition::none()
                },
            );
            let exchange = actor.send(request).await?;
            if exchange.effect() == Effect::Busy {
                pace::wait(&exchange, tries).await;
            }
        }
        Ok(false)
    }
}

impl Reading {
    pub(crate) fn shows(&self, nonce: &Nonce) -> bool {
        self.mark.as_ref().is_some_and(|mark| nonce.is(mark))
    }
}

/// Sends a request until it is served, a few times at most.
async fn served(actor: &Actor, request: Request) -> Result<Exchange, Stop> {
    let mut tries = 0;
    loop {
        let exchange = actor.send(request.clone()).await?;
        tries += 1;
        match exchange.effect() {
            Effect::Accepted | Effect::Refused => return Ok(exchange),
            Effect::Busy | Effect::Unknown if tries == TRIES => return Ok(exchange),
            Effect::Busy | Effect::Unknown => pace::wait(&exchange, tries).await,
        }
    }
}

/// `409 Conflict`; or why there was no answer.
pub(crate) fn said(exchange: &Exchange) -> String {
    use crate::exchange::Outcome;
    match &exchange.outcome {
        Outcome::Answered(response) => match response.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", response.status.as_u16()),
            None => response.status.as_u16().to_string(),
        },
        Outcome::Unanswered(unsure) => unsure.to_string(),
    }
}

fn reading_of(
    exchange: Exchange,
    mark: impl Fn(&[u8]) -> Option<serde_json::Value>,
) -> Result<Reading, Halt> {
    let Some(response) = exchange.response().cloned() else {
        return Err(Halt::Cannot(format!("GET: {}", said(&exchange))));
    };
    if response.status.is_server_error() || response.status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Halt::Cannot(format!(
            "GET was answered {}",
            said(&exchange)
        )));
    }
    let mark = response
        .status
        .is_success()
        .then(|| mark(&response.body))
        .flatten();
    Ok(Reading::new(exchange, response, mark))
}

impl Form {
    /// A write of `nonce`.
    pub(crate) fn request(&self, place: &Url, nonce: &Nonce, condition: &Condition) -> Request {
        let body = self.body(nonce, &condition.members);
        self.carrying(place, body, condition)
    }

    /// A write of what was there before.
    fn restoring(&self, place: &Url, original: &Reading, condition: &Condition) -> Request {
        let body = self.body_before(original, &condition.members);
        self.carrying(place, body, condition)
    }

    /// A write of any body.
    pub(crate) fn carrying(
        &self,
        place: &Url,
        body: bytes::Bytes,
        condition: &Condition,
    ) -> Request {
        let mut request = Request::new(self.method.clone(), place.clone());
        request.body = body;
        if let Ok(media_type) = HeaderValue::from_str(&self.media_type) {
            request = request.with(header::CONTENT_TYPE, media_type);
        }
        condition.carried_by(request)
    }
}
