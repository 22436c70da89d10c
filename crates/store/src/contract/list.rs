use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use detente_core::{CollectionKey, Item, Query, Rank, Stored};

/// Which documents of a collection to list.
#[derive(Clone, Debug)]
pub struct Listing {
    pub collection: CollectionKey,
    pub query: Query,
    pub limit: usize,
    /// Only those behind this one, in the order of the query.
    pub after: Option<Rank>,
}

/// A part of a list.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    pub documents: Vec<Arc<Stored>>,
    /// The rank of the last one, where the list goes on behind it.
    pub next: Option<Rank>,
}

/// Which documents a store walks through, in the order of their ids.
#[derive(Clone, Copy, Debug)]
pub struct Documents<'a> {
    pub collection: &'a CollectionKey,
    /// Only those behind this id, in the direction of the walk.
    pub after: Option<&'a str>,
    pub descending: bool,
}

/// Called with each document of a walk; `Break` ends it.
pub type Visit<'a> = dyn FnMut(Arc<Stored>) -> ControlFlow<()> + 'a;

impl Listing {
    /// The documents that [`Selection`] must be offered.
    pub fn walk(&self) -> Documents<'_> {
        let is_by_id = self.query.is_by_id();
        let after = self.after.as_ref().filter(|_| is_by_id);
        Documents {
            collection: &self.collection,
            after: after.map(|rank| rank.id.as_str()),
            descending: is_by_id && self.query.sort.descending,
        }
    }

    fn is_behind(&self, rank: &Rank) -> bool {
        let sort = &self.query.sort;
        let behind = |after: &Rank| sort.compare(rank, after) == Ordering::Greater;
        self.after.as_ref().is_none_or(behind)
    }
}

/// Selects a part of a list from documents that are offered one by one, for a store that has no
/// query language. Holds one document more than the limit: it tells whether the list goes on.
#[derive(Debug)]
pub struct Selection<'a> {
    listing: &'a Listing,
    found: Vec<(Rank, Arc<Stored>)>,
}

impl<'a> Selection<'a> {
    pub fn new(listing: &'a Listing) -> Self {
        Self {
            listing,
            found: Vec::new(),
        }
    }

    /// Takes a document of [`Listing::walk`], or passes over it. `Break`: no more are needed.
    pub fn offer(&mut self, stored: Arc<Stored>) -> ControlFlow<()> {
        let Listing { query, limit, .. } = self.listing;
        if query.is_by_id() {
            if query.selects(&item(&stored)) {
                self.found.push((query.sort.rank(&item(&stored)), stored));
            }
            return match self.found.len() > *limit {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
        }
        let rank = query.sort.rank(&item(&stored));
        if self.listing.is_behind(&rank) && query.selects(&item(&stored)) {
            self.insert(rank, stored);
        }
        ControlFlow::Continue(())
    }

    fn insert(&mut self, rank: Rank, stored: Arc<Stored>) {
        let Listing { query, limit, .. } = self.listing;
        let before = |(other, _): &(Rank, _)| query.sort.compare(other, &rank) == Ordering::Less;
        let place = self.found.partition_point(before);
        if place <= *limit {
            self.found.insert(place, (rank, stored));
            self.found.truncate(*limit + 1);
        }
    }

    pub fn finish(mut self) -> Listed {
        let has_more = self.found.len() > self.listing.limit;
        self.found.truncate(self.listing.limit);
        let last = self.found.last().filter(|_| has_more);
        Listed {
            next: last.map(|(rank, _)| rank.clone()),
            documents: self.found.into_iter().map(|(_, stored)| stored).collect(),
        }
    }
}

/// A stored document as a query sees it.
pub(crate) fn item(stored: &Stored) -> Item<'_> {
    Item {
        id: stored.key.id(),
        version: stored.version,
        at: stored.at,
        data: stored.text(),
    }
}
