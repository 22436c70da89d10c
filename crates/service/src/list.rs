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
        self.reading.list(&self.in_view(principal, listing)?).await
    }

    /// How many documents a list has in all, whatever its limit and wherever its page begins.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do.
    pub async fn count(&self, principal: &Principal, listing: &Listing) -> Outcome<u64> {
        principal.must(Action::Read, &listing.collection)?;
        self.reading.count(&self.in_view(principal, listing)?).await
    }

    /// The listing, less what the principal may not see.
    fn in_view(&self, principal: &Principal, listing: &Listing) -> Outcome<Listing> {
        let collection = &listing.collection.collection;
        self.collection(collection)?;
        Ok(Listing {
            sight: self.sight(principal, collection),
            ..listing.clone()
        })
    }
}
