use std::collections::BTreeMap;

use detente_core::Moment;
use detente_store::{Conflicts, LoggedConflict, MergedHour, PageLimit, SettledAs};

use crate::{Action, Outcome, Place, Principal, Service};

/// How many rows each table has at the most, the fullest first.
const ROWS: usize = 20;

/// How many conflicts are read at a time.
const PAGE: usize = 1000;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// A time that statistics are about.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub since: Moment,
    pub until: Moment,
}

/// Whose conflicts count, by the program that asked for the write.
#[derive(Clone, Debug, Default)]
pub struct Agents {
    /// Only those whose name contains this.
    pub only: Option<String>,
    /// Only those whose name does not contain this.
    pub without: Option<String>,
}

/// What the conflict log of a space adds up to.
#[derive(Clone, Debug)]
pub struct Statistics {
    pub span: Span,
    pub conflicts: u64,
    pub merged: u64,
    pub open: u64,
    pub resolved: u64,
    pub dismissed: u64,
    /// Between a conflict and its settlement, in milliseconds.
    pub median_resolution_ms: Option<u64>,
    pub by_collection: Vec<Count>,
    /// Documents as `collection/id`.
    pub by_document: Vec<Count>,
    /// Places as `collection/pointer`.
    pub by_path: Vec<Count>,
    pub by_actor: Vec<Count>,
    pub by_kind: Vec<Count>,
    /// The beginning of each hour, with its conflicts and merges.
    pub by_hour: Vec<(Moment, u64, u64)>,
}

/// How often something occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub name: String,
    pub count: u64,
}

impl Span {
    /// How long it is.
    pub fn hours(&self) -> f64 {
        self.until.0.saturating_sub(self.since.0).max(1) as f64 / HOUR_MS as f64
    }
}

impl Statistics {
    /// The part of edits that met others which was merged; `None` where none did.
    pub fn share_merged(&self) -> Option<f64> {
        let all = self.merged + self.conflicts;
        (all > 0).then(|| self.merged as f64 / all as f64)
    }
}

impl Service {
    /// What the conflict log of a space adds up to.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do.
    pub async fn statistics(
        &self,
        principal: &Principal,
        space: &str,
        span: Span,
        agents: Agents,
    ) -> Outcome<Statistics> {
        principal.must(Action::Read, Place::Space(space))?;
        self.write_waiting().await?;
        let mut tally = Tally::default();
        let mut wanted = Conflicts {
            space: Some(space.to_owned()),
            agent: agents.only,
            not_agent: agents.without,
            since: Some(span.since),
            until: Some(span.until),
            limit: PageLimit::rows(PAGE),
            ..Conflicts::default()
        };
        loop {
            let mut page = self.reading.conflicts(&wanted).await?;
            self.keep_visible(principal, &mut page.items).await?;
            page.items.iter().for_each(|conflict| tally.add(conflict));
            match page.next {
                Some(next) => wanted.before = Some(next),
                None => break,
            }
        }
        let first_hour = Moment(span.since.0 / HOUR_MS * HOUR_MS);
        let merged = self.reading.merged(space, first_hour).await?;
        let is_told = |row: &MergedHour| self.tells_how_much(principal, space, &row.collection);
        let merged = merged.into_iter();
        let merged = merged.filter(|row| row.hour < span.until && is_told(row));
        Ok(tally.into_statistics(span, &merged.collect::<Vec<_>>()))
    }
}

/// Counts of one kind of thing, by its name.
#[derive(Default)]
struct Counts(BTreeMap<String, u64>);

impl Counts {
    fn add(&mut self, name: &str) {
        match self.0.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(name.to_owned(), 1)),
        }
    }

    /// The fullest first, those that are equal by name.
    fn rows(self) -> Vec<Count> {
        let rows = self.0.into_iter();
        let mut rows: Vec<_> = rows.map(|(name, count)| Count { name, count }).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows.truncate(ROWS);
        rows
    }
}

#[derive(Default)]
struct Tally {
    conflicts: u64,
    open: u64,
    resolved: u64,
    dismissed: u64,
    resolution_ms: Vec<u64>,
    collections: Counts,
    documents: Counts,
    paths: Counts,
    actors: Counts,
    kinds: Counts,
    hours: BTreeMap<u64, u64>,
}

impl Tally {
    fn add(&mut self, conflict: &LoggedConflict) {
        let key = &conflict.key;
        self.conflicts += 1;
        self.collections.add(key.collection());
        self.documents
            .add(&format!("{}/{}", key.collection(), key.id()));
        for path in &conflict.paths {
            self.paths.add(&format!("{}{path}", key.collection()));
        }
        self.actors.add(&conflict.by);
        self.kinds.add(&conflict.kind);
        *self.hours.entry(conflict.at.0 / HOUR_MS).or_insert(0) += 1;
        match &conflict.settlement {
            None => self.open += 1,
            Some(settled) => {
                match settled.outcome {
                    SettledAs::Resolved => self.resolved += 1,
                    SettledAs::Dismissed => self.dismissed += 1,
                }
                let took = settled.at.0.saturating_sub(conflict.at.0);
                self.resolution_ms.push(took);
            }
        }
    }

    fn into_statistics(mut self, span: Span, merged: &[MergedHour]) -> Statistics {
        self.resolution_ms.sort_unstable();
        let middle = self.resolution_ms.get(self.resolution_ms.len() / 2);
        Statistics {
            span,
            conflicts: self.conflicts,
            merged: merged.iter().map(|row| row.count).sum(),
            open: self.open,
            resolved: self.resolved,
            dismissed: self.dismissed,
            median_resolution_ms: middle.copied(),
            by_hour: self.by_hour(merged),
            by_collection: self.collections.rows(),
            by_document: self.documents.rows(),
            by_path: self.paths.rows(),
            by_actor: self.actors.rows(),
            by_kind: self.kinds.rows(),
        }
    }

    fn by_hour(&self, merged: &[MergedHour]) -> Vec<(Moment, u64, u64)> {
        let mut hours: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (hour, count) in &self.hours {
            hours.entry(*hour).or_default().0 += count;
        }
        for row in merged {
            hours.entry(row.hour.0 / HOUR_MS).or_default().1 += row.count;
        }
        let rows = hours.into_iter();
        rows.map(|(hour, (conflicts, merged))| (Moment(hour * HOUR_MS), conflicts, merged))
            .collect()
    }
}
