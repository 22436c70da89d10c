use std::sync::Arc;

use crate::{Head, Key, Moment, State};

/// The right to be the only writer of one document for a while, alone or with others who share it. It does
/// not replace If-Match: it keeps others out, but does not show which version its holder has read.
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
    /// Whether it is the lock of all that is below a folder, too (RFC 4918, section 6.1).
    pub is_deep: bool,
    /// Who holds it as well, where it is shared: locks without sharers of their own, none of which lasts longer
    /// than this one. `None`: it is exclusive.
    pub sharers: Option<Vec<Lock>>,
}

/// What a writer says of locks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LockTokens {
    #[default]
    None,
    /// The token of the lock of the document, which must be held.
    Own(Arc<str>),
    /// Those of locks of several documents: where there is a lock, one of them must be its token.
    Any(Arc<[Arc<str>]>),
}

impl LockTokens {
    /// Whether one of them is that of a holder.
    fn open(&self, lock: &Lock) -> bool {
        match self {
            Self::None => false,
            Self::Own(token) => lock.holder(token).is_some(),
            Self::Any(tokens) => tokens.iter().any(|token| lock.holder(token).is_some()),
        }
    }
}

impl From<Option<Arc<str>>> for LockTokens {
    fn from(token: Option<Arc<str>>) -> Self {
        token.map_or(Self::None, Self::Own)
    }
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
        terms: LockTerms,
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

/// What a lock keeps out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LockTerms {
    /// See [`Lock::is_deep`].
    pub is_deep: bool,
    /// Whether others may hold it as well who say the same.
    pub is_shared: bool,
}

/// The outcome of a [`LockCommand`].
#[derive(Clone, Debug)]
pub enum LockDecision {
    /// The lock is held.
    Held {
        /// By all who hold it.
        lock: Arc<Lock>,
        /// As it is for whoever asked.
        own: Arc<Lock>,
    },
    /// Whoever asked holds it no more.
    Freed {
        lock: Arc<Lock>,
        /// As it is for those who still do.
        rest: Option<Arc<Lock>>,
    },
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

    /// All who hold it, whoever does longest in front.
    pub fn holders(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.sharers.iter().flatten())
    }

    /// The largest number that one of its holders was given.
    pub fn largest_fencing(&self) -> u64 {
        self.holders().map(|it| it.fencing).max().unwrap_or(0)
    }

    /// Who holds it by a token.
    pub fn holder(&self, token: &str) -> Option<&Self> {
        self.holders().find(|it| *it.token == *token)
    }

    /// Whether it is the lock of what is below, for one of its holders.
    pub fn reaches_below(&self) -> bool {
        self.holders().any(|it| it.is_deep)
    }

    /// The same lock for those of its holders whose time has not passed.
    pub fn at(self: &Arc<Self>, now: Moment) -> Option<Arc<Self>> {
        if self.holders().all(|it| it.is_held(now)) {
            return Some(Arc::clone(self));
        }
        Self::of(self.alone().filter(|it| it.is_held(now)).collect())
    }

    /// Each of its holders, as if there were no others.
    fn alone(&self) -> impl Iterator<Item = Self> {
        self.holders().map(|it| Self {
            sharers: self.sharers.as_ref().map(|_| Vec::new()),
            ..it.clone()
        })
    }

    /// One lock for all who hold it.
    fn of(mut holders: Vec<Self>) -> Option<Arc<Self>> {
        holders.sort_by_key(|it| std::cmp::Reverse(it.expires_at));
        let mut holders = holders.into_iter();
        let mut first = holders.next()?;
        if let Some(sharers) = &mut first.sharers {
            sharers.extend(holders);
        }
        Some(Arc::new(first))
    }
}

/// Whether locks let a write through. `is_inner`: it only says that something below the folder of `key` changed,
/// which concerns no lock but a deep one.
///
/// A token that is no longer that of a lock is refused, even where nobody holds one: whoever sends it believes to
/// be alone, and cannot know what came since.
///
/// # Errors
///
/// Only the errors of `state`.
pub(crate) fn pass_the_lock<S: State>(
    state: &S,
    key: &Key,
    (tokens, is_inner): (&LockTokens, bool),
    now: Moment,
) -> Result<Result<(), LockRefusal>, S::Error> {
    let held = state.lock(key)?.and_then(|lock| lock.at(now));
    let held = held.filter(|lock| !is_inner || lock.reaches_below());
    Ok(match (held, tokens) {
        (None, LockTokens::Own(_)) => Err(LockRefusal::Lost),
        (None, _) => Ok(()),
        (Some(lock), tokens) if tokens.open(&lock) => Ok(()),
        (Some(lock), _) => Err(LockRefusal::Locked(lock)),
    })
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
    let held = state.lock(key)?.and_then(|lock| lock.at(now));
    let refuse = |refusal| Ok(LockDecision::Refused(refusal));
    let holder = |token: &str| match &held {
        Some(lock) if lock.holder(token).is_some() => Ok(lock),
        Some(lock) => Err(LockRefusal::Locked(Arc::clone(lock))),
        None => Err(LockRefusal::Lost),
    };
    match &command.action {
        LockAction::Take {
            token,
            owner,
            life_ms,
            terms,
        } => {
            match state.head(key)? {
                None => return refuse(LockRefusal::Missing),
                Some(head) if !head.is_document() => {
                    return refuse(LockRefusal::Deleted { head });
                }
                Some(_) => {}
            }
            if let Some(lock) = in_the_way(state, key, held.as_ref(), *terms, now)? {
                return refuse(LockRefusal::Locked(lock));
            }
            let own = Lock {
                token: Arc::clone(token),
                fencing,
                owner: owner.clone(),
                by: Arc::clone(&command.by),
                expires_at: Moment(now.0.saturating_add(*life_ms)),
                is_deep: terms.is_deep,
                sharers: terms.is_shared.then(Vec::new),
            };
            Ok(with(held.as_ref(), own))
        }
        LockAction::Renew { token, life_ms } => match holder(token) {
            Ok(lock) => {
                let renewed = lock.alone().find(|it| it.token == *token);
                let renewed = renewed.map(|it| Lock {
                    expires_at: Moment(now.0.saturating_add(*life_ms)),
                    ..it
                });
                let rest = without(lock, token);
                match renewed {
                    Some(own) => Ok(with(rest.as_ref(), own)),
                    None => refuse(LockRefusal::Lost),
                }
            }
            Err(refusal) => refuse(refusal),
        },
        LockAction::Release { token } => match holder(token) {
            Ok(lock) => Ok(LockDecision::Freed {
                rest: without(lock, token),
                lock: Arc::clone(lock),
            }),
            Err(refusal) => refuse(refusal),
        },
        LockAction::Break => match held {
            Some(lock) => Ok(LockDecision::Freed { lock, rest: None }),
            None => refuse(LockRefusal::Free),
        },
    }
}

/// A lock that keeps one of these terms from being taken: that of the document itself, a deep one of a folder that
/// it is in, or, if it is to be deep, one of what is below.
fn in_the_way<S: State>(
    state: &S,
    key: &Key,
    held: Option<&Arc<Lock>>,
    terms: LockTerms,
    now: Moment,
) -> Result<Option<Arc<Lock>>, S::Error> {
    let excludes = |lock: &Arc<Lock>| !(terms.is_shared && lock.sharers.is_some());
    if let Some(lock) = held.filter(|lock| excludes(lock)) {
        return Ok(Some(Arc::clone(lock)));
    }
    for folder in key.folders() {
        let lock = state.lock(&folder)?.and_then(|lock| lock.at(now));
        if let Some(lock) = lock.filter(|lock| lock.reaches_below() && excludes(lock)) {
            return Ok(Some(lock));
        }
    }
    if !terms.is_deep || !key.is_of_files() {
        return Ok(None);
    }
    let below = state.locks_below(key)?;
    let mut below = below.iter().filter_map(|lock| lock.at(now));
    Ok(below.find(excludes))
}

fn with(held: Option<&Arc<Lock>>, own: Lock) -> LockDecision {
    let others = held.into_iter().flat_map(|lock| lock.alone());
    let all = others.chain([own.clone()]).collect();
    let own = Arc::new(own);
    LockDecision::Held {
        lock: Lock::of(all).unwrap_or_else(|| Arc::clone(&own)),
        own,
    }
}

fn without(lock: &Arc<Lock>, token: &str) -> Option<Arc<Lock>> {
    Lock::of(lock.alone().filter(|it| *it.token != *token).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::*;
    use crate::json::Value;
    use crate::rules::Claim;
    use crate::{Digest, Kind, Seq, Stored};

    /// Files that are all there, and their locks.
    #[derive(Default)]
    struct Files(BTreeMap<Key, Arc<Lock>>);

    impl State for Files {
        type Error = Infallible;

        fn head(&self, _: &Key) -> Result<Option<Head>, Infallible> {
            Ok(Some(Head {
                seq: 1,
                version: 1,
                digest: Digest(1),
                kind: Kind::Document,
                at: Moment(0),
            }))
        }

        fn stored(&self, seq: Seq) -> Result<Arc<Stored>, Infallible> {
            unreachable!("a lock is decided without version {seq}")
        }

        fn document(&self, seq: Seq) -> Result<Arc<Value>, Infallible> {
            unreachable!("a lock is decided without document {seq}")
        }

        fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, Infallible> {
            Ok(self.0.get(key).cloned())
        }

        fn locks_below(&self, folder: &Key) -> Result<Vec<Arc<Lock>>, Infallible> {
            let below = self.0.iter().filter(|(key, _)| key.is_below(folder));
            Ok(below.map(|(_, lock)| Arc::clone(lock)).collect())
        }

        fn holder(&self, _: &Key, _: &Claim) -> Result<Option<String>, Infallible> {
            Ok(None)
        }
    }

    const DEEP: LockTerms = LockTerms {
        is_deep: true,
        is_shared: false,
    };
    const OWN: LockTerms = LockTerms {
        is_deep: false,
        is_shared: false,
    };
    const SHARED: LockTerms = LockTerms {
        is_deep: false,
        is_shared: true,
    };
    const SHARED_DEEP: LockTerms = LockTerms {
        is_deep: true,
        is_shared: true,
    };

    fn file(path: &str) -> Key {
        Key::file("s", path).unwrap()
    }

    impl Files {
        fn change(&mut self, path: &str, now: u64, action: LockAction) -> bool {
            let command = LockCommand {
                key: file(path),
                by: "ann".into(),
                action,
            };
            let fencing = 1 + self.0.len() as u64;
            let Ok(decision) = decide_lock(self, &command, Moment(now), fencing);
            let left = match decision {
                LockDecision::Held { lock, .. } => Some(lock),
                LockDecision::Freed { rest, .. } => rest,
                LockDecision::Refused(_) => return false,
            };
            match left {
                Some(lock) => self.0.insert(command.key, lock),
                None => self.0.remove(&command.key),
            };
            true
        }

        fn take(&mut self, path: &str, token: &str, terms: LockTerms, life_ms: u64) -> bool {
            let action = LockAction::Take {
                token: token.into(),
                owner: "Ann".into(),
                life_ms,
                terms,
            };
            self.change(path, 0, action)
        }

        fn lets(&self, path: &str, tokens: &[&str], is_inner: bool, now: u64) -> bool {
            let tokens = tokens.iter().map(|it| Arc::from(*it)).collect();
            let tokens = LockTokens::Any(tokens);
            let Ok(passed) = pass_the_lock(self, &file(path), (&tokens, is_inner), Moment(now));
            passed.is_ok()
        }
    }

    #[test]
    fn locks_exclude_each_other_along_a_path() {
        for (first, second, may) in [
            (("a", OWN), ("a", OWN), false),
            (("a", OWN), ("a", SHARED), false),
            (("a", SHARED), ("a", OWN), false),
            (("a", SHARED), ("a", SHARED_DEEP), true),
            // What is below, and what is above.
            (("a", DEEP), ("a/b/c", OWN), false),
            (("a", OWN), ("a/b/c", OWN), true),
            (("a", SHARED_DEEP), ("a/b", SHARED), true),
            (("a", SHARED_DEEP), ("a/b", OWN), false),
            (("a/b/c", OWN), ("a", DEEP), false),
            (("a/b/c", OWN), ("a", OWN), true),
            (("a/b", SHARED), ("a", SHARED_DEEP), true),
            (("a/b", SHARED), ("/", DEEP), false),
            (("/", DEEP), ("a", SHARED), false),
            // Neighbours.
            (("a", DEEP), ("ab", DEEP), true),
            (("a/b", DEEP), ("a/c", DEEP), true),
        ] {
            let mut files = Files::default();
            assert!(files.take(first.0, "t", first.1, 10));
            assert_eq!(
                files.take(second.0, "u", second.1, 10),
                may,
                "{first:?} {second:?}"
            );
        }
    }

    #[test]
    fn a_shared_lock_is_held_until_the_last_lets_go() {
        let mut files = Files::default();
        assert!(files.take("a", "t", SHARED, 10));
        assert!(files.take("a", "u", SHARED_DEEP, 30));
        assert!(files.take("a", "v", SHARED, 20));
        for token in ["t", "u", "v"] {
            assert!(files.lets("a", &["x", token], false, 5), "{token}");
        }
        assert!(!files.lets("a", &[], false, 5));
        // It reaches down for one of them.
        assert!(!files.lets("a", &[], true, 5));
        // Time passes.
        assert!(!files.lets("a", &["t"], false, 15));
        assert!(files.lets("a", &["v"], false, 15));
        let renewed = LockAction::Renew {
            token: "v".into(),
            life_ms: 100,
        };
        assert!(files.change("a", 15, renewed));
        assert_eq!(files.0[&file("a")].expires_at, Moment(115));
        let lost = LockAction::Renew {
            token: "t".into(),
            life_ms: 100,
        };
        assert!(!files.change("a", 15, lost), "its time has passed");
        let release = |token: &str| LockAction::Release {
            token: token.into(),
        };
        assert!(files.change("a", 16, release("u")));
        assert!(!files.change("a", 16, release("u")), "it did before");
        // Nobody is left whose lock reaches down.
        assert!(files.lets("a", &[], true, 16));
        assert!(!files.lets("a", &[], false, 16));
        assert!(files.change("a", 17, release("v")));
        assert!(files.0.is_empty());
    }

    #[test]
    fn a_token_of_its_own_must_be_held() {
        let mut files = Files::default();
        let passes = |files: &Files, token: &str| {
            let token = LockTokens::Own(token.into());
            let Ok(passed) = pass_the_lock(files, &file("a"), (&token, false), Moment(5));
            passed
        };
        assert!(matches!(passes(&files, "t"), Err(LockRefusal::Lost)));
        assert!(files.take("a", "t", OWN, 10));
        assert!(passes(&files, "t").is_ok());
        assert!(matches!(passes(&files, "u"), Err(LockRefusal::Locked(_))));
    }
}
