use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use super::refusal::Refusal;

/// What was stored under one key at one time.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// Never used twice in a store.
    pub(crate) number: u64,
    /// Counts the versions of one key.
    pub(crate) generation: u64,
    /// Random.
    pub(crate) mark: u64,
    pub(crate) at: Instant,
    /// Since 1970, in whole microseconds; of two versions in a store, never the same.
    pub(crate) stamp: Duration,
    /// `None`: deleted.
    pub(crate) content: Option<Value>,
}

/// What is to be stored under which keys; `None` deletes.
pub(crate) type Changes = Vec<(String, Option<Value>)>;

/// A write that was decided on.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) changes: Changes,
    pub(crate) outcome: Outcome,
}

/// What is told of a write that was applied.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Created {
        key: String,
    },
    Replaced {
        key: String,
    },
    Deleted,
    /// An action: what to say of it.
    Acted(Value),
}

/// A step that was applied.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    /// The version that the first of the changes made.
    pub(crate) version: Option<Version>,
}

/// Every version of everything, under one mutex.
#[derive(Default)]
pub(crate) struct Store {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    versions: BTreeMap<String, Vec<Version>>,
    count: u64,
    stamp: Duration,
}

/// What is stored, or was at some time.
pub(crate) struct View<'a> {
    state: &'a State,
    as_of: Option<Instant>,
}

impl Step {
    pub(crate) fn create(key: String, content: Value) -> Self {
        Self {
            changes: vec![(key.clone(), Some(content))],
            outcome: Outcome::Created { key },
        }
    }

    pub(crate) fn replace(key: &str, content: Value) -> Self {
        Self {
            changes: vec![(key.into(), Some(content))],
            outcome: Outcome::Replaced { key: key.into() },
        }
    }

    pub(crate) fn delete(key: &str) -> Self {
        Self {
            changes: vec![(key.into(), None)],
            outcome: Outcome::Deleted,
        }
    }
}

impl Store {
    pub(crate) fn look<T>(&self, as_of: Option<Instant>, look: impl FnOnce(&View<'_>) -> T) -> T {
        let state = self.lock();
        look(&View {
            state: &state,
            as_of,
        })
    }

    /// Decides and applies. Nothing can come between the two.
    pub(crate) fn step(
        &self,
        decide: impl FnOnce(&View<'_>) -> Result<Step, Refusal>,
    ) -> Result<Done, Refusal> {
        let mut state = self.lock();
        let step = decide(&View {
            state: &state,
            as_of: None,
        })?;
        Ok(state.apply(step))
    }

    /// Applies what was decided earlier, whatever has happened since.
    pub(crate) fn apply(&self, step: Step) -> Done {
        self.lock().apply(step)
    }

    /// What would be told of a step, had it been applied.
    pub(crate) fn pretend(&self, step: Step) -> Done {
        let mut elsewhere = State {
            count: fastrand::u64(1 << 40..1 << 50),
            ..State::default()
        };
        elsewhere.apply(step)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn apply(&mut self, step: Step) -> Done {
        let mut first = None;
        for (key, content) in step.changes {
            let version = self.append(key, content);
            first.get_or_insert(version);
        }
        Done {
            outcome: step.outcome,
            version: first,
        }
    }

    fn append(&mut self, key: String, content: Option<Value>) -> Version {
        self.count += 1;
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.stamp = now.max(self.stamp + Duration::from_micros(1));
        let versions = self.versions.entry(key).or_default();
        let version = Version {
            number: self.count,
            generation: versions.len() as u64 + 1,
            mark: fastrand::u64(..),
            at: Instant::now(),
            stamp: self.stamp,
            content,
        };
        versions.push(version.clone());
        version
    }
}

impl<'a> View<'a> {
    /// The version of `key` that can be seen, unless it is deleted.
    pub(crate) fn current(&self, key: &str) -> Option<&'a Version> {
        self.past(key)
            .last()
            .filter(|version| version.content.is_some())
    }

    /// The content of `key`, unless it is deleted.
    pub(crate) fn content(&self, key: &str) -> Option<&'a Value> {
        self.current(key)?.content.as_ref()
    }

    /// All versions of `key` that can be seen, deletions too, from the first.
    pub(crate) fn past(&self, key: &str) -> &'a [Version] {
        let versions = self.state.versions.get(key).map_or(&[][..], Vec::as_slice);
        let seen = match self.as_of {
            None => versions.len(),
            Some(time) => versions.partition_point(|version| version.at <= time),
        };
        &versions[..seen]
    }

    /// Everything in a collection, with its key.
    pub(crate) fn collection(&self, name: &str) -> Vec<(&'a str, &'a Version)> {
        let prefix = format!("{name}/");
        let keys = self.state.versions.keys();
        keys.filter(|key| key.starts_with(&prefix))
            .filter_map(|key| Some((key.as_str(), self.current(key)?)))
            .collect()
    }
}
