use std::sync::{Arc, MutexGuard};

use detente_core::rules::Claim;
use detente_core::{CollectionKey, Head, Key, Lock, Moment, Seq, Stored};

use super::Disk;
use super::disk::Shared;
use crate::{
    Changes, ConflictPage, Conflicts, Documents, Feed, LoggedConflict, MergedHour, OutcomeFilter,
    Reader, SettledAs, StoreError, Visit,
};

/// Reads what a [`crate::Memory`] holds.
#[derive(Clone, Debug)]
pub struct MemoryReader {
    disk: Disk,
}

impl MemoryReader {
    pub(super) fn new(disk: Disk) -> Self {
        Self { disk }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.disk.shared()
    }

    /// The versions past `since` that are wanted, `limit` of them at most.
    fn feed(&self, since: Seq, limit: usize, is_wanted: impl Fn(&Stored) -> bool) -> Feed {
        let shared = self.shared();
        let tables = &shared.tables;
        let past = tables.log.range(since.saturating_add(1)..);
        let mut wanted = past.map(|(_, stored)| stored).filter(|it| is_wanted(it));
        let items: Vec<_> = wanted.by_ref().take(limit).cloned().collect();
        let more = wanted.next().is_some();
        let last = items.last().map(|stored| stored.seq);
        let through = last.filter(|_| more).unwrap_or(tables.last_seq.max(since));
        Feed {
            items,
            through,
            more,
        }
    }
}

impl Reader for MemoryReader {
    fn last_seq(&self) -> Seq {
        self.shared().tables.last_seq
    }

    fn head(&self, key: &Key) -> Result<Option<Head>, StoreError> {
        Ok(self.shared().tables.head(key))
    }

    fn current(&self, key: &Key) -> Result<Option<Arc<Stored>>, StoreError> {
        Ok(self.recall(key))
    }

    fn recall(&self, key: &Key) -> Option<Arc<Stored>> {
        let shared = self.shared();
        let tables = &shared.tables;
        tables.version(tables.head(key)?.seq)
    }

    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, StoreError> {
        Ok(self.recall_version(seq))
    }

    fn recall_version(&self, seq: Seq) -> Option<Arc<Stored>> {
        self.shared().tables.version(seq)
    }

    fn numbered(&self, head: &Stored, number: u64) -> Result<Option<Arc<Stored>>, StoreError> {
        let shared = self.shared();
        let tables = &shared.tables;
        let is_it = |stored: &&Arc<Stored>| stored.key == head.key && stored.version == number;
        Ok(tables.log.values().find(is_it).cloned())
    }

    fn documents(&self, asked: &Documents<'_>, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut found: Vec<_> = {
            let shared = self.shared();
            let tables = &shared.tables;
            let heads = tables.heads.iter();
            heads
                .filter(|(key, head)| key.is_in(asked.collection) && head.is_document())
                .filter_map(|(_, head)| tables.version(head.seq))
                .collect()
        };
        found.sort_by(|one, other| one.key.id().cmp(other.key.id()));
        if asked.descending {
            found.reverse();
        }
        let is_behind = |stored: &Arc<Stored>| match asked.after {
            Some(after) if asked.descending => stored.key.id() < after,
            Some(after) => stored.key.id() > after,
            None => true,
        };
        for stored in found.into_iter().filter(is_behind) {
            if visit(stored).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn changes(&self, asked: &Changes<'_>) -> Result<Feed, StoreError> {
        Ok(self.feed(asked.since, asked.limit, |stored| {
            stored.key.space() == asked.space
                && asked
                    .collection
                    .is_none_or(|it| it == stored.key.collection())
        }))
    }

    fn document_changes(&self, key: &Key, since: Seq, limit: usize) -> Result<Feed, StoreError> {
        Ok(self.feed(since, limit, |stored| stored.key == *key))
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, StoreError> {
        Ok(self.shared().tables.holder(key, claim))
    }

    fn lock(&self, key: &Key) -> Option<Arc<Lock>> {
        self.shared().tables.locks.get(key).cloned()
    }

    fn conflicts(&self, asked: &Conflicts) -> Result<ConflictPage, StoreError> {
        let shared = self.shared();
        let tables = &shared.tables;
        let mut page = ConflictPage::default();
        let mut last = None;
        for (index, conflict) in tables.conflicts.iter().enumerate().rev() {
            let number = index as u64 + 1;
            if asked.before.is_some_and(|before| number >= before) {
                continue;
            }
            if page.items.len() == asked.limit {
                page.next = last;
                break;
            }
            last = Some(number);
            if is_asked_for(conflict, asked) {
                page.items.push(conflict.clone().as_read()?);
            }
        }
        Ok(page)
    }

    fn conflict(&self, space: &str, id: &str) -> Result<Option<LoggedConflict>, StoreError> {
        let shared = self.shared();
        let tables = &shared.tables;
        let is_it = |it: &&LoggedConflict| it.id == id && it.key.space() == space;
        let found = tables.conflicts.iter().find(is_it).cloned();
        found.map(LoggedConflict::as_read).transpose()
    }

    fn merged(&self, space: &str, since: Moment) -> Result<Vec<MergedHour>, StoreError> {
        let shared = self.shared();
        let tables = &shared.tables;
        let merges = tables.merges.iter();
        let found =
            merges.filter(|((its_space, hour, _), _)| its_space == space && *hour >= since.0);
        let hours = found.map(|((_, hour, collection), count)| MergedHour {
            collection: collection.clone(),
            hour: Moment(*hour),
            count: *count,
        });
        Ok(hours.collect())
    }

    fn pruned(&self) -> Result<u64, StoreError> {
        Ok(self.shared().tables.pruned)
    }

    fn collections(&self) -> Result<Vec<CollectionKey>, StoreError> {
        let shared = self.shared();
        let tables = &shared.tables;
        let mut collections: Vec<_> = tables
            .heads
            .keys()
            .map(|key| CollectionKey {
                space: key.space().into(),
                collection: key.collection().into(),
            })
            .collect();
        collections.sort_unstable();
        collections.dedup();
        Ok(collections)
    }

    fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn is_asked_for(conflict: &LoggedConflict, asked: &Conflicts) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|it| it == found);
    let outcome = conflict.settlement.as_ref().map(|settled| settled.outcome);
    let outcome = match outcome {
        None => OutcomeFilter::Open,
        Some(SettledAs::Resolved) => OutcomeFilter::Resolved,
        Some(SettledAs::Dismissed) => OutcomeFilter::Dismissed,
    };
    conflict.key.space() == asked.space
        && is(&asked.collection, conflict.key.collection())
        && is(&asked.document, conflict.key.id())
        && is(&asked.by, &conflict.by)
        && is(&asked.kind, &conflict.kind)
        && asked.outcome.is_none_or(|wanted| wanted == outcome)
        && asked.since.is_none_or(|since| conflict.at >= since)
        && asked.until.is_none_or(|until| conflict.at < until)
}
