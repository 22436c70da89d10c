use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use http::StatusCode;

use super::nonce::Nonces;
use super::{Halt, Lab, Nonce, TRIES, pace};
use crate::client::{Actor, Client, Volley};
use crate::effort::Effort;
use crate::model::{Effect, Exchange, Request, RunError};
use crate::subject::Subject;

/// How many requests the probes leave over, so that the resource can be restored.
const RESERVE: u32 = 64;
/// How many requests they leave over for each resource that was made, so that it can be deleted.
const RESERVE_OF_SCRATCH: u32 = 4;

/// What all resources of a run share.
pub(super) struct Bench {
    pub(super) client: Client,
    pub(super) subject: Subject,
    effort: Effort,
    pub(super) nonces: Nonces,
    pub(super) reader: Actor,
    writers: Mutex<Vec<Actor>>,
    pub(super) scratches: Mutex<Vec<Lab>>,
    /// Answers to writes whose version was stale, as one client saw them.
    refusals: Mutex<Vec<Exchange>>,
    /// The answer to a write that said nothing of where it began, if it was refused.
    requirement: Mutex<Option<Exchange>>,
    /// Writes that were told 503 each time, to the last try.
    in_vain: AtomicU32,
}

/// A server that says so this often to the last try has something else in mind than being busy.
const OFTEN_IN_VAIN: u32 = 2;
const FEW_TRIES: u32 = 3;

impl Bench {
    pub(super) fn new(client: Client, subject: Subject, effort: Effort) -> Arc<Self> {
        Arc::new(Self {
            reader: client.actor("reader"),
            client,
            subject,
            nonces: Nonces::new(effort.run),
            effort,
            writers: Mutex::default(),
            scratches: Mutex::default(),
            refusals: Mutex::default(),
            requirement: Mutex::default(),
            in_vain: AtomicU32::default(),
        })
    }

    /// How often a write is sent that the server is too busy for.
    pub(super) fn patience(&self) -> u32 {
        match self.in_vain.load(Ordering::Relaxed) {
            OFTEN_IN_VAIN.. => FEW_TRIES,
            _ => TRIES,
        }
    }

    /// Takes note of the last answer to a write that was sent so often.
    pub(super) fn learn_from_waiting(&self, last: &Exchange) {
        if last.status() == Some(StatusCode::SERVICE_UNAVAILABLE) {
            self.in_vain.fetch_add(1, Ordering::Relaxed);
        }
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
        if self.bench.client.is_interrupted() {
            return Err(RunError::Interrupted.into());
        }
        let scratches = self.bench.scratches.lock().expect("no holder panics").len();
        let scratches = u32::try_from(scratches).unwrap_or(u32::MAX);
        let reserve = RESERVE.saturating_add(scratches.saturating_mul(RESERVE_OF_SCRATCH));
        if self.bench.client.remaining() < requests.saturating_add(reserve) {
            return Err(RunError::BudgetSpent.into());
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
        if request.method.is_safe() {
            return Ok(served(actor, request, TRIES).await?);
        }
        let exchange = served(actor, request, self.bench.patience()).await?;
        self.bench.learn_from_waiting(&exchange);
        Ok(exchange)
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
}

/// Sends a request until it is served, so many times at most; only a few times to a server that does not answer.
pub(super) async fn served(
    actor: &Actor,
    request: Request,
    most: u32,
) -> Result<Exchange, RunError> {
    let mut tries = 0;
    loop {
        let exchange = actor.send(request.clone()).await?;
        tries += 1;
        match exchange.effect() {
            Effect::Accepted | Effect::Refused => return Ok(exchange),
            Effect::Busy | Effect::Unknown if tries == most => return Ok(exchange),
            Effect::Unknown if exchange.response().is_none() && tries == FEW_TRIES => {
                return Ok(exchange);
            }
            Effect::Busy | Effect::Unknown => pace::wait(&exchange, tries).await,
        }
    }
}
