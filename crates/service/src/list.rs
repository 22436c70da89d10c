use detente_store::{Listed, Listing};

use crate::{Action, Outcome, Principal, Service};

impl Service {
    /// Lists documents of a collection.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do.
    pub async fn list(&self, principal: &Principal, listing: &Listing) -> Outcome<Listed> {
        principal.must(Action::Read)?;
        self.collection(&listing.collection.collection)?;
        self.reading.list(listing).await
    }
}
