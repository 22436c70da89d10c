use std::collections::BTreeMap;

use detente_core::{Applied, Key, Lock, Receipt};
use detente_store::{
    Commit, LoggedConflict, LostEdit, SettledAs, Settlement, UniqueKey, lock_terms,
};
use sha2::{Digest as _, Sha256};
use tokio_postgres::types::ToSql;

use crate::rows::{kind_number, signed};

/// One version of a document in so many is noted, so that an old version is found without walking
/// all of them.
pub(crate) const MILESTONE: u64 = 64;

/// Versions, a column each.
#[derive(Debug, Default)]
pub(crate) struct Versions<'a> {
    seqs: Vec<i64>,
    collections: Vec<&'a str>,
    ids: Vec<&'a str>,
    versions: Vec<i64>,
    prevs: Vec<Option<i64>>,
    bases: Vec<Option<i64>>,
    bys: Vec<&'a str>,
    ats: Vec<i64>,
    kinds: Vec<i16>,
    digests: Vec<i64>,
    bodies: Vec<&'a str>,
}

impl<'a> Versions<'a> {
    pub(crate) fn of(applied: &'a [Applied]) -> Self {
        let mut columns = Self::default();
        for stored in applied.iter().map(|it| &*it.stored) {
            columns.seqs.push(signed(stored.seq));
            columns.collections.push(stored.key.collection());
            columns.ids.push(stored.key.id());
            columns.versions.push(signed(stored.version));
            columns.prevs.push(stored.prev.map(signed));
            columns.bases.push(stored.base.map(signed));
            columns.bys.push(&stored.by);
            columns.ats.push(signed(stored.at.0));
            columns.kinds.push(kind_number(stored.kind));
            columns.digests.push(signed(stored.digest.0));
            columns.bodies.push(stored.text());
        }
        columns
    }

    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 11] {
        [
            &self.seqs,
            &self.collections,
            &self.ids,
            &self.versions,
            &self.prevs,
            &self.bases,
            &self.bys,
            &self.ats,
            &self.kinds,
            &self.digests,
            &self.bodies,
        ]
    }
}

/// What a unique key is stored as: values may be longer than an index takes.
pub(crate) fn value_digest(value: &str) -> Vec<u8> {
    Sha256::digest(value.as_bytes()).to_vec()
}

/// What a commit moves beside its versions, a column each.
#[derive(Debug, Default)]
pub(crate) struct Rest<'a> {
    freed: Names<'a>,
    held: Names<'a>,
    holders: Vec<&'a str>,
    unlocked: Places<'a>,
    locked: Places<'a>,
    tokens: Vec<&'a str>,
    fencings: Vec<i64>,
    owners: Vec<&'a [u8]>,
    lockers: Vec<&'a str>,
    expiries: Vec<i64>,
    terms: Vec<Option<String>>,
    settled: Vec<&'a str>,
    outcomes: Vec<i16>,
    settled_at: Vec<i64>,
    settled_by: Vec<&'a str>,
    settled_versions: Vec<Option<i64>>,
    reasons: Vec<Option<&'a str>>,
    hours: Vec<i64>,
    merged_in: Vec<&'a str>,
    counts: Vec<i64>,
}

#[derive(Debug, Default)]
struct Places<'a> {
    collections: Vec<&'a str>,
    ids: Vec<&'a str>,
}

#[derive(Debug, Default)]
struct Names<'a> {
    collections: Vec<&'a str>,
    names: Vec<&'a str>,
    values: Vec<Vec<u8>>,
}

impl<'a> Places<'a> {
    fn push(&mut self, key: &'a Key) {
        self.collections.push(key.collection());
        self.ids.push(key.id());
    }
}

impl<'a> Names<'a> {
    fn push(&mut self, key: &'a UniqueKey) {
        self.collections.push(&key.collection);
        self.names.push(&key.constraint);
        self.values.push(value_digest(&key.value));
    }
}

impl<'a> Rest<'a> {
    pub(crate) fn of(commit: &'a Commit) -> Self {
        let mut rest = Self::default();
        for (key, holder) in &commit.keys {
            match holder {
                None => rest.freed.push(key),
                Some(holder) => {
                    rest.held.push(key);
                    rest.holders.push(holder);
                }
            }
        }
        // Of one document, the last counts.
        let locks: BTreeMap<_, _> = commit.locks.iter().map(|(key, lock)| (key, lock)).collect();
        for (key, lock) in locks {
            match lock {
                None => rest.unlocked.push(key),
                Some(lock) => rest.lock(key, lock),
            }
        }
        for settlement in &commit.settlements {
            let is_new = commit.conflicts.iter().any(|it| it.id == settlement.id);
            if !is_new {
                rest.settle(&settlement.id, &settlement.settled);
            }
        }
        for ((_, collection, hour), count) in commit.merges() {
            rest.hours.push(signed(hour));
            rest.merged_in.push(collection);
            rest.counts.push(signed(count));
        }
        rest
    }

    fn lock(&mut self, key: &'a Key, lock: &'a Lock) {
        self.locked.push(key);
        self.tokens.push(&lock.token);
        self.fencings.push(signed(lock.fencing));
        self.owners.push(lock.owner.as_bytes());
        self.lockers.push(&lock.by);
        self.expiries.push(signed(lock.expires_at.0));
        self.terms.push(lock_terms(lock));
    }

    fn settle(&mut self, id: &'a str, settled: &'a Settlement) {
        self.settled.push(id);
        self.outcomes.push(outcome_number(settled.outcome));
        self.settled_at.push(signed(settled.at.0));
        self.settled_by.push(&settled.by);
        self.settled_versions.push(settled.version.map(signed));
        self.reasons.push(settled.reason.as_deref());
    }

    pub(crate) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![
            &self.freed.collections,
            &self.freed.names,
            &self.freed.values,
            &self.held.collections,
            &self.held.names,
            &self.held.values,
            &self.holders,
            &self.unlocked.collections,
            &self.unlocked.ids,
            &self.locked.collections,
            &self.locked.ids,
            &self.tokens,
            &self.fencings,
            &self.owners,
            &self.lockers,
            &self.expiries,
            &self.terms,
            &self.settled,
            &self.outcomes,
            &self.settled_at,
            &self.settled_by,
            &self.settled_versions,
            &self.reasons,
            &self.hours,
            &self.merged_in,
            &self.counts,
        ]
    }
}

pub(crate) fn outcome_number(outcome: SettledAs) -> i16 {
    match outcome {
        SettledAs::Resolved => 1,
        SettledAs::Dismissed => 2,
    }
}

pub(crate) fn edit_number(edit: &LostEdit) -> i16 {
    match edit {
        LostEdit::Document(_) => 1,
        LostEdit::MergePatch(_) => 2,
        LostEdit::JsonPatch(_) => 3,
        LostEdit::Deletion => 4,
    }
}

/// Receipts, a column each.
#[derive(Debug, Default)]
pub(crate) struct Receipts<'a> {
    scopes: Vec<&'a [u8]>,
    payloads: Vec<&'a [u8]>,
    ats: Vec<i64>,
    writes: Vec<String>,
}

impl<'a> Receipts<'a> {
    pub(crate) fn of(receipts: &'a [Receipt]) -> Self {
        let mut columns = Self::default();
        for receipt in receipts {
            columns.scopes.push(&receipt.once.scope);
            columns.payloads.push(&receipt.once.payload);
            columns.ats.push(signed(receipt.at.0));
            let write = |it: &detente_core::Written| format!("{}:{}", it.seq, u8::from(it.created));
            let writes: Vec<_> = receipt.writes.iter().map(write).collect();
            columns.writes.push(writes.join(","));
        }
        columns
    }

    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.scopes, &self.payloads, &self.ats, &self.writes]
    }
}

/// Entries of the conflict log, a column each.
#[derive(Debug, Default)]
pub(crate) struct Conflicts<'a> {
    ids: Vec<&'a str>,
    ats: Vec<i64>,
    spaces: Vec<&'a str>,
    places: Places<'a>,
    bys: Vec<&'a str>,
    agents: Vec<Option<&'a str>>,
    methods: Vec<&'a str>,
    kinds: Vec<&'a str>,
    paths: Vec<String>,
    base_versions: Vec<Option<i64>>,
    base_seqs: Vec<Option<i64>>,
    current_versions: Vec<Option<i64>>,
    current_seqs: Vec<Option<i64>>,
    outcomes: Vec<i16>,
    settled_at: Vec<Option<i64>>,
    settled_by: Vec<Option<&'a str>>,
    settled_versions: Vec<Option<i64>>,
    reasons: Vec<Option<&'a str>>,
    weights: Vec<i64>,
    edit_kinds: Vec<i16>,
    edits: Vec<&'a str>,
}

impl<'a> Conflicts<'a> {
    /// Those that are new, as what the same commit makes of them.
    pub(crate) fn of(commit: &'a Commit) -> Self {
        let mut columns = Self::default();
        for conflict in &commit.conflicts {
            let mut settlements = commit.settlements.iter();
            let settled = settlements.find(|it| it.id == conflict.id);
            let settled = settled.map(|it| &it.settled);
            columns.push(conflict, settled.or(conflict.settlement.as_ref()));
        }
        columns
    }

    fn push(&mut self, conflict: &'a LoggedConflict, settled: Option<&'a Settlement>) {
        self.ids.push(&conflict.id);
        self.ats.push(signed(conflict.at.0));
        self.spaces.push(conflict.key.space());
        self.places.push(&conflict.key);
        self.bys.push(&conflict.by);
        self.agents.push(conflict.agent.as_deref());
        self.methods.push(&conflict.method);
        self.kinds.push(&conflict.kind);
        self.paths
            .push(detente_core::json::Value::from(conflict.paths.clone()).to_text());
        let (base, current) = (conflict.base, conflict.current);
        self.base_versions.push(base.map(|it| signed(it.version)));
        self.base_seqs.push(base.map(|it| signed(it.seq)));
        self.current_versions
            .push(current.map(|it| signed(it.version)));
        self.current_seqs.push(current.map(|it| signed(it.seq)));
        self.outcomes
            .push(settled.map_or(0, |it| outcome_number(it.outcome)));
        self.settled_at.push(settled.map(|it| signed(it.at.0)));
        self.settled_by.push(settled.map(|it| &*it.by));
        self.settled_versions
            .push(settled.and_then(|it| it.version).map(signed));
        self.reasons
            .push(settled.and_then(|it| it.reason.as_deref()));
        self.weights.push(signed(conflict.weight() as u64));
        self.edit_kinds.push(edit_number(&conflict.edit));
        // Whoever asked for the write sent JSON, which is UTF-8.
        self.edits
            .push(std::str::from_utf8(conflict.edit.body()).unwrap_or_default());
    }

    pub(crate) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![
            &self.ids,
            &self.ats,
            &self.spaces,
            &self.places.collections,
            &self.places.ids,
            &self.bys,
            &self.agents,
            &self.methods,
            &self.kinds,
            &self.paths,
            &self.base_versions,
            &self.base_seqs,
            &self.current_versions,
            &self.current_seqs,
            &self.outcomes,
            &self.settled_at,
            &self.settled_by,
            &self.settled_versions,
            &self.reasons,
            &self.weights,
            &self.edit_kinds,
            &self.edits,
        ]
    }
}

/// The milestones among versions, a column each.
#[derive(Debug, Default)]
pub(crate) struct Milestones<'a> {
    places: Places<'a>,
    versions: Vec<i64>,
    seqs: Vec<i64>,
}

impl<'a> Milestones<'a> {
    pub(crate) fn of(applied: &'a [Applied]) -> Self {
        let mut columns = Self::default();
        let stored = applied.iter().map(|it| &*it.stored);
        for stored in stored.filter(|it| it.version.is_multiple_of(MILESTONE)) {
            columns.places.push(&stored.key);
            columns.versions.push(signed(stored.version));
            columns.seqs.push(signed(stored.seq));
        }
        columns
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.seqs.is_empty()
    }

    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 4] {
        [
            &self.places.collections,
            &self.places.ids,
            &self.versions,
            &self.seqs,
        ]
    }
}
