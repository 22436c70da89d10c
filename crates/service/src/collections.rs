use std::collections::BTreeMap;

use detente_core::Moment;

use crate::{Action, Outcome, Place, Principal, Service};

/// A collection of a space, and how much it holds.
#[derive(Clone, Debug)]
pub struct Holding {
    pub collection: String,
    pub documents: u64,
    /// When anything in it changed last, if anything ever did.
    pub changed_at: Option<Moment>,
}

impl Service {
    /// The collections of a space, by their names: those that the policy declares, and those that
    /// hold, or held, documents. What the policy keeps out is not among them.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do.
    pub async fn collections(&self, principal: &Principal, space: &str) -> Outcome<Vec<Holding>> {
        principal.must(Action::Read, Place::Space(space))?;
        let declared = self.policy.collections.keys().map(|name| {
            let holding = Holding {
                collection: name.clone(),
                documents: 0,
                changed_at: None,
            };
            (name.clone(), holding)
        });
        let mut holdings: BTreeMap<_, _> = declared.collect();
        for extent in self.reading.extents(space).await? {
            if self.policy.collection(&extent.collection).is_some() {
                let holding = Holding {
                    collection: extent.collection.clone(),
                    documents: extent.documents,
                    changed_at: Some(extent.changed_at),
                };
                holdings.insert(extent.collection, holding);
            }
        }
        Ok(holdings.into_values().collect())
    }
}
