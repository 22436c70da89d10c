use std::sync::Arc;

use detente_core::{CollectionKey, Query, Stored};

use crate::{Listing, PageLimit, Reader, StoreError};

/// How many documents are read at a time.
const PAGE: usize = 1000;

/// Visits all documents of a collection in the order of their ids. Documents that are written
/// meanwhile may be passed over.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be read, and the errors of `visit`, which end the walk.
pub async fn each_document<E: From<StoreError>>(
    reader: &dyn Reader,
    collection: &CollectionKey,
    mut visit: impl FnMut(Arc<Stored>) -> Result<(), E>,
) -> Result<(), E> {
    let mut listing = Listing {
        collection: collection.clone(),
        query: Query::default(),
        limit: PageLimit::rows(PAGE),
        after: None,
        sight: None,
    };
    loop {
        let page = reader.list(&listing).await?;
        page.documents.into_iter().try_for_each(&mut visit)?;
        listing.after = page.next;
        if listing.after.is_none() {
            return Ok(());
        }
    }
}
