//! A resource on the bench: how it is read and written so that every write can be told apart.

mod attempt; // a write by one client, and what came of it
mod bench; // what all resources of a run share, and what is sent from there
mod calibrate; // learns with one client how the resource may be written
mod candidates; // ways in which it may be, the likeliest first
mod form; // bodies that carry a nonce
mod guard; // how a write says which version it began from
mod nonce; // what no write has written before
mod pace; // waiting for a server that has too much to do
mod reader; // reads: past caches, until they agree
mod reading; // what a GET saw
mod restoration; // as it was before
mod scratch; // resources of our own
mod state; // what of a representation is held to be the same

use std::sync::Arc;

use url::Url;

pub(crate) use attempt::Attempt;
pub(crate) use calibrate::Unconditional;
pub(crate) use candidates::members;
pub(crate) use form::{Form, Kind, Shape};
pub(crate) use guard::{Condition, Guard};
pub(crate) use nonce::Nonce;
pub(crate) use reading::{Reading, opaque};
pub(crate) use state::Mask;

use crate::model::{Exchange, Reply, Request, RunError};
use bench::Bench;

/// How often a request is sent again that was not served.
const TRIES: u32 = 8;

/// One resource, and what is known of it.
#[derive(Clone)]
pub(crate) struct Lab {
    bench: Arc<Bench>,
    /// The resource, under each base URL.
    places: Vec<Url>,
    habits: Arc<Habits>,
}

/// What calibration learnt.
#[derive(Clone)]
pub(crate) struct Habits {
    pub form: Form,
    /// What an ordinary write carries to be accepted, in the order in which it was tried.
    pub ticket: Vec<Guard>,
    /// How a stale write is found out; `None` if it is not.
    pub guard: Option<Guard>,
    /// A stale write is answered as one that was performed.
    pub feigns_success: bool,
    pub unconditional: Unconditional,
    /// Members that may be a version, by their pointers.
    pub version_members: Vec<String>,
    pub mask: Mask,
    /// A tag is weak for a second after a write, then strong; until then it is no good for `If-Match`.
    pub ripens: bool,
    /// As it was before anything was written.
    pub original: Reading,
    /// Why nothing can be written that can be read back, where that is so: nothing then can be put back, either.
    pub unwritable: Option<String>,
}

/// Why a probe ends without a verdict.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Nothing more can be asked.
    Ended(RunError),
    /// This cannot be judged; a sentence that says why.
    Cannot(String),
}

impl From<RunError> for Halt {
    fn from(error: RunError) -> Self {
        Self::Ended(error)
    }
}

impl Lab {
    pub(crate) fn habits(&self) -> &Habits {
        &self.habits
    }

    pub(crate) fn place(&self) -> &Url {
        &self.places[0]
    }

    pub(crate) fn places(&self) -> &[Url] {
        &self.places
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

    /// Whether a body says which version its write began from.
    pub(crate) fn has_version_in_body(&self) -> bool {
        let habits = &self.habits;
        let mut guards = habits.guard.iter().chain(&habits.ticket);
        guards.any(|guard| matches!(guard, Guard::Member(_)))
    }

    /// Waits until a validator that counts in seconds says another.
    pub(crate) async fn let_a_second_pass(&self) {
        pace::second().await;
    }

    /// Waits like [`Lab::let_a_second_pass`] if the guard is a date, which cannot tell two writes in one second apart.
    pub(crate) async fn let_the_date_pass(&self) {
        if self.habits.guard == Some(Guard::Date) {
            pace::second().await;
        }
    }
}

/// What a request was answered: `409 Conflict`, or `not at all (no answer within 10s)`.
pub(crate) fn said(exchange: &Exchange) -> String {
    match &exchange.reply {
        Reply::Received(_) => exchange.reply.to_string(),
        Reply::Missing(unsure) => format!("not at all ({unsure})"),
    }
}
