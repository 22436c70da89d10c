use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use axum::http::Method;
use detente_core::Stored;
use detente_store::Outcome;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the latency histogram, in seconds.
const LATENCY_S: [f64; 12] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0,
];

/// What the server counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answer, Counter>,
    latency: Family<Asked, Histogram, fn() -> Histogram>,
    /// The members of both families that most requests need, without looking them up.
    frequent: Vec<Frequent>,
    problems: Family<Refused, Counter>,
    writes: Family<Decided, Counter>,
    /// The members of that family, by collection.
    decisions: BTreeMap<String, Decisions>,
    conflicts: Family<Collided, Counter>,
    /// Outcomes that were worked out anew because the head had moved.
    retries: Counter,
    replays: Counter,
    lock_waits: Counter,
    /// Server-sent event streams that are open.
    pub(crate) streams: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: Verb,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: Verb,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    r#type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    collection: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Collided {
    collection: String,
    kind: String,
}

/// What counts the writes to one collection.
#[derive(Debug)]
struct Decisions {
    applied: Counter,
    merged: Counter,
    refused: Counter,
}

/// What counts the answers to one method.
#[derive(Debug)]
struct Frequent {
    method: Method,
    latency: Histogram,
    by_status: Vec<(u16, Counter)>,
}

/// The methods that are counted by name; clients can make up others without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Verb(&'static str);

impl EncodeLabelValue for Verb {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(self.0)
    }
}

impl From<&Method> for Verb {
    fn from(method: &Method) -> Self {
        const NAMES: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let found = NAMES.into_iter().find(|name| *name == method.as_str());
        Self(found.unwrap_or("other"))
    }
}

/// What others count, read when somebody asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readings {
    pub(crate) commits: u64,
    pub(crate) versions: u64,
    pub(crate) refusals: u64,
    pub(crate) last_seq: u64,
    pub(crate) waiting: usize,
    pub(crate) waiting_conflicts: u64,
}

impl Metrics {
    /// `collections` are the labels that writes are counted by.
    pub(crate) fn new<'a>(collections: impl Iterator<Item = &'a str>) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(LATENCY_S);
        let metrics = Self {
            registry: Registry::with_prefix("detente"),
            requests: Family::default(),
            latency: Family::new_with_constructor(histogram),
            frequent: Vec::new(),
            problems: Family::default(),
            writes: Family::default(),
            decisions: BTreeMap::new(),
            conflicts: Family::default(),
            retries: Counter::default(),
            replays: Counter::default(),
            lock_waits: Counter::default(),
            streams: Gauge::default(),
        };
        metrics
            .registered()
            .with_frequent()
            .with_decisions(collections)
    }

    fn with_decisions<'a>(mut self, collections: impl Iterator<Item = &'a str>) -> Self {
        let counter = |collection: &str, outcome| {
            let collection = collection.to_owned();
            let decided = Decided {
                collection,
                outcome,
            };
            self.writes.get_or_create_owned(&decided)
        };
        let decisions = collections.map(|collection| {
            let decisions = Decisions {
                applied: counter(collection, "applied"),
                merged: counter(collection, "merged"),
                refused: counter(collection, "refused"),
            };
            (collection.to_owned(), decisions)
        });
        self.decisions = decisions.collect();
        self
    }

    fn with_frequent(mut self) -> Self {
        let methods = [
            (Method::GET, &[200, 304][..]),
            (Method::PUT, &[200, 201, 204, 409]),
            (Method::PATCH, &[200, 204, 409]),
            (Method::POST, &[201]),
        ];
        let frequent = methods.into_iter().map(|(method, statuses)| {
            let verb = Verb::from(&method);
            let counter = |status: &u16| {
                let answer = Answer {
                    method: verb,
                    status: *status,
                };
                (*status, self.requests.get_or_create_owned(&answer))
            };
            Frequent {
                by_status: statuses.iter().map(counter).collect(),
                latency: self.latency.get_or_create_owned(&Asked { method: verb }),
                method,
            }
        });
        self.frequent = frequent.collect();
        self
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("http_requests", "Requests answered", self.requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to the head of its answer",
            self.latency.clone(),
        );
        registry.register(
            "problems",
            "Refusals by problem type",
            self.problems.clone(),
        );
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
            "change_streams",
            "Change streams that are open",
            self.streams.clone(),
        );
        self
    }

    pub(crate) fn answered(&self, method: &Method, status: u16, time: Duration) {
        let seconds = time.as_secs_f64();
        let frequent = self.frequent.iter().find(|it| it.method == *method);
        if let Some(frequent) = frequent
            && let Some((_, counter)) = frequent.by_status.iter().find(|(it, _)| *it == status)
        {
            counter.inc();
            frequent.latency.observe(seconds);
            return;
        }
        let method = Verb::from(method);
        self.requests
            .get_or_create(&Answer { method, status })
            .inc();
        self.latency
            .get_or_create(&Asked { method })
            .observe(seconds);
    }

    pub(crate) fn retried(&self) {
        self.retries.inc();
    }

    pub(crate) fn waited_for_lock(&self) {
        self.lock_waits.inc();
    }

    /// Counts a write that was decided.
    pub(crate) fn decided(&self, collection: &str, outcome: &Outcome) {
        match outcome {
            Outcome::Applied(all) => {
                for applied in all {
                    self.applied(collection, &applied.stored);
                }
            }
            Outcome::Replayed(_) => self.replayed(),
            Outcome::Rehearsed(_) => {}
            _ => self.count(collection, |it| &it.refused),
        }
    }

    pub(crate) fn applied(&self, collection: &str, stored: &Stored) {
        if stored.base.is_some() {
            self.count(collection, |it| &it.merged);
        } else {
            self.count(collection, |it| &it.applied);
        }
    }

    pub(crate) fn replayed(&self) {
        self.replays.inc();
    }

    fn count(&self, collection: &str, outcome: fn(&Decisions) -> &Counter) {
        let decisions = self.decisions.get(collection);
        outcome(decisions.expect("every label is known from the start")).inc();
    }

    pub(crate) fn conflicted(&self, collection: &str, kind: &str) {
        if kind == "locked" {
            self.waited_for_lock();
        }
        let (collection, kind) = (collection.to_owned(), kind.to_owned());
        self.conflicts
            .get_or_create(&Collided { collection, kind })
            .inc();
    }

    pub(crate) fn refused(&self, slug: &'static str) {
        self.problems.get_or_create(&Refused { r#type: slug }).inc();
    }

    /// In the OpenMetrics text format.
    pub(crate) fn text(&self, readings: Readings) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        // The encoder ends with this line; what is read elsewhere goes before it.
        let end = "# EOF\n";
        text.truncate(text.len() - end.len());
        let Readings {
            commits,
            versions,
            refusals,
            last_seq,
            waiting,
            waiting_conflicts,
        } = readings;
        let rows = [
            ("commits", "counter", "Commits to the log", commits),
            (
                "versions",
                "counter",
                "Versions appended to the log",
                versions,
            ),
            (
                "refusals",
                "counter",
                "Writes that were decided against",
                refusals,
            ),
            (
                "last_seq",
                "gauge",
                "The seq of the newest version",
                last_seq,
            ),
            (
                "writes_waiting",
                "gauge",
                "Writes that wait for the writer",
                waiting as u64,
            ),
            (
                "conflicts_waiting",
                "gauge",
                "Entries of the conflict log that are not yet written",
                waiting_conflicts,
            ),
        ];
        for (name, kind, help, value) in rows {
            let suffix = if kind == "counter" { "_total" } else { "" };
            writeln!(
                text,
                "# HELP detente_{name} {help}.\n# TYPE detente_{name} {kind}\ndetente_{name}{suffix} {value}"
            )?;
        }
        text.push_str(end);
        Ok(text)
    }
}
