use std::sync::Arc;

use crate::{Head, Key, Moment, State};

/// The right to be the only writer of one document for a while. It does not replace If-Match: it
/// keeps others out, and says nothing of what its holder has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Whoever knows it holds the lock.
    pub token: Arc<str>,
    /// Larger than that of every lock before it. A resource elsewhere that remembers the largest it
    /// has seen can refuse a holder whose time has passed.
    pub fencing: u64,
    /// Who holds it, in words for people.
    pub owner: String,
    /// Who took it.
    pub by: Arc<str>,
    pub expires_at: Moment,
}

/// What is asked of the lock of a document.
#[derive(Clone, Debug)]
pub struct LockCommand {
    pub key: Key,
    pub by: Arc<str>,
    pub action: LockAction,
}

#[derive(Clone, Debug)]
pub enum LockAction {
    /// Takes the lock, under a token that was never used before.
    Take {
        token: Arc<str>,
        owner: String,
        life_ms: u64,
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

/// What became of a [`LockCommand`].
#[derive(Clone, Debug)]
pub enum LockDecision {
    /// It is held, as this says.
    Held(Arc<Lock>),
    /// Nobody holds this lock any more.
    Freed(Arc<Lock>),
    Refused(LockRefusal),
}

#[derive(Clone, Debug)]
pub enum LockRefusal {
    /// There is no such document.
    Missing,
    Deleted {
        head: Head,
    },
    /// Somebody else holds it.
    Locked(Arc<Lock>),
    /// The token is that of no lock that is held; `None` if the document is not locked at all.
    Lost,
    /// There is no lock to break.
    Free,
}

impl Lock {
    pub fn is_held(&self, now: Moment) -> bool {
        now < self.expires_at
    }
}

/// Decides what becomes of a lock. `fencing` is larger than every fencing number so far.
///
/// A lock whose time has passed is nobody's, even if nobody took it since.
///
/// # Errors
///
/// Only those of `state`.
pub fn decide_lock<S: State>(
    state: &S,
    command: &LockCommand,
    now: Moment,
    fencing: u64,
) -> Result<LockDecision, S::Error> {
    let key = &command.key;
    let held = state.lock(key)?.filter(|lock| lock.is_held(now));
    let refuse = |refusal| Ok(LockDecision::Refused(refusal));
    let refuse_token = |held: Option<Arc<Lock>>| {
        let refusal = held.map_or(LockRefusal::Lost, LockRefusal::Locked);
        Ok(LockDecision::Refused(refusal))
    };
    match &command.action {
        LockAction::Take {
            token,
            owner,
            life_ms,
        } => {
            match state.head(key)? {
                None => return refuse(LockRefusal::Missing),
                Some(head) if !head.is_document() => {
                    return refuse(LockRefusal::Deleted { head });
                }
                Some(_) => {}
            }
            if let Some(lock) = held {
                return refuse(LockRefusal::Locked(lock));
            }
            Ok(LockDecision::Held(Arc::new(Lock {
                token: Arc::clone(token),
                fencing,
                owner: owner.clone(),
                by: Arc::clone(&command.by),
                expires_at: Moment(now.0.saturating_add(*life_ms)),
            })))
        }
        LockAction::Renew { token, life_ms } => match held {
            Some(lock) if lock.token == *token => {
                let expires_at = Moment(now.0.saturating_add(*life_ms));
                Ok(LockDecision::Held(Arc::new(Lock {
                    expires_at,
                    ..(*lock).clone()
                })))
            }
            held => refuse_token(held),
        },
        LockAction::Release { token } => match held {
            Some(lock) if lock.token == *token => Ok(LockDecision::Freed(lock)),
            held => refuse_token(held),
        },
        LockAction::Break => match held {
            Some(lock) => Ok(LockDecision::Freed(lock)),
            None => refuse(LockRefusal::Free),
        },
    }
}
