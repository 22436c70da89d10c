use detente_store::{Listed, Listing};

use crate::{Action, Outcome, Principal, Service};

impl Service {
    /// Lists documents of a collection.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do.
    pub async fn list(&self, principal: &Principal, listing: &Listing) -> Outcome<Listed> {
        principal.must(Action::Read, &listing.collection)?;
        self.collection(&listing.collection.collection)?;
        self.reading.list(listing).await
    }

    /// How many documents a list has in all, whatever its limit and wherever its page begins.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do.
    pub async fn count(&self, principal: &Principal, listing: &Listing) -> Outcome<u64> {
        principal.must(Action::Read, &listing.collection)?;
        self.collection(&listing.collection.collection)?;
        let filters = &listing.query.filters;
        self.reading.count(&listing.collection, filters).await
    }
}
