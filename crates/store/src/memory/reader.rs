use std::collections::BTreeMap;
use std::future;
use std::sync::{Arc, MutexGuard};

use detente_core::rules::Claim;
use detente_core::{CollectionKey, Head, Key, Lock, Moment, Seq, Stored};
use tokio::sync::watch;

use super::Disk;
use super::disk::Shared;
use crate::{
    Changes, ConflictPage, Conflicts, Documents, Epoch, Extent, Feed, Follow, Health, History,
    HistorySpan, Listed, Listing, LoggedConflict, MergedHour, OfEach, OutcomeFilter, PageLimit,
    Read, Reader, Selection, SettledAs, StoreError, read_back,
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
    fn feed(
        &self,
        since: Seq,
        follow: Follow,
        limit: PageLimit,
        is_wanted: impl Fn(&Stored) -> bool,
    ) -> Feed {
        let shared = self.shared();
        let tables = &shared.tables;
        let past = tables.log.range(since.saturating_add(1)..);
        let is_head = |it: &Stored| tables.head(&it.key).is_some_and(|head| head.seq == it.seq);
        let is_followed = |it: &Stored| follow == Follow::Versions || is_head(it);
        let past = past.map(|(_, stored)| stored);
        let mut wanted = past.filter(|it| is_wanted(it) && is_followed(it));
        let mut page = limit.meter();
        let mut items = Vec::new();
        let next = wanted.find(|it| {
            let has_room = page.take(it.body.len());
            items.extend(has_room.then(|| Arc::clone(it)));
            !has_room
        });
        let more = next.is_some();
        let last = items.last().map(|stored| stored.seq);
        let through = last.filter(|_| more).unwrap_or(tables.last_seq.max(since));
        Feed {
            items,
            through,
            more,
        }
    }

    /// The documents of a walk, in its order.
    fn documents(&self, wanted: &Documents<'_>) -> Vec<Arc<Stored>> {
        let mut found: Vec<_> = {
            let shared = self.shared();
            let tables = &shared.tables;
            let heads = tables.heads.iter();
            heads
                .filter(|(key, head)| key.is_in(wanted.collection) && head.is_document())
                .filter_map(|(_, head)| tables.version(head.seq))
                .collect()
        };
        found.sort_by(|one, other| one.key.id().cmp(other.key.id()));
        if wanted.descending {
            found.reverse();
        }
        found.retain(|stored| match wanted.after {
            Some(after) if wanted.descending => stored.key.id() < after,
            Some(after) => stored.key.id() > after,
            None => true,
        });
        found
    }

    fn page(&self, wanted: &Conflicts) -> Result<ConflictPage, StoreError> {
        let shared = self.shared();
        let tables = &shared.tables;
        let mut page = ConflictPage::default();
        let mut size = wanted.limit.meter();
        let mut of_each = OfEach::default();
        let mut last = None;
        for (index, conflict) in tables.conflicts.iter().enumerate().rev() {
            let number = index as u64 + 1;
            if wanted.before.is_some_and(|before| number >= before) {
                continue;
            }
            if is_wanted(conflict, wanted) && of_each.take(wanted, || conflict.key.clone()) {
                if !size.take(conflict.edit.body().len()) {
                    page.next = last;
                    break;
                }
                page.items.push(conflict.clone().as_read()?);
            }
            last = Some(number);
        }
        Ok(page)
    }
}

/// All is at hand.
fn ready<'a, T: Send + 'a>(result: Result<T, StoreError>) -> Read<'a, T> {
    Box::pin(future::ready(result))
}

impl Reader for MemoryReader {
    fn epoch(&self) -> Epoch {
        self.shared().epoch()
    }

    fn has_one_log(&self) -> bool {
        true
    }

    fn last_seq(&self, _: &str) -> Seq {
        self.shared().tables.last_seq
    }

    fn watch(&self, _: &str) -> watch::Receiver<Seq> {
        self.shared().watch()
    }

    fn recall(&self, key: &Key) -> Option<Arc<Stored>> {
        let shared = self.shared();
        let tables = &shared.tables;
        tables.version(tables.head(key)?.seq)
    }

    fn recall_version(&self, _: &str, seq: Seq) -> Option<Arc<Stored>> {
        self.shared().tables.version(seq)
    }

    fn lock(&self, key: &Key) -> Option<Arc<Lock>> {
        self.shared().tables.locks.get(key).cloned()
    }

    fn head<'a>(&'a self, key: &'a Key) -> Read<'a, Option<Head>> {
        ready(Ok(self.shared().tables.head(key)))
    }

    fn current<'a>(&'a self, key: &'a Key) -> Read<'a, Option<Arc<Stored>>> {
        ready(Ok(self.recall(key)))
    }

    fn version<'a>(&'a self, space: &'a str, seq: Seq) -> Read<'a, Option<Arc<Stored>>> {
        ready(Ok(self.recall_version(space, seq)))
    }

    fn versions<'a>(
        &'a self,
        space: &'a str,
        seqs: &'a [Seq],
    ) -> Read<'a, Vec<Option<Arc<Stored>>>> {
        let found = seqs.iter().map(|seq| self.recall_version(space, *seq));
        ready(Ok(found.collect()))
    }

    fn numbered<'a>(
        &'a self,
        newest: &'a Arc<Stored>,
        number: u64,
    ) -> Read<'a, Option<Arc<Stored>>> {
        let shared = self.shared();
        let is_it = |it: &&Arc<Stored>| it.key == newest.key && it.version == number;
        ready(Ok(shared.tables.log.values().find(is_it).cloned()))
    }

    fn history<'a>(&'a self, newest: &'a Arc<Stored>, span: HistorySpan) -> Read<'a, History> {
        let space = newest.key.space();
        let version = |seq| Ok(self.recall_version(space, seq));
        ready(read_back(newest, span, version))
    }

    fn list<'a>(&'a self, wanted: &'a Listing) -> Read<'a, Listed> {
        let mut selection = Selection::new(wanted);
        for stored in self.documents(&wanted.walk()) {
            if selection.offer(stored).is_break() {
                break;
            }
        }
        ready(Ok(selection.finish()))
    }

    fn count<'a>(&'a self, wanted: &'a Listing) -> Read<'a, u64> {
        let documents = self.documents(&wanted.whole_walk());
        let selected = documents.iter().filter(|it| wanted.selects(it));
        ready(Ok(selected.count() as u64))
    }

    fn changes<'a>(&'a self, wanted: &'a Changes) -> Read<'a, Feed> {
        let is_of = |it: &Option<String>, name: &str| it.as_ref().is_none_or(|it| it == name);
        let is_wanted = |stored: &Stored| {
            let key = &stored.key;
            key.space() == wanted.space && is_of(&wanted.collection, key.collection())
        };
        let feed = self.feed(wanted.since, wanted.follow, wanted.limit, is_wanted);
        ready(Ok(feed))
    }

    fn document_changes<'a>(
        &'a self,
        key: &'a Key,
        since: Seq,
        follow: Follow,
        limit: PageLimit,
    ) -> Read<'a, Feed> {
        let is_wanted = |stored: &Stored| stored.key == *key;
        ready(Ok(self.feed(since, follow, limit, is_wanted)))
    }

    fn holder<'a>(&'a self, key: &'a Key, claim: &'a Claim) -> Read<'a, Option<String>> {
        ready(Ok(self.shared().tables.holder(key, claim)))
    }

    fn conflicts<'a>(&'a self, wanted: &'a Conflicts) -> Read<'a, ConflictPage> {
        ready(self.page(wanted))
    }

    fn conflict<'a>(&'a self, space: &'a str, id: &'a str) -> Read<'a, Option<LoggedConflict>> {
        let shared = self.shared();
        let is_it = |it: &&LoggedConflict| it.id == id && it.key.space() == space;
        let found = shared.tables.conflicts.iter().find(is_it).cloned();
        ready(found.map(LoggedConflict::as_read).transpose())
    }

    fn merged<'a>(&'a self, space: &'a str, since: Moment) -> Read<'a, Vec<MergedHour>> {
        let shared = self.shared();
        let merges = shared.tables.merges.iter();
        let found =
            merges.filter(|((its_space, hour, _), _)| its_space == space && *hour >= since.0);
        let hours = found.map(|((_, hour, collection), count)| MergedHour {
            collection: collection.clone(),
            hour: Moment(*hour),
            count: *count,
        });
        ready(Ok(hours.collect()))
    }

    fn health(&self) -> Health {
        Health::default()
    }

    fn pruned<'a>(&'a self, _: &'a str) -> Read<'a, u64> {
        ready(Ok(self.shared().tables.pruned))
    }

    fn collections(&self) -> Read<'_, Vec<CollectionKey>> {
        let shared = self.shared();
        let keys = shared.tables.heads.keys();
        let mut collections: Vec<_> = keys
            .map(|key| CollectionKey {
                space: key.space().into(),
                collection: key.collection().into(),
            })
            .collect();
        collections.sort_unstable();
        collections.dedup();
        ready(Ok(collections))
    }

    fn extents<'a>(&'a self, space: &'a str) -> Read<'a, Vec<Extent>> {
        let shared = self.shared();
        let mut extents: BTreeMap<&str, Extent> = BTreeMap::new();
        let heads = shared.tables.heads.iter();
        for (key, head) in heads.filter(|(key, _)| key.space() == space) {
            let extent = extents.entry(key.collection()).or_insert_with(|| Extent {
                collection: key.collection().to_owned(),
                documents: 0,
                changed_at: head.at,
            });
            extent.documents += u64::from(head.is_document());
            extent.changed_at = extent.changed_at.max(head.at);
        }
        ready(Ok(extents.into_values().collect()))
    }

    fn ping(&self) -> Read<'_, ()> {
        ready(Ok(()))
    }
}

fn is_wanted(conflict: &LoggedConflict, wanted: &Conflicts) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|it| it == found);
    let outcome = conflict.settlement.as_ref().map(|settled| settled.outcome);
    let outcome = match outcome {
        None => OutcomeFilter::Open,
        Some(SettledAs::Resolved) => OutcomeFilter::Resolved,
        Some(SettledAs::Dismissed) => OutcomeFilter::Dismissed,
    };
    is(&wanted.space, conflict.key.space())
        && is(&wanted.collection, conflict.key.collection())
        && wanted.wants_document(conflict.key.id())
        && is(&wanted.by, &conflict.by)
        && is(&wanted.kind, &conflict.kind)
        && wanted.wants_agent(conflict.agent.as_deref())
        && wanted.outcome.is_none_or(|wanted| wanted == outcome)
        && wanted.since.is_none_or(|since| conflict.at >= since)
        && wanted.until.is_none_or(|until| conflict.at < until)
}
