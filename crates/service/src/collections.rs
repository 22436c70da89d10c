use std::collections::BTreeMap;

use detente_core::{FILES, Moment};

use crate::{Action, Outcome, Place, Principal, Service};

/// A collection of a space, and how much it holds.
#[derive(Clone, Debug)]
pub struct Holding {
    pub collection: String,
    /// `None`: not everybody may see the same of it.
    pub documents: Option<u64>,
    /// When anything in it changed last, if anything ever did, and everybody may know.
    pub changed_at: Option<Moment>,
}

impl Service {
    /// The collections of a space that a principal may read, by their names: those that the policy
    /// declares, and those that hold, or held, documents. What the policy keeps out is not among them.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do.
    pub async fn collections(&self, principal: &Principal, space: &str) -> Outcome<Vec<Holding>> {
        principal.must(Action::Read, Place::Space(space))?;
        let may_read =
            |collection: &str| principal.may(Action::Read, Place::Collection { space, collection });
        let is_told = |collection: &str| self.tells_how_much(principal, space, collection);
        let declared = self.policy.collections.keys();
        let declared = declared.filter(|name| may_read(name)).map(|name| {
            let holding = Holding {
                collection: name.clone(),
                documents: is_told(name).then_some(0),
                changed_at: None,
            };
            (name.clone(), holding)
        });
        let mut holdings: BTreeMap<_, _> = declared.collect();
        for extent in self.reading.extents(space).await? {
            let name = &extent.collection;
            // Files are no documents to whoever asks for collections.
            if name != FILES && self.policy.collection(name).is_some() && is_told(name) {
                let holding = Holding {
                    collection: name.clone(),
                    documents: Some(extent.documents),
                    changed_at: Some(extent.changed_at),
                };
                holdings.insert(extent.collection, holding);
            }
        }
        Ok(holdings.into_values().collect())
    }
}
