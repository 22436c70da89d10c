use std::sync::Arc;

use http::{Method, StatusCode};

use super::bench::{Bench, served};
use super::candidates::{forms, media_type, tickets, version_members};
use super::{Attempt, Condition, Form, Guard, Habits, Halt, Lab, Mask, Reading, Shape};
use super::{TRIES, opaque, pace, said};
use crate::client::Client;
use crate::effort::Effort;
use crate::model::{Exchange, Reply, RunError, leaves};
use crate::subject::Subject;

/// What becomes of a write that says nothing of where it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unconditional {
    Accepted,
    Refused(StatusCode),
    /// It was not answered.
    Unclear,
}

/// No more writes than this are spent on finding out how to write.
const MOST_TRIALS: usize = 60;

impl Lab {
    /// Learns with one client how the resource is read and written; or why it cannot be written ([`Habits::unwritable`]).
    ///
    /// # Errors
    ///
    /// [`Halt::Cannot`] if it cannot be read any more. Something may have been written by then, whatever comes of it.
    pub(crate) async fn calibrate(&mut self) -> Result<(), Halt> {
        let unwritten = Arc::clone(&self.habits);
        self.habits = Arc::new(Habits::clone(&unwritten));
        match self.learn_to_write().await {
            Ok(()) => {}
            Err(Halt::Cannot(reason)) => {
                self.habits = Arc::new(Habits {
                    unwritable: Some(reason),
                    ..Habits::clone(&unwritten)
                });
                return Ok(());
            }
            Err(stop) => return Err(stop),
        }
        self.learn_the_guard().await?;
        self.learn_what_is_open().await
    }

    /// Reads five times while nobody writes: what moves then, moves by itself.
    ///
    /// # Errors
    ///
    /// [`Halt::Cannot`] if it cannot be read.
    pub(crate) async fn uncalibrated(
        client: Client,
        subject: Subject,
        effort: Effort,
    ) -> Result<Self, Halt> {
        let places = subject.places.clone();
        let bench = Bench::new(client, subject, effort);
        let request = crate::model::Request::get(places[0].clone());
        let exchange = served(&bench.reader, request, TRIES).await?;
        let url = places[0].clone();
        if let Reply::Missing(unsure) = exchange.reply {
            return Err(RunError::Unanswered { url, unsure }.into());
        }
        if !exchange.is_accepted() {
            let answer = said(&exchange);
            return Err(RunError::Unreadable { url, answer }.into());
        }
        let original = Reading::of(exchange, |_| None)?;
        let habits = Habits {
            form: Form {
                method: Method::PUT,
                media_type: media_type(&original),
                shape: Shape::Opaque,
            },
            ticket: Vec::new(),
            guard: None,
            feigns_success: false,
            unconditional: Unconditional::Unclear,
            version_members: version_members(&original),
            mask: Mask::default(),
            ripens: false,
            original,
            unwritable: None,
        };
        let mut lab = Self {
            bench,
            places,
            habits: Arc::new(habits),
        };
        let mut mask = Mask::default();
        for _ in 1..5 {
            let reading = lab.read().await?;
            mask.learn(&lab.habits.original, &reading);
        }
        lab.change(|habits| habits.mask = mask);
        Ok(lab)
    }

    /// Takes note of the members in which two readings differ, but for the one that writes are told apart by.
    pub(crate) fn learn_what_moved(&mut self, before: &Reading, after: &Reading) {
        let mut habits = Habits::clone(&self.habits);
        habits.mask.learn(before, after);
        if let Shape::Json { seen_at, .. } = &habits.form.shape {
            habits.mask.forget(seen_at);
        }
        self.habits = Arc::new(habits);
    }

    fn change(&mut self, change: impl FnOnce(&mut Habits)) {
        let habits = Arc::get_mut(&mut self.habits).expect("calibration holds it alone");
        change(habits);
    }

    /// Finds a method, a body and a member with which a write is accepted and can be read back.
    async fn learn_to_write(&mut self) -> Result<(), Halt> {
        let mut trials = 0;
        let mut last = String::from("the JSON document is not an object");
        let mut refused: Vec<(Method, Option<String>)> = Vec::new();
        'forms: for form in forms(&self.habits, self.subject()) {
            let kind = (form.method.clone(), Some(form.media_type.clone()));
            if refused.contains(&kind) || refused.contains(&(form.method.clone(), None)) {
                continue;
            }
            for ticket in tickets(&self.habits) {
                trials += 1;
                if trials > MOST_TRIALS {
                    break 'forms;
                }
                self.change(|habits| {
                    // With what it takes to put it back.
                    habits.original.mark = form.mark(habits.original.body());
                    habits.form = form.clone();
                    habits.ticket = ticket;
                });
                let base = self.read().await?;
                if !self.habits.ticket.iter().all(|guard| guard.fits(&base)) {
                    continue;
                }
                let actor = self.actor("setup");
                let attempt = self.attempt(&actor, &self.from(&base)).await?;
                if attempt.is_applied() {
                    if let Some(seen_at) = self.found(&attempt).await? {
                        return self.written(seen_at, &attempt, &base).await;
                    }
                    // Accepted and dropped: another condition will not help, another member may.
                    last = format!(
                        "{} was answered {}, but a read did not show what it wrote",
                        form.method,
                        said(&attempt.exchange)
                    );
                    continue 'forms;
                }
                last = format!("{} was answered {}", form.method, said(&attempt.exchange));
                match attempt.status() {
                    Some(
                        StatusCode::METHOD_NOT_ALLOWED
                        | StatusCode::NOT_IMPLEMENTED
                        | StatusCode::NOT_FOUND,
                    ) => {
                        refused.push((form.method.clone(), None));
                        continue 'forms;
                    }
                    Some(StatusCode::UNSUPPORTED_MEDIA_TYPE) => {
                        refused.push(kind);
                        continue 'forms;
                    }
                    Some(StatusCode::UNPROCESSABLE_ENTITY) => continue 'forms,
                    _ => {}
                }
            }
        }
        Err(Halt::Cannot(format!(
            "found no way to write a value that can be read back: {last}"
        )))
    }

    /// Where a write's nonce stands in what is read afterwards.
    async fn found(&self, attempt: &Attempt) -> Result<Option<String>, Halt> {
        let reading = self.read_until(&attempt.nonce).await?;
        Ok(match (&self.habits.form.shape, &reading.document) {
            (Shape::Json { .. }, Some(document)) => leaves(document)
                .into_iter()
                .find(|(_, value)| attempt.nonce.is(value))
                .map(|(pointer, _)| pointer),
            (Shape::Json { .. }, None) => None,
            _ => reading.shows(&attempt.nonce).then(String::new),
        })
    }

    async fn written(
        &mut self,
        place: String,
        attempt: &Attempt,
        base: &Reading,
    ) -> Result<(), Halt> {
        let mut mask = self.habits.mask.clone();
        self.change(|habits| {
            if let Shape::Json { seen_at, .. } = &mut habits.form.shape {
                *seen_at = place.clone();
            }
        });
        let reading = self.read_until(&attempt.nonce).await?;
        mask.learn(base, &reading);
        mask.forget(&place);
        let ripens = reading.has_weak_tag() && self.becomes_strong(&reading).await?;
        self.change(|habits| {
            habits.mask = mask;
            habits.ripens = ripens;
            habits.original.mark = habits.form.mark(habits.original.body());
        });
        Ok(())
    }

    /// Whether the weak tag of what was just written is strong a second later: the clock that it is made from has then
    /// moved on (RFC 9110, section 8.8.1).
    async fn becomes_strong(&self, young: &Reading) -> Result<bool, Halt> {
        pace::second().await;
        let tag = self.read().await?.tag().map(str::to_owned);
        Ok(tag.is_some_and(|tag| young.tag().map(opaque) == Some(tag.as_str())))
    }

    /// Finds out by which validator a stale write is refused while a current one is accepted.
    async fn learn_the_guard(&mut self) -> Result<(), Halt> {
        let reading = self.read().await?;
        let candidates = std::iter::once(Guard::Tag)
            .chain(
                self.habits
                    .version_members
                    .iter()
                    .cloned()
                    .map(Guard::Member),
            )
            .chain(std::iter::once(Guard::Date))
            .filter(|guard| guard.fits(&reading))
            .collect::<Vec<_>>();
        for guard in candidates {
            if let Some(refusal) = self.enforcement(&guard).await? {
                self.change(|habits| {
                    habits.guard = Some(guard);
                    habits.feigns_success = refusal.is_accepted();
                });
                break;
            }
        }
        Ok(())
    }

    /// The answer to a stale write that was not performed; `None` if it was.
    ///
    /// Tried twice for a tag: at once; and with time between, since some are made from a clock that counts in seconds.
    async fn enforcement(&self, guard: &Guard) -> Result<Option<Exchange>, Halt> {
        if *guard != Guard::Date
            && let Some(refusal) = self.refusal_of_stale(guard, false).await?
        {
            return Ok(Some(refusal));
        }
        match guard {
            Guard::Tag | Guard::Date => self.refusal_of_stale(guard, true).await,
            Guard::Member(_) | Guard::Any => Ok(None),
        }
    }

    /// The answer to a stale write, if it is not performed while a current one is; judged by what is read.
    async fn refusal_of_stale(
        &self,
        guard: &Guard,
        takes_time: bool,
    ) -> Result<Option<Exchange>, Halt> {
        let actor = self.actor("setup");
        let wait = || async {
            if takes_time {
                pace::second().await;
            }
        };
        let stale = self.read().await?;
        wait().await;
        if let Err(Halt::Ended(stop)) = self.write_anew(&actor).await {
            return Err(stop.into());
        }
        wait().await;
        let refused = self
            .attempt(&actor, &Condition::unchanged(guard, &stale))
            .await?;
        if self.settled().await?.shows(&refused.nonce) {
            return Ok(None);
        }
        let current = self.read().await?;
        let accepted = self
            .attempt(&actor, &Condition::unchanged(guard, &current))
            .await?;
        let is_performed = accepted.is_applied()
            && self
                .read_until(&accepted.nonce)
                .await?
                .shows(&accepted.nonce);
        Ok(is_performed.then_some(refused.exchange))
    }

    /// Finds out what becomes of a write that says nothing of where it began.
    async fn learn_what_is_open(&mut self) -> Result<(), Halt> {
        let attempt = self
            .attempt(&self.actor("setup"), &Condition::none())
            .await?;
        let unconditional = if attempt.is_applied() {
            Unconditional::Accepted
        } else {
            match attempt.status() {
                Some(status) if status.is_client_error() => Unconditional::Refused(status),
                _ => Unconditional::Unclear,
            }
        };
        self.change(|habits| habits.unconditional = unconditional);
        Ok(())
    }
}
