use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use detente_core::{CollectionKey, Item, Query, Rank, Stored};
use detente_store::{Documents, Reader, StoreError};

use crate::{Action, Outcome, Principal, Service};

/// Which documents of a collection to list.
#[derive(Debug)]
pub struct Listing {
    pub collection: CollectionKey,
    pub query: Query,
    pub limit: usize,
    /// Only those behind this one, in the order of the query.
    pub after: Option<Rank>,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub documents: Vec<Arc<Stored>>,
    /// The rank of the last one, where the list goes on behind it.
    pub next: Option<Rank>,
}

impl Service {
    /// Lists documents of a collection.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do.
    pub async fn list(&self, principal: &Principal, listing: Listing) -> Outcome<Listed> {
        principal.must(Action::Read)?;
        self.collection(&listing.collection.collection)?;
        self.reading.read(move |reader| listing.run(reader)).await
    }
}

impl Listing {
    /// One more than the limit is looked for: it tells whether the list goes on.
    fn run(&self, reader: &dyn Reader) -> Result<Listed, StoreError> {
        let mut documents = if self.query.is_by_id() {
            self.in_order_of_keys(reader)?
        } else {
            self.sorted(reader)?
        };
        let has_more = documents.len() > self.limit;
        documents.truncate(self.limit);
        let last = documents.last().filter(|_| has_more);
        let next = last.map(|last| self.query.sort.rank(&item(last)));
        Ok(Listed { documents, next })
    }

    fn in_order_of_keys(&self, reader: &dyn Reader) -> Result<Vec<Arc<Stored>>, StoreError> {
        let wanted = Documents {
            collection: &self.collection,
            after: self.after.as_ref().map(|rank| rank.id.as_str()),
            descending: self.query.sort.descending,
        };
        let mut found = Vec::new();
        reader.documents(&wanted, &mut |stored| {
            if self.query.selects(&item(&stored)) {
                found.push(stored);
            }
            if found.len() > self.limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(found)
    }

    /// Reads the whole collection, and keeps only as many as are asked for.
    fn sorted(&self, reader: &dyn Reader) -> Result<Vec<Arc<Stored>>, StoreError> {
        let wanted = Documents {
            collection: &self.collection,
            after: None,
            descending: false,
        };
        let order = &self.query.sort;
        let mut found: Vec<(Rank, Arc<Stored>)> = Vec::new();
        reader.documents(&wanted, &mut |stored| {
            let rank = order.rank(&item(&stored));
            if self.is_behind(&rank) && self.query.selects(&item(&stored)) {
                let before = |(other, _): &(Rank, _)| order.compare(other, &rank) == Ordering::Less;
                let place = found.partition_point(before);
                if place <= self.limit {
                    found.insert(place, (rank, stored));
                    found.truncate(self.limit + 1);
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(found.into_iter().map(|(_, stored)| stored).collect())
    }

    fn is_behind(&self, rank: &Rank) -> bool {
        let order = &self.query.sort;
        let behind = |after: &Rank| order.compare(rank, after) == Ordering::Greater;
        self.after.as_ref().is_none_or(behind)
    }
}

fn item(stored: &Stored) -> Item<'_> {
    Item {
        id: stored.key.id(),
        version: stored.version,
        at: stored.at,
        data: stored.text(),
    }
}
