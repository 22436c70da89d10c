use detente_core::Moment;
use detente_core::json::{self, Object, Value, object};
use detente_service::{Agents, Count, Span, Statistics};

use crate::call::{Answer, Call};
use crate::parameters::{moment, parameters};
use crate::problem::Problem;
use crate::representation::{self, Coding};

/// Without `since`: the last day.
const DEFAULT_SPAN_MS: u64 = 24 * 60 * 60 * 1000;

/// What the conflict log adds up to.
pub(crate) async fn read(call: &mut Call) -> Answer {
    let names = call.names();
    let space = names.space()?;
    let service = &call.app.service;
    let (span, agents) = parse(call.inbound.query(), service.writer().time().now)?;
    let statistics = service.statistics(&call.principal, space, span, agents);
    let body = Value::Object(report(&statistics.await?)).to_text();
    representation::json(body, Coding::Identity).await
}

fn parse(query: &str, now: Moment) -> Result<(Span, Agents), Problem> {
    let mut span = Span {
        since: Moment(now.0.saturating_sub(DEFAULT_SPAN_MS)),
        until: now,
    };
    let mut agents = Agents::default();
    for (name, value) in parameters(query) {
        let place = match &*name {
            "since" => &mut span.since,
            "until" => &mut span.until,
            "agent" => {
                agents.only = Some(value.into_owned());
                continue;
            }
            "not_agent" => {
                agents.without = Some(value.into_owned());
                continue;
            }
            other => {
                let detail = format!("Statistics have no parameter {other:?}.");
                return Err(Problem::malformed(detail).with("parameter", other));
            }
        };
        *place = moment(&value).ok_or_else(|| {
            let detail = format!("{name} must be a time such as 2026-11-22T10:30:00Z.");
            Problem::malformed(detail).with("parameter", &*name)
        })?;
    }
    Ok((span, agents))
}

fn report(statistics: &Statistics) -> Object {
    let hours = statistics.span.hours();
    let rows = |member: &str, counts: &[Count]| rows(member, counts, hours);
    let median = statistics.median_resolution_ms;
    object([
        ("since", statistics.span.since.to_string().into()),
        ("until", statistics.span.until.to_string().into()),
        ("conflicts", statistics.conflicts.into()),
        ("per_hour", decimal(statistics.conflicts as f64 / hours)),
        ("merged", statistics.merged.into()),
        (
            "share_merged",
            statistics.share_merged().map(decimal).into(),
        ),
        ("open", statistics.open.into()),
        ("resolved", statistics.resolved.into()),
        ("dismissed", statistics.dismissed.into()),
        (
            "median_resolution_s",
            median.map(|ms| decimal(ms as f64 / 1000.0)).into(),
        ),
        (
            "by_collection",
            rows("collection", &statistics.by_collection),
        ),
        ("by_document", rows("document", &statistics.by_document)),
        ("by_path", rows("path", &statistics.by_path)),
        ("by_actor", rows("by", &statistics.by_actor)),
        ("by_kind", rows("kind", &statistics.by_kind)),
        ("by_hour", by_hour(&statistics.by_hour)),
    ])
}

fn rows(member: &str, counts: &[Count], hours: f64) -> Value {
    let row = |it: &Count| {
        object([
            (member, it.name.as_str().into()),
            ("count", it.count.into()),
            ("per_hour", decimal(it.count as f64 / hours)),
        ])
    };
    counts.iter().map(row).collect::<Vec<_>>().into()
}

fn by_hour(hours: &[(Moment, u64, u64)]) -> Value {
    let row = |(hour, conflicts, merged): &(Moment, u64, u64)| {
        object([
            ("hour", hour.to_string().into()),
            ("conflicts", (*conflicts).into()),
            ("merged", (*merged).into()),
        ])
    };
    hours.iter().map(row).collect::<Vec<_>>().into()
}

/// A number with three digits behind the point at the most.
fn decimal(number: f64) -> Value {
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    json::parse(text.as_bytes()).unwrap_or(Value::Null)
}
