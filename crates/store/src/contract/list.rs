use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use detente_core::{CollectionKey, Item, Query, Rank, Sight, Stored};

use super::PageLimit;
use crate::CpuTime;

/// Which documents of a collection to list.
#[derive(Clone, Debug)]
pub struct Listing {
    pub collection: CollectionKey,
    pub query: Query,
    pub limit: PageLimit,
    /// Only those behind this one, in the order of the query.
    pub after: Option<Rank>,
    /// Only those that are in it; `None`: all are.
    pub sight: Option<Sight>,
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
    /// All documents of a collection, a thousand at a time.
    pub fn of(collection: CollectionKey) -> Self {
        Self {
            collection,
            query: Query::default(),
            limit: PageLimit::rows(1000),
            after: None,
            sight: None,
        }
    }

    /// Whether the list has all documents of its collection.
    pub fn has_all(&self) -> bool {
        self.query.filters.is_empty() && self.sight.is_none()
    }

    /// Whether the list has a document, wherever its page begins.
    pub fn selects(&self, stored: &Stored) -> bool {
        let is_in_sight = |sight: &Sight| sight.has(stored, &CpuTime::default());
        self.query.selects(&item(stored)) && self.sight.as_ref().is_none_or(is_in_sight)
    }

    /// The documents that [`Selection`] must be offered.
    pub fn walk(&self) -> Documents<'_> {
        let is_by_id = self.query.is_by_id();
        let after = self.after.as_ref().filter(|_| is_by_id);
        Documents {
            collection: &self.collection,
            after: after.map(|rank| rank.id.as_str()),
            descending: is_by_id && self.query.sort.ids_descend,
        }
    }

    /// The same, wherever its page begins, in any order.
    pub fn whole_walk(&self) -> Documents<'_> {
        Documents {
            collection: &self.collection,
            after: None,
            descending: false,
        }
    }

    fn is_behind(&self, rank: &Rank) -> bool {
        let sort = &self.query.sort;
        let behind = |after: &Rank| sort.compare(rank, after) == Ordering::Greater;
        self.after.as_ref().is_none_or(behind)
    }
}

/// Selects a part of a list from documents that are offered one by one, for a store that has no
/// query language. Never holds more than a page, and one document.
#[derive(Debug)]
pub struct Selection<'a> {
    listing: &'a Listing,
    found: Vec<(Rank, Arc<Stored>)>,
    /// Of all bodies that were found.
    bytes: usize,
    /// Whether there is one more that had no room.
    has_more: bool,
}

impl<'a> Selection<'a> {
    /// Nothing was offered yet.
    pub fn new(listing: &'a Listing) -> Self {
        Self {
            listing,
            found: Vec::new(),
            bytes: 0,
            has_more: false,
        }
    }

    /// Takes a document of [`Listing::walk`], or passes over it. `Break`: no more are needed.
    pub fn offer(&mut self, stored: Arc<Stored>) -> ControlFlow<()> {
        let query = &self.listing.query;
        if !self.listing.selects(&stored) {
            return ControlFlow::Continue(());
        }
        let rank = query.sort.rank(&item(&stored));
        if query.is_by_id() {
            self.insert(self.found.len(), rank, stored);
            return match self.has_more {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
        }
        if self.listing.is_behind(&rank) {
            let before =
                |(other, _): &(Rank, _)| query.sort.compare(other, &rank) == Ordering::Less;
            let place = self.found.partition_point(before);
            // Behind a page that is full already.
            if place < self.found.len() || !self.has_more {
                self.insert(place, rank, stored);
            }
        }
        ControlFlow::Continue(())
    }

    fn insert(&mut self, place: usize, rank: Rank, stored: Arc<Stored>) {
        self.bytes += stored.body.len();
        self.found.insert(place, (rank, stored));
        let limit = self.listing.limit;
        let is_full =
            |rows: usize, bytes: usize| rows > limit.rows || (rows > 1 && bytes > limit.bytes);
        while is_full(self.found.len(), self.bytes) {
            self.has_more = true;
            if let Some((_, last)) = self.found.pop() {
                self.bytes -= last.body.len();
            }
        }
    }

    /// The part of the list.
    pub fn finish(self) -> Listed {
        let last = self.found.last().filter(|_| self.has_more);
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
