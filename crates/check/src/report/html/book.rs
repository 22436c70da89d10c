use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::model::{Exchange, Report};
use http::header;

/// The number of an exchange in the book, from 0.
pub(super) type Entry = usize;

/// Every exchange of a report, once each, in the order of time: those that were kept, and those that are evidence.
pub(super) struct Book<'a> {
    exchanges: Vec<&'a Exchange>,
    places: HashMap<(u32, Duration), Entry>,
    /// Of each, what a link calls it.
    names: Vec<String>,
}

impl<'a> Book<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let evidence = report.probes.iter().flat_map(|probe| &probe.evidence);
        let mut exchanges: Vec<&Exchange> = report
            .exchanges
            .iter()
            .chain(evidence.map(|evidence| &evidence.exchange))
            .collect();
        exchanges.sort_by_key(|exchange| (exchange.begun, exchange.number));
        exchanges.dedup_by_key(|exchange| key(exchange));
        let places = exchanges
            .iter()
            .enumerate()
            .map(|(place, exchange)| (key(exchange), place))
            .collect();
        let mut taken = BTreeSet::new();
        let names = exchanges
            .iter()
            .enumerate()
            .map(|(place, exchange)| {
                // Numbers count within a run, and a report may hold several.
                if taken.insert(exchange.number) {
                    format!("x{}", exchange.number)
                } else {
                    format!("x{}-{place}", exchange.number)
                }
            })
            .collect();
        Self {
            exchanges,
            places,
            names,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.exchanges.len()
    }

    pub(super) fn exchange(&self, place: Entry) -> &'a Exchange {
        self.exchanges[place]
    }

    /// The id of its details.
    pub(super) fn name(&self, place: Entry) -> &str {
        &self.names[place]
    }

    /// `None` for an exchange that is not of this report.
    pub(super) fn place(&self, exchange: &Exchange) -> Option<Entry> {
        self.places.get(&key(exchange)).copied()
    }

    /// Where the tag was learnt that this one sends in If-Match: the latest answer before it, for the same URL, that has it.
    pub(super) fn source(&self, place: Entry) -> Option<Entry> {
        let user = self.exchange(place);
        let sent = sent_tag(user)?;
        // A tag is used soon after it was learnt; a limit, so that thousands of exchanges are not searched thousands of times.
        (place.saturating_sub(400)..place).rev().find(|source| {
            let source = self.exchange(*source);
            source.ended <= user.begun
                && told_tag(source).is_some_and(|told| opaque(told) == opaque(sent))
                && same_url(source, user)
        })
    }

    /// What the tag was when this one had been answered, as the latest other answer for its URL told it.
    pub(super) fn current(&self, place: Entry) -> Option<Entry> {
        let asked = self.exchange(place);
        let known = (place.saturating_sub(400)..self.len().min(place + 100)).filter(|other| {
            let other = self.exchange(*other);
            other.number != asked.number
                && other.ended <= asked.ended
                && told_tag(other).is_some()
                && other.status().is_some_and(|status| status.is_success())
                && same_url(other, asked)
        });
        known.max_by_key(|other| self.exchange(*other).ended)
    }

    /// What was going on between these times.
    pub(super) fn during(&self, from: Duration, to: Duration) -> impl Iterator<Item = Entry> {
        let end = self
            .exchanges
            .partition_point(|exchange| exchange.begun <= to);
        (0..end).filter(move |place| self.exchange(*place).ended >= from)
    }

    /// These, and what was going on around them, `limit` in all; in the order of time.
    pub(super) fn around(&self, evidence: &BTreeSet<Entry>, limit: usize) -> Vec<Entry> {
        let mut shown: BTreeSet<Entry> = evidence.iter().copied().take(limit).collect();
        let sources: Vec<_> = shown
            .iter()
            .filter_map(|place| self.source(*place))
            .collect();
        shown.extend(sources.into_iter().take(limit - shown.len()));
        let (Some(first), Some(last)) = (evidence.first(), evidence.last()) else {
            return Vec::new();
        };
        let from = self.exchange(*first).begun;
        let to = evidence
            .iter()
            .map(|place| self.exchange(*place).ended)
            .max();
        let to = to.unwrap_or(from);
        let within = (first.saturating_sub(50)..self.len().min(last + 50)).filter(|place| {
            self.exchange(*place).ended >= from && self.exchange(*place).begun <= to
        });
        // What is nearest to the evidence says most of it.
        let mut within: Vec<_> = within.filter(|place| !shown.contains(place)).collect();
        within.sort_by_key(|place| evidence.iter().map(|it| it.abs_diff(*place)).min());
        shown.extend(within.into_iter().take(limit - shown.len()));
        shown.into_iter().collect()
    }
}

fn key(exchange: &Exchange) -> (u32, Duration) {
    (exchange.number, exchange.begun)
}

/// Without the mark that it is weak: one that was sent as the other was learnt from it all the same.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// The tag that a request carries.
pub(super) fn sent_tag(exchange: &Exchange) -> Option<&str> {
    exchange
        .request
        .headers
        .get(header::IF_MATCH)?
        .to_str()
        .ok()
}

/// The tag that an answer carries.
pub(super) fn told_tag(exchange: &Exchange) -> Option<&str> {
    exchange.response()?.header("etag")
}

pub(super) fn same_url(one: &Exchange, other: &Exchange) -> bool {
    one.request.url.path() == other.request.url.path()
        && one.request.url.query() == other.request.url.query()
}
