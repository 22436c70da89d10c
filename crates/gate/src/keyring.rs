//! The keys that count now: those of the configuration, and those that are published elsewhere, which
//! come and go there.
//!
//! - The first token that needs them has them fetched, and waits for it.
//! - A token whose `kid` is not known has them fetched again, at most once a minute, whatever comes of
//!   it, and waits. All who wait share one fetch, which goes on if they leave: nobody can keep new keys
//!   out by hanging up.
//! - Tokens whose keys are known never wait. The first of them after an hour has the keys fetched
//!   behind its back, so that those withdrawn at their host go.
//! - What is fetched replaces all that was fetched before. Where nothing could be fetched, the keys stay.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use bytes::Bytes;
use detente_core::Moment;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::jwt::Signed;
use crate::key::{Key, key_set};
use crate::source::MAX_KEY_SET;
use crate::{Source, Unknown};

/// Between the beginnings of two fetches.
const PAUSE: Duration = Duration::from_secs(60);
/// The age at which published keys are fetched again.
const HOUR: Duration = Duration::from_secs(3600);
/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The keys of one moment.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Grows with every change. What was verified by other keys counts no longer.
    pub(crate) generation: u64,
    /// There is a source, and it never gave any.
    pub(crate) are_away: bool,
    all: Vec<Key>,
}

#[derive(Clone)]
pub(crate) struct Keyring(Arc<Inner>);

struct Inner {
    fixed: Vec<Key>,
    source: Option<Arc<dyn Source>>,
    state: RwLock<State>,
}

struct State {
    keys: Arc<Keys>,
    document: Bytes,
    attempted: Option<Moment>,
    fetched: Option<Moment>,
    /// Closed when the last fetch has ended, in whatever way.
    under_way: Option<watch::Receiver<()>>,
}

impl Keys {
    /// Whether one of these keys signed it.
    pub(crate) fn verify(&self, signed: &Signed<'_>) -> Result<(), Unknown> {
        let is_meant = |key: &&Key| match (key.id(), signed.key_id()) {
            (Some(id), Some(meant)) => id == meant,
            _ => true,
        };
        let mut failure = Unknown::NoKey;
        for key in self.all.iter().filter(is_meant) {
            if key.algorithm() != signed.algorithm {
                if failure == Unknown::NoKey {
                    failure = Unknown::Algorithm;
                }
            } else if key.verifies(signed.message, &signed.signature) {
                return Ok(());
            } else {
                failure = Unknown::Signature;
            }
        }
        Err(failure)
    }

    /// Whether the key that is meant is among these, for all that anybody can tell without asking the
    /// source again.
    pub(crate) fn know(&self, id: Option<&str>) -> bool {
        match id {
            Some(_) => self.all.iter().any(|key| key.id() == id),
            None => !self.are_away,
        }
    }
}

impl Keyring {
    pub(crate) fn new(fixed: Vec<Key>, source: Option<Arc<dyn Source>>) -> Self {
        let keys = Keys {
            generation: 0,
            are_away: source.is_some(),
            all: fixed.clone(),
        };
        let state = State {
            keys: Arc::new(keys),
            document: Bytes::new(),
            attempted: None,
            fetched: None,
            under_way: None,
        };
        Self(Arc::new(Inner {
            fixed,
            source,
            state: RwLock::new(state),
        }))
    }

    /// The keys as they are known now.
    pub(crate) fn keys(&self, now: Moment) -> Arc<Keys> {
        let (keys, is_old) = {
            let state = self.0.read();
            let is_old = state.fetched.is_some_and(|then| apart(then, now) >= HOUR);
            (Arc::clone(&state.keys), is_old && state.may_fetch(now))
        };
        if is_old {
            self.fetch(now);
        }
        keys
    }

    /// The keys as they are known after another look, if there may be one already.
    pub(crate) async fn renewed(&self, now: Moment) -> Arc<Keys> {
        if let Some(mut under_way) = self.fetch(now) {
            // It says nothing: it closes.
            let _ = under_way.changed().await;
        }
        Arc::clone(&self.0.read().keys)
    }

    /// The fetch that is under way, and perhaps was begun by this.
    fn fetch(&self, now: Moment) -> Option<watch::Receiver<()>> {
        let source = Arc::clone(self.0.source.as_ref()?);
        let mut state = self.0.write();
        if !state.may_fetch(now) {
            return state.under_way.clone();
        }
        let (ends, under_way) = watch::channel(());
        state.attempted = Some(now);
        state.under_way = Some(under_way.clone());
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            match published(&*source).await {
                Ok((document, keys)) => inner.put(document, keys, now),
                Err(error) => tracing::warn!(error, "the keys of tokens could not be fetched"),
            }
            drop(ends);
        });
        Some(under_way)
    }
}

impl Inner {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().expect("nothing panics while it is held")
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().expect("nothing panics while it is held")
    }

    fn put(&self, document: Bytes, published: Vec<Key>, now: Moment) {
        let mut state = self.write();
        let is_first = state.fetched.replace(now).is_none();
        if !is_first && state.document == document {
            return;
        }
        let keys = published.len();
        state.keys = Arc::new(Keys {
            generation: state.keys.generation + 1,
            are_away: false,
            all: self.fixed.iter().cloned().chain(published).collect(),
        });
        state.document = document;
        tracing::info!(keys, "the keys of tokens have changed");
    }
}

impl State {
    fn may_fetch(&self, now: Moment) -> bool {
        let is_under_way = |it: &watch::Receiver<()>| it.has_changed().is_ok();
        let may = self.attempted.is_none_or(|then| apart(then, now) >= PAUSE);
        may && !self.under_way.as_ref().is_some_and(is_under_way)
    }
}

/// In either direction: a clock that was set back must not keep keys from being fetched.
fn apart(then: Moment, now: Moment) -> Duration {
    Duration::from_millis(then.0.abs_diff(now.0))
}

async fn published(source: &dyn Source) -> Result<(Bytes, Vec<Key>), String> {
    let document = timeout(PATIENCE, source.fetch()).await;
    let document = document.map_err(|_| format!("no answer in {} s", PATIENCE.as_secs()))??;
    if document.len() > MAX_KEY_SET {
        return Err(format!("the key set has more than {MAX_KEY_SET} bytes"));
    }
    let keys = key_set(&document).map_err(|error| error.to_string())?;
    Ok((document, keys))
}
