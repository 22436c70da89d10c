use std::collections::BTreeMap;

use bytes::Bytes;
use detente_core::{Field, Key, ROOT, Stored};

use super::tree::{ATTEMPTS, Seen, absent, pinned_to, present};
use super::{Entry, FileTerms};
use crate::budget::MAX_BATCH;
use crate::explanation::{Explanation, What};
use crate::{Action, Done, Edited, Outcome, Principal, Service};

/// How many files and folders are removed, moved or copied at most: all of them in one step.
pub(super) const MOST: usize = 10_000;

/// How long what the versions of what is moved or copied say may be together, in bytes: small contents are in it.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// A file, or a folder with all that is in it, that is to be elsewhere.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub from: Key,
    pub to: Key,
    /// Whether it is not where it was any more.
    pub is_move: bool,
    /// Whether what is there gives way.
    pub replaces: bool,
    /// Whether a folder is copied without what is in it.
    pub is_shallow: bool,
}

/// What was moved or copied.
#[derive(Debug)]
pub struct Transferred {
    /// What is there now.
    pub done: Done,
    /// Whether there was nothing.
    pub created: bool,
}

impl Service {
    /// Moves or copies a file, or a folder with all that is in it, in one step. A copy of a folder is that of one
    /// moment.
    ///
    /// # Errors
    ///
    /// Why nothing was changed.
    pub async fn transfer(
        &self,
        principal: &Principal,
        transfer: &Transfer,
        terms: &FileTerms,
    ) -> Outcome<Transferred> {
        let Transfer { from, to, .. } = transfer;
        transfer.must_have_two_places()?;
        principal.must(Action::Read, from)?;
        for _ in 0..ATTEMPTS {
            // What it is in is looked at before what is in it: what changes there later changes it.
            let mut seen = self.look(from).await?;
            let Some(stored) = seen.target.stored.clone() else {
                return Err(Explanation::of(What::Missing, from));
            };
            let read = self.read(principal, from, &terms.conditions).await?;
            if read.stored.seq != stored.seq {
                continue;
            }
            if read.is_known {
                let what = What::ReadPrecondition {
                    field: Field::IfNoneMatch,
                    tag: read.tag,
                    version: stored.version,
                };
                return Err(Explanation::of(what, from));
            }
            let mut there = self.look(to).await?;
            self.admit(terms, &mut [&mut seen, &mut there])?;
            there.must_lead_through_folders()?;
            if terms.in_folder {
                there.must_be_in_a_folder()?;
            }
            if there.target.stored.is_some() && !transfer.replaces {
                return Err(Explanation::of(What::InTheWay, to));
            }
            let texts = self.texts_of(transfer, &seen, &stored).await?;
            let bytes: usize = texts.values().map(Bytes::len).sum();
            if bytes > MOST_BYTES {
                return Err(Explanation::of(
                    What::TooLargeBelow { limit: MOST_BYTES },
                    from,
                ));
            }
            // Held until there is an answer. Texts that are stored already are not looked into again.
            let _share = self.budget.edit(bytes.min(MAX_BATCH)).await?;
            let verb = transfer.verb();
            let ask = |key: &Key, edit, conditions| terms.ask(key, edit, conditions, verb);
            let mut asks = Vec::new();
            if transfer.is_move {
                let sources = texts.keys().filter(|it| !it.is_empty());
                let sources = sources.map(|it| {
                    Key::from_parts(
                        from.space(),
                        from.collection(),
                        &format!("{}{it}", from.id()),
                    )
                });
                asks.extend(sources.map(|it| ask(&it, Edited::Deletion, present())));
                asks.push(ask(from, Edited::Deletion, pinned_to(&stored)));
            } else if !self.is_as_looked_at(&seen).await? {
                continue;
            }
            let replaced = self.below(&there).await?;
            let goes = |key: &&Key| {
                let rest = key.id().strip_prefix(to.id()).unwrap_or_default();
                !texts.contains_key(rest)
            };
            let gone = replaced.iter().filter(goes);
            asks.extend(gone.map(|it| ask(it, Edited::Deletion, present())));
            for (rest, text) in texts.iter().filter(|(rest, _)| !rest.is_empty()) {
                let key = Key::file(to.space(), &format!("{}{rest}", to.id()));
                let key = key.map_err(|_| Explanation::of(What::PathTooLong, to))?;
                let conditions = match replaced.contains(&key) {
                    true => present(),
                    false => absent(),
                };
                asks.push(ask(&key, Edited::Document(text.clone()), conditions));
            }
            if asks.len() > MOST {
                return Err(Explanation::of(What::TooMuchBelow { limit: MOST }, from));
            }
            let conditions = there
                .target
                .stored
                .as_deref()
                .map_or_else(absent, pinned_to);
            let own = texts.get("").cloned().unwrap_or_default();
            asks.push(ask(to, Edited::Document(own), conditions));
            let created = there.target.stored.is_none();
            let changes = [(&seen, transfer.is_move), (&there, created)];
            let changes = match transfer.is_move {
                true => &changes[..],
                false => &changes[1..],
            };
            match self.write_at(principal, changes, asks, terms, None).await {
                Ok(Some(done)) => return Ok(Transferred { done, created }),
                Ok(None) => {}
                // The place where it is to be is pinned to what was looked at.
                Err(it) if it.key.as_ref() == Some(to) && it.is_behind() => {}
                Err(explanation) => return Err(explanation.log(self).await),
            }
        }
        Err(What::Busy.into())
    }

    /// What is to be stored, by what its path has behind that of what is moved or copied.
    async fn texts_of(
        &self,
        transfer: &Transfer,
        seen: &Seen,
        stored: &Stored,
    ) -> Outcome<BTreeMap<String, Bytes>> {
        let from = &transfer.from;
        let mut texts = BTreeMap::new();
        if !transfer.is_shallow && matches!(seen.target.entry, Some(Entry::Folder)) {
            let below = self.all_below(from, MOST).await?;
            let below =
                below.ok_or_else(|| Explanation::of(What::TooMuchBelow { limit: MOST }, from))?;
            for stored in below {
                let rest = stored.key.id().strip_prefix(from.id()).unwrap_or_default();
                texts.insert(rest.to_owned(), stored.body.clone());
            }
        }
        texts.insert(String::new(), stored.body.clone());
        Ok(texts)
    }

    /// All that is below a folder that gives way.
    async fn below(&self, there: &Seen) -> Outcome<std::collections::HashSet<Key>> {
        if !matches!(there.target.entry, Some(Entry::Folder)) {
            return Ok(std::collections::HashSet::new());
        }
        let below = self.all_below(&there.key, MOST).await?;
        let below =
            below.ok_or_else(|| Explanation::of(What::TooMuchBelow { limit: MOST }, &there.key))?;
        Ok(below.into_iter().map(|it| it.key.clone()).collect())
    }
}

impl Transfer {
    fn verb(&self) -> &'static str {
        match self.is_move {
            true => "MOVE",
            false => "COPY",
        }
    }

    /// Whether neither place is in the other, and neither is the root.
    fn must_have_two_places(&self) -> Outcome<()> {
        let Self { from, to, .. } = self;
        if from.id() == ROOT || to.id() == ROOT {
            return Err(Explanation::of(What::IsTheRoot, from));
        }
        let is_apart = from != to && !from.is_below(to) && (!to.is_below(from) || self.is_shallow);
        match is_apart && from.space() == to.space() {
            true => Ok(()),
            false => Err(Explanation::of(What::NotApart, from)),
        }
    }
}
