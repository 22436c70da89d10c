use std::sync::Arc;

use detente_core::{Key, Lock, LockAction, LockCommand, LockDecision, LockRefusal, LockTerms};
use detente_store::CpuTime;

use crate::explanation::{Bar, Explanation, What};
use crate::service::not_written;
use crate::{Action, Outcome, Principal, Service};

/// What somebody wants of the lock of a document.
#[derive(Clone, Debug)]
pub struct LockAsk {
    pub key: Key,
    pub wish: LockWish,
}

/// What somebody wants of a lock.
#[derive(Clone, Debug)]
pub enum LockWish {
    /// Takes the lock, for an owner in words for people.
    Take {
        owner: String,
        life_ms: u64,
        terms: LockTerms,
    },
    /// Holds it for longer.
    Renew {
        token: Arc<str>,
        life_ms: u64,
    },
    Release {
        token: Arc<str>,
    },
    /// Takes it away from whoever holds it.
    Break,
}

impl Service {
    /// The lock of a document.
    ///
    /// # Errors
    ///
    /// [`What::NotLocked`] if nobody holds one.
    pub async fn lock_of(&self, principal: &Principal, key: &Key) -> Outcome<Arc<Lock>> {
        principal.must(Action::Read, key)?;
        self.collection(key.collection())?;
        let now = self.writer.time().now;
        let is_hidden = self.is_hidden(principal, key).await?;
        let lock = self.reading.lock(key);
        let lock = lock.filter(|lock| lock.is_held(now) && !is_hidden);
        lock.ok_or_else(|| Explanation::of(What::NotLocked, key))
    }

    /// Changes the lock of a document; the lock as it is now, or was when it was freed. `None`: it had
    /// ended before it was to be released.
    ///
    /// # Errors
    ///
    /// Why it was not changed.
    pub async fn lock(&self, principal: &Principal, ask: LockAsk) -> Outcome<Option<Arc<Lock>>> {
        let LockAsk { key, wish } = ask;
        self.collection(key.collection())?;
        let is_break = matches!(wish, LockWish::Break);
        let action = match is_break {
            true => Action::BreakLock,
            false => Action::Update,
        };
        principal.must(action, &key)?;
        let is_release = matches!(wish, LockWish::Release { .. });
        self.must_lock(principal, &key).await?;
        let command = LockCommand {
            key: key.clone(),
            by: Arc::clone(&principal.name),
            action: wish.into_action(),
        };
        match self.writer.lock(command).await.map_err(not_written)? {
            LockDecision::Held { own: lock, .. } | LockDecision::Freed { lock, .. } => {
                if is_break {
                    note_broken(principal, &key, &lock);
                }
                Ok(Some(lock))
            }
            // What was asked for is so.
            LockDecision::Refused(LockRefusal::Lost) if is_release => Ok(None),
            LockDecision::Refused(refusal) => Err(self.lock_refused(&key, refusal).await?),
        }
    }

    /// Whoever may not see a document, or may not even save it as it is, may not keep others from it.
    async fn must_lock(&self, principal: &Principal, key: &Key) -> Outcome<()> {
        let access = &self.collection(key.collection())?.rules.rules.access;
        if access.is_open() {
            return Ok(());
        }
        let Some(newest) = self.newest_in_sight(principal, key).await? else {
            return Err(Explanation::of(What::NothingToLock, key));
        };
        let caller = principal.caller();
        let lets_lock = |document| access.lets_lock(&document, &caller, &CpuTime::default());
        match newest.document().is_none_or(lets_lock) {
            true => Ok(()),
            false => {
                let what = What::denied(&principal.name, Action::Update, Bar::Rule);
                Err(Explanation::of(what, key))
            }
        }
    }

    async fn lock_refused(&self, key: &Key, refusal: LockRefusal) -> Outcome<Box<Explanation>> {
        let what = match refusal {
            LockRefusal::Missing => What::NothingToLock,
            LockRefusal::Deleted { head } => {
                let tombstone = self.reading.version(key.space(), head.seq).await?;
                let missing = || What::failed("a deleted document has no tombstone");
                What::Gone(tombstone.ok_or_else(missing)?)
            }
            LockRefusal::Locked(lock) => {
                self.metrics.waited_for_lock();
                let mut explanation = Explanation::of(What::Locked(lock), key);
                explanation.ways.push(crate::Way::Lock);
                return Ok(explanation);
            }
            LockRefusal::Lost => What::LockLost,
            LockRefusal::Free => What::NothingToBreak,
        };
        Ok(Explanation::of(what, key))
    }
}

fn note_broken(principal: &Principal, key: &Key, lock: &Lock) {
    tracing::warn!(
        document = key.as_str(),
        by = &*principal.name,
        owner = lock.owner,
        fencing = lock.fencing,
        "a lock was broken"
    );
}

impl LockWish {
    fn into_action(self) -> LockAction {
        match self {
            Self::Take {
                owner,
                life_ms,
                terms,
            } => LockAction::Take {
                token: format!("urn:uuid:{}", uuid::Uuid::new_v4()).into(),
                owner,
                life_ms,
                terms,
            },
            Self::Renew { token, life_ms } => LockAction::Renew { token, life_ms },
            Self::Release { token } => LockAction::Release { token },
            Self::Break => LockAction::Break,
        }
    }
}
