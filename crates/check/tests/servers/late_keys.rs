use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use tokio::task::JoinError;

use super::answer::Answer;
use super::ask::Ask;
use super::defect::Defect;
use super::refusal::Refusal;
use super::server::Server;
use super::store::{Changes, Outcome, Step};

/// How long after the answer is there its key is noted.
const LATE: Duration = Duration::from_millis(30);

/// Idempotency keys that are not noted yet, on a server that notes them late.
#[derive(Debug, Default)]
pub(crate) struct LateKeys {
    held: Mutex<HashSet<String>>,
    notes: Mutex<HashMap<String, Changes>>,
}

/// A key that one request holds, until this is dropped.
#[derive(Debug)]
struct Holding<'a> {
    keys: &'a LateKeys,
    key: String,
}

impl Server {
    /// Answers a request, and notes its key afterwards if the server is one that does.
    ///
    /// When the client goes away, so does this function, wherever it waits; but the write does not.
    pub(crate) async fn serve(self: &Arc<Self>, base: usize, request: Request) -> Answer {
        let (head, body) = request.into_parts();
        let ask = Ask::new(&head, base);
        let request = Request::from_parts(head, body);
        let Some(key) = ask.idempotency_key() else {
            return self.answer(base, request).await;
        };
        if self.defect != Some(Defect::NotesKeyLate) {
            return self.answer(base, request).await;
        }
        let Some(_holding) = self.keys.hold(key) else {
            return self.speaker(&ask).refused(&Refusal::KeyBusy);
        };
        let server = Arc::clone(self);
        let write = tokio::spawn(async move { server.answer(base, request).await });
        let answer = write.await;
        tokio::time::sleep(LATE).await;
        self.store.apply(Step {
            changes: self.keys.take_note(key),
            outcome: Outcome::Deleted,
        });
        answer.unwrap_or_else(|_: JoinError| self.speaker(&ask).refused(&Refusal::Crashed))
    }
}

impl LateKeys {
    /// Keeps what is to be stored of a key later.
    pub(crate) fn keep_note(&self, key: &str, note: Changes) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.insert(key.into(), note);
    }

    fn take_note(&self, key: &str) -> Changes {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.remove(key).unwrap_or_default()
    }

    /// `None` if another holds it.
    fn hold(&self, key: &str) -> Option<Holding<'_>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(key.into()).then(|| Holding {
            keys: self,
            key: key.into(),
        })
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        let mut held = self
            .keys
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.key);
    }
}
