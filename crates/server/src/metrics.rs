use std::fmt::Write;
use std::time::Duration;

use axum::http::Method;
use detente_store::Health;
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
    latency: Family<ByMethod, Histogram, fn() -> Histogram>,
    /// The members of both families that most requests need, without looking them up.
    frequent: Vec<Frequent>,
    problems: Family<Refused, Counter>,
    /// Server-sent event streams that are open.
    pub(crate) streams: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: Verb,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByMethod {
    method: Verb,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    r#type: &'static str,
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
    pub(crate) longest_hold: Duration,
    pub(crate) health: Health,
}

impl Metrics {
    /// `service` is what all faces count together.
    pub(crate) fn new(service: &detente_service::Metrics) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(LATENCY_S);
        let mut registry = Registry::with_prefix("detente");
        service.register(&mut registry);
        let metrics = Self {
            registry,
            requests: Family::default(),
            latency: Family::new_with_constructor(histogram),
            frequent: Vec::new(),
            problems: Family::default(),
            streams: Gauge::default(),
        };
        metrics.registered().with_frequent()
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
                latency: self.latency.get_or_create_owned(&ByMethod { method: verb }),
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
            .get_or_create(&ByMethod { method })
            .observe(seconds);
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
            longest_hold,
            health,
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
            (
                "damaged",
                "gauge",
                "Versions and other rows that were found damaged since the start",
                health.damaged,
            ),
            (
                "write_ahead_log_bytes",
                "gauge",
                "Writes that are durable and not yet in the database",
                health.log_bytes,
            ),
            (
                "failed_checkpoints",
                "gauge",
                "How often in a row the write-ahead log could not be written to the database",
                health.failed_checkpoints,
            ),
        ];
        for (name, kind, help, value) in rows {
            let suffix = if kind == "counter" { "_total" } else { "" };
            writeln!(
                text,
                "# HELP detente_{name} {help}.\n# TYPE detente_{name} {kind}\ndetente_{name}{suffix} {value}"
            )?;
        }
        let longest_hold = longest_hold.as_secs_f64();
        writeln!(
            text,
            "# HELP detente_writer_longest_hold_seconds The longest that one request kept the writer busy since the start.\n\
             # TYPE detente_writer_longest_hold_seconds gauge\n\
             detente_writer_longest_hold_seconds {longest_hold}"
        )?;
        text.push_str(end);
        Ok(text)
    }
}
