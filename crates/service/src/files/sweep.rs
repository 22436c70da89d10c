use std::collections::HashMap;
use std::time::Duration;

use detente_blobs::{ContentHash, Swept};
use detente_core::json::Value;
use detente_core::{FILES, Kind};
use detente_store::{Changes, Conflicts, Follow, LostEdit, PageLimit, Reader, StoreError};

use super::{Entry, entry};
use crate::explanation::What;
use crate::{Outcome, Service};

/// How many rows are read at a time.
const AT_A_TIME: usize = 1000;

/// Contents by their hashes, and their sizes in bytes.
pub(crate) type Named = HashMap<ContentHash, u64>;

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
        // What waits for the conflict log is in it then.
        self.flush().await?;
        let named = self.reading.named_contents().await?;
        let named = named.into_keys().collect();
        let sweep = tokio::task::spawn_blocking(move || blobs.sweep(&named, spared));
        let swept = sweep.await.map_err(What::failed)?;
        Ok(Some(swept.map_err(What::failed)?))
    }
}

/// All contents that are not in the version, or the refused upload, that names them.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be read.
pub async fn named_contents(reader: &dyn Reader) -> Result<HashMap<ContentHash, u64>, StoreError> {
    let mut named = Named::new();
    for collection in reader.collections().await? {
        if *collection.collection == *FILES {
            reader.fresh(&collection.space).await?;
            name_versions(reader, &collection.space, &mut named).await?;
        }
    }
    name_refused(reader, &mut named).await?;
    Ok(named)
}

async fn name_versions(
    reader: &dyn Reader,
    space: &str,
    named: &mut Named,
) -> Result<(), StoreError> {
    let mut wanted = Changes {
        space: space.to_owned(),
        collection: Some(FILES.to_owned()),
        since: 0,
        follow: Follow::Versions,
        limit: PageLimit::rows(AT_A_TIME),
    };
    loop {
        let feed = reader.changes(&wanted).await?;
        let documents = feed.items.iter().filter(|it| it.kind == Kind::Document);
        for stored in documents {
            let entry = stored.document().and_then(|it| name(&it, named));
            entry.ok_or_else(|| StoreError::Failed(format!("{:?} is no file", stored.key)))?;
        }
        if !feed.more {
            return Ok(());
        }
        wanted.since = feed.through;
    }
}

/// Takes in the content that a document names and does not have; `None` if it is no entry.
fn name(document: &Value, named: &mut Named) -> Option<()> {
    if let Entry::File(facts) = Entry::read(document)?
        && entry::content_in(document).is_none()
    {
        named.insert(facts.hash, facts.size);
    }
    Some(())
}

/// The conflict log keeps what was refused, and the content is part of it.
async fn name_refused(reader: &dyn Reader, named: &mut Named) -> Result<(), StoreError> {
    let mut wanted = Conflicts {
        collection: Some(FILES.to_owned()),
        limit: PageLimit::rows(AT_A_TIME),
        ..Conflicts::default()
    };
    loop {
        let page = reader.conflicts(&wanted).await?;
        for conflict in &page.items {
            if let LostEdit::Document(text) = &conflict.edit
                && let Ok(document) = detente_core::json::parse(text)
            {
                name(&document, named);
            }
        }
        match page.next {
            Some(next) => wanted.before = Some(next),
            None => return Ok(()),
        }
    }
}
