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

impl Audit {
    fn fault(&mut self, text: String) {
        self.faults.push(text);
    }

    async fn read_log(&mut self, reader: &dyn Reader) -> Result<Newest, StoreError> {
        let mut newest = Newest::new();
        let mut last: Seq = 0;
        let spaces: BTreeSet<_> = reader
            .collections()
            .await?
            .into_iter()
            .map(|it| it.space)
            .collect();
        let mut seen = BTreeSet::new();
        for space in spaces {
            let mut wanted = Changes {
                space: space.to_string(),
                collection: None,
                since: 0,
                follow: Follow::Versions,
                limit: PageLimit::rows(1000),
            };
            loop {
                let feed = reader.changes(&wanted).await?;
                for stored in &feed.items {
                    self.check_version(stored, newest.get(&stored.key));
                    seen.insert(stored.seq);
                    newest.insert(stored.key.clone(), stored.head());
                }
                last = last.max(feed.through);
                wanted.since = feed.through;
                if !feed.more {
                    break;
                }
            }
        }
        self.versions = seen.len() as u64;
        let pruned = reader.pruned().await?;
        if last != reader.last_seq() || self.versions + pruned != last {
            self.fault(format!(
                "{} versions up to {last} and {pruned} that are kept no longer, but the log ends at {}",
                self.versions,
                reader.last_seq()
            ));
        }
        Ok(newest)
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
                .version(head.seq)
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
