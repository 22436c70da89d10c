use std::sync::Arc;

use crate::{Head, Key, Moment, State};

/// The right to be the only writer of one document for a while. It does not replace If-Match: it
/// keeps others out, but does not show which version its holder has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Whoever knows the token holds the lock.
    pub token: Arc<str>,
    /// Larger than that of every earlier lock. Another system that remembers the largest number
    /// that it has seen can refuse a holder whose time has passed.
    pub fencing: u64,
    /// Who holds it, in words for people.
    pub owner: String,
    /// Who took it.
    pub by: Arc<str>,
    pub expires_at: Moment,
}

/// A request about the lock of a document.
#[derive(Clone, Debug)]
pub struct LockCommand {
    pub key: Key,
    pub by: Arc<str>,
    pub action: LockAction,
}

/// What to do with a lock.
#[derive(Clone, Debug)]
pub enum LockAction {
    /// Takes the lock, with a token that was never used before.
    Take {
        token: Arc<str>,
        owner: String,
        life_ms: u64,
    },
    /// Extends the lock.
    Renew {
        token: Arc<str>,
        life_ms: u64,
    },
    Release {
        token: Arc<str>,
    },
    /// Takes the lock away from its holder.
    Break,
}

/// The outcome of a [`LockCommand`].
#[derive(Clone, Debug)]
pub enum LockDecision {
    /// The lock is held.
    Held(Arc<Lock>),
    /// Nobody holds this lock any more.
    Freed(Arc<Lock>),
    Refused(LockRefusal),
}

/// Why a [`LockCommand`] was refused.
#[derive(Clone, Debug)]
pub enum LockRefusal {
    /// There is no such document.
    Missing,
    Deleted {
        head: Head,
    },
    /// Somebody else holds it.
    Locked(Arc<Lock>),
    /// The document is not locked, so the token is not that of a held lock.
    Lost,
    /// There is no lock to break.
    Free,
}

impl Lock {
    /// Whether the lock has not expired yet.
    pub fn is_held(&self, now: Moment) -> bool {
        now < self.expires_at
    }
}

/// Decides a request about a lock. `fencing` must be larger than every fencing number so far.
///
/// A lock whose time has passed belongs to nobody, even if nobody has taken it since.
///
/// # Errors
///
/// Only the errors of `state`.
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
