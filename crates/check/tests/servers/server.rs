use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use serde_json::json;

use super::answer::{Answer, Speaker};
use super::ask::Ask;
use super::decider::Decider;
use super::defect::Defect;
use super::dialect::Dialect;
use super::document;
use super::late_keys::LateKeys;
use super::manners::Manners;
use super::meeting::{Guest, Meeting};
use super::operation::Operation;
use super::refusal::Refusal;
use super::store::{Outcome, Step, Store};

const BODY_LIMIT: usize = 1 << 20;

/// How old is what a server shows that shows what is old.
const AGE: Duration = Duration::from_millis(20);

/// One server: what it stores, how it speaks, and what is wrong with it.
pub(crate) struct Server {
    pub(crate) dialect: Dialect,
    pub(crate) defect: Option<Defect>,
    pub(crate) store: Store,
    pub(crate) keys: LateKeys,
    manners: Manners,
    /// Of all requests, and of writes.
    requests: Meeting,
    writes: Meeting,
    reads: AtomicU64,
    /// From when the version was that was read last.
    last_read: Mutex<HashMap<String, Instant>>,
}

impl Server {
    pub(crate) fn new(dialect: Dialect, defect: Option<Defect>) -> Self {
        let server = Self {
            dialect,
            defect,
            store: Store::default(),
            keys: LateKeys::default(),
            manners: Manners::new(dialect),
            requests: Meeting::default(),
            writes: Meeting::default(),
            reads: AtomicU64::new(0),
            last_read: Mutex::default(),
        };
        server.furnish();
        server
    }

    fn furnish(&self) {
        let mut changes = vec![("notes/1".into(), Some(document::seed(&self.dialect)))];
        if self.dialect.shop {
            let furniture = [
                (
                    "members/1",
                    json!({ "email": "ann@example.org", "name": "Ann" }),
                ),
                ("products/1", json!({ "name": "chair", "stock": 5 })),
                ("orders/1", json!({ "item": "chair", "state": "open" })),
                ("accounts/a", json!({ "owner": "Ann", "balance": 100 })),
                ("accounts/b", json!({ "owner": "Bob", "balance": 100 })),
            ];
            changes.extend(furniture.map(|(key, content)| (key.into(), Some(content))));
        }
        self.store.apply(Step {
            changes,
            outcome: Outcome::Deleted,
        });
    }

    /// Answers a request that came to the base URL of this number.
    pub(crate) async fn answer(&self, base: usize, request: Request) -> Answer {
        let guest = self.requests.enter();
        let (head, body) = request.into_parts();
        let mut ask = Ask::new(&head, base);
        self.manners.pause().await;
        let answer = self.try_answer(&mut ask, body, &guest).await;
        let answer = answer.unwrap_or_else(|refusal| self.speaker(&ask).refused(&refusal));
        answer.for_pages(self.dialect.pages)
    }

    async fn try_answer(
        &self,
        ask: &mut Ask,
        body: Body,
        guest: &Guest<'_>,
    ) -> Result<Answer, Refusal> {
        self.manners.admit(ask)?;
        match Operation::of(ask, &self.dialect)? {
            Operation::Read(key) => self.read(ask, &key, guest).await,
            Operation::List(name) => Ok(self.list(ask, &name)),
            operation => self.write(ask, body, &operation).await,
        }
    }

    async fn read(&self, ask: &Ask, key: &str, guest: &Guest<'_>) -> Result<Answer, Refusal> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let as_of = self.as_of(guest).await;
        let newest = |as_of| self.store.look(as_of, |view| view.current(key).cloned());
        let version = newest(as_of).ok_or(Refusal::Absent)?;
        self.note_read(key, version.at);
        let mut tagged = version.clone();
        if self.defect == Some(Defect::TornRead) {
            tokio::time::sleep(Duration::from_millis(2)).await;
            tagged = newest(None).ok_or(Refusal::Absent)?;
        }
        Ok(self.speaker(ask).document(key, &version, &tagged))
    }

    fn list(&self, ask: &Ask, name: &str) -> Answer {
        let speaker = self.speaker(ask);
        self.store
            .look(None, |view| speaker.list(name, &view.collection(name)))
    }

    async fn write(
        &self,
        ask: &mut Ask,
        body: Body,
        operation: &Operation,
    ) -> Result<Answer, Refusal> {
        let early = self.defect == Some(Defect::ChecksHead);
        if early && let Some(key) = operation.document() {
            let decider = self.decider(ask, operation, true);
            self.store
                .look(None, |view| decider.judge(view, key, None))?;
        }
        ask.body = axum::body::to_bytes(body, BODY_LIMIT)
            .await
            .map_err(|error| Refusal::Unreadable(error.to_string()))?;
        let guest = self.writes.enter();
        let decider = self.decider(ask, operation, !early);
        let done = self.step(decider, &guest).await?;
        // An answer that is given again may be about what is still there.
        let version = match (done.version, &done.outcome) {
            (None, Outcome::Created { key }) => {
                self.store.look(None, |view| view.current(key).cloned())
            }
            (version, _) => version,
        };
        Ok(self.speaker(ask).done(&done.outcome, version.as_ref()))
    }

    fn decider<'a>(
        &'a self,
        ask: &'a Ask,
        operation: &'a Operation,
        conditional: bool,
    ) -> Decider<'a> {
        Decider {
            dialect: &self.dialect,
            defect: self.defect,
            ask,
            operation,
            conditional,
        }
    }

    pub(crate) fn speaker<'a>(&'a self, ask: &'a Ask) -> Speaker<'a> {
        Speaker {
            dialect: &self.dialect,
            defect: self.defect,
            ask,
            reads: self.reads.load(Ordering::Relaxed),
        }
    }

    /// The time that a read shows; `None`: now.
    async fn as_of(&self, guest: &Guest<'_>) -> Option<Instant> {
        let some = match self.defect {
            Some(Defect::Flickers) => fastrand::bool(),
            Some(Defect::ShowsLate) => true,
            _ => return None,
        };
        tokio::time::sleep(Duration::from_millis(1)).await;
        if some && guest.has_met() {
            return Instant::now().checked_sub(AGE);
        }
        None
    }

    fn note_read(&self, key: &str, at: Instant) {
        if self.defect == Some(Defect::LaggingCopy) {
            let mut last_read = self
                .last_read
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            last_read.insert(key.into(), at);
        }
    }

    pub(crate) fn last_read(&self, key: &str) -> Option<Instant> {
        let last_read = self
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last_read.get(key).copied()
    }
}
