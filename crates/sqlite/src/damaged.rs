use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};

use detente_store::Damage;

use crate::failure::Failure;

/// How many are remembered; past this, none is logged or counted any more.
const MOST: usize = 10_000;

/// What was found damaged: each is logged once.
#[derive(Debug, Default)]
pub(crate) struct Damaged(Mutex<HashSet<Damage>>);

impl Damaged {
    fn known(&self) -> MutexGuard<'_, HashSet<Damage>> {
        self.0.lock().expect("nothing panics while it is held")
    }

    /// Takes in a failure, if it is damage.
    pub(crate) fn note(&self, failure: &Failure) {
        let Some(damage) = failure.damage() else {
            return;
        };
        let mut known = self.known();
        if known.len() < MOST && known.insert(damage.clone()) {
            tracing::error!(%damage, "the store is damaged; `detente verify` names all that is");
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.known().len() as u64
    }
}
