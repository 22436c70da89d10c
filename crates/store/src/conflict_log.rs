use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::{Value, parse};
use detente_core::{JsonPatch, Key, Moment, Seq};

use crate::{PageLimit, StoreError};

/// A refused write, kept with the edit that it would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedConflict {
    /// Unique; a UUID.
    pub id: String,
    pub at: Moment,
    pub key: Key,
    pub by: Arc<str>,
    /// The program that asked for the write, as it calls itself.
    pub agent: Option<Arc<str>>,
    /// How the write was asked for: PUT, PATCH and so on.
    pub method: String,
    /// Why it was refused: the type of the problem, such as `stale-version`.
    pub kind: String,
    /// JSON Pointers to what collides.
    pub paths: Vec<String>,
    /// The version that the edit began from, if that is known.
    pub base: Option<VersionPlace>,
    /// The version that was current.
    pub current: Option<VersionPlace>,
    pub edit: LostEdit,
    /// `None`: it is open.
    pub settlement: Option<Settlement>,
}

/// A version, by its number and by its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionPlace {
    pub version: u64,
    pub seq: Seq,
}

/// What a refused write would have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LostEdit {
    /// The document was to become this.
    Document(Bytes),
    MergePatch(Bytes),
    JsonPatch(Bytes),
    Deletion,
}

/// What becomes of a conflict in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledConflict {
    pub id: String,
    pub settled: Settlement,
}

/// What became of a conflict, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    pub outcome: SettledAs,
    pub at: Moment,
    pub by: Arc<str>,
    /// The version that resolved it.
    pub version: Option<u64>,
    /// Why, in the words of whoever settled it.
    pub reason: Option<Arc<str>>,
}

/// How a conflict ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettledAs {
    /// The edit, or what somebody made of it, was stored after all.
    Resolved,
    /// Somebody decided to let it go.
    Dismissed,
}

/// Which conflicts to list, the newest first.
#[derive(Clone, Debug)]
pub struct Conflicts {
    /// `None`: of all spaces.
    pub space: Option<String>,
    pub collection: Option<String>,
    /// Only those of these documents.
    pub documents: Option<Vec<String>>,
    /// Only so many of each document in one read, the newest.
    pub of_each: Option<usize>,
    pub by: Option<String>,
    /// Only those whose agent contains this.
    pub agent: Option<String>,
    /// Only those whose agent does not contain this.
    pub not_agent: Option<String>,
    pub kind: Option<String>,
    pub outcome: Option<OutcomeFilter>,
    pub since: Option<Moment>,
    pub until: Option<Moment>,
    /// Only those logged before this one.
    pub before: Option<u64>,
    /// Of conflicts, and of the bytes of their edits.
    pub limit: PageLimit,
}

impl Default for Conflicts {
    /// All, a thousand at a time.
    fn default() -> Self {
        Self {
            space: None,
            collection: None,
            documents: None,
            of_each: None,
            by: None,
            agent: None,
            not_agent: None,
            kind: None,
            outcome: None,
            since: None,
            until: None,
            before: None,
            limit: PageLimit::rows(1000),
        }
    }
}

/// What became of the conflicts that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeFilter {
    Open,
    Resolved,
    Dismissed,
}

impl Conflicts {
    /// Whether conflicts of this document are asked for, however many.
    pub fn wants_document(&self, id: &str) -> bool {
        let documents = self.documents.as_ref();
        documents.is_none_or(|ids| ids.iter().any(|it| it == id))
    }

    /// Whether conflicts of writes by this agent are asked for.
    pub fn wants_agent(&self, agent: Option<&str>) -> bool {
        let agent = agent.unwrap_or_default();
        let is_other = |text: &String| !agent.contains(text.as_str());
        !self.agent.as_ref().is_some_and(is_other) && self.not_agent.as_ref().is_none_or(is_other)
    }
}

/// How many conflicts of each document were found, for [`Conflicts::of_each`].
#[derive(Debug, Default)]
pub struct OfEach(HashMap<Key, usize>);

impl OfEach {
    /// Whether one more is asked for; it then counts.
    pub fn take(&mut self, wanted: &Conflicts, key: impl FnOnce() -> Key) -> bool {
        let Some(most) = wanted.of_each else {
            return true;
        };
        let count = self.0.entry(key()).or_default();
        *count += 1;
        *count <= most
    }
}

/// What [`crate::Reader::conflicts`] found.
#[derive(Clone, Debug, Default)]
pub struct ConflictPage {
    pub items: Vec<LoggedConflict>,
    /// Where to go on: to be asked for as [`Conflicts::before`]. `None` at the end.
    pub next: Option<u64>,
}

/// How often edits of one collection were merged, by the hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedHour {
    pub collection: String,
    /// The hour's beginning.
    pub hour: Moment,
    pub count: u64,
}

/// How much of the conflict log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// In milliseconds.
    pub age_ms: u64,
    /// Of all edits together, about.
    pub bytes: u64,
}

impl Default for Retention {
    /// 90 days, 256 MiB.
    fn default() -> Self {
        Self {
            age_ms: 90 * 24 * 60 * 60 * 1000,
            bytes: 256 * 1024 * 1024,
        }
    }
}

impl LostEdit {
    /// The bytes that were sent; none for a deletion.
    pub fn body(&self) -> &[u8] {
        match self {
            Self::Document(body) | Self::MergePatch(body) | Self::JsonPatch(body) => body,
            Self::Deletion => b"",
        }
    }

    /// Whether it reads as what it says it is. What a store hands out does.
    pub fn is_readable(&self) -> bool {
        let is = |test: fn(&Value) -> bool| parse(self.body()).is_ok_and(|value| test(&value));
        match self {
            // Whether it is a document is judged when somebody wants to store it.
            Self::Document(_) | Self::MergePatch(_) => is(|_| true),
            Self::JsonPatch(_) => is(|value| JsonPatch::from_value(value).is_ok()),
            Self::Deletion => true,
        }
    }
}

impl LoggedConflict {
    /// The conflict as it was read from where it is kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if its edit does not read as what it says it is: nobody may take it
    /// for another.
    pub fn as_read(self) -> Result<Self, StoreError> {
        match self.edit.is_readable() {
            true => Ok(self),
            false => {
                let id = &self.id;
                let what = format!("the edit of conflict {id} cannot be read");
                Err(StoreError::Damaged(what.into()))
            }
        }
    }

    /// About how much room it takes, in bytes.
    pub fn weight(&self) -> usize {
        const ROW: usize = 250;
        let paths: usize = self.paths.iter().map(String::len).sum();
        let agent = self.agent.as_ref().map_or(0, |agent| agent.len());
        let reason = self.settlement.as_ref().and_then(|it| it.reason.as_ref());
        let reason = reason.map_or(0, |reason| reason.len());
        ROW + self.key.as_str().len() + agent + reason + paths + self.edit.body().len()
    }
}
