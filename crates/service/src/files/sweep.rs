use std::collections::HashSet;
use std::time::Duration;

use detente_blobs::{ContentHash, Swept};
use detente_core::json::Value;
use detente_core::{FILES, Kind};
use detente_store::{Changes, Conflicts, Follow, LostEdit, PageLimit};

use super::Entry;
use crate::explanation::What;
use crate::{Outcome, Service};

/// How many rows are read at a time.
const AT_A_TIME: usize = 1000;

impl Service {
    /// Removes contents that no version and no refused upload names any more, and that were received longer
    /// ago than `spared`. `None` if there is no folder of contents.
    ///
    /// # Errors
    ///
    /// Those of the store, and [`What::Failed`] if contents cannot be removed.
    pub async fn sweep_contents(&self, spared: Duration) -> Outcome<Option<Swept>> {
        let files = self.policy.files.as_ref();
        let Some(blobs) = files.and_then(|files| files.blobs.clone()) else {
            return Ok(None);
        };
        let mut named = HashSet::new();
        for collection in self.reading.collections().await? {
            if *collection.collection == *FILES {
                self.fresh(&collection.space).await?;
                self.name_versions(&collection.space, &mut named).await?;
                self.name_refused(&collection.space, &mut named).await?;
            }
        }
        let sweep = tokio::task::spawn_blocking(move || blobs.sweep(&named, spared));
        let swept = sweep.await.map_err(What::failed)?;
        Ok(Some(swept.map_err(What::failed)?))
    }

    async fn name_versions(&self, space: &str, named: &mut HashSet<ContentHash>) -> Outcome<()> {
        let mut wanted = Changes {
            space: space.to_owned(),
            collection: Some(FILES.to_owned()),
            since: 0,
            follow: Follow::Versions,
            limit: PageLimit::rows(AT_A_TIME),
        };
        loop {
            let feed = self.reading.changes(&wanted).await?;
            for stored in feed.items.iter().filter(|it| it.kind == Kind::Document) {
                if let Entry::File(facts) = Entry::of(stored)? {
                    named.insert(facts.hash);
                }
            }
            if !feed.more {
                return Ok(());
            }
            wanted.since = feed.through;
        }
    }

    /// The conflict log keeps what was refused, and the content is part of it.
    async fn name_refused(&self, space: &str, named: &mut HashSet<ContentHash>) -> Outcome<()> {
        self.flush().await?;
        let mut wanted = Conflicts {
            space: Some(space.to_owned()),
            collection: Some(FILES.to_owned()),
            limit: PageLimit::rows(AT_A_TIME),
            ..Conflicts::default()
        };
        loop {
            let page = self.reading.conflicts(&wanted).await?;
            for conflict in &page.items {
                if let LostEdit::Document(text) = &conflict.edit {
                    let document = detente_core::json::parse(text).ok();
                    let hash = document.as_ref().and_then(|it| it.get("sha256"));
                    let hash = hash.and_then(Value::as_str);
                    let hash = hash.and_then(|it| it.parse::<ContentHash>().ok());
                    named.extend(hash);
                }
            }
            match page.next {
                Some(next) => wanted.before = Some(next),
                None => return Ok(()),
            }
        }
    }
}
