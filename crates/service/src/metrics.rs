use std::collections::BTreeMap;

use detente_core::Stored;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What is counted, whichever face a request came by.
#[derive(Debug)]
pub struct Metrics {
    writes: Family<Write, Counter>,
    /// The members of that family, by collection.
    by_collection: BTreeMap<String, Decisions>,
    conflicts: Family<Conflict, Counter>,
    retries: Counter,
    replays: Counter,
    lock_waits: Counter,
    reads: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Write {
    collection: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Conflict {
    collection: String,
    kind: &'static str,
}

/// What counts the writes to one collection.
#[derive(Debug)]
struct Decisions {
    applied: Counter,
    merged: Counter,
    refused: Counter,
}

impl Metrics {
    /// `collections` are the labels that writes are counted by.
    pub(crate) fn new<'a>(collections: impl Iterator<Item = &'a str>) -> Self {
        let nothing = Self {
            writes: Family::default(),
            by_collection: BTreeMap::new(),
            conflicts: Family::default(),
            retries: Counter::default(),
            replays: Counter::default(),
            lock_waits: Counter::default(),
            reads: Counter::default(),
        };
        nothing.by_collections(collections)
    }

    /// The same counters, by these collections.
    pub(crate) fn by_collections<'a>(&self, collections: impl Iterator<Item = &'a str>) -> Self {
        let counter = |collection: &str, outcome| {
            let collection = collection.to_owned();
            let label = Write {
                collection,
                outcome,
            };
            self.writes.get_or_create_owned(&label)
        };
        let decisions = collections.map(|collection| {
            let decisions = Decisions {
                applied: counter(collection, "applied"),
                merged: counter(collection, "merged"),
                refused: counter(collection, "refused"),
            };
            (collection.to_owned(), decisions)
        });
        Self {
            by_collection: decisions.collect(),
            writes: self.writes.clone(),
            conflicts: self.conflicts.clone(),
            retries: self.retries.clone(),
            replays: self.replays.clone(),
            lock_waits: self.lock_waits.clone(),
            reads: self.reads.clone(),
        }
    }

    /// What counts the reads of the store.
    pub(crate) fn reads(&self) -> Counter {
        self.reads.clone()
    }

    /// Enters all that is counted here.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "writes",
            "Writes that were decided, by collection and outcome",
            self.writes.clone(),
        );
        registry.register(
            "conflicts",
            "Refused writes that collided with others, by collection and kind",
            self.conflicts.clone(),
        );
        registry.register(
            "write_retries",
            "Writes worked out anew because the document had changed meanwhile",
            self.retries.clone(),
        );
        registry.register(
            "idempotent_replays",
            "Requests answered again that had been performed before",
            self.replays.clone(),
        );
        registry.register(
            "lock_waits",
            "Writes and lock requests turned away because somebody else holds the lock",
            self.lock_waits.clone(),
        );
        registry.register(
            "store_reads",
            "Reads that memory could not answer, each of one or of several versions",
            self.reads.clone(),
        );
    }

    pub(crate) fn applied(&self, collection: &str, stored: &Stored) {
        self.count(collection, |it| match stored.base {
            Some(_) => &it.merged,
            None => &it.applied,
        });
    }

    pub(crate) fn refused(&self, collection: &str) {
        self.count(collection, |it| &it.refused);
    }

    pub(crate) fn retried(&self) {
        self.retries.inc();
    }

    pub(crate) fn replayed(&self) {
        self.replays.inc();
    }

    pub(crate) fn waited_for_lock(&self) {
        self.lock_waits.inc();
    }

    pub(crate) fn conflicted(&self, collection: &str, kind: &'static str) {
        let collection = collection.to_owned();
        let label = Conflict { collection, kind };
        self.conflicts.get_or_create(&label).inc();
    }

    fn count(&self, collection: &str, outcome: impl FnOnce(&Decisions) -> &Counter) {
        let decisions = self.by_collection.get(collection);
        outcome(decisions.expect("every label is known from the start")).inc();
    }
}
