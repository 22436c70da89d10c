use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use detente_core::Once;

/// The requests with an Idempotency-Key that are being worked on: scope to payload.
///
/// It knows those of this node alone. That the same request is not performed twice, wherever it
/// arrives, is ensured by its receipt; this only spares who repeats a request too early.
#[derive(Debug, Default)]
pub(crate) struct InProgress(Mutex<HashMap<[u8; 32], [u8; 32]>>);

/// A request's place among those in progress, for as long as it is.
#[derive(Debug)]
pub struct Turn {
    among: Arc<InProgress>,
    scope: [u8; 32],
}

/// Why a request cannot be worked on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTurn {
    #[error("the same request is in progress")]
    InProgress,
    #[error("another request with the same key is in progress")]
    Reused,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.among.requests().remove(&self.scope);
    }
}

impl InProgress {
    // A std mutex: nothing awaits while it is held.
    fn requests(&self) -> MutexGuard<'_, HashMap<[u8; 32], [u8; 32]>> {
        self.0.lock().expect("nothing panics while it is held")
    }

    pub(crate) fn enter(self: &Arc<Self>, once: &Once) -> Result<Turn, NoTurn> {
        let mut requests = self.requests();
        match requests.get(&once.scope) {
            None => {
                requests.insert(once.scope, once.payload);
                Ok(Turn {
                    among: Arc::clone(self),
                    scope: once.scope,
                })
            }
            Some(payload) if *payload == once.payload => Err(NoTurn::InProgress),
            Some(_) => Err(NoTurn::Reused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_two_requests_in_progress_waits_for_its_answer() {
        let (first, other) = ([1; 32], [2; 32]);
        let once = |payload| Once {
            scope: first,
            payload,
        };
        let in_progress = Arc::new(InProgress::default());
        let turn = in_progress.enter(&once(first)).unwrap();
        let refusal = |payload| in_progress.enter(&once(payload)).unwrap_err();
        assert_eq!(refusal(first), NoTurn::InProgress);
        assert_eq!(refusal(other), NoTurn::Reused);
        drop(turn);
        assert!(in_progress.enter(&once(other)).is_ok());
    }
}
