use std::sync::Arc;

use detente_core::{Kind, Stored};
use detente_store::PageLimit;

use crate::Outcome;
use crate::reading::Reading;
use crate::touched::TouchedVersion;

/// Adds the versions that deletions took away, one by one: they count for the bytes of a page, and the
/// rows that have no room then are left out. Whether there were such rows.
pub(crate) async fn add_last(
    reading: &Reading,
    changes: &mut Vec<TouchedVersion>,
    limit: PageLimit,
) -> Outcome<bool> {
    let mut page = limit.meter();
    for at in 0..changes.len() {
        let change = &mut changes[at];
        change.last = last(reading, &change.stored).await?;
        let bytes = change.last.as_ref().map_or(0, |last| last.body.len());
        if !page.take(change.stored.body.len() + bytes) {
            changes.truncate(at);
            return Ok(true);
        }
    }
    Ok(false)
}

async fn last(reading: &Reading, stored: &Stored) -> Outcome<Option<Arc<Stored>>> {
    if stored.kind != Kind::Tombstone {
        return Ok(None);
    }
    let before = reading.before(stored).await?;
    Ok(before.filter(|before| before.kind == Kind::Document))
}
