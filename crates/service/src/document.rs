use std::sync::Arc;

use detente_core::{EntityTag, Field, Key, Preconditions, Selected, Stored, Verdict, evaluate};
use detente_store::PageLimit;

use crate::explanation::{Explanation, What};
use crate::{Action, Outcome, Principal, Service};

/// What became of a conditional read (RFC 9110, section 13.2.2).
#[derive(Clone, Debug)]
pub struct Read {
    pub stored: Arc<Stored>,
    /// Its entity tag.
    pub tag: EntityTag,
    /// Whether the reader knows this version already.
    pub is_known: bool,
}

/// Some versions of a document.
#[derive(Clone, Debug)]
pub struct History {
    /// The newest first.
    pub versions: Vec<Arc<Stored>>,
    /// Where to go on: only versions below this one. `None` at the end.
    pub below: Option<u64>,
}

impl Service {
    /// The current version of a document.
    ///
    /// # Errors
    ///
    /// [`What::Missing`], [`What::Gone`] or [`What::ReadPrecondition`].
    pub async fn read(
        &self,
        principal: &Principal,
        key: &Key,
        conditions: &Preconditions,
    ) -> Outcome<Read> {
        principal.must(Action::Read, key)?;
        self.collection(key.collection())?;
        let missing = || Explanation::of(What::Missing, key);
        let stored = self.newest_in_sight(principal, key).await?;
        let stored = stored.ok_or_else(missing)?;
        if !stored.head().is_document() {
            return Err(Explanation::of(What::Gone(stored), key));
        }
        self.read_conditionally(stored, conditions).await
    }

    /// One version of a document.
    ///
    /// # Errors
    ///
    /// [`What::NeverThere`], [`What::NoVersion`], [`What::DeletedIn`] or [`What::ReadPrecondition`].
    pub async fn read_version(
        &self,
        principal: &Principal,
        key: &Key,
        number: u64,
        conditions: &Preconditions,
    ) -> Outcome<Read> {
        let newest = self.newest_of(principal, key).await?;
        let found = self.reading.numbered(&newest, number).await?;
        if let Some(found) = &found
            && !self.sees(principal, found).await?
        {
            return Err(Explanation::of(What::NoVersion(number), key));
        }
        let missing = || match (1..=newest.version).contains(&number) {
            true => What::VersionGone {
                number,
                newest: newest.version,
            },
            false => What::NoVersion(number),
        };
        let stored = found.ok_or_else(|| Explanation::of(missing(), key))?;
        if !stored.head().is_document() {
            return Err(Explanation::of(What::DeletedIn(stored), key));
        }
        self.read_conditionally(stored, conditions).await
    }

    /// The versions of a document, also of one that was deleted; with `below` only older ones.
    ///
    /// # Errors
    ///
    /// [`What::NeverThere`].
    pub async fn history(
        &self,
        principal: &Principal,
        key: &Key,
        below: Option<u64>,
        limit: usize,
    ) -> Outcome<History> {
        let newest = self.newest_of(principal, key).await?;
        let first = match below {
            Some(below) if below <= newest.version => {
                self.reading.numbered(&newest, below - 1).await?
            }
            _ => Some(newest),
        };
        let limit = PageLimit::rows(limit);
        let found = match first {
            Some(first) => self.reading.history(&first, limit).await?,
            None => detente_store::History::default(),
        };
        let last = found.versions.last().filter(|_| found.is_cut);
        Ok(History {
            below: last.map(|last| last.version),
            versions: self.visible(principal, found.versions).await?,
        })
    }

    async fn newest_of(&self, principal: &Principal, key: &Key) -> Outcome<Arc<Stored>> {
        principal.must(Action::Read, key)?;
        self.collection(key.collection())?;
        let newest = self.newest_in_sight(principal, key).await?;
        newest.ok_or_else(|| Explanation::of(What::NeverThere, key))
    }

    async fn read_conditionally(
        &self,
        stored: Arc<Stored>,
        conditions: &Preconditions,
    ) -> Outcome<Read> {
        let selected = Selected {
            tag: stored.head().tag().to_entity_tag(),
            modified: stored.at,
            shares_its_second: conditions.ask_for_dates()
                && self.shares_its_second(&stored).await?,
        };
        let verdict = evaluate(conditions, Some(&selected), true);
        match verdict {
            Verdict::Proceed | Verdict::Fail(Field::IfNoneMatch | Field::IfModifiedSince) => {
                Ok(Read {
                    stored,
                    tag: selected.tag,
                    is_known: verdict != Verdict::Proceed,
                })
            }
            Verdict::Fail(field) => {
                let what = What::ReadPrecondition {
                    field,
                    tag: selected.tag,
                    version: stored.version,
                };
                Err(Explanation::of(what, &stored.key))
            }
        }
    }

    pub(crate) async fn shares_its_second(&self, stored: &Stored) -> Outcome<bool> {
        let prev = self.reading.before(stored).await?;
        Ok(prev.is_some_and(|prev| prev.at.second() == stored.at.second()))
    }
}
