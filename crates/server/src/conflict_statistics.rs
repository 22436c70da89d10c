use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use detente_core::Moment;
use detente_core::json::{self, Object, Value, object};
use detente_store::{Conflicts, LoggedConflict, MergedHour, Reader, Settling, StoreError};

use crate::app::App;
use crate::caller::Caller;
use crate::list::{moment, parameters};
use crate::operation::read_only;
use crate::problem::Problem;
use crate::representation::{self, Coding};
use crate::resource::{Names, PathParts};
use crate::write::not_written;

/// How many rows each table has at the most, the fullest first.
const ROWS: usize = 20;

/// How many conflicts are read at a time.
const PAGE: usize = 1000;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Without `since`: the last day.
const DEFAULT_SPAN_MS: u64 = 24 * HOUR_MS;

/// What the conflict log adds up to.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(response) = read_only(request.method())? {
        return Ok(response);
    }
    Caller::of(&app.settings, request.headers())?.must_read()?;
    let space = Names::of(&path).space()?.to_owned();
    let span = Span::parse(request.uri().query().unwrap_or_default())?;
    app.writer.flush().await.map_err(not_written)?;
    let report = app
        .read(move |reader| report(reader, &space, &span))
        .await?;
    let body = Bytes::from(Value::Object(report).to_text());
    representation::json(body, Coding::Identity).await
}

struct Span {
    since: Moment,
    until: Moment,
}

impl Span {
    fn parse(query: &str) -> Result<Self, Problem> {
        let now = Moment::from(SystemTime::now());
        let mut span = Self {
            since: Moment(now.0.saturating_sub(DEFAULT_SPAN_MS)),
            until: now,
        };
        for (name, value) in parameters(query) {
            let place = match &*name {
                "since" => &mut span.since,
                "until" => &mut span.until,
                other => {
                    let detail = format!("Statistics have no parameter {other:?}: since, until.");
                    return Err(Problem::malformed(detail).with("parameter", other));
                }
            };
            *place = moment(&value).ok_or_else(|| {
                let detail = format!("{name} is a time such as 2026-11-22T10:30:00Z.");
                Problem::malformed(detail).with("parameter", &*name)
            })?;
        }
        Ok(span)
    }

    fn hours(&self) -> f64 {
        self.until.0.saturating_sub(self.since.0).max(1) as f64 / HOUR_MS as f64
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
    fn rows(self, member: &str, hours: f64) -> Value {
        let mut rows: Vec<_> = self.0.into_iter().collect();
        rows.sort_by(|(_, one), (_, other)| other.cmp(one));
        let row = |(name, count): (String, u64)| {
            object([
                (member, name.into()),
                ("count", count.into()),
                ("per_hour", decimal(count as f64 / hours)),
            ])
        };
        rows.into_iter()
            .take(ROWS)
            .map(row)
            .collect::<Vec<_>>()
            .into()
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
                    Settling::Resolved => self.resolved += 1,
                    Settling::Dismissed => self.dismissed += 1,
                }
                let took = settled.at.0.saturating_sub(conflict.at.0);
                self.resolution_ms.push(took);
            }
        }
    }

    fn median_resolution_s(&mut self) -> Option<Value> {
        self.resolution_ms.sort_unstable();
        let middle = self.resolution_ms.get(self.resolution_ms.len() / 2)?;
        Some(decimal(*middle as f64 / 1000.0))
    }
}

fn report(reader: &dyn Reader, space: &str, span: &Span) -> Result<Object, StoreError> {
    let mut tally = Tally::default();
    let mut asked = Conflicts {
        space: space.to_owned(),
        since: Some(span.since),
        until: Some(span.until),
        limit: PAGE,
        ..Conflicts::default()
    };
    loop {
        let page = reader.conflicts(&asked)?;
        page.items.iter().for_each(|conflict| tally.add(conflict));
        match page.next {
            Some(next) => asked.before = Some(next),
            None => break,
        }
    }
    let first_hour = Moment(span.since.0 / HOUR_MS * HOUR_MS);
    let merged = reader.merged(space, first_hour)?;
    let merged: Vec<_> = merged
        .into_iter()
        .filter(|row| row.hour < span.until)
        .collect();
    Ok(tally.into_report(span, &merged))
}

impl Tally {
    fn into_report(mut self, span: &Span, merged: &[MergedHour]) -> Object {
        let merges: u64 = merged.iter().map(|row| row.count).sum();
        let all = merges + self.conflicts;
        let share = (all > 0).then(|| decimal(merges as f64 / all as f64));
        let median = self.median_resolution_s();
        let hours = span.hours();
        let by_hour = self.by_hour(merged);
        object([
            ("since", span.since.to_string().into()),
            ("until", span.until.to_string().into()),
            ("conflicts", self.conflicts.into()),
            ("per_hour", decimal(self.conflicts as f64 / hours)),
            ("merged", merges.into()),
            ("share_merged", share.into()),
            ("open", self.open.into()),
            ("resolved", self.resolved.into()),
            ("dismissed", self.dismissed.into()),
            ("median_resolution_s", median.into()),
            ("by_collection", self.collections.rows("collection", hours)),
            ("by_document", self.documents.rows("document", hours)),
            ("by_path", self.paths.rows("path", hours)),
            ("by_actor", self.actors.rows("by", hours)),
            ("by_kind", self.kinds.rows("kind", hours)),
            ("by_hour", by_hour),
        ])
    }

    fn by_hour(&self, merged: &[MergedHour]) -> Value {
        let mut hours: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (hour, count) in &self.hours {
            hours.entry(*hour).or_default().0 += count;
        }
        for row in merged {
            hours.entry(row.hour.0 / HOUR_MS).or_default().1 += row.count;
        }
        let row = |(hour, (conflicts, merged)): (u64, (u64, u64))| {
            object([
                ("hour", Moment(hour * HOUR_MS).to_string().into()),
                ("conflicts", conflicts.into()),
                ("merged", merged.into()),
            ])
        };
        hours.into_iter().map(row).collect::<Vec<_>>().into()
    }
}

/// A number with three digits behind the point at the most.
fn decimal(number: f64) -> Value {
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    json::parse(text.as_bytes()).unwrap_or(Value::Null)
}
