use std::collections::{BTreeMap, BTreeSet};

use detente_core::rules::Rules;
use detente_core::{Head, Key, Kind, Seq, Stored};

use crate::{Changes, Follow, PageLimit, Reader, StoreError, each_document};

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    pub versions: u64,
    pub documents: u64,
    /// Sentences that say what does not agree with what; none in a sound store.
    pub faults: Vec<String>,
}

/// Checks that all that is derived agrees with the log: heads, lists, numbering and unique keys.
///
/// `rules` tells the rules of a collection. Holds one head for each document in memory.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be read.
pub async fn audit<'r>(
    reader: &dyn Reader,
    rules: impl Fn(&str) -> Option<&'r Rules>,
) -> Result<Audit, StoreError> {
    let mut audit = Audit::default();
    let newest = audit.read_log(reader).await?;
    audit.compare_heads(reader, &newest).await?;
    audit.compare_lists(reader, &newest).await?;
    audit.compare_keys(reader, &newest, rules).await?;
    Ok(audit)
}

type Newest = BTreeMap<Key, Head>;

/// What was read of one log.
#[derive(Debug, Default)]
struct Log {
    seen: BTreeSet<Seq>,
    last: Seq,
}

impl Audit {
    fn fault(&mut self, text: String) {
        self.faults.push(text);
    }

    async fn read_log(&mut self, reader: &dyn Reader) -> Result<Newest, StoreError> {
        let mut newest = Newest::new();
        let collections = reader.collections().await?;
        let spaces: BTreeSet<_> = collections.into_iter().map(|it| it.space).collect();
        let mut log = Log::default();
        for space in &spaces {
            self.read_space(reader, space, &mut log, &mut newest)
                .await?;
            if !reader.has_one_log() {
                self.count(reader, space, &mut log).await?;
            }
        }
        if reader.has_one_log() {
            self.count(reader, "", &mut log).await?;
        }
        Ok(newest)
    }

    async fn read_space(
        &mut self,
        reader: &dyn Reader,
        space: &str,
        log: &mut Log,
        newest: &mut Newest,
    ) -> Result<(), StoreError> {
        let mut wanted = Changes {
            space: space.to_owned(),
            collection: None,
            since: 0,
            follow: Follow::Versions,
            limit: PageLimit::rows(1000),
        };
        loop {
            let feed = reader.changes(&wanted).await?;
            for stored in &feed.items {
                self.check_version(stored, newest.get(&stored.key));
                log.seen.insert(stored.seq);
                newest.insert(stored.key.clone(), stored.head());
            }
            log.last = log.last.max(feed.through);
            wanted.since = feed.through;
            if !feed.more {
                return Ok(());
            }
        }
    }

    /// Whether a log has all versions up to its end, but for those that are kept no longer.
    async fn count(
        &mut self,
        reader: &dyn Reader,
        space: &str,
        log: &mut Log,
    ) -> Result<(), StoreError> {
        let Log { seen, last } = std::mem::take(log);
        let (found, pruned) = (seen.len() as u64, reader.pruned(space).await?);
        reader.fresh(space).await?;
        let end = reader.last_seq(space);
        if last != end || found + pruned != last {
            let name = if space.is_empty() { "" } else { " of " };
            self.fault(format!(
                "{found} versions up to {last} and {pruned} that are kept no longer, but the \
                 log{name}{space} ends at {end}"
            ));
        }
        self.versions += found;
        Ok(())
    }

    fn check_version(&mut self, stored: &Stored, before: Option<&Head>) {
        let expected = match before {
            Some(head) => (head.version + 1, Some(head.seq)),
            None if stored.version == 1 => (1, None),
            // The first that is still kept.
            None => (
                stored.version,
                stored.prev.filter(|prev| *prev < stored.seq),
            ),
        };
        let is_orphan = stored.version > 1 && stored.prev.is_none();
        if (stored.version, stored.prev) != expected || is_orphan {
            self.fault(format!(
                "seq {}: {:?} has version {} after {:?}, expected {:?}",
                stored.seq, stored.key, stored.version, stored.prev, expected
            ));
        }
    }

    async fn compare_heads(
        &mut self,
        reader: &dyn Reader,
        newest: &Newest,
    ) -> Result<(), StoreError> {
        for (key, expected) in newest {
            let found = reader.head(key).await?;
            if found.as_ref() != Some(expected) {
                self.fault(format!(
                    "{key:?}: head {found:?}, the log says {expected:?}"
                ));
            }
        }
        Ok(())
    }

    async fn compare_lists(
        &mut self,
        reader: &dyn Reader,
        newest: &Newest,
    ) -> Result<(), StoreError> {
        let mut listed = Vec::new();
        for collection in reader.collections().await? {
            each_document(reader, &collection, |stored| {
                listed.push((stored.key.clone(), stored.head()));
                Ok::<_, StoreError>(())
            })
            .await?;
        }
        let is_document = |(_, head): &(&Key, &Head)| head.kind == Kind::Document;
        let expected: Vec<_> = newest
            .iter()
            .filter(is_document)
            .map(|(key, head)| (key.clone(), *head))
            .collect();
        self.documents = expected.len() as u64;
        listed.sort_by(|(one, _), (other, _)| one.cmp(other));
        if listed != expected {
            self.fault(format!(
                "lists show {} documents, the log has {}",
                listed.len(),
                expected.len()
            ));
        }
        Ok(())
    }

    async fn compare_keys<'r>(
        &mut self,
        reader: &dyn Reader,
        newest: &Newest,
        rules: impl Fn(&str) -> Option<&'r Rules>,
    ) -> Result<(), StoreError> {
        for (key, head) in newest {
            let Some(rules) = rules(key.collection()) else {
                continue;
            };
            let document = reader
                .version(key.space(), head.seq)
                .await?
                .and_then(|stored| stored.document());
            for (index, unique) in rules.unique.iter().enumerate() {
                let Some(claim) = document.as_ref().and_then(|it| unique.claim(index, it)) else {
                    continue;
                };
                let holder = reader.holder(key, &claim).await?;
                if holder.as_deref() != Some(key.id()) {
                    self.fault(format!(
                        "{key:?} should hold {} {}, but {} does",
                        claim.constraint,
                        claim.value,
                        holder.as_deref().unwrap_or("nobody")
                    ));
                }
            }
        }
        Ok(())
    }
}
